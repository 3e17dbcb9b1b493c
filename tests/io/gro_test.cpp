#include "saltus/io/gro.hpp"

#include "saltus/atoms/elements.hpp"
#include "saltus/io/atom_names.hpp"
#include "tests/io/reader_checks.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

const std::string golden = SALTUS_SOURCE_DIR "/tests/golden/mdanalysis/gro";

const OpenBytes open_text = [](std::string_view text, const std::string& name) { return open_gro_text(text, name); };

const std::string water =
    "Water t= 1.5 step= 30\n    3\n"
    "    1SOL     OW    1   0.100   0.200   0.300\n"
    "    1SOL    HW1    2   0.200   0.200   0.300\n"
    "    1SOL    HW2    3  -0.100   0.200  10.300\n"
    "   1.00000   2.00000   3.00000\n";
const std::string fast =
    "\n1\n"
    "    1LI      LI    1   0.10000   0.20000   0.30000  0.100000 -0.200000  0.300000\n"
    "1 2 3 0 0 0.5 0 0.25 0.75\n";

std::vector<Frame> frames_of(std::string_view text) { return read_all(*open_gro_text(text, "text")); }

TEST(Gro, ReadsWhatMdAnalysisReads) {
  const std::size_t compared = expect_golden(
      golden,
      {{"numbers", {}}, {"cell", {1e-6, 1e-5}}, {"positions", {1e-7, 1e-7}}, {"velocities", {1e-7, 1e-10, 1e-3}}},
      [](const std::string& file) { return read_frames(file); });
  EXPECT_EQ(compared, 8u);
}

TEST(Gro, TimeAndStepFromTheTitle) {
  const auto reader = open_gro_text(water, "text");
  const auto frames = read_all(*reader);
  EXPECT_EQ(frames.at(0).time_fs, 1500);
  EXPECT_EQ(frames.at(0).step, 30);
  EXPECT_EQ(reader->source().time, "t");
  const auto time_of = [](const std::string& title) {
    return frames_of(title + water.substr(water.find('\n'))).at(0).time_fs;
  };
  EXPECT_EQ(time_of("dt=5 is no time"), 0);
  EXPECT_EQ(time_of("t=2 and later t=   3e0 step=x"), 3000);
  EXPECT_EQ(time_of("a part=7, t=nan"), 0);
  EXPECT_EQ(time_of(""), 0);
}

TEST(Gro, KeepsTheNamesOfAtomsAndResidues) {
  const auto frames = frames_of(water + water);
  const auto& labels = frames.at(0).atoms->labels;
  ASSERT_TRUE(labels);
  EXPECT_EQ(labels->atom_name, (std::vector<std::string>{"OW", "HW1", "HW2"}));
  EXPECT_EQ(labels->residue_name, (std::vector<std::string>(3, "SOL")));
  EXPECT_EQ(labels->residue, (std::vector<std::int32_t>(3, 1)));
  EXPECT_EQ(frames.at(1).atoms, frames.at(0).atoms);  // shared
  std::string renumbered = water;
  renumbered.replace(renumbered.find("    1SOL     OW"), 5, "*****");
  const auto other = frames_of(renumbered);
  EXPECT_TRUE(other.at(0).atoms->labels->residue.empty());
  EXPECT_EQ(other.at(0).atoms->labels->atom_name, labels->atom_name);
  EXPECT_EQ(*other.at(0).atoms, *frames.at(0).atoms);  // equality is about numbers and masses
}

TEST(Gro, DecimalsVelocitiesAndBox) {
  const auto frames = frames_of(fast);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].atoms->atomic_number, (std::vector<std::uint8_t>{3}));
  EXPECT_EQ(frames[0].position_ang[0], (Vec3{1, 2, 3}));
  EXPECT_NEAR(norm(frames[0].velocity_ang_fs.at(0) - Vec3{1e-3, -2e-3, 3e-3}), 0, 1e-18);
  EXPECT_EQ(frames[0].cell.rows_ang(), (Mat3{{Vec3{10, 0, 0}, Vec3{5, 20, 0}, Vec3{2.5, 7.5, 30}}}));
  EXPECT_TRUE(frames_of(water)[0].velocity_ang_fs.empty());
  EXPECT_EQ(frames_of(water)[0].position_ang[2], (Vec3{-1, 2, 103}));
  EXPECT_FALSE(frames_of(water.substr(0, water.rfind("   1.00000")) + "0 0 0\n")[0].cell.any_periodic());
}

TEST(Gro, ManyFramesOfChangingAtoms) {
  const auto frames = frames_of(water + fast + water + water + "\n \n");
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_EQ(formula(*frames[1].atoms), "Li");
  EXPECT_EQ(formula(*frames[2].atoms), "H2O");
  EXPECT_EQ(frames[3].atoms, frames[2].atoms);
  EXPECT_EQ(frames[3].position_ang, frames[0].position_ang);
}

TEST(Gro, SeekAndCount) {
  const std::string text = water + fast + water + "\n";
  expect_seek_finds_frames(*open_text(text, "a"), *open_text(text, "b"));
}

TEST(Gro, ElementsByName) {
  const auto symbol = [](const char* name, const char* residue) {
    return std::string(symbol_of(element_of_atom_name(name, residue)));
  };
  EXPECT_EQ(symbol("OW", "SOL"), "O");
  EXPECT_EQ(symbol("HW1", "SOL"), "H");
  EXPECT_EQ(symbol("1HW", "HOH"), "H");
  EXPECT_EQ(symbol("NA", "NA"), "Na");
  EXPECT_EQ(symbol("Cl-", "Cl-"), "Cl");
  EXPECT_EQ(symbol("CA", "CA2+"), "Ca");
  EXPECT_EQ(symbol("K", "ION"), "K");
  EXPECT_EQ(symbol("SOD", "SOD"), "Na");
  EXPECT_EQ(symbol("CLA", "CLA"), "Cl");
  EXPECT_EQ(symbol("CA", "ALA"), "C");
  EXPECT_EQ(symbol("HG21", "ILE"), "H");
  EXPECT_EQ(symbol("2HB", "SER"), "H");
  EXPECT_EQ(symbol("O5'", "DA"), "O");
  EXPECT_EQ(symbol("C12", "LIG"), "C");
  EXPECT_EQ(symbol("Cl1", "LIG"), "Cl");
  EXPECT_EQ(symbol("Ca", "LIG"), "Ca");
  EXPECT_EQ(symbol("CT3", "LIG"), "C");
  EXPECT_EQ(symbol("LI", "SLAB"), "Li");
  EXPECT_EQ(symbol("MG1", "SLAB"), "Mg");
  for (const auto& [name, residue] : {std::pair{"CA", "LIG"},
                                      {"CL1", "LIG"},
                                      {"SI", "SLAB"},
                                      {"HO", "MOL"},
                                      {"MW", "SOL"},
                                      {"MW", "LIG"},
                                      {"VS1", "MOL"},
                                      {"LP1", "LIG"},
                                      {"XX", "XX"},
                                      {"SOL", "SOL2"},
                                      {"12", "LIG"},
                                      {"", ""},
                                      {"D", "MOL"},
                                      {"W", "W"}})
    EXPECT_THROW(element_of_atom_name(name, residue), Error) << name << " " << residue;
}

TEST(Gro, TopologyNamesTheElements) {
  TemporaryFolder folder;
  const auto path = folder.write(
      "a.gro",
      "t\n2\n    1LIG     SI    1   0.100   0.200   0.300\n    1LIG     MW    2   0.100   0.200   0.300\n1 1 1\n");
  EXPECT_THROW(read_frames(path), Error);
  ReadOptions options;
  options.topology = folder.write("names.xyz", "2\n\nSi 0 0 0\nH 0 0 0\n");
  EXPECT_EQ(formula(*read_frames(path, options).at(0).atoms), "HSi");
  options.topology = folder.write("other.xyz", "1\n\nSi 0 0 0\n");
  EXPECT_THROW(read_frames(path, options), Error);
}

TEST(Gro, Recognized) {
  EXPECT_TRUE(recognizes_gro(water));
  EXPECT_TRUE(recognizes_gro(fast));
  EXPECT_TRUE(recognizes_gro("12\n" + water.substr(water.find('\n') + 1)));
  EXPECT_FALSE(recognizes_gro("2\n3\nLi 0.0 0.0 0.0\n"));
  EXPECT_FALSE(recognizes_gro("3\ncomment\n"));
  EXPECT_FALSE(recognizes_gro(""));
}

TEST(Gro, EveryPrefix) {
  // A number may be cut short only in the box, which ends the frame: "3.0000" is a whole number; a note tells.
  const std::string text = fast + water;
  std::size_t refused = 0;
  for (std::size_t length = 0; length < text.size(); ++length) {
    std::size_t read = 0;
    try {
      const auto reader = open_gro_text(text.substr(0, length), "cut.gro");
      for (Frame frame; reader->read_next(frame); ++read)
        EXPECT_EQ(reader->source().notes.empty(), length >= (read == 0 ? fast : text).size()) << length;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format);
      EXPECT_EQ(std::string(error.what()).rfind("cut.gro, frame " + std::to_string(read + 1) + ", line ", 0), 0u)
          << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, text.size() * 4 / 5);
}

TEST(Gro, Malformed) {
  const std::string start = "title\n2\n    1SOL     OW    1   0.100   0.200   0.300\n";
  const std::string box = "1 1 1\n", second = "    1SOL    HW1    2   0.200   0.200   0.300\n";
  ASSERT_NO_THROW(frames_of(start + second + box));
  expect_refused(
      {
          {"empty", "", "holds no frame"},
          {"blank_lines_only", "\n\n\n", "holds no frame"},
          {"title_only", "title\n", "line 1: the file ends behind the title"},
          {"count_word", "title\nthree\n", "line 2: expected the number of atoms, found 'three'"},
          {"count_zero", "title\n0\n1 1 1\n", "at least 1, found 0"},
          {"count_huge", "title\n99999999999999999999\n", "expected the number of atoms"},
          {"count_larger_than_file", "title\n1000000000\n" + second,
           "line 3: the file ends after 1 of 1000000000 atoms"},
          {"atom_line_short", "title\n1\n    1SOL     OW    1\n1 1 1\n", "is no atom line"},
          {"no_decimals", "title\n1\n    1SOL     OW    1       1       2       3\n1 1 1\n", "is no atom line"},
          {"number", start + "    1SOL    HW1    2   0.2x0   0.200   0.300\n" + box,
           "line 4: columns 21 to 28: '   0.2x0' is not a finite number"},
          {"not_finite", start + "    1SOL    HW1    2     nan   0.200   0.300\n" + box, "is not a finite number"},
          {"line_cut", start + "    1SOL    HW1    2   0.200   0.200\n" + box, "has 36 columns, expected at least 44"},
          {"velocity_of_one", start + "    1SOL    HW1    2   0.200   0.200   0.300  0.1000  0.1000  0.1000\n" + box,
           "has a velocity, other than"},
          {"velocity_cut", "t\n1\n    1SOL    HW1    2   0.200   0.200   0.300  0.1000  0.1000\n" + box,
           "is not a finite number"},
          {"box_two", start + second + "1 1\n", "the box has 2 numbers"},
          {"box_ten", start + second + "1 1 1 0 0 0 0 0 0 0\n", "more than 9"},
          {"box_word", start + second + "1 1 one\n", "the box: 'one' is not a finite number"},
          {"box_flat", start + second + "1 0 1 0 0 1 0 0 0\n", "lattice"},
          {"no_box", start + second, "ends before the box"},
          {"ambiguous", "title\n1\n    1LIG    CL1    1   0.100   0.200   0.300\n" + box,
           "line 3: atom 'CL1' of residue 'LIG' may be C or Cl; give a topology"},
          {"virtual_site", "title\n1\n    1SOL     MW    1   0.100   0.200   0.300\n" + box, "is neither O nor H"},
          {"one_atom_too_many", start + second + second + box, "the box"},
          {"blank_between", start + second + box + "\n\n" + start + second + box,
           "frame 2, line 8: blank lines before a frame"},
      },
      open_text);
}

}  // namespace
}  // namespace saltus
