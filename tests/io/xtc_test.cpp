#include <bit>
#include <cstdint>
#include <limits>

#include "saltus/io/xtc.hpp"
#include "tests/io/reader_checks.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

const std::string golden = SALTUS_SOURCE_DIR "/tests/golden/mdanalysis/xtc";

std::size_t atoms_in(std::string_view bytes) { return static_cast<unsigned char>(bytes[7]); }

OpenBytes opener(std::size_t atoms) {
  return [=](std::string_view bytes, const std::string& name) { return open_xtc_bytes(bytes, name, hydrogens(atoms)); };
}

std::vector<Frame> frames_in(const std::string& file) {
  const std::string bytes = read_file(file);
  return read_all(*open_xtc_bytes(bytes, file, hydrogens(atoms_in(bytes))));
}

// Floats of MDAnalysis against doubles here: a few units in the last of 24 bits; cells through lengths and angles.
TEST(Xtc, ReadsWhatMdAnalysisReads) {
  const std::size_t compared = expect_golden(
      golden, {{"step", {}}, {"time", {0, 0, 1000}}, {"cell", {1e-6, 1e-5}}, {"positions", {4e-7, 1e-6}}}, frames_in);
  EXPECT_EQ(compared, 4u * 12u);
}

// What was written is found to the precision of the file, whatever MDAnalysis makes of it: positions are multiples of
// 1/1000 nm.
TEST(Xtc, PositionsAreMultiplesOfThePrecision) {
  for (const Frame& frame : frames_in(golden + "/water.xtc"))
    for (const Vec3& r : frame.position_ang)
      for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(r[axis] * 100, std::round(r[axis] * 100), 1e-9);
}

TEST(Xtc, NoBoxIsNotPeriodic) {
  const auto frames = frames_in(golden + "/water.xtc");
  EXPECT_TRUE(frames.at(2).cell.any_periodic());
  EXPECT_FALSE(frames.at(3).cell.any_periodic());
  EXPECT_FALSE(frames.at(3).cell.has_vectors());
}

TEST(Xtc, NewMagicHasALongLength) {
  const std::string old = read_file(golden + "/fine.xtc").substr(0, 316);
  std::string bytes = number_bytes<std::int32_t>(2023) + old.substr(4, 84) + std::string(4, '\0') + old.substr(88);
  const auto frames = read_all(*open_xtc_bytes(bytes, "new", hydrogens(30)));
  ASSERT_EQ(frames.size(), 1u);
  expect_same_frame(frames[0], frames_in(golden + "/fine.xtc")[0]);
}

TEST(Xtc, SeekAndCount) {
  const std::string bytes = read_file(golden + "/water.xtc");
  expect_seek_finds_frames(*opener(90)(bytes, "a"), *opener(90)(bytes, "b"));
}

TEST(Xtc, OpensAsATrajectoryWithATopology) {
  TemporaryFolder folder;
  std::string text = "5\n\n";
  for (const char* symbol : {"Li", "Si", "O", "H", "Cs"}) text += std::string(symbol) + " 0 0 0\n";
  ReadOptions options;
  options.topology = folder.write("names.xyz", text);
  const auto frames = read_frames(golden + "/few.xtc", options);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[1].atoms->atomic_number, (std::vector<std::uint8_t>{3, 14, 8, 1, 55}));
  EXPECT_EQ(frames[1].atoms, frames[0].atoms);
  EXPECT_STREQ(trajectory_format_of(golden + "/few.xtc").name, "xtc");
  try {
    read_frames(golden + "/few.xtc");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("give a topology"), std::string::npos) << error.what();
  }
  EXPECT_THROW(read_frames(golden + "/water.xtc", options), Error);
}

TEST(Xtc, EveryPrefix) {
  for (const char* file : {"few.xtc", "fine.xtc"}) {
    const std::string bytes = read_file(golden + "/" + file);
    EXPECT_GT(expect_prefixes_refused(bytes, opener(atoms_in(bytes))), bytes.size() * 9 / 10);
  }
}

TEST(Xtc, Malformed) {
  const std::string good = read_file(golden + "/water.xtc").substr(0, 456);
  const auto int_at = [&](std::size_t offset, std::int32_t value) {
    return with_bytes(good, offset, number_bytes(value));
  };
  const auto float_at = [&](std::size_t offset, float value) { return with_bytes(good, offset, number_bytes(value)); };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  ASSERT_NO_THROW(opener(90)(good, "good"));
  expect_refused(
      {
          {"empty", "", "holds no frame"},
          {"magic", int_at(0, 1996), "expected the magic number 1995 or 2023 at byte 0, found 1996"},
          {"atoms_zero", int_at(4, 0), "at least 1, found 0"},
          {"atoms_negative", int_at(4, -5), "at least 1, found -5"},
          {"atoms_twice", int_at(52, 91), "given as 90 and as 91"},
          {"other_atoms", with_bytes(int_at(4, 92), 52, number_bytes(92)),
           "92 atoms, but the topology topology has 90"},
          {"two_billion_atoms", with_bytes(int_at(4, 2000000000), 52, number_bytes(2000000000)),
           "cannot hold the positions of 2000000000 atoms"},
          {"time_nan", float_at(12, nan), "time is not finite"},
          {"box_nan", float_at(20, nan), "lattice vectors must be finite"},
          {"box_flat", with_bytes(good, 16, good.substr(28, 12)), "lattice"},
          {"precision_zero", float_at(56, 0), "precision must be positive"},
          {"precision_nan", float_at(56, nan), "precision must be positive"},
          {"maximum_below_minimum", int_at(60, 2000000000), "maximum below their minimum"},
          {"width_low", int_at(84, 8), "unknown width"},
          {"width_high", int_at(84, 73), "unknown width"},
          {"width_negative", int_at(84, -1), "unknown width"},
          {"length_negative", int_at(88, -4), "-4 bytes cannot hold"},
          {"length_small", int_at(88, 8), "8 bytes cannot hold"},
          {"length_short", int_at(88, 100), "end before the last atom"},
          {"length_large", int_at(88, 2000000000), "it is cut off"},
          {"ones", with_bytes(good, 92, std::string(good.size() - 92, '\xff')), "the file is damaged"},
          {"xyz", "3\ncomment\n" + std::string(60, 'x'), "expected the magic number"},
      },
      opener(90));
}

}  // namespace
}  // namespace saltus
