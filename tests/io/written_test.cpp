// Files that Saltus only writes: LAMMPS data and PDB. ASE and LAMMPS have read the golden ones back (check.py beside them).
#include <cmath>
#include <sstream>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/text.hpp"
#include "saltus/io/lammps_data.hpp"
#include "saltus/io/pdb.hpp"
#include "saltus/io/restricted_cell.hpp"
#include "saltus/io/trajectory.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

const std::string golden = std::string(SALTUS_SOURCE_DIR) + "/tests/golden/ase/written/";

Frame simple() {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({3, 1, 3}));
  frame.cell = Cell(Mat3{{Vec3{5, 0, 0}, Vec3{0, 6, 0}, Vec3{0, 0, 7}}});
  frame.position_ang = {{0, 0, 0}, {1, 2, 3.5}, {-1, 8, 2}};
  frame.velocity_ang_fs = {{0.001, 0, 0}, {0, 0.002, 0}, {0, 0, -0.003}};
  frame.step = 12;
  return frame;
}

template <typename Body>
ErrorKind kind_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::internal;
}

TEST(RestrictedCell, KeepsLengthsAnglesAndHandedness) {
  const Mat3 rows{{Vec3{1, 2, 3}, Vec3{-4, 5, 0.5}, Vec3{0.25, -1, 6}}};
  const RestrictedCell cell = restricted_cell(rows);
  EXPECT_TRUE(cell.is_rotated);
  EXPECT_EQ(cell.rows_ang[0].y, 0);
  EXPECT_EQ(cell.rows_ang[0].z, 0);
  EXPECT_EQ(cell.rows_ang[1].z, 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_GT(cell.rows_ang[i][i], 0);
    for (int j = 0; j < 3; ++j) {
      EXPECT_NEAR(dot(cell.rows_ang[i], cell.rows_ang[j]), dot(rows[i], rows[j]), 1e-12);
      EXPECT_NEAR((rows[i] * cell.rotation)[j], cell.rows_ang[i][j], 1e-12);
    }
  }
  EXPECT_NEAR(determinant(cell.rotation), 1, 1e-14);
  const Mat3 already{{Vec3{3, 0, 0}, Vec3{1, 4, 0}, Vec3{-1, 2, 5}}};
  EXPECT_FALSE(restricted_cell(already).is_rotated);
  EXPECT_EQ(restricted_cell(already).rows_ang, already);
  EXPECT_EQ(kind_of([] { restricted_cell({{Vec3{0, 1, 0}, Vec3{1, 0, 0}, Vec3{0, 0, 1}}}); }), ErrorKind::usage);
}

TEST(LammpsData, Text) {
  EXPECT_EQ(lammps_data_text(simple()),
            "LAMMPS data written by Saltus: atom_style atomic, units metal, boundary p p p, timestep = 12\n"
            "\n3 atoms\n2 atom types\n\n0 5 xlo xhi\n0 6 ylo yhi\n0 7 zlo zhi\n"
            "\nMasses\n\n1 6.94  # Li\n2 1.008  # H\n"
            "\nAtoms # atomic\n\n1 1 0 0 0\n2 2 1 2 3.5\n3 1 -1 8 2\n"
            "\nVelocities\n\n1 1 0 0\n2 0 2 0\n3 0 0 -3\n");
  WriteOptions options;
  options.velocities = options.step_and_time = false;
  options.position_decimals = 2;
  const std::string text = lammps_data_text(simple(), options);
  EXPECT_NE(text.find("boundary p p p\n"), std::string::npos);
  EXPECT_NE(text.find("\n2 2 1.00 2.00 3.50\n"), std::string::npos);
  EXPECT_EQ(text.find("Velocities"), std::string::npos);
}

// The same words as in the file that ASE and LAMMPS read back; numbers to the rounding of a rotation.
TEST(LammpsData, TiltedCellAsReadBackByAseAndLammps) {
  std::istringstream ours(lammps_data_text(read_frames(golden + "input.extxyz").at(0))), theirs(read_file(golden + "written.data"));
  std::size_t numbers = 0;
  for (std::string a, b; theirs >> b;) {
    ASSERT_TRUE(ours >> a);
    const auto x = parse_double(a), y = parse_double(b);
    if (x && y) EXPECT_NEAR(*x, *y, 1e-10);
    else EXPECT_EQ(a, b);
    if (y) ++numbers;
  }
  std::string rest;
  EXPECT_FALSE(ours >> rest);
  EXPECT_EQ(numbers, 76u);
}

TEST(LammpsData, TiltsAreShortenedByLatticeVectors) {
  Frame frame = simple();
  frame.cell = Cell(Mat3{{Vec3{5, 0, 0}, Vec3{4, 6, 0}, Vec3{-9, 8, 7}}});
  const std::string text = lammps_data_text(frame);
  EXPECT_NE(text.find("# b and c are shortened by lattice vectors"), std::string::npos);
  // c − b = (−13, 2, 7), + 3a = (2, 2, 7); b − a = (−1, 6, 0).
  EXPECT_NE(text.find("\n-1 2 2 xy xz yz\n"), std::string::npos) << text;
}

TEST(LammpsData, AxesThatAreNotPeriodic) {
  Frame frame = simple();
  frame.cell = Cell();
  EXPECT_NE(lammps_data_text(frame).find("boundary s s s"), std::string::npos);
  EXPECT_NE(lammps_data_text(frame).find("-2 2 xlo xhi\n-1 9 ylo yhi\n-1 4.5 zlo zhi\n"), std::string::npos);
  frame.cell = Cell(Mat3{{Vec3{5, 0, 0}, Vec3{0, 6, 0}, Vec3{0, 0, 7}}}, {true, false, true});
  EXPECT_NE(lammps_data_text(frame).find("0 5 xlo xhi\n-1 9 ylo yhi\n0 7 zlo zhi\n"), std::string::npos);
  frame.cell = Cell(Mat3{{Vec3{5, 0, 0}, Vec3{1, 6, 0}, Vec3{0, 0, 7}}}, {true, false, true});
  EXPECT_EQ(kind_of([&] { lammps_data_text(frame); }), ErrorKind::usage);
}

TEST(LammpsData, Refusals) {
  TemporaryFolder folder;
  {
    const auto writer = create_trajectory(folder / "a.data");
    EXPECT_EQ(kind_of([&] { writer->commit(); }), ErrorKind::usage);
    writer->write(simple());
    EXPECT_EQ(kind_of([&] { writer->write(simple()); }), ErrorKind::usage);
  }
  EXPECT_EQ(folder.entries(), 0u);
  Frame frame = simple();
  frame.position_ang[1].y = std::nan("");
  EXPECT_EQ(kind_of([&] { lammps_data_text(frame); }), ErrorKind::numeric);
  frame = simple();
  frame.velocity_ang_fs.pop_back();
  EXPECT_EQ(kind_of([&] { lammps_data_text(frame); }), ErrorKind::usage);
  const auto writer = create_trajectory(folder / "b.data");
  writer->write(simple());
  writer->commit();
  EXPECT_EQ(read_file(folder / "b.data"), lammps_data_text(simple()));
  EXPECT_EQ(kind_of([&] { open_trajectory(folder / "b.data"); }), ErrorKind::unsupported);
}

TEST(Pdb, Columns) {
  std::string text;
  Frame frame = simple();
  frame.position_ang[1] = {-999.9994, 9999.9994, 0.0005000001};
  append_pdb(text, frame, 7);
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "CRYST1    5.000    6.000    7.000  90.00  90.00  90.00 P 1           1");
  std::getline(lines, line);
  EXPECT_EQ(line, "MODEL        7");
  std::getline(lines, line);
  EXPECT_EQ(line, "HETATM    1 LI   MOL A   1       0.000   0.000   0.000  1.00  0.00          LI");
  EXPECT_EQ(line.size(), 78u);
  std::getline(lines, line);
  EXPECT_EQ(line, "HETATM    2  H   MOL A   1    -999.9999999.999   0.001  1.00  0.00           H");
}

TEST(Pdb, AsReadBackByAse) {
  TemporaryFolder folder;
  const auto writer = create_trajectory(folder / "a.pdb");
  for (const Frame& frame : read_frames(golden + "input.extxyz")) writer->write(frame);
  writer->commit();
  EXPECT_EQ(read_file(folder / "a.pdb"), read_file(golden + "written.pdb"));
}

TEST(Pdb, WhatDoesNotFitIsRefused) {
  std::string text;
  Frame frame = simple();
  for (const double coordinate : {-999.9996, 9999.9996, 1e300}) {
    frame.position_ang[2].z = coordinate;
    EXPECT_EQ(kind_of([&] { append_pdb(text, frame, 1); }), ErrorKind::usage);
  }
  frame.position_ang[2].z = std::nan("");
  EXPECT_EQ(kind_of([&] { append_pdb(text, frame, 1); }), ErrorKind::numeric);
  frame = simple();
  frame.cell = Cell(Mat3{{Vec3{1e5, 0, 0}, Vec3{0, 6, 0}, Vec3{0, 0, 7}}});
  EXPECT_EQ(kind_of([&] { append_pdb(text, frame, 1); }), ErrorKind::usage);
}

TEST(Pdb, SerialNumbersStartOver) {
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of(std::vector<std::uint8_t>(100'001, 3)));
  frame.position_ang.assign(100'001, Vec3{1, 2, 3});
  std::string text;
  append_pdb(text, frame, 1);
  EXPECT_EQ(text.rfind("MODEL        1\n", 0), 0u);  // no cell: no CRYST1
  EXPECT_NE(text.find("HETATM99999 LI"), std::string::npos);
  EXPECT_NE(text.find("HETATM    0 LI"), std::string::npos);
  EXPECT_EQ(text.size(), std::string("MODEL        1\nENDMDL\n").size() + 100'001u * 79);
}

}  // namespace
}  // namespace saltus
