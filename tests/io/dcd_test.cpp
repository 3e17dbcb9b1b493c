#include <cstdint>
#include <limits>

#include "saltus/base/random.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/dcd.hpp"
#include "tests/io/reader_checks.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

const std::string golden = SALTUS_SOURCE_DIR "/tests/golden/mdanalysis/dcd";
constexpr std::size_t frames_at = 84 + 8 + 244 + 8 + 4 + 8;  // in the golden files with 32-bit record marks

OpenBytes opener(std::size_t atoms, const ReadOptions& options = {}) {
  return [=](std::string_view bytes, const std::string& name) {
    return open_dcd_bytes(bytes, name, hydrogens(atoms), options);
  };
}

std::vector<Frame> frames_in(const std::string& file) { return read_all(*opener(6)(read_file(file), file)); }

std::string little_int(std::int32_t value) { return number_bytes(value, false); }

TEST(Dcd, ReadsWhatMdAnalysisReads) {
  const std::size_t compared = expect_golden(
      golden, {{"time", {1e-7, 0, 1000}}, {"cell", {1e-6, 1e-5}}, {"positions", {1e-8, 1e-8}}}, frames_in);
  EXPECT_EQ(compared, 42u);
  const auto frames = frames_in(golden + "/skewed.dcd");
  EXPECT_EQ(frames[0].step, 500);
  EXPECT_EQ(frames[2].step, 1000);
  EXPECT_FALSE(frames_in(golden + "/no_cell.dcd")[0].cell.has_vectors());
}

TEST(Dcd, OneContentInAllVariants) {
  const auto frames = frames_in(golden + "/skewed.dcd");
  for (const char* name : {"/big_endian.dcd", "/long_marks.dcd"}) {
    const auto others = frames_in(golden + name);
    ASSERT_EQ(others.size(), frames.size()) << name;
    for (std::size_t k = 0; k < frames.size(); ++k) expect_same_frame(frames[k], others[k]);
  }
}

// The unit of the time step by who wrote the file.
TEST(Dcd, TimeStepByOriginAndOption) {
  std::string bytes = with_bytes(read_file(golden + "/skewed.dcd"), 44, number_bytes(0.5f, false));
  const auto time_of = [&](const std::string& title, const ReadOptions& options = {}) {
    return read_all(*opener(6, options)(with_bytes(bytes, 100, title), "file")).at(1).time_fs / 750;
  };
  ReadOptions real, step;
  real.lammps_units = "real";
  step.time_step_fs = 2;
  EXPECT_DOUBLE_EQ(time_of("REMARKS NAMD"), 0.5 * units::fs_per_akma_time);
  EXPECT_DOUBLE_EQ(time_of("REMARK CORD DCD file created by CP2K version 2024.1"), 0.5);
  EXPECT_DOUBLE_EQ(time_of("Written by LAMMPS"), 500);
  EXPECT_DOUBLE_EQ(time_of("Written by LAMMPS", real), 0.5);
  EXPECT_DOUBLE_EQ(time_of("Written by LAMMPS", step), 2);
  EXPECT_DOUBLE_EQ(time_of("", step), 2);
  real.lammps_units = "lj";
  EXPECT_THROW(time_of("Written by LAMMPS", real), Error);
  bytes = with_bytes(bytes, 44, number_bytes(0.f, false));
  const auto reader = opener(6)(bytes, "file");
  const auto frames = read_all(*reader);
  EXPECT_EQ(frames.at(1).time_fs, 0);
  EXPECT_EQ(frames.at(1).step, 750);
  EXPECT_EQ(reader->source().time, "");
}

TEST(Dcd, XPlorHasADoubleTimeStepAndNoCell) {
  std::string bytes = read_file(golden + "/no_cell.dcd");
  bytes = with_bytes(bytes, 4 + 4 + 36, number_bytes(0.25, false));  // overlays the mark of a cell
  bytes = with_bytes(bytes, 4 + 4 + 76, little_int(0));              // version 0: not CHARMM
  const std::size_t at = frames_at, cell = 56, frame = cell + 3 * 32;
  bytes = bytes.substr(0, at) + bytes.substr(at + cell, 96) + bytes.substr(at + frame + cell, 96);
  const auto frames = read_all(*opener(6)(bytes, "xplor"));
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_DOUBLE_EQ(frames[0].time_fs, 500 * 0.25 * units::fs_per_akma_time);
  EXPECT_EQ(frames[1].position_ang, frames_in(golden + "/no_cell.dcd")[1].position_ang);
}

// As older versions of MDAnalysis write it.
TEST(Dcd, WrongLengthOfTheTitles) {
  const std::string bytes =
      with_bytes(with_bytes(read_file(golden + "/skewed.dcd"), 92, little_int(164)), 92 + 248, little_int(164));
  EXPECT_EQ(opener(6)(bytes, "old")->count(), 3u);
}

TEST(Dcd, SymmetricMatrixOfCharmm) {
  std::string bytes = read_file(golden + "/skewed.dcd");
  const double matrix[] = {30.8, 14.6, 30.7, 9.6, -2.6, 30.9};
  for (std::size_t k = 0; k < 6; ++k) bytes = with_bytes(bytes, frames_at + 4 + 8 * k, number_bytes(matrix[k], false));
  const auto frames = read_all(*opener(6)(bytes, "charmm"));
  EXPECT_EQ(frames[0].cell.rows_ang(), (Mat3{{Vec3{30.8, 14.6, 9.6}, Vec3{14.6, 30.7, -2.6}, Vec3{9.6, -2.6, 30.9}}}));
}

TEST(Dcd, TheNumberOfFramesIsThatOfTheFile) {
  const std::string bytes = with_bytes(read_file(golden + "/skewed.dcd"), 8, little_int(0));
  EXPECT_EQ(opener(6)(bytes, "a")->count(), 3u);
  EXPECT_EQ(opener(6)(with_bytes(bytes, 8, little_int(1000)), "b")->count(), 3u);
}

TEST(Dcd, SeekAndCount) {
  const std::string bytes = read_file(golden + "/skewed.dcd");
  expect_seek_finds_frames(*opener(6)(bytes, "a"), *opener(6)(bytes, "b"));
}

TEST(Dcd, EveryPrefix) {
  const std::string bytes = read_file(golden + "/no_cell.dcd");
  EXPECT_EQ(expect_prefixes_refused(bytes, opener(6)), bytes.size() - 1);
}

std::vector<Frame> written_frames(bool cell) {
  Random random(4, 0);
  std::vector<Frame> frames;
  for (int k = 0; k < 5; ++k) {
    Frame frame;
    frame.atoms = std::make_shared<const Atoms>(atoms_of({3, 14, 8}));
    if (cell) frame.cell = Cell(Mat3{{Vec3{5. + k, 0, 0}, Vec3{1.5, 6, 0}, Vec3{-0.5, 0.25 * k, 7}}});
    for (int i = 0; i < 3; ++i)
      frame.position_ang.push_back({10 * random.normal(), 10 * random.normal(), 10 * random.normal()});
    frame.step = 100 + 20 * k;
    frame.time_fs = 0.5 * static_cast<double>(frame.step);
    frames.push_back(frame);
  }
  return frames;
}

std::vector<Frame> through_file(const TemporaryFolder& folder, const std::vector<Frame>& frames,
                                const WriteOptions& write = {}) {
  const auto writer = create_trajectory(folder / "a.dcd", write);
  for (const auto& frame : frames) writer->write(frame);
  writer->commit();
  return read_all(*open_dcd_bytes(read_file(folder / "a.dcd"), "a.dcd", hydrogens(frames[0].size())));
}

TEST(Dcd, WriteThenReadKeepsPositionsCellAndTime) {
  TemporaryFolder folder;
  for (const bool cell : {true, false}) {
    const auto frames = written_frames(cell);
    const auto read = through_file(folder, frames);
    ASSERT_EQ(read.size(), frames.size());
    for (std::size_t k = 0; k < frames.size(); ++k) {
      EXPECT_EQ(read[k].step, frames[k].step);
      EXPECT_NEAR(read[k].time_fs, frames[k].time_fs, 1e-7 * frames[k].time_fs);  // the time step is a float
      EXPECT_EQ(read[k].cell.any_periodic(), cell);
      for (int i = 0; i < 3 && cell; ++i)
        EXPECT_NEAR(norm(read[k].cell.rows_ang()[i] - frames[k].cell.rows_ang()[i]), 0, 1e-14 * 10);
      for (std::size_t i = 0; i < frames[k].size(); ++i)
        for (int axis = 0; axis < 3; ++axis)
          EXPECT_EQ(read[k].position_ang[i][axis], static_cast<float>(frames[k].position_ang[i][axis]));
    }
    EXPECT_EQ(folder.entries(), 1u);
  }
}

// What is read and written again is the same file.
TEST(Dcd, SameBytesAgain) {
  TemporaryFolder folder;
  const auto once = through_file(folder, written_frames(false));
  const std::string bytes = read_file(folder / "a.dcd");
  through_file(folder, once);
  EXPECT_EQ(read_file(folder / "a.dcd"), bytes);
}

TEST(Dcd, UnevenStepsAndTimesAreLeftOut) {
  TemporaryFolder folder;
  auto frames = written_frames(true);
  frames[3].step += 1;
  auto read = through_file(folder, frames);
  EXPECT_EQ(read[4].step, 4);
  EXPECT_NEAR(read[4].time_fs - read[3].time_fs, 10, 1e-5);  // times are even still
  frames[2].time_fs += 1;
  read = through_file(folder, frames);
  EXPECT_EQ(read[4].time_fs, 0);
  WriteOptions options;
  options.step_and_time = false;
  EXPECT_EQ(through_file(folder, written_frames(true), options)[4].step, 4);
  EXPECT_EQ(through_file(folder, {written_frames(true)[1]})[0].step, 120);
  EXPECT_NEAR(through_file(folder, {written_frames(true)[1]})[0].time_fs, 60, 1e-5);
}

TEST(Dcd, WhatTheFormatCannotHoldIsRefused) {
  TemporaryFolder folder;
  const auto good = written_frames(true);
  const auto refused = [&](auto&& change, ErrorKind kind) {
    const auto writer = create_trajectory(folder / "b.dcd");
    writer->write(good[0]);
    Frame frame = good[1];
    change(frame);
    try {
      writer->write(frame);
      ADD_FAILURE() << "was written";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_NE(std::string(error.what()).find("b.dcd, frame 2: "), std::string::npos) << error.what();
    }
  };
  refused([](Frame& frame) { frame.position_ang.pop_back(); }, ErrorKind::usage);
  refused([](Frame& frame) { frame.position_ang.clear(); }, ErrorKind::usage);
  refused([](Frame& frame) { frame.cell = Cell(); }, ErrorKind::usage);
  refused([](Frame& frame) { frame.cell = Cell(Mat3::identity(), {true, true, false}); }, ErrorKind::usage);
  refused([](Frame& frame) { frame.cell = Cell(Mat3{{Vec3{0, 5, 0}, Vec3{5, 0, 0}, Vec3{0, 0, -5}}}); },
          ErrorKind::usage);
  refused([](Frame& frame) { frame.position_ang[1].y = 1e300; }, ErrorKind::numeric);
  refused([](Frame& frame) { frame.position_ang[1].y = std::nan(""); }, ErrorKind::numeric);
  EXPECT_THROW(create_trajectory(folder / "c.dcd")->commit(), Error);
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(Dcd, OpensAsATrajectoryWithATopology) {
  TemporaryFolder folder;
  ReadOptions options;
  options.topology = folder.write("names.xyz", "6\n\nLi 0 0 0\nSi 0 0 0\nH 0 0 0\nH 0 0 0\nO 0 0 0\nC 0 0 0\n");
  for (const char* file : {"/skewed.dcd", "/big_endian.dcd", "/long_marks.dcd"}) {
    EXPECT_STREQ(trajectory_format_of(golden + file).name, "dcd");
    EXPECT_EQ(read_frames(golden + file, options).at(2).atoms->atomic_number[1], 14);
  }
  EXPECT_THROW(read_frames(golden + "/skewed.dcd"), Error);
}

TEST(Dcd, Malformed) {
  const std::string good = read_file(golden + "/skewed.dcd");
  const auto int_at = [&](std::size_t offset, std::int32_t value) {
    return with_bytes(good, offset, little_int(value));
  };
  const auto double_at = [&](std::size_t offset, double value) {
    return with_bytes(good, offset, number_bytes(value, false));
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::size_t cell = frames_at + 4, x = cell + 48 + 4 + 4;
  expect_refused(
      {
          {"empty", "", "expected a DCD header"},
          {"other", "84 atoms\n and some text that goes on and on", "expected a DCD header"},
          {"velocities", with_bytes(good, 4, "VELD"), "holds velocities, not positions"},
          {"forces", with_bytes(good, 4, "FRC "), "holds forces, not positions"},
          {"header_end", int_at(88, 85), "does not end as it starts"},
          {"fixed_atoms", int_at(40, 2), "2 atoms are fixed"},
          {"time_step_nan", with_bytes(good, 44, number_bytes(std::numeric_limits<float>::quiet_NaN(), false)),
           "time step is not finite"},
          {"titles_negative", int_at(96, -1), "must not be negative, found -1"},
          {"titles_many", int_at(96, 1000), "it is cut off"},
          {"titles_record", int_at(92, 2000000000), "the record of 3 titles at byte 92 does not end as it starts"},
          {"atoms_record", int_at(frames_at - 12, 8), "a record of 8 bytes"},
          {"atoms_zero", int_at(frames_at - 8, 0), "at least 1, found 0"},
          {"atoms_negative", int_at(frames_at - 8, -6), "at least 1, found -6"},
          {"atoms_other", int_at(frames_at - 8, 2000000000), "2000000000 atoms, but the topology topology has 6"},
          {"no_frame", good.substr(0, frames_at), "holds no frame"},
          {"no_cell_flag", int_at(48, 0), "a record of 48 bytes at byte 356, expected 24"},
          {"cell_record", int_at(frames_at, 44), "frame 1: a record of 44 bytes"},
          {"cell_nan", double_at(cell + 8, nan), "the cell is not finite"},
          {"cell_negative", double_at(cell, -12), "cell lengths must be positive"},
          {"cell_one_zero", double_at(cell + 16, 0), "cell lengths must be positive"},
          {"cell_flat", double_at(cell + 8, 1), "has the cosine 1"},
          {"cell_impossible", with_bytes(double_at(cell + 8, 0.9), cell + 24, number_bytes(-0.9, false)),
           "no cell has angles"},
          {"cell_mixed", double_at(cell + 8, 80), "neither cosines nor degrees"},
          {"cell_large_angle", double_at(cell + 24, 270), "neither cosines nor degrees"},
          {"cell_no_matrix", with_bytes(double_at(cell + 8, -11.9), cell + 24, number_bytes(11.9, false)),
           "no symmetric matrix"},
          {"x_record", int_at(x - 4, 28), "a record of 28 bytes"},
          {"x_end", int_at(x + 24, 0), "does not end as it starts"},
          {"position_nan", with_bytes(good, x + 8, number_bytes(std::numeric_limits<float>::quiet_NaN(), false)),
           "the position of atom 3 is not finite"},
      },
      opener(6));
}

}  // namespace
}  // namespace saltus
