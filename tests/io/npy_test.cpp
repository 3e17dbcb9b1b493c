#include "saltus/io/npy.hpp"

#include <cmath>
#include <cstdint>

#include "saltus/io/npy_writer.hpp"
#include "saltus/io/number_table.hpp"
#include "tests/io/reader_checks.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

const std::string golden = SALTUS_SOURCE_DIR "/tests/golden/numpy/npy";

OpenBytes opener(std::size_t atoms, const ReadOptions& options = {}) {
  return [=](std::string_view bytes, const std::string& name) {
    return open_npy_bytes(bytes, name, hydrogens(atoms), options);
  };
}

std::string array(const std::string& dictionary, std::size_t data_bytes) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(dictionary.size() & 255);
  bytes += static_cast<char>(dictionary.size() >> 8);
  return bytes + dictionary + std::string(data_bytes, '\0');
}

TEST(Npy, ReadsWhatNumpyWrites) {
  const std::size_t compared = expect_golden(
      golden, {{"positions", {}}}, [](const std::string& file) { return read_all(*opener(4)(read_file(file), file)); });
  EXPECT_EQ(compared, 15u);
}

TEST(Npy, CellOfTheTopologyAndTimeOfTheOption) {
  TemporaryFolder folder;
  ReadOptions options;
  options.topology = folder.write(
      "names.xyz",
      "4\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3\nLi 0 0 0\nSi 0 0 0\nH 0 0 0\nO 0 0 0\n");
  EXPECT_STREQ(trajectory_format_of(golden + "/f8.npy").name, "npy");
  auto frames = read_frames(golden + "/f8.npy", options);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[2].cell.rows_ang()[1].y, 9);
  EXPECT_EQ(formula(*frames[2].atoms), "HLiOSi");
  EXPECT_EQ(frames[2].step, 2);
  EXPECT_EQ(frames[2].time_fs, 0);
  options.time_step_fs = 0.5;
  EXPECT_EQ(read_frames(golden + "/f8.npy", options)[2].time_fs, 1);
  EXPECT_THROW(read_frames(golden + "/f8.npy"), Error);
}

TEST(Npy, SeekAndCount) {
  const std::string bytes = read_file(golden + "/f4_big.npy");
  expect_seek_finds_frames(*opener(4)(bytes, "a"), *opener(4)(bytes, "b"));
}

TEST(Npy, EveryPrefix) {
  const std::string bytes = read_file(golden + "/f4.npy");
  EXPECT_EQ(expect_prefixes_refused(bytes, opener(4)), bytes.size());
}

TEST(Npy, HeaderInAnySpelling) {
  EXPECT_EQ(opener(1)(array("{\"shape\":(2,1,3),'fortran_order':False,'descr':'<f4'}\n", 24), "a")->count(), 2u);
}

TEST(Npy, Malformed) {
  const std::string good = read_file(golden + "/f8.npy");
  const auto dictionary = [](const std::string& text) { return array(text, 96); };
  const auto shape = [&](const std::string& text) {
    return dictionary("{'descr': '<f8', 'fortran_order': False, 'shape': " + text + "}");
  };
  expect_refused(
      {
          {"empty", "", "cut off"},
          {"magic", with_bytes(good, 1, "NUMPI"), "expected the magic bytes"},
          {"version", with_bytes(good, 6, "\x09"), "version 9"},
          {"header_beyond", array("{", 0).replace(8, 2, "\xff\xff"), "cut off"},
          {"header_huge", std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'", 20), "a header of 4294967295 bytes"},
          {"no_dictionary", dictionary("['descr']"), "expected '{'"},
          {"open_dictionary", dictionary("{'descr': '<f8', "), "expected a text in quotes"},
          {"open_quote", dictionary("{'descr: <f8"), "an open quote"},
          {"unknown_key", dictionary("{'order': 1}"), "unknown key 'order'"},
          {"lacks_shape", dictionary("{'descr': '<f8', 'fortran_order': False}"),
           "lacks descr, fortran_order or shape"},
          {"order_word", dictionary("{'fortran_order': 1}"), "expected True or False"},
          {"behind", dictionary("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 4, 3)} x"), "goes on behind"},
          {"structured", dictionary("{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (1, 4, 3)}"),
           "a structured array"},
          {"fortran", read_file(golden + "/fortran.npy"), "Fortran order; save numpy.ascontiguousarray"},
          {"integers", read_file(golden + "/integers.npy"), "numbers of type '<i8'"},
          {"objects", dictionary("{'descr': '|O', 'fortran_order': False, 'shape': (1, 4, 3)}"),
           "numbers of type '|O'"},
          {"two_dimensions", shape("(4, 3)"), "shape (4, 3), expected (frames, atoms, 3)"},
          {"four_columns", shape("(1, 3, 4)"), "shape (1, 3, 4), expected (frames, atoms, 3)"},
          {"no_shape", shape("()"), "shape (), expected"},
          {"negative", shape("(-1, 4, 3)"), "the shape has '-1, 4, 3)}', expected a number"},
          {"overflow", shape("(99999999999999999999, 4, 3)"), "expected a number"},
          {"no_frames", shape("(0, 4, 3)"), "holds no frame"},
          {"no_atoms", shape("(1, 0, 3)"), "holds no frame"},
          {"other_atoms", shape("(1, 9223372036854775807, 3)"),
           "9223372036854775807 atoms, but the topology topology has 4"},
          {"many_frames", shape("(9223372036854775807, 4, 3)"), "frame 2: the file ends at byte"},
          {"too_long", good + "x", "1 bytes more than its shape (3, 4, 3) takes"},
          {"not_finite", with_bytes(good, good.size() - 8, number_bytes(std::nan(""), false)),
           "frame 3: the position of atom 4 is not finite"},
      },
      opener(4));
}

TEST(Npy, RowsWrittenAsTheyGrow) {
  TemporaryFolder folder;
  const std::vector<float> values{1.5f, -2, 3, 0.1f, 5, 6};
  {
    NpyRows file(folder / "z.npy", 3, 2);
    file.append(std::span(values).first(2));
    file.append(std::span(values).subspan(2));
    EXPECT_FALSE(std::filesystem::exists(folder / "z.npy"));
    file.commit();
  }
  const NumberTable table = read_number_table(folder / "z.npy");
  ASSERT_EQ(table.rows, 3u);
  ASSERT_EQ(table.columns, 2u);
  for (std::size_t k = 0; k < values.size(); ++k) EXPECT_EQ(table.value[k], static_cast<double>(values[k]));
  {
    NpyRows file(folder / "short.npy", 3, 2);
    file.append(std::span(values).first(5));
    EXPECT_THROW(file.commit(), Error);
    EXPECT_THROW(file.append(values), Error);
  }
  EXPECT_EQ(folder.entries(), 1u);
}

}  // namespace
}  // namespace saltus
