#include <cstdint>
#include <limits>

#include "saltus/base/units.hpp"
#include "saltus/io/trr.hpp"
#include "tests/io/reader_checks.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

const std::string golden = SALTUS_SOURCE_DIR "/tests/golden/mdanalysis/trr";

OpenBytes opener(std::size_t atoms) {
  return [=](std::string_view bytes, const std::string& name) { return open_trr_bytes(bytes, name, hydrogens(atoms)); };
}

std::vector<Frame> frames_in(const std::string& file) { return read_all(*opener(7)(read_file(file), file)); }

TEST(Trr, ReadsWhatMdAnalysisReads) {
  const std::size_t compared = expect_golden(golden,
                                             {{"step", {}},
                                              {"time", {0, 0, 1000}},
                                              {"cell", {1e-6, 1e-5}},
                                              {"positions", {1e-7, 1e-7}},
                                              {"velocities", {2e-7, 1e-12, 1e-3}},
                                              {"forces", {2e-7, 1e-12, units::ev_per_kj_mol}}},
                                             frames_in);
  EXPECT_EQ(compared, 36u);
  EXPECT_NEAR(units::ev_per_kj_mol, 0.010364269656, 1e-12);
  EXPECT_NEAR(units::ev_per_kcal_mol, 0.0433641042, 1e-10);
}

// One atom in double precision, as gmx mdrun -d writes it.
std::string double_frame(bool positions) {
  std::string bytes = number_bytes<std::int32_t>(1993) + number_bytes<std::int32_t>(13) +
                      number_bytes<std::int32_t>(12) + "GMX_trn_file";
  for (const std::int32_t size : {0, 0, 72, 72, 0, 0, 0, positions ? 24 : 0, 24, 0, 1, 40, 0})
    bytes += number_bytes(size);
  for (const double value : {0.1, 0.5}) bytes += number_bytes(value);
  for (const double value : {1.1, 0., 0., 0.2, 1.2, 0., 0.3, 0.4, 1.3}) bytes += number_bytes(value);
  bytes += std::string(72, '\x7f');  // the virial is passed over
  if (positions) bytes += number_bytes(0.01) + number_bytes(-0.02) + number_bytes(0.03);
  return bytes + number_bytes(1.) + number_bytes(2.) + number_bytes(3.);
}

TEST(Trr, DoublePrecision) {
  const auto frames = read_all(*opener(1)(double_frame(true), "double"));
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].time_fs, 100);
  EXPECT_EQ(frames[0].step, 40);
  EXPECT_EQ(frames[0].cell.rows_ang(), (Mat3{{Vec3{11, 0, 0}, Vec3{2, 12, 0}, Vec3{3, 4, 13}}}));
  EXPECT_NEAR(norm(frames[0].position_ang[0] - Vec3{0.1, -0.2, 0.3}), 0, 1e-16);
  EXPECT_NEAR(norm(frames[0].velocity_ang_fs.at(0) - Vec3{0.01, 0.02, 0.03}), 0, 1e-17);
  EXPECT_TRUE(frames[0].force_ev_ang.empty());
}

TEST(Trr, FramesWithoutPositionsArePassedOver) {
  const std::string with = double_frame(true), without = double_frame(false);
  const auto reader = opener(1)(without + with + without + without + with + without, "mixed");
  EXPECT_EQ(reader->count(), 2u);
  EXPECT_EQ(read_all(*reader).size(), 2u);
  expect_seek_finds_frames(*opener(1)(without + with + without + with, "a"),
                           *opener(1)(without + with + without + with, "b"));
}

TEST(Trr, SeekAndCount) {
  const std::string bytes = read_file(golden + "/some.trr");
  expect_seek_finds_frames(*opener(7)(bytes, "a"), *opener(7)(bytes, "b"));
}

TEST(Trr, OpensAsATrajectoryWithATopology) {
  TemporaryFolder folder;
  std::string text = "7\n\n";
  for (int k = 0; k < 7; ++k) text += "Li 0 0 0\n";
  ReadOptions options;
  options.topology = folder.write("names.xyz", text);
  EXPECT_EQ(formula(*read_frames(golden + "/all.trr", options).at(2).atoms), "Li7");
  EXPECT_STREQ(trajectory_format_of(golden + "/all.trr").name, "trr");
  EXPECT_THROW(read_frames(golden + "/all.trr"), Error);
}

TEST(Trr, EveryPrefix) {
  const std::string bytes = read_file(golden + "/some.trr");
  EXPECT_EQ(expect_prefixes_refused(bytes, opener(7)), bytes.size() - 2);
}

TEST(Trr, Malformed) {
  const std::string good = read_file(golden + "/all.trr").substr(0, 372);
  ASSERT_EQ(read_all(*opener(7)(good, "good")).size(), 1u);
  const auto int_at = [&](std::size_t offset, std::int32_t value) {
    return with_bytes(good, offset, number_bytes(value));
  };
  const auto float_at = [&](std::size_t offset, float value) { return with_bytes(good, offset, number_bytes(value)); };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  expect_refused(
      {
          {"empty", "", "holds no frame"},
          {"magic", int_at(0, 1994), "expected the magic number 1993 and 'GMX_trn_file' at byte 0"},
          {"text", with_bytes(good, 12, "GMX_trn_fold"), "expected the magic number"},
          {"atoms_zero", int_at(64, 0), "at least 1, found 0"},
          {"atoms_negative", int_at(64, -7), "at least 1, found -7"},
          {"atoms_other", int_at(64, 8), "neither single nor double"},
          {"atoms_huge", int_at(64, 2147483647), "neither single nor double"},
          {"size_negative", int_at(52, -84), "a block of -84 bytes"},
          {"size_odd", int_at(52, 85), "a block of 85 bytes for 7 atoms"},
          {"size_mixed", int_at(52, 168), "a block of 168 bytes for 7 atoms in single precision"},
          {"box_odd", int_at(32, 40), "a box, virial or pressure of 40 bytes"},
          {"old_block", int_at(44, 4), "older than GROMACS 3"},
          {"time_nan", float_at(76, nan), "time is not finite"},
          {"box_nan", float_at(84, nan), "lattice vectors must be finite"},
          {"position_nan", float_at(120 + 12, nan), "the position of atom 2 is not finite"},
          {"velocity_infinite", float_at(120 + 84, std::numeric_limits<float>::infinity()),
           "the velocity of atom 1 is not finite"},
          {"force_nan", float_at(120 + 168 + 80, nan), "the force of atom 7 is not finite"},
          {"no_positions", with_bytes(int_at(52, 0), 120, "").substr(0, 288), "no frame of the file has positions"},
      },
      opener(7));
  expect_refused({{"other_count", good, "7 atoms, but the topology topology has 6"}}, opener(6));
}

}  // namespace
}  // namespace saltus
