#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/lammps_dump.hpp"
#include "saltus/io/trajectory.hpp"
#include "tests/io/malformed_cases.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

const std::string golden = std::string(SALTUS_SOURCE_DIR) + "/tests/golden/lammps/dump/";

ReadOptions types(std::vector<std::uint8_t> elements) {
  ReadOptions options;
  options.type_elements = std::move(elements);
  return options;
}

std::vector<Frame> frames_of(std::string_view text, const ReadOptions& options = {}) {
  const auto reader = open_lammps_dump_text(text, "t.dump", options);
  std::vector<Frame> frames;
  for (Frame frame; reader->read_next(frame);) frames.push_back(frame);
  return frames;
}

std::string message_of(std::string_view text, ErrorKind kind, const ReadOptions& options = {}) {
  try {
    frames_of(text, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "was read without complaint";
  return {};
}

std::string dump(const std::string& atoms, const std::string& box = "ITEM: BOX BOUNDS pp pp pp\n0 10\n0 10\n0 10\n", int count = 1, int step = 0) {
  return "ITEM: TIMESTEP\n" + std::to_string(step) + "\nITEM: NUMBER OF ATOMS\n" + std::to_string(count) + "\n" + box + "ITEM: ATOMS " + atoms;
}

std::vector<double> numbers_of(const std::vector<Vec3>& vectors) {
  std::vector<double> values;
  for (const Vec3& v : vectors) values.insert(values.end(), {v.x, v.y, v.z});
  return values;
}

// LAMMPS wrote the same five steps in each form; atoms leave the tilted box, whose corner is at (-1.5, 2, -3) Å.
TEST(LammpsDump, AllFormsOfPositionsAgree) {
  const auto unwrapped = read_frames(golden + "unwrapped.lammpstrj", types({3, 14}));
  ASSERT_EQ(unwrapped.size(), 5u);
  const std::map<std::string, ReadOptions> others = {{"wrapped.lammpstrj", {}}, {"scaled_unwrapped.lammpstrj", {}}};
  for (const auto& [file, options] : others) {
    EXPECT_STREQ(trajectory_format_of(golden + file).name, "lammps-dump");
    const auto frames = read_frames(golden + file, options);
    ASSERT_EQ(frames.size(), 5u);
    double farthest = 0;
    for (std::size_t k = 0; k < 5; ++k) {
      EXPECT_EQ(frames[k].step, 100 + 20 * static_cast<int>(k));
      EXPECT_EQ(frames[k].atoms->atomic_number, unwrapped[k].atoms->atomic_number) << file;
      for (std::size_t i = 0; i < 13; ++i) {
        // 15 significant digits are written.
        EXPECT_LT(norm(frames[k].position_ang[i] - unwrapped[k].position_ang[i]), 1e-12) << file;
        const Fractional f = frames[k].cell.to_fractional(frames[k].position_ang[i]);
        farthest = std::max({farthest, f.a, f.b, f.c, 1 - f.a, 1 - f.b, 1 - f.c});
      }
    }
    EXPECT_GT(farthest, 1.1);  // or the images would not be tested
  }
  // Without images: the same up to lattice vectors. 'dump atom' has six digits: 5e-6 of a length of 10 Å where it passes 1.
  for (const auto& [file, tolerance] : {std::pair{"scaled.lammpstrj", 1e-12}, std::pair{"plain.lammpstrj", 1e-4}}) {
    const auto frames = read_frames(golden + file, types({3, 14}));
    ASSERT_EQ(frames.size(), 5u);
    for (std::size_t k = 0; k < 5; ++k)
      for (std::size_t i = 0; i < 13; ++i)
        EXPECT_LT(norm(frames[k].cell.minimum_image(frames[k].position_ang[i] - unwrapped[k].position_ang[i])), tolerance) << file;
  }
}

TEST(LammpsDump, ReadsWhatAseReads) {
  const auto frames = read_frames(golden + "wrapped.lammpstrj");
  std::ifstream expected(golden + "expected.txt");
  std::string line;
  std::size_t compared = 0;
  while (std::getline(expected, line)) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::size_t k = 0;
    std::string quantity;
    words >> k >> quantity;
    std::vector<double> values, ours;
    for (double value = 0; words >> value;) values.push_back(value);
    if (quantity == "cell") ours = numbers_of({frames[k].cell.rows_ang().row.begin(), frames[k].cell.rows_ang().row.end()});
    if (quantity == "forces") ours = numbers_of(frames[k].force_ev_ang);
    if (quantity == "numbers") ours.assign(frames[k].atoms->atomic_number.begin(), frames[k].atoms->atomic_number.end());
    ASSERT_EQ(ours.size(), values.size()) << line;
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(ours[i], values[i], 1e-14 * std::max(1.0, std::abs(values[i]))) << quantity;
    ++compared;
  }
  EXPECT_EQ(compared, 15u);
}

TEST(LammpsDump, KineticEnergyAndTimeAreThoseOfTheLog) {
  const auto frames = read_frames(golden + "wrapped.lammpstrj");
  const auto masses = read_frames(golden + "scaled.lammpstrj", types({3, 14}));
  std::ifstream thermo(golden + "thermo.txt");
  std::string line;
  std::getline(thermo, line);
  for (const Frame& frame : frames) {
    std::getline(thermo, line);
    std::istringstream words(line);
    double step = 0, time_ps = 0, kinetic_expected_ev = 0, kinetic_ev = 0;
    words >> step >> time_ps >> kinetic_expected_ev;
    for (std::size_t i = 0; i < 13; ++i)
      kinetic_ev += 0.5 * units::ev_per_amu_ang2_fs2 * masses[0].atoms->mass_amu[i] * norm2(frame.velocity_ang_fs[i]);
    EXPECT_EQ(static_cast<double>(frame.step), step);
    EXPECT_NEAR(frame.time_fs, time_ps * 1000, 1e-9);
    EXPECT_NEAR(kinetic_ev / kinetic_expected_ev, 1, 1e-6);  // constants of other editions
  }
}

TEST(LammpsDump, ElementsFromTypesOrATopologyOrTheFile) {
  const std::string text = dump("id type element x y z\n2 2 C 1 0 0\n1 1 C 2 0 0\n", "ITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\n", 2);
  EXPECT_EQ(frames_of(text).at(0).atoms->atomic_number, (std::vector<std::uint8_t>{6, 6}));
  const auto reader = open_lammps_dump_text(text, "t");
  Frame frame;
  ASSERT_TRUE(reader->read_next(frame));
  bool warned = false;
  for (const auto& note : reader->source().notes) warned = warned || note.find("LAMMPS writes C for every type") != std::string::npos;
  EXPECT_TRUE(warned);
  EXPECT_EQ(frames_of(text, types({8, 1})).at(0).atoms->atomic_number, (std::vector<std::uint8_t>{8, 1}));
  TemporaryFolder folder;
  ReadOptions options;
  options.topology = folder.write("top.xyz", "2\nProperties=species:S:1:pos:R:3:mass:R:1\nLi 0 0 0 7\nSi 1 1 1 28\n");
  const Frame named = frames_of(text, options).at(0);
  EXPECT_EQ(named.atoms->atomic_number, (std::vector<std::uint8_t>{3, 14}));
  EXPECT_EQ(named.atoms->mass_amu, (std::vector<double>{7, 28}));
  options.topology = folder.write("top.xyz", "1\n\nLi 0 0 0\n");
  EXPECT_NE(message_of(text, ErrorKind::format, options).find("there are 2 atoms, but the topology"), std::string::npos);
  EXPECT_NE(message_of(text, ErrorKind::usage, types({8})).find("an atom of type 2, but elements are given for 1 types"), std::string::npos);
  EXPECT_NE(message_of(dump("id type x y z\n1 1 0 0 0\n"), ErrorKind::usage).find("give the elements of the atom types"), std::string::npos);
}

TEST(LammpsDump, MoleculesAreResidues) {
  const auto frames = frames_of(dump("id element mol x y z\n2 H 7 1 0 0\n1 O 8 0 0 0\n", "ITEM: BOX BOUNDS pp pp pp\n0 10\n0 10\n0 10\n", 2));
  ASSERT_TRUE(frames.at(0).atoms->labels);
  EXPECT_EQ(frames.at(0).atoms->labels->residue, (std::vector<std::int32_t>{8, 7}));
  EXPECT_TRUE(frames.at(0).atoms->labels->atom_name.empty());
}

TEST(LammpsDump, UnitsByTheFileOrByOptionOrMetal) {
  const std::string atoms = "id element x y z vx vy vz fx fy fz mass\n1 Li 1 2 3 1 0 0 1 0 0 7\n";
  const std::string header = "ITEM: UNITS\nreal\nITEM: TIME\n250\n";
  const auto close = [](double value, double expected) { EXPECT_NEAR(value / expected, 1, 1e-8); };
  const Frame metal = frames_of(dump(atoms)).at(0);
  close(metal.velocity_ang_fs[0].x, 1e-3);
  EXPECT_EQ(metal.force_ev_ang[0].x, 1);
  EXPECT_EQ(metal.atoms->mass_amu[0], 7);
  const Frame real = frames_of(header + dump(atoms)).at(0);
  EXPECT_EQ(real.velocity_ang_fs[0].x, 1);
  close(real.force_ev_ang[0].x, 0.0433641042);
  EXPECT_EQ(real.time_fs, 250);
  ReadOptions options;
  options.lammps_units = "electron";
  const Frame electron = frames_of(dump(atoms), options).at(0);
  close(electron.position_ang[0].x, 0.529177210903);
  close(electron.cell.rows_ang()[1].y, 5.29177210903);
  EXPECT_NEAR(electron.velocity_ang_fs[0].x / (0.529177210903 / 1.03275), 1, 1e-5);  // 1.03275 fs, as the manual rounds it
  close(electron.force_ev_ang[0].x, 51.4220674763);
  options.lammps_units = "si";
  const Frame si = frames_of(dump(atoms), options).at(0);
  close(si.position_ang[0].x, 1e10);
  close(si.velocity_ang_fs[0].x, 1e-5);
  close(si.force_ev_ang[0].x, 6.241509074e8);
  EXPECT_NE(message_of(header + dump(atoms), ErrorKind::usage, options).find("the file is in real units, asked for were si"), std::string::npos);
  EXPECT_NE(message_of("ITEM: UNITS\nlj\n" + dump(atoms), ErrorKind::unsupported).find("LAMMPS units 'lj'; known are"), std::string::npos);
}

TEST(LammpsDump, TimeFromStepsWhereTheStepIsKnown) {
  const std::string text = dump("id element x y z\n1 Li 0 0 0\n", "ITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\n", 1, 4000);
  ReadOptions options;
  const auto without = open_lammps_dump_text(text, "t");
  Frame frame;
  ASSERT_TRUE(without->read_next(frame));
  EXPECT_EQ(frame.time_fs, 0);
  EXPECT_TRUE(without->source().time.empty());
  options.time_step_fs = 0.5;
  EXPECT_EQ(frames_of(text, options).at(0).time_fs, 2000);
}

TEST(LammpsDump, BoxesOfAllKinds) {
  const std::string atom = "element x y z\nLi 1.5 2.5 3.5\n";
  const Frame mixed = frames_of(dump(atom, "ITEM: BOX BOUNDS pp ff ms\n1 11\n-2 6\n3 8\n")).at(0);
  EXPECT_EQ(mixed.cell.periodic(), (std::array<bool, 3>{true, false, false}));
  EXPECT_EQ(mixed.cell.rows_ang(), (Mat3{{Vec3{10, 0, 0}, Vec3{0, 8, 0}, Vec3{0, 0, 5}}}));
  EXPECT_EQ(mixed.position_ang[0], (Vec3{0.5, 4.5, 0.5}));
  // Bounds of a tilted box by the manual: xlo_bound = xlo + min(0, xy, xz, xy+xz), ylo_bound = ylo + min(0, yz).
  const Frame tilted = frames_of(dump(atom, "ITEM: BOX BOUNDS xy xz yz pp pp pp\n-2 12 -2\n0 10 1\n-1 9 -1\n")).at(0);
  EXPECT_EQ(tilted.cell.rows_ang(), (Mat3{{Vec3{11, 0, 0}, Vec3{-2, 9, 0}, Vec3{1, -1, 10}}}));
  EXPECT_EQ(tilted.position_ang[0], (Vec3{1.5 - 0, 2.5 - 1, 3.5 + 1}));
  const Frame general = frames_of(dump(atom, "ITEM: BOX BOUNDS abc origin pp pp pp\n9 1 0 0.5\n0 8 1 1.5\n1 0 7 2.5\n")).at(0);
  EXPECT_EQ(general.cell.rows_ang(), (Mat3{{Vec3{9, 1, 0}, Vec3{0, 8, 1}, Vec3{1, 0, 7}}}));
  EXPECT_EQ(general.position_ang[0], (Vec3{1, 1, 1}));
}

TEST(LammpsDump, SeekAndCount) {
  const auto all = read_frames(golden + "wrapped.lammpstrj");
  const auto reader = open_trajectory(golden + "wrapped.lammpstrj");
  Frame frame;
  reader->seek(3);
  ASSERT_TRUE(reader->read_next(frame));
  EXPECT_EQ(frame.position_ang, all[3].position_ang);
  EXPECT_EQ(frame.velocity_ang_fs, all[3].velocity_ang_fs);
  EXPECT_EQ(reader->count(), 5u);
  reader->seek(0);
  ASSERT_TRUE(reader->read_next(frame));
  EXPECT_EQ(frame.position_ang, all[0].position_ang);
  reader->seek(5);
  EXPECT_FALSE(reader->read_next(frame));
  EXPECT_THROW(reader->seek(6), Error);
}

TEST(LammpsDump, EverythingBeforeACutIsReadable) {
  const std::string first = dump("id element x y z\n1 Li 0 0 0\n"), whole = first + dump("id element x y z\n1 Li 1 0 0.125\n");
  for (std::size_t length = first.size() + 1; length < whole.size(); ++length) {
    const auto reader = open_lammps_dump_text(whole.substr(0, length), "cut");
    Frame frame;
    ASSERT_TRUE(reader->read_next(frame));
    try {
      reader->read_next(frame);
      ADD_FAILURE() << length;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format);
      EXPECT_EQ(std::string(error.what()).rfind("cut, frame 2, line ", 0), 0u) << error.what();
    }
  }
}

class LammpsDumpMalformed : public testing::TestWithParam<MalformedCase> {};

TEST_P(LammpsDumpMalformed, IsRefusedWithPlace) {
  const std::string message = message_of(GetParam().content, ErrorKind::format);
  EXPECT_EQ(message.rfind("t.dump, frame ", 0), 0u) << message;
  EXPECT_NE(message.find(", line "), std::string::npos) << message;
  EXPECT_NE(message.find(GetParam().message), std::string::npos) << message;
  EXPECT_LT(message.size(), 400u) << message;
}

const std::string row = "1 Li 0 0 0\n", columns = "id element x y z\n";
INSTANTIATE_TEST_SUITE_P(
    Dump, LammpsDumpMalformed,
    testing::Values(
        MalformedCase{"empty", "", "the file is empty"}, MalformedCase{"no_item", "hello\n", "expected 'ITEM: …', found 'hello'"},
        MalformedCase{"unknown_item", "ITEM: SECRETS\n", "unknown 'ITEM: SECRETS'"},
        MalformedCase{"step_word", "ITEM: TIMESTEP\nten\n", "ITEM: TIMESTEP: 'ten' is not an integer"},
        MalformedCase{"step_twice", "ITEM: TIMESTEP\n1\nITEM: TIMESTEP\n2\n", "ITEM: TIMESTEP comes twice in one frame"},
        MalformedCase{"count_zero", "ITEM: TIMESTEP\n1\nITEM: NUMBER OF ATOMS\n0\n", "the number of atoms 0 is not between"},
        MalformedCase{"count_huge", "ITEM: TIMESTEP\n1\nITEM: NUMBER OF ATOMS\n9999999999\n", "is not between 1 and"},
        MalformedCase{"count_beyond_the_file", dump(columns + row, "ITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\n", 1000000000), "ends after 1 of 1000000000 atoms"},
        MalformedCase{"atoms_without_box", "ITEM: TIMESTEP\n1\nITEM: NUMBER OF ATOMS\n1\nITEM: ATOMS " + columns + row, "ITEM: ATOMS before ITEM: BOX BOUNDS"},
        MalformedCase{"box_without_volume", dump(columns + row, "ITEM: BOX BOUNDS pp pp pp\n0 9\n9 9\n0 9\n"), "the box has no volume"},
        MalformedCase{"box_word", dump(columns + row, "ITEM: BOX BOUNDS pp pp pp\n0 nine\n0 9\n0 9\n"), "'nine' is not a number"},
        MalformedCase{"box_three_numbers", dump(columns + row, "ITEM: BOX BOUNDS pp pp pp\n0 9 1\n0 9\n0 9\n"), "expected 2 numbers"},
        MalformedCase{"box_flags", dump(columns + row, "ITEM: BOX BOUNDS pp qq pp\n0 9\n0 9\n0 9\n"), "'qq' is no boundary flag"},
        MalformedCase{"box_two_flags", dump(columns + row, "ITEM: BOX BOUNDS pp pp\n0 9\n0 9\n0 9\n"), "expected three boundary flags"},
        MalformedCase{"no_columns", dump("\n1 1 0 0 0\n"), "names no columns"},
        MalformedCase{"no_positions", dump("id element x y\n1 Li 0 0\n"), "no positions among the columns"},
        MalformedCase{"column_twice", dump("id id element x y z\n1 1 Li 0 0 0\n"), "column 'id' is given twice"},
        MalformedCase{"too_few_columns", dump(columns + "1 Li 0 0\n"), "expected 5 columns (id element x y z), found 4"},
        MalformedCase{"too_many_columns", dump(columns + "1 Li 0 0 0 0\n"), "found more"},
        MalformedCase{"position_nan", dump(columns + "1 Li 0 nan 0\n"), "y: 'nan' is not finite"},
        MalformedCase{"element", dump(columns + "1 Xx 0 0 0\n"), "unknown element 'Xx'"},
        MalformedCase{"id_twice", dump(columns + row + row, "ITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\n", 2), "two atoms have the id 1"},
        MalformedCase{"image_out_of_range", dump("element x y z ix iy iz\nLi 0 0 0 1 2 3000000000\n"), "the image 3000000000 is out of range"},
        MalformedCase{"mass_zero", dump("element x y z mass\nLi 0 0 0 0\n"), "a mass must be positive"},
        MalformedCase{"more_rows_than_atoms", dump(columns + row + row), "does the frame before have more lines than atoms?"},
        MalformedCase{"units_change", "ITEM: UNITS\nmetal\n" + dump(columns + row) + "ITEM: UNITS\nreal\n" + dump(columns + row), "the units change from metal to 'real'"},
        MalformedCase{"blank_between", dump(columns + row) + "\n" + dump(columns + row), "blank line before a frame"}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace saltus
