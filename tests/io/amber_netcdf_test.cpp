#include <cstdint>
#include <limits>

#include "saltus/base/units.hpp"
#include "saltus/io/amber_netcdf.hpp"
#include "saltus/io/netcdf_classic.hpp"
#include "tests/io/reader_checks.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

const std::string golden = SALTUS_SOURCE_DIR "/tests/golden/mdanalysis/amber_netcdf";

OpenBytes opener(std::size_t atoms, const ReadOptions& options = {}) {
  return [=](std::string_view bytes, const std::string& name) {
    return open_amber_netcdf_bytes(bytes, name, hydrogens(atoms), options);
  };
}

std::vector<Frame> frames_in(const std::string& file) { return read_all(*opener(5)(read_file(file), file)); }

// `bytes` with the first `old` behind `after` replaced by a text of the same length.
std::string with_text(std::string bytes, const std::string& after, const std::string& old, const std::string& now) {
  EXPECT_EQ(old.size(), now.size());
  const std::size_t at = bytes.find(old, bytes.find(after));
  EXPECT_NE(at, std::string::npos) << old;
  return bytes.replace(at, old.size(), now);
}

TEST(AmberNetcdf, ReadsWhatMdAnalysisAndNetcdfRead) {
  const std::size_t compared = expect_golden(golden,
                                             {{"time", {1e-7, 0, 1000}},
                                              {"cell", {1e-6, 1e-5}},
                                              {"positions", {1e-8, 1e-8}},
                                              {"velocities", {2e-7, 0, 1e-3}},
                                              {"forces", {2e-7, 0, units::ev_per_kj_mol}}},
                                             frames_in);
  EXPECT_EQ(compared, 15u + 12u + 3u + 2u);
}

TEST(AmberNetcdf, WhatIsAbsentIsEmpty) {
  const auto frames = frames_in(golden + "/one_variable.nc");
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_FALSE(frames[0].cell.any_periodic());
  EXPECT_TRUE(frames[0].velocity_ang_fs.empty());
  EXPECT_TRUE(frames[0].force_ev_ang.empty());
  EXPECT_EQ(frames[2].time_fs, 0);
  EXPECT_EQ(frames[2].step, 2);
  ReadOptions options;
  options.time_step_fs = 0.5;
  EXPECT_EQ(read_all(*opener(5, options)(read_file(golden + "/one_variable.nc"), "a"))[2].time_fs, 1);
  EXPECT_EQ(frames_in(golden + "/restart.ncrst").size(), 1u);
}

// While a file is written its number of records may be all ones: the bytes count.
TEST(AmberNetcdf, StreamedNumberOfRecords) {
  for (const char* name : {"/all.nc", "/one_variable.nc"}) {
    const std::string bytes = read_file(golden + name);
    EXPECT_EQ(opener(5)(with_bytes(bytes, 4, "\xff\xff\xff\xff"), "a")->count(), 3u);
  }
}

TEST(AmberNetcdf, HeaderOfTheLibrary) {
  ByteFile file{std::string_view(read_file(golden + "/double_5.nc"))};
  const NetcdfHeader header = read_netcdf_header(file);
  EXPECT_EQ(header.records, 3u);
  EXPECT_EQ(header.record_bytes, 8u + 2 * 5 * 3 * 8u + 2 * 3 * 8u + 8u);
  ASSERT_NE(header.variable("velocities"), nullptr);
  EXPECT_EQ(header.variable("velocities")->values, 15u);
  EXPECT_EQ(find_attribute(header.variable("velocities")->attributes, "scale_factor")->number,
            (std::vector<double>{20.455}));
  EXPECT_EQ(find_attribute(header.attributes, "program")->text, "make.py");
  EXPECT_EQ(header.variable("nothing"), nullptr);
}

TEST(AmberNetcdf, SeekAndCount) {
  const std::string bytes = read_file(golden + "/all.nc");
  expect_seek_finds_frames(*opener(5)(bytes, "a"), *opener(5)(bytes, "b"));
}

TEST(AmberNetcdf, EveryPrefix) {
  const std::string bytes = read_file(golden + "/all.nc");
  EXPECT_EQ(expect_prefixes_refused(bytes, opener(5)), bytes.size());
}

TEST(AmberNetcdf, OpensAsATrajectoryWithATopology) {
  TemporaryFolder folder;
  ReadOptions options;
  options.topology = folder.write("names.xyz", "5\n\nLi 0 0 0\nSi 0 0 0\nH 0 0 0\nH 0 0 0\nO 0 0 0\n");
  EXPECT_STREQ(trajectory_format_of(golden + "/all.nc").name, "amber-netcdf");
  EXPECT_EQ(read_frames(golden + "/all.nc", options).at(2).atoms->atomic_number[1], 14);
  EXPECT_THROW(read_frames(golden + "/all.nc"), Error);
}

TEST(AmberNetcdf, Malformed) {
  const std::string good = read_file(golden + "/all.nc"), five = read_file(golden + "/double_5.nc");
  const auto int_at = [&](std::size_t offset, std::int32_t value) {
    return with_bytes(good, offset, number_bytes(value));
  };
  // The type of a variable stands eight bytes before where it starts, its bytes between.
  ByteFile file{std::string_view(good)};
  const NetcdfHeader header = read_netcdf_header(file);
  const auto first = static_cast<std::size_t>(header.variable("coordinates")->offset);
  const auto lengths = static_cast<std::size_t>(header.variable("cell_lengths")->offset);
  const auto time = static_cast<std::size_t>(header.variable("time")->offset);
  const std::size_t offset_at = good.find(number_bytes(static_cast<std::uint64_t>(first)));
  ASSERT_NE(offset_at, std::string::npos);
  const std::string nan = number_bytes(std::numeric_limits<float>::quiet_NaN());
  const std::size_t dimensions = 8;
  expect_refused(
      {
          {"empty", "", "empty"},
          {"short", "CDF", "cut off"},
          {"version", with_bytes(good, 3, "\x03"), "expected 'CDF' and version 1, 2 or 5"},
          {"hdf5", read_file(golden + "/netcdf4.nc"),
           "netCDF-4 (HDF5) is not read; convert the file: nccopy -k cdf5 IN OUT"},
          {"no_frame", int_at(4, 0), "holds no frame"},
          {"more_frames", int_at(4, 4), "frame 4: the file ends at byte"},
          {"billions_of_frames", int_at(4, 2000000000), "its header states 2000000000 frames; it is cut off"},
          {"dimension_tag", int_at(dimensions, 11), "expected the list of dimensions"},
          {"dimension_count", int_at(dimensions + 4, 2000000000),
           "2000000000 dimensions at byte 16 are more than the file can hold"},
          {"name_length", int_at(dimensions + 8, 0), "a name of 0 bytes"},
          {"name_huge", int_at(dimensions + 8, 2000000000), "a name of 2000000000 bytes"},
          {"not_amber", with_text(good, "Conventions", "AMBER", "CHARM"), "Conventions is 'CHARM', expected AMBER"},
          {"no_conventions", with_text(good, "CDF", "Conventions", "conventions"), "Conventions is absent"},
          {"no_coordinates", with_text(good, "CDF", number_bytes(11) + "coordinates", number_bytes(11) + "coordinated"),
           "no variable 'coordinates'"},
          {"unit", with_text(good, "coordinates", "angstrom", "nanomete"),
           "coordinates are in 'nanomete', expected angstrom"},
          {"only_lengths", with_text(good, "CDF", "cell_angles", "cell_ankles"), "there is only one"},
          {"scale_factor", with_text(five, "velocities", number_bytes(20.455), number_bytes(0.)),
           "scale_factor of velocities"},
          {"type", with_bytes(good, offset_at - 8, number_bytes<std::int32_t>(4)),
           "coordinates are of type int, expected float or double"},
          {"type_unknown", with_bytes(good, offset_at - 8, number_bytes<std::int32_t>(77)), "unknown type 77"},
          {"start_beyond", with_bytes(good, offset_at, number_bytes<std::int64_t>(-1)), "starts beyond any file"},
          {"start_behind", with_bytes(good, offset_at, number_bytes<std::int64_t>(1000000)), "frame 1: the file ends"},
          {"atoms", with_text(good, "atom", number_bytes<std::int32_t>(5), number_bytes<std::int32_t>(6)),
           "6 atoms, but the topology topology has 5"},
          {"spatial", with_text(good, "spatial", number_bytes<std::int32_t>(3), number_bytes<std::int32_t>(4)),
           "expected (frame, atom, 3)"},
          {"position_nan", with_bytes(good, first + 16, nan), "frame 1: the position of atom 2 is not finite"},
          {"time_nan", with_bytes(good, time, nan), "the time is not finite"},
          {"length_negative", with_bytes(good, lengths, number_bytes(-12.f)), "cell lengths must be positive"},
      },
      opener(5));
}

}  // namespace
}  // namespace saltus
