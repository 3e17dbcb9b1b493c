#include <gtest/gtest.h>

#include <sys/resource.h>

#include <csignal>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/text.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/h5md.hpp"
#include "saltus/io/h5md_units.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

const std::filesystem::path golden = SALTUS_SOURCE_DIR "/tests/golden/mdanalysis/h5md";

// Atoms that leave a skewed cell which changes from frame to frame.
Frame moving_frame(int k, std::size_t atoms = 5, bool labels = true) {
  Frame frame;
  std::vector<std::uint8_t> elements;
  for (std::size_t i = 0; i < atoms; ++i) elements.push_back(i % 2 == 0 ? 3 : 14);
  auto with_masses = atoms_of(elements);
  with_masses.mass_amu[0] = 6.015;
  frame.atoms = std::make_shared<const Atoms>(with_masses);
  frame.cell = Cell(Mat3{{Vec3{8 + 0.01 * k, 0, 0}, Vec3{2, 7, 0}, Vec3{-1, 1.5, 9}}});
  Random random(7, static_cast<std::uint64_t>(k));
  const auto vector = [&](double scale) { return Vec3{scale * (random.uniform() - 0.5), scale * (random.uniform() - 0.5), scale * (random.uniform() - 0.5)}; };
  for (std::size_t i = 0; i < atoms; ++i) {
    frame.position_ang.push_back(vector(100));
    if (labels) frame.velocity_ang_fs.push_back(vector(0.1));
    if (labels) frame.force_ev_ang.push_back(vector(5));
  }
  if (labels) frame.energy_ev = -100.0 / 3 - k;
  if (labels) frame.virial_ev = Mat3{{vector(1), vector(1), vector(1)}};
  frame.step = 10 * k;
  frame.time_fs = 20 * k + 1.0 / 3;
  return frame;
}

std::filesystem::path write_all(const std::filesystem::path& path, const std::vector<Frame>& frames, const WriteOptions& options = {}) {
  const auto writer = create_trajectory(path, options);
  for (const auto& frame : frames) writer->write(frame);
  writer->commit();
  return path;
}

void expect_same(const Frame& a, const Frame& b) {
  EXPECT_EQ(*a.atoms, *b.atoms);
  EXPECT_EQ(a.cell, b.cell);
  EXPECT_EQ(a.position_ang, b.position_ang);
  EXPECT_EQ(a.velocity_ang_fs, b.velocity_ang_fs);
  EXPECT_EQ(a.force_ev_ang, b.force_ev_ang);
  EXPECT_EQ(a.energy_ev, b.energy_ev);
  EXPECT_EQ(a.virial_ev, b.virial_ev);
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.time_fs, b.time_fs);
}

TEST(H5md, DoublePrecisionReadsBackTheSame) {
  TemporaryFolder folder;
  WriteOptions options;
  options.single_precision = false;
  // Fewer frames than a block, exactly one, and several with a rest: 65536 / (24 * 60) = 45 frames are a block.
  for (const int count : {1, 7, 45, 200}) {
    std::vector<Frame> frames;
    for (int k = 0; k < count; ++k) frames.push_back(moving_frame(k, 60));
    const auto path = write_all(folder / "exact.h5md", frames, options);
    const auto read = read_frames(path);
    ASSERT_EQ(read.size(), frames.size());
    for (std::size_t k = 0; k < frames.size(); ++k) expect_same(read[k], frames[k]);
    EXPECT_EQ(read.front().atoms, read.back().atoms);
  }
}

// Frames are told apart by their place, not by their step: programs that number nothing write zeros.
TEST(H5md, StepsThatDoNotAscend) {
  TemporaryFolder folder;
  for (const std::vector<std::int64_t>& steps : {std::vector<std::int64_t>{0, 0, 0, 0}, {3, 2, 1, 0}, {0, 5, 0, 5}}) {
    std::vector<Frame> frames;
    for (int k = 0; k < 4; ++k) {
      frames.push_back(moving_frame(k, 60));
      frames.back().step = steps[static_cast<std::size_t>(k)];
    }
    WriteOptions options;
    options.single_precision = false;
    const auto read = read_frames(write_all(folder / "steps.h5md", frames, options));
    ASSERT_EQ(read.size(), frames.size());
    for (std::size_t k = 0; k < frames.size(); ++k) expect_same(read[k], frames[k]);
  }
}

TEST(H5md, SinglePrecisionIsWrappedAndUnwrapped) {
  TemporaryFolder folder;
  std::vector<Frame> frames;
  for (int k = 0; k < 400; ++k) frames.push_back(moving_frame(k));
  const auto read = read_frames(write_all(folder / "single.h5md", frames));
  ASSERT_EQ(read.size(), frames.size());
  double largest = 0;
  for (std::size_t k = 0; k < frames.size(); ++k) {
    EXPECT_EQ(read[k].cell, frames[k].cell);  // the cells stay doubles, so unwrapping adds no error of its own
    EXPECT_EQ(read[k].energy_ev, frames[k].energy_ev);
    EXPECT_EQ(read[k].step, frames[k].step);
    for (std::size_t i = 0; i < frames[k].size(); ++i) {
      largest = std::max(largest, norm(read[k].position_ang[i] - frames[k].position_ang[i]));
      for (int axis = 0; axis < 3; ++axis) {
        EXPECT_EQ(read[k].velocity_ang_fs[i][axis], static_cast<double>(static_cast<float>(frames[k].velocity_ang_fs[i][axis])));
        const double force = frames[k].force_ev_ang[i][axis];  // stored as a float in another unit
        EXPECT_NEAR(read[k].force_ev_ang[i][axis], force, 6e-8 * std::abs(force));
      }
    }
  }
  // A component within the cell is below 16 Å: half a unit in the last place is 2^-21.
  EXPECT_LT(largest, std::sqrt(3.0) * std::ldexp(1.0, -21));
  EXPECT_GT(largest, 1e-8);
}

TEST(H5md, EqualFramesGiveEqualBytes) {
  TemporaryFolder folder;
  std::vector<Frame> frames;
  for (int k = 0; k < 1500; ++k) frames.push_back(moving_frame(k, 9));
  write_all(folder / "a.h5md", frames);
  write_all(folder / "b.h5md", frames);
  EXPECT_TRUE(read_file(folder / "a.h5md") == read_file(folder / "b.h5md"));
  frames[700].position_ang[3].y += 0.01;
  write_all(folder / "b.h5md", frames);
  EXPECT_FALSE(read_file(folder / "a.h5md") == read_file(folder / "b.h5md"));
}

TEST(H5md, WhatAFrameLacksIsAbsent) {
  TemporaryFolder folder;
  WriteOptions options;
  options.single_precision = false;
  std::vector<Frame> frames;
  // Labels begin in a later block and end before the last; 65536 / (24 * 30) = 91 frames are a block.
  for (int k = 0; k < 400; ++k) frames.push_back(moving_frame(k, 30, k >= 230 && k < 390));
  frames[300].energy_ev.reset();
  frames[310].velocity_ang_fs.clear();
  frames[320].virial_ev.reset();
  const auto read = read_frames(write_all(folder / "some.h5md", frames, options));
  ASSERT_EQ(read.size(), frames.size());
  for (std::size_t k = 0; k < frames.size(); ++k) expect_same(read[k], frames[k]);
}

TEST(H5md, CellsThatAreNotPeriodicOrNotThere) {
  TemporaryFolder folder;
  for (const bool single : {true, false}) {
    WriteOptions options;
    options.single_precision = single;
    Frame frame = moving_frame(0);
    for (Vec3& r : frame.position_ang) r = {std::round(r.x), std::round(r.y), std::round(r.z)};
    for (const Cell& cell : {Cell(), Cell(Mat3{{Vec3{8, 0, 0}, Vec3{0, 8, 0}, Vec3{0, 0, 8}}}, {true, false, true}),
                             Cell(Mat3{{Vec3{8, 0, 0}, Vec3{0, 8, 0}, Vec3{0, 0, 8}}}, {false, false, false})}) {
      frame.cell = cell;
      const auto read = read_frames(write_all(folder / "cell.h5md", {frame}, options));
      EXPECT_EQ(read.at(0).cell, frame.cell);
      EXPECT_EQ(read.at(0).cell.has_vectors(), frame.cell.has_vectors());
      EXPECT_EQ(read.at(0).position_ang, frame.position_ang);  // whole numbers are exact in either precision
    }
  }
}

TEST(H5md, OptionsLeaveThingsOut) {
  TemporaryFolder folder;
  WriteOptions options;
  options.velocities = options.forces = options.step_and_time = false;
  const auto read = read_frames(write_all(folder / "less.h5md", {moving_frame(4), moving_frame(9)}, options));
  ASSERT_EQ(read.size(), 2u);
  EXPECT_TRUE(read[0].velocity_ang_fs.empty());
  EXPECT_TRUE(read[0].force_ev_ang.empty());
  EXPECT_EQ(read[1].step, 1);
  EXPECT_EQ(read[1].time_fs, 0);
  EXPECT_LT(std::filesystem::file_size(folder / "less.h5md"), 16000u);  // what a segment costs beside its frames
}

TEST(H5md, SeekAndCount) {
  TemporaryFolder folder;
  std::vector<Frame> frames;
  for (int k = 0; k < 300; ++k) frames.push_back(moving_frame(k, 100));
  const auto reader = open_trajectory(write_all(folder / "seek.h5md", frames));
  EXPECT_EQ(reader->count(), 300u);
  Frame frame;
  for (const std::size_t k : {299u, 0u, 54u, 53u, 150u}) {
    reader->seek(k);
    ASSERT_TRUE(reader->read_next(frame));
    EXPECT_EQ(frame.step, static_cast<std::int64_t>(10 * k));
    EXPECT_EQ(frame.velocity_ang_fs[3].x, static_cast<double>(static_cast<float>(frames[k].velocity_ang_fs[3].x)));
  }
  reader->seek(300);
  EXPECT_FALSE(reader->read_next(frame));
  EXPECT_THROW(reader->seek(301), Error);
}

TEST(H5md, WhatAFileCannotHoldIsRefusedAndLeavesNothing) {
  TemporaryFolder folder;
  const auto refused = [&](Frame second, ErrorKind kind, const std::string& message) {
    try {
      write_all(folder / "bad.h5md", {moving_frame(0), std::move(second)});
      ADD_FAILURE() << "was written: " << message;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("bad.h5md, frame 2"), std::string::npos) << error.what();
    }
    EXPECT_EQ(folder.entries(), 0u);
  };
  refused(moving_frame(1, 6), ErrorKind::usage, "atoms differ");
  Frame frame = moving_frame(1);
  frame.cell = Cell();
  refused(frame, ErrorKind::usage, "only some frames have a cell");
  frame.cell = Cell(moving_frame(1).cell.rows_ang(), {true, true, false});
  refused(frame, ErrorKind::usage, "periodic axes");
  frame = moving_frame(1);
  frame.position_ang[2].y = 1e300;
  refused(frame, ErrorKind::numeric, "not finite");
  frame.position_ang[2].y = 1e30;
  refused(frame, ErrorKind::numeric, "cells away");
  frame.position_ang.clear();
  refused(frame, ErrorKind::usage, "without atoms");
  EXPECT_THROW(create_trajectory(folder / "bad.h5md")->commit(), Error);
  EXPECT_THROW(create_trajectory(folder.path() / "no/such/folder.h5md"), Error);
  EXPECT_EQ(folder.entries(), 0u);
}

// A file size limit stands for a full disk. Exits with the code of the error, 99 when something was left.
[[noreturn]] void write_beyond_limit(const TemporaryFolder& folder) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{100000, 100000};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  int code = 0;
  try {
    std::vector<Frame> frames;
    for (int k = 0; k < 2000; ++k) frames.push_back(moving_frame(k, 40));
    write_all(folder / "large.h5md", frames);
  } catch (const Error& error) {
    code = error.exit_code();
  }
  std::exit(folder.entries() == 0 ? code : 99);
}

TEST(H5md, FullDiskIsAnErrorAndLeavesNothing) {
  TemporaryFolder folder;
  EXPECT_EXIT(write_beyond_limit(folder), testing::ExitedWithCode(static_cast<int>(ErrorKind::file)), "^$");
}

TEST(H5md, Units) {
  using h5md::factor_from_unit;
  using h5md::Quantity;
  EXPECT_DOUBLE_EQ(factor_from_unit("nm", Quantity::length), 10);
  EXPECT_DOUBLE_EQ(factor_from_unit("nm+1", Quantity::length), 10);
  EXPECT_DOUBLE_EQ(factor_from_unit("bohr", Quantity::length), 0.529177210903);
  EXPECT_DOUBLE_EQ(factor_from_unit("a0", Quantity::length), 0.529177210903);
  EXPECT_DOUBLE_EQ(factor_from_unit("Angstrom ps-1", Quantity::velocity), 1e-3);
  EXPECT_DOUBLE_EQ(factor_from_unit("nm/ps", Quantity::velocity), 1e-2);
  EXPECT_DOUBLE_EQ(factor_from_unit("m s-1", Quantity::velocity), 1e-5);
  // 96.48533212331 kJ/mol are an electronvolt.
  EXPECT_NEAR(factor_from_unit("kJ mol-1", Quantity::energy), 1 / 96.48533212331, 1e-13);
  EXPECT_NEAR(factor_from_unit("kJ mol-1 nm-1", Quantity::force), 0.1 / 96.48533212331, 1e-14);
  EXPECT_NEAR(factor_from_unit("kcal mol-1 A-1", Quantity::force), 4.184 / 96.48533212331, 1e-12);
  EXPECT_NEAR(factor_from_unit("Hartree bohr-1", Quantity::force), 51.42206747632590, 1e-8);
  EXPECT_NEAR(factor_from_unit("u Angstrom fs-2", Quantity::force), 103.642696562, 1e-9);
  EXPECT_NEAR(factor_from_unit("N", Quantity::force), 624150907.446, 1);
  EXPECT_NEAR(factor_from_unit("u nm2 ps-2", Quantity::energy), 0.01036426966, 1e-11);
  EXPECT_NEAR(factor_from_unit("g mol-1", Quantity::mass), 1, 1e-9);
  for (const char* bad : {"", " ", "parsec", "nm2", "nm ps-1", "nm99", "1", "nm--1"})
    EXPECT_THROW(factor_from_unit(bad, Quantity::length), Error) << bad;
  EXPECT_THROW(factor_from_unit("kJ", Quantity::force), Error);
  for (const Quantity quantity : {Quantity::length, Quantity::time, Quantity::velocity, Quantity::force, Quantity::energy, Quantity::mass})
    EXPECT_EQ(factor_from_unit(h5md::unit_of(quantity), quantity), 1);
}

// Numbers in expected.txt: frame, step, time_fs, energy or "none", 9 of the cell, then of atom 4: position, velocity, force.
std::vector<std::vector<double>> expected_rows(const char* name) {
  std::vector<std::vector<double>> rows;
  const std::string text = read_file(golden / name);
  std::vector<double> row;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t stop = text.find_first_of(" \n", at);
    const auto value = parse_double(std::string_view(text).substr(at, stop - at));
    if (!value) throw std::runtime_error("expected.txt");
    row.push_back(*value);
    if (text[stop] == '\n') rows.push_back(std::exchange(row, {}));
    at = stop + 1;
  }
  return rows;
}

// Each file is read as MDAnalysis or h5py tell what is in it; tolerances in provenance.toml.
class Golden : public testing::TestWithParam<const char*> {};

TEST_P(Golden, IsReadAsExpected) {
  ReadOptions options;
  if (GetParam() == std::string("mdanalysis") || GetParam() == std::string("no_units")) options.topology = golden / "topology.xyz";
  const auto reader = open_trajectory(golden / (std::string(GetParam()) + ".h5md"), options);
  const auto rows = expected_rows((std::string(GetParam()) + ".txt").c_str());
  ASSERT_EQ(reader->count(), rows.size());
  for (const auto& row : rows) {
    Frame frame;
    ASSERT_TRUE(reader->read_next(frame));
    const auto near = [&](double found, double expected) { EXPECT_NEAR(found, expected, 3e-7 * std::max(1.0, std::abs(expected))); };
    EXPECT_EQ(frame.step, static_cast<std::int64_t>(row[1]));
    near(frame.time_fs, row[2]);
    EXPECT_EQ(frame.energy_ev.has_value(), !std::isnan(row[3]));
    if (frame.energy_ev) near(*frame.energy_ev, row[3]);
    for (int k = 0; k < 9; ++k) near(frame.cell.rows_ang()[k / 3][k % 3], row[static_cast<std::size_t>(4 + k)]);
    for (int axis = 0; axis < 3; ++axis) {
      near(frame.position_ang.at(4)[axis], row[static_cast<std::size_t>(13 + axis)]);
      near(frame.velocity_ang_fs.at(4)[axis], row[static_cast<std::size_t>(16 + axis)]);
      if (std::isnan(row[static_cast<std::size_t>(19 + axis)])) EXPECT_TRUE(frame.force_ev_ang.empty());
      else near(frame.force_ev_ang.at(4)[axis], row[static_cast<std::size_t>(19 + axis)]);
    }
    EXPECT_EQ(frame.atoms->atomic_number, (std::vector<std::uint8_t>{8, 1, 1, 8, 1, 1}));
  }
}

INSTANTIATE_TEST_SUITE_P(H5md, Golden, testing::Values("mdanalysis", "no_units", "other_steps", "linear_steps"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST(H5md, TellsWhatItTookUnitsFor) {
  ReadOptions options;
  options.topology = golden / "topology.xyz";
  EXPECT_NE(open_trajectory(golden / "no_units.h5md", options)->source().columns.find("position (no unit given: Å, fs, eV)"), std::string::npos);
  EXPECT_NE(open_trajectory(golden / "mdanalysis.h5md", options)->source().columns.find("velocity (Angstrom ps-1)"), std::string::npos);
}

TEST(H5md, ElementsMustBeKnown) {
  const auto message = [](const char* file, const ReadOptions& options) -> std::string {
    try {
      open_trajectory(golden / file, options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.what();
    }
    return "none";
  };
  EXPECT_NE(message("mdanalysis.h5md", {}).find("has no species"), std::string::npos);
  EXPECT_NE(message("types.h5md", {}).find("no masses show"), std::string::npos);
  ReadOptions options;
  options.type_elements = {8};
  EXPECT_NE(message("types.h5md", options).find("atom 2 is of type 2"), std::string::npos);
  options.type_elements = {8, 1};
  EXPECT_EQ(message("types.h5md", options), "none");
  TemporaryFolder folder;
  options = {};
  options.topology = folder.write("two.xyz", "2\n\nO 0 0 0\nH 0 0 1\n");
  EXPECT_NE(message("types.h5md", options).find("has 2 atoms, the trajectory 6"), std::string::npos);
}

TEST(H5md, SeveralGroups) {
  Frame frame;
  ASSERT_TRUE(open_trajectory(golden / "two_groups_all.h5md")->read_next(frame));
  EXPECT_EQ(frame.size(), 6u);
  try {
    open_trajectory(golden / "two_groups.h5md");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::format);
    EXPECT_NE(std::string(error.what()).find("('solute', 'solvent')"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace saltus
