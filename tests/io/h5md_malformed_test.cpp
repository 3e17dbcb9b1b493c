// H5MD files that must be refused, by h5py (tests/golden/h5py/malformed), and files that were cut off or overwritten.
#include <gtest/gtest.h>

#include <ostream>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/io/h5md.hpp"
#include "tests/io/temporary_folder.hpp"

// HDF5 1.10 forgets memory of its own where it refuses a damaged file; leaks of Saltus are still reported.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5"; }
// A list of them on standard error would be taken for words of the program under test.
extern "C" const char* __lsan_default_options();
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }

namespace saltus {
namespace {

const std::filesystem::path folder = SALTUS_SOURCE_DIR "/tests/golden/h5py/malformed";

struct Case {
  std::string name, message;
};

void PrintTo(const Case& bad, std::ostream* out) { *out << bad.name; }

std::vector<Case> cases() {
  return {
      {"boundary_numbers", "/particles/all/box: attribute boundary is not text"},
      {"boundary_two", "/particles/all/box: attribute boundary is not three words"},
      {"boundary_word", "/particles/all/box: attribute boundary: 'wall' is neither 'periodic' nor 'none'"},
      {"dimension_two", "/particles/all/box: attribute dimension is not 3"},
      {"edges_at_other_steps", "frame 2: /particles/all/box/edges: has no record of step 10"},
      {"edges_nan", "frame 1: /particles/all/box/edges: lattice vectors must be finite"},
      {"edges_two", "/particles/all/box/edges: has the shape [2], expected [3] or [3, 3]"},
      {"edges_zero", "frame 1: /particles/all/box/edges: the lattice is singular: its vectors are (nearly) linearly dependent"},
      {"energy_per_atom", "/observables/potential_energy/value: has the shape [2, 2], expected one energy per frame"},
      {"external_link", "/particles/all/position: is a link into another file, which is not followed"},
      {"external_link_of_group", "/particles: is a link into another file, which is not followed"},
      {"external_storage", "/particles/all/position/value: its values lie in other files, which are not opened"},
      {"huge_chunked", "/particles/all/position/value: its shape [1000000000000, 1000000, 3] asks for more values than"},
      {"huge_contiguous", "/particles/all/position/value: its shape [2, 100000000000, 3] asks for more values than"},
      {"huge_overflow", "/particles/all/position/value: its shape [1099511627776, 1099511627776, 3] asks for more values than"},
      {"image_of_reals", "/particles/all/image/value: expected integers of at most 64 bits"},
      {"image_without_edges", "/particles/all/image: images without box/edges have no meaning"},
      {"mass_zero", "/particles/all/mass: atom 1: the mass must be positive"},
      {"no_box", "/particles/all/box: is not there"},
      {"no_edges", "/particles/all/box: is periodic but has no edges"},
      {"no_frames", "/particles/all/position/value: has no frames"},
      {"no_h5md", "/h5md: is not there: an HDF5 file, but not an H5MD file"},
      {"no_particles", "/particles: is not there: the file has no particles"},
      {"no_position", "/particles: no group in it has positions that change with time (position/value)"},
      {"no_step", "/particles/all/position: holds no dataset 'step'"},
      {"no_value", "/particles/all/position: holds no dataset 'value'"},
      {"not_written", "/particles/all/position/value: 0 of its 2 chunks were written"},
      {"position_compound", "/particles/all/position/value: expected floating-point numbers of at most 64 bits"},
      {"position_flat", "/particles/all/position/value: has the shape [2, 2], expected [frames, atoms, 3]"},
      {"position_is_a_type", "/particles/all/position: holds no dataset 'value'"},
      {"position_nan", "frame 2: /particles/all/position/value: a number is not finite"},
      {"position_of_integers", "/particles/all/position/value: expected floating-point numbers of at most 64 bits"},
      {"position_of_text", "/particles/all/position/value: expected floating-point numbers of at most 64 bits"},
      {"position_two_dimensions", "/particles/all/position/value: has the shape [2, 2, 2], expected [frames, atoms, 3]"},
      {"position_without_shape", "/particles/all/position/value: its shape is not one of H5MD"},
      {"soft_link_circle", "/particles/all/other: symbolic links go round in a circle"},
      {"soft_then_external_link", "/elsewhere: is a link into another file, which is not followed"},
      {"species_short", "/particles/all/species: has the shape [1], but there are 2 atoms"},
      {"species_unnamed", "/particles/all/species: atom 2: 5 is no value of its enumeration"},
      {"step_increment_nan", "/particles/all/position/step: increment or offset is not finite"},
      {"step_of_reals", "/particles/all/position/step: expected integers of at most 64 bits"},
      {"step_short", "/particles/all/position/step: has the shape [1], but there are 2 records of the value"},
      {"time_infinite", "frame 2: /particles/all/position/time: the time is not finite"},
      {"unit_long", "/particles/all/position/value: attribute unit is text of 5000 bytes, too long"},
      {"unit_number", "/particles/all/position/value: attribute unit is not text"},
      {"unit_of_time", "/particles/all/position/value: the unit 'ps' is not known as one of length"},
      {"unit_unknown", "/particles/all/position/value: the unit 'parsec' is not known as one of length"},
      {"user_filter", "/particles/all/position/value: its values went through filter 32000 ('lzf')"},
      {"velocity_atoms", "/particles/all/velocity/value: has the shape [2, 3, 3], expected [frames, 2, 3]"},
      {"velocity_infinite", "frame 1: /particles/all/velocity/value: a number is not finite"},
      {"velocity_steps_backwards", "/particles/all/velocity: its steps are not those of the positions, and do not increase from record to record"},
      {"version_text", "/h5md: attribute version is not of numbers"},
      {"version_two", "/h5md: attribute version is not that of H5MD 1"},
      {"virial_six", "/observables/virial/value: has the shape [2, 6], expected [frames, 3, 3]"},
      {"virtual_storage", "/particles/all/position/value: its values lie in other files, which are not opened"},
  };
}

class MalformedH5md : public testing::TestWithParam<Case> {};

// From a file and from memory alike.
TEST_P(MalformedH5md, IsRefusedWithPlace) {
  const Case& bad = GetParam();
  const std::filesystem::path path = folder / (bad.name + ".h5md");
  const std::string bytes = read_file(path);
  for (const bool from_memory : {false, true}) {
    try {
      const auto reader = from_memory ? open_h5md_bytes(bytes, path.string()) : open_trajectory(path);
      Frame frame;
      while (reader->read_next(frame)) {
      }
      ADD_FAILURE() << "was read without complaint";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format);
      const std::string message = error.what();
      EXPECT_EQ(message.rfind(path.string(), 0), 0u) << message;
      EXPECT_NE(message.find(bad.message), std::string::npos) << message;
      EXPECT_LT(message.size(), path.string().size() + 300) << message;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(H5md, MalformedH5md, testing::ValuesIn(cases()), [](const auto& instance) { return instance.param.name; });

std::string small_file() {
  TemporaryFolder temporary;
  const auto writer = create_trajectory(temporary / "small.h5md");
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of({3, 14, 8}));
  frame.cell = Cell(Mat3{{Vec3{5, 0, 0}, Vec3{0, 6, 0}, Vec3{1, 0, 7}}});
  frame.energy_ev = -1;
  for (int k = 0; k < 4; ++k) {
    frame.step = k;
    frame.position_ang = {{0.5 + k, 0, 0}, {1, 1, 1.25}, {-3, 2, 1}};
    frame.velocity_ang_fs = frame.position_ang;
    writer->write(frame);
  }
  writer->commit();
  return read_file(temporary / "small.h5md");
}

// HDF5 keeps the place of its end in its first block: no part of a file is taken for a whole one.
TEST(TruncatedH5md, EveryCutIsRefused) {
  const std::string whole = small_file();
  for (std::size_t length = 0; length < whole.size(); length += length < 600 ? 1 : 41) {
    try {
      open_h5md_bytes(std::string_view(whole).substr(0, length), "cut.h5md");
      ADD_FAILURE() << "read " << length << " of " << whole.size() << " bytes";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format);
      EXPECT_EQ(std::string(error.what()).rfind("cut.h5md: ", 0), 0u) << error.what();
    }
  }
  TemporaryFolder temporary;
  for (const double part : {0.1, 0.5, 0.9, 0.999}) {
    const auto path = temporary.write("cut.h5md", whole.substr(0, static_cast<std::size_t>(part * static_cast<double>(whole.size()))));
    try {
      open_trajectory(path);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("damaged or cut off"), std::string::npos) << error.what();
    }
  }
}

// Every structure of HDF5 in our own files carries a checksum: a damaged byte is refused, or lies in the numbers.
TEST(TruncatedH5md, DamagedBytesDoNotCrash) {
  const std::string whole = small_file();
  std::size_t refused = 0, read = 0;
  for (std::size_t at = 0; at < whole.size(); at += 37) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    try {
      const auto reader = open_h5md_bytes(damaged, "damaged.h5md");
      for (Frame frame; reader->read_next(frame);) EXPECT_EQ(frame.size(), 3u);
      ++read;
    } catch (const Error& error) {
      EXPECT_TRUE(error.kind() == ErrorKind::format || error.kind() == ErrorKind::usage) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 20u);
  EXPECT_GT(read, 0u);
}

TEST(TruncatedH5md, NoFile) {
  TemporaryFolder temporary;
  const auto kind_of = [](const std::filesystem::path& path) {
    try {
      open_h5md(path);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  };
  EXPECT_EQ(kind_of(temporary / "not_there.h5md"), ErrorKind::file);
  EXPECT_EQ(kind_of(temporary.path()), ErrorKind::file);
  EXPECT_EQ(kind_of(temporary.write("empty.h5md", "")), ErrorKind::format);
  EXPECT_EQ(kind_of(temporary.write("text.h5md", "2\ntext\n")), ErrorKind::format);
}

}  // namespace
}  // namespace saltus
