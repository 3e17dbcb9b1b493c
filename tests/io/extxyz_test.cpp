#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/trajectory.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

const std::string source_folder = SALTUS_SOURCE_DIR;

std::vector<Frame> frames_of(std::string_view text, const ReadOptions& options = {}) {
  const auto reader = open_extxyz_text(text, "text", options);
  std::vector<Frame> frames;
  for (Frame frame; reader->read_next(frame);) frames.push_back(frame);
  return frames;
}

Frame only_frame(std::string_view text, const ReadOptions& options = {}) {
  const auto frames = frames_of(text, options);
  EXPECT_EQ(frames.size(), 1u);
  return frames.at(0);
}

void expect_same(const Frame& a, const Frame& b) {
  EXPECT_EQ(*a.atoms, *b.atoms);
  EXPECT_EQ(a.cell, b.cell);
  EXPECT_EQ(a.cell.has_vectors(), b.cell.has_vectors());
  EXPECT_EQ(a.position_ang, b.position_ang);
  EXPECT_EQ(a.velocity_ang_fs, b.velocity_ang_fs);
  EXPECT_EQ(a.force_ev_ang, b.force_ev_ang);
  EXPECT_EQ(a.energy_ev, b.energy_ev);
  EXPECT_EQ(a.virial_ev, b.virial_ev);
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.time_fs, b.time_fs);
}

// Doubles of all magnitudes, so that identity after write and read is not the merit of few digits.
Vec3 any_vector(Random& random) {
  const auto number = [&] { return random.normal() * std::pow(10.0, random.normal() * 8); };
  return {number(), number(), number()};
}

std::vector<Frame> varied_frames() {
  Random random(11, 0);
  std::vector<Frame> frames;
  for (int k = 0; k < 12; ++k) {
    Frame frame;
    Atoms atoms = atoms_of({3, 14, 8, 1, 1});
    if (k % 3 == 1) atoms.mass_amu[3] = 2.014;
    frame.atoms = std::make_shared<const Atoms>(atoms);
    const std::array<bool, 3> periodic{k % 2 == 0, k % 4 < 2, k % 8 < 4};
    if (k != 5)
      frame.cell = Cell({{Vec3{5 + random.uniform(), 0.1, 0}, Vec3{random.uniform(), 6, 0.2}, Vec3{0, random.uniform(), 7}}}, periodic);
    for (int i = 0; i < 5; ++i) {
      frame.position_ang.push_back(any_vector(random));
      if (k % 2 == 0) frame.velocity_ang_fs.push_back(any_vector(random));
      if (k % 3 == 0) frame.force_ev_ang.push_back(any_vector(random));
    }
    if (k % 4 != 0) frame.energy_ev = random.normal() * 1e4;
    if (k % 5 == 0) frame.virial_ev = Mat3{{any_vector(random), any_vector(random), any_vector(random)}};
    frame.step = k * 1'000'000'007LL;
    frame.time_fs = k / 3.0;
    frames.push_back(frame);
  }
  return frames;
}

TEST(Extxyz, NamesOfAtomsAndResiduesFromTheirColumns) {
  const std::string rows = "O 0 0 0 SOL 1 OW\nH 1 0 0 SOL 1 HW1\nNa 5 5 5 NA 2 NA\n";
  const std::string one = "3\nProperties=species:S:1:pos:R:3:residuenames:S:1:residuenumbers:I:1:atomtypes:S:1\n" + rows;
  const auto frames = frames_of(one + one);
  const auto& labels = frames.at(0).atoms->labels;
  ASSERT_TRUE(labels);
  EXPECT_EQ(labels->atom_name, (std::vector<std::string>{"OW", "HW1", "NA"}));
  EXPECT_EQ(labels->residue_name, (std::vector<std::string>{"SOL", "SOL", "NA"}));
  EXPECT_EQ(labels->residue, (std::vector<std::int32_t>{1, 1, 2}));
  EXPECT_EQ(frames.at(1).atoms, frames.at(0).atoms);  // shared
  // Of another type such a column is something else; without such columns there are no labels.
  const auto numbers = only_frame("1\nProperties=species:S:1:pos:R:3:name:R:1\nO 0 0 0 1.5\n");
  EXPECT_FALSE(numbers.atoms->labels);
  EXPECT_THROW(only_frame("1\nProperties=species:S:1:pos:R:3:resid:I:1\nO 0 0 0 x\n"), Error);
  // Labels of single atoms survive repetition and removal.
  const Frame twice = repeated(only_frame("1\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3:name:S:1\nO 0 0 0 OX\n"), {2, 1, 1});
  EXPECT_EQ(twice.atoms->labels->atom_name, (std::vector<std::string>{"OX", "OX"}));
  EXPECT_EQ(without_atoms(twice, {0}).atoms->labels->atom_name, (std::vector<std::string>{"OX"}));
}

TEST(Extxyz, WriteThenReadIsIdentity) {
  TemporaryFolder folder;
  const auto frames = varied_frames();
  const auto writer = create_trajectory(folder / "a.extxyz");
  for (const auto& frame : frames) writer->write(frame);
  EXPECT_FALSE(std::filesystem::exists(folder / "a.extxyz"));
  writer->commit();
  const auto read = read_frames(folder / "a.extxyz");
  ASSERT_EQ(read.size(), frames.size());
  for (std::size_t k = 0; k < frames.size(); ++k) expect_same(frames[k], read[k]);
}

TEST(Extxyz, WritesTheSameBytesAgain) {
  const auto frames = varied_frames();
  std::string once, twice;
  for (const auto& frame : frames) append_extxyz(once, frame);
  for (const auto& frame : frames_of(once)) append_extxyz(twice, frame);
  EXPECT_EQ(once, twice);
}

TEST(Extxyz, WritesOnlyWhatIsThereWithTheDigitsAskedFor) {
  Frame frame = only_frame("1\nLattice=\"5 0 0 0 5 0 0 0 5\" Properties=species:S:1:pos:R:3:vel:R:3:forces:R:3 energy=-1.5\nLi 1 2 3.0000004 4 5 6 7 8 9\n");
  WriteOptions options;
  options.position_decimals = 6;
  options.velocities = options.forces = options.step_and_time = false;
  std::string text;
  append_extxyz(text, frame, options);
  EXPECT_EQ(text,
            "1\nLattice=\"5 0 0 0 5 0 0 0 5\" Properties=species:S:1:pos:R:3 energy=-1.5 pbc=\"T T T\"\n"
            "Li 1.000000 2.000000 3.000000\n");
  text.clear();
  frame.step = 7;
  frame.time_fs = 0.5;
  append_extxyz(text, frame);
  EXPECT_EQ(text,
            "1\nLattice=\"5 0 0 0 5 0 0 0 5\" Properties=species:S:1:pos:R:3:forces:R:3:vel:R:3 energy=-1.5 pbc=\"T T T\" "
            "step=7 time_fs=0.5\nLi 1 2 3.0000004 7 8 9 4 5 6\n");
}

TEST(Extxyz, NothingIsLeftBehindByAFailedWriter) {
  TemporaryFolder folder;
  {
    const auto writer = create_trajectory(folder / "a.extxyz");
    Frame frame = varied_frames()[0];
    writer->write(frame);
    frame.position_ang[2].y = std::nan("");
    EXPECT_THROW(writer->write(frame), Error);
  }
  {
    const auto writer = create_trajectory(folder / "b.xyz");
    EXPECT_THROW(writer->commit(), Error);
  }
  EXPECT_EQ(folder.entries(), 0u);
  EXPECT_THROW(create_trajectory(folder / "c.dump"), Error);
  EXPECT_THROW(create_trajectory(folder / "no_such_folder" / "c.xyz"), Error);
}

// Each quantity of tests/golden/ase/extxyz as ASE reads it; tolerances as reasoned in provenance.toml.
TEST(Extxyz, ReadsWhatAseReads) {
  const std::string folder = source_folder + "/tests/golden/ase/extxyz/";
  std::map<std::string, std::vector<Frame>> files;
  std::ifstream expected(folder + "expected.txt");
  std::string line;
  std::size_t compared = 0;
  while (std::getline(expected, line)) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string file, quantity;
    std::size_t index = 0;
    words >> file >> index >> quantity;
    std::vector<double> values;
    for (double value = 0; words >> value;) values.push_back(value);
    if (!files.count(file)) files[file] = read_frames(folder + file);
    const Frame& frame = files[file].at(index);
    std::vector<double> ours;
    double tolerance = 1e-14;
    const auto add = [&](const std::vector<Vec3>& vectors) {
      for (const Vec3& v : vectors) ours.insert(ours.end(), {v.x, v.y, v.z});
    };
    const auto add_matrix = [&](const Mat3& m) { add({m.row.begin(), m.row.end()}); };
    if (quantity == "numbers") ours.assign(frame.atoms->atomic_number.begin(), frame.atoms->atomic_number.end());
    if (quantity == "masses") ours = frame.atoms->mass_amu, tolerance = 1e-6;
    if (quantity == "positions") add(frame.position_ang);
    if (quantity == "forces") add(frame.force_ev_ang);
    if (quantity == "velocities") add(frame.velocity_ang_fs), tolerance = 1e-8;
    if (quantity == "cell") add_matrix(frame.cell.rows_ang());
    if (quantity == "virial") add_matrix(frame.virial_ev.value()), tolerance = 1e-12;
    if (quantity == "energy") ours = {frame.energy_ev.value()};
    if (quantity == "pbc") ours.assign(frame.cell.periodic().begin(), frame.cell.periodic().end());
    ASSERT_EQ(ours.size(), values.size()) << line;
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(ours[i], values[i], tolerance * std::max(1.0, std::abs(values[i]))) << line;
    ++compared;
  }
  EXPECT_EQ(compared, 36u);
  EXPECT_EQ(files["from_ase.xyz"].size(), 3u);
}

TEST(Extxyz, ColumnsInAnyOrderAndNumbersInAnySpelling) {
  const Frame frame = only_frame(
      "2\r\nProperties=forces:R:3:ignored:S:2:pos:R:3:element:S:1 energy=\"-2.5D+01\" Lattice=[[4,0,0],[0,5,0],[0,0,6]] pbc=[T, F, true]\r\n"
      "\t1 2 3 a b +4 5.5e0 6d-1\tLi  \r\n"
      "-1 -.2 3. a b 0 0 0 Si\r\n\r\n  \n");
  EXPECT_EQ(frame.energy_ev, -25);
  EXPECT_EQ(frame.atoms->atomic_number, (std::vector<std::uint8_t>{3, 14}));
  EXPECT_EQ(frame.position_ang[0], (Vec3{4, 5.5, 0.6}));
  EXPECT_EQ(frame.force_ev_ang[1], (Vec3{-1, -0.2, 3}));
  EXPECT_EQ(frame.cell.rows_ang(), (Mat3{{Vec3{4, 0, 0}, Vec3{0, 5, 0}, Vec3{0, 0, 6}}}));
  EXPECT_EQ(frame.cell.periodic(), (std::array<bool, 3>{true, false, true}));
}

TEST(Extxyz, LatticeRowsDiagonalAndDefaultPeriodicity) {
  const Frame rows = only_frame("1\nLattice=\"1 2 3 4 5 6.5 7 8 11\"\nLi 0 0 0\n");
  EXPECT_EQ(rows.cell.rows_ang()[0], (Vec3{1, 2, 3}));
  EXPECT_EQ(rows.cell.rows_ang()[1], (Vec3{4, 5, 6.5}));
  EXPECT_EQ(rows.cell.periodic(), (std::array<bool, 3>{true, true, true}));
  EXPECT_EQ(only_frame("1\nLattice={3 4 5}\nLi 0 0 0\n").cell.rows_ang(), (Mat3{{Vec3{3, 0, 0}, Vec3{0, 4, 0}, Vec3{0, 0, 5}}}));
  EXPECT_FALSE(only_frame("1\nLattice=\"0 0 0 0 0 0 0 0 0\" pbc=\"F F F\"\nLi 0 0 0\n").cell.has_vectors());
  EXPECT_FALSE(only_frame("1\nProperties=species:S:1:pos:R:3\nLi 0 0 0\n").cell.any_periodic());
}

TEST(Extxyz, PlainXyz) {
  const auto frames = frames_of(
      "2\n i =        0, time =        0.000, E =       -79.1047355955\nLi 0 0 1\n8 1 2 3 0.5 charge\n"
      "1\n\nH 0 0 0\n"
      "1\nit's \"free text\nD 1 1 1");
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_FALSE(frames[0].energy_ev.has_value());  // CP2K's E is in hartree: not taken for an energy in eV
  EXPECT_FALSE(frames[0].cell.any_periodic());
  EXPECT_EQ(frames[0].atoms->atomic_number, (std::vector<std::uint8_t>{3, 8}));
  EXPECT_EQ(frames[0].position_ang[1], (Vec3{1, 2, 3}));
  EXPECT_EQ(frames[2].atoms->atomic_number[0], 1);
  EXPECT_NEAR(frames[2].atoms->mass_amu[0], 2.014, 1e-3);
}

TEST(Extxyz, EnergyAndForcesByRuleAndByName) {
  const std::string text =
      "1\nProperties=species:S:1:pos:R:3:forces:R:3:REF_forces:R:3:mace_forces:R:3 free_energy=4 energy=1 REF_energy=2 mace_energy=3\n"
      "Li 0 0 0 1 1 1 2 2 2 3 3 3\n";
  const auto by_rule = open_extxyz_text(text, "text");
  Frame frame;
  ASSERT_TRUE(by_rule->read_next(frame));
  EXPECT_EQ(frame.energy_ev, 2);
  EXPECT_EQ(frame.force_ev_ang[0], (Vec3{2, 2, 2}));
  EXPECT_EQ(by_rule->source().energy, "REF_energy");
  EXPECT_EQ(by_rule->source().forces, "REF_forces");
  EXPECT_EQ(by_rule->source().not_used, (std::vector<std::string>{"forces", "free_energy", "energy"}));
  ReadOptions options;
  options.energy_key = "mace_energy";
  options.forces_key = "mace_forces";
  frame = only_frame(text, options);
  EXPECT_EQ(frame.energy_ev, 3);
  EXPECT_EQ(frame.force_ev_ang[0], (Vec3{3, 3, 3}));
  options.energy_key = "mace_enrgy";
  try {
    only_frame(text, options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'mace_energy'?"), std::string::npos) << error.what();
  }
  for (const auto name : extxyz_energy_names())
    EXPECT_EQ(only_frame("1\n" + std::string(name) + "=-3.5\nLi 0 0 0\n").energy_ev, -3.5) << name;
  for (const auto name : extxyz_forces_names())
    EXPECT_EQ(only_frame("1\nProperties=species:S:1:pos:R:3:" + std::string(name) + ":R:3\nLi 0 0 0 1 2 3\n").force_ev_ang.at(0), (Vec3{1, 2, 3})) << name;
}

TEST(Extxyz, VirialFromStress) {
  const std::string cell = "1\nLattice=\"2 0 0 0 3 0 0 0 4\" ";
  const Mat3 expected{{Vec3{-24, -144, -120}, Vec3{-144, -48, -96}, Vec3{-120, -96, -72}}};  // −stress·24 Å³
  EXPECT_EQ(only_frame(cell + "stress=\"1 6 5 6 2 4 5 4 3\"\nLi 0 0 0\n").virial_ev, expected);
  EXPECT_EQ(only_frame(cell + "stress=\"1 2 3 4 5 6\"\nLi 0 0 0\n").virial_ev, expected);  // xx yy zz yz xz xy
  EXPECT_EQ(only_frame(cell + "stress=\"1 2 3 4 5 6\" virial=\"-24 -144 -120 -144 -48 -96 -120 -96 -72\"\nLi 0 0 0\n").virial_ev, expected);
}

TEST(Extxyz, VelocitiesAndMassesInTheirUnits) {
  // ASE's unit of time: Å sqrt(amu/eV) = 10.1805… fs.
  const double time_fs = std::sqrt(units::ev_per_amu_ang2_fs2);
  const auto velocity = [](const std::string& name) {
    return only_frame("1\nProperties=species:S:1:" + name + ":R:3:pos:R:3:mass:R:1\nSi 0.1 0 0 0 0 0 20\n").velocity_ang_fs.at(0).x;
  };
  EXPECT_EQ(velocity("vel"), 0.1);
  EXPECT_EQ(velocity("velo"), 0.1);
  EXPECT_DOUBLE_EQ(velocity("velocities"), 0.1 / time_fs);
  EXPECT_DOUBLE_EQ(velocity("momenta"), 0.1 / 20 / time_fs);
  EXPECT_NEAR(time_fs, 10.180506, 1e-5);
}

TEST(Extxyz, FramesOfEqualAtomsShareThem) {
  const auto frames = read_frames(source_folder + "/examples/li15si4/li15si4_900K.extxyz");
  ASSERT_EQ(frames.size(), 260u);
  for (const auto& frame : frames) EXPECT_EQ(frame.atoms, frames[0].atoms);
  EXPECT_EQ(formula(*frames[0].atoms), "Li60Si16");
  EXPECT_EQ(frames[0].energy_ev, -2152.54951418);
  EXPECT_EQ(frames[0].velocity_ang_fs[0], (Vec3{0.00666015, 0.01079260, -0.00560140}));
}

TEST(Extxyz, SeekAndCount) {
  const std::string path = source_folder + "/examples/li15si4/li15si4_vacancy_1200K.extxyz";
  const auto all = read_frames(path);
  const auto reader = open_trajectory(path);
  Frame frame;
  ASSERT_TRUE(reader->read_next(frame));
  EXPECT_EQ(reader->count(), 365u);
  ASSERT_TRUE(reader->read_next(frame));
  expect_same(frame, all[1]);
  for (const std::size_t k : {364u, 0u, 200u, 201u, 3u}) {
    reader->seek(k);
    ASSERT_TRUE(reader->read_next(frame));
    expect_same(frame, all[k]);
  }
  reader->seek(365);
  EXPECT_FALSE(reader->read_next(frame));
  EXPECT_THROW(reader->seek(366), Error);
  const auto fresh = open_trajectory(path);
  fresh->seek(300);
  ASSERT_TRUE(fresh->read_next(frame));
  expect_same(frame, all[300]);
}

TEST(Extxyz, ErrorAfterSeekNamesTheLine) {
  const auto reader = open_extxyz_text("1\n\nLi 0 0 0\n1\n\nLi 0 0 0\n1\n\nLi 0 zero 0\n", "t.xyz");
  EXPECT_EQ(reader->count(), 3u);
  reader->seek(2);
  Frame frame;
  try {
    reader->read_next(frame);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "t.xyz, frame 3, line 9: column 3 (pos): 'zero' is not a number");
  }
  reader->seek(1);
  EXPECT_TRUE(reader->read_next(frame));
}

// "1.25" may be what was left of "1.2534": read, and told.
TEST(Extxyz, ALastLineWithoutEndIsNoted) {
  const std::string frame = "1\nenergy=1\nH 0 0 1.25";
  for (const bool ended : {true, false}) {
    const auto reader = open_extxyz_text(frame + "\n" + frame + (ended ? "\n" : ""), "t.xyz");
    Frame read;
    ASSERT_TRUE(reader->read_next(read));
    EXPECT_TRUE(reader->source().notes.empty());
    ASSERT_TRUE(reader->read_next(read));
    EXPECT_EQ(read.position_ang[0].z, 1.25);
    ASSERT_EQ(reader->source().notes.size(), ended ? 0u : 1u);
    if (!ended) {
      EXPECT_NE(reader->source().notes[0].find("line 6, the last, has no end"), std::string::npos);
    }
    reader->seek(0);
    ASSERT_TRUE(reader->read_next(read));
    EXPECT_TRUE(reader->source().notes.empty());
  }
}

TEST(Trajectory, SameAtoms) {
  TemporaryFolder folder;
  const std::string first = "2\n\nLi 0 0 0\nSi 1 1 1\n";
  const auto message = [&](const std::string& second) {
    const auto path = folder.write("t.xyz", first + second);
    EXPECT_EQ(read_frames(path).size(), 2u);
    ReadOptions options;
    options.same_atoms = true;
    try {
      read_frames(path, options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(message(first), "");
  EXPECT_NE(message("1\n\nLi 0 0 0\n").find("t.xyz, frame 2: the atoms are Li (1), in the first frame they are LiSi (2)"), std::string::npos);
  EXPECT_NE(message("2\n\nSi 0 0 0\nLi 1 1 1\n").find("frame 2: atom 1 is Si, in the first frame it is Li"), std::string::npos);
}

TEST(Trajectory, FormatIsFoundByContentThenByName) {
  TemporaryFolder folder;
  EXPECT_STREQ(trajectory_format_of(folder.write("data", "1\n\nLi 0 0 0\n")).name, "extxyz");
  EXPECT_STREQ(trajectory_format_of(folder.write("bad.extxyz", "x\n")).name, "extxyz");
  const auto kind = [](const std::filesystem::path& path) {
    try {
      open_trajectory(path);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  };
  EXPECT_EQ(kind(folder.write("unknown.dat", "some text\n")), ErrorKind::format);
  EXPECT_EQ(kind(folder.write("empty.xyz", "")), ErrorKind::format);
  EXPECT_EQ(kind(folder / "not_there.xyz"), ErrorKind::file);
  EXPECT_EQ(kind(folder.path()), ErrorKind::file);
  EXPECT_EQ(kind("/dev/zero"), ErrorKind::file);
}

// Lines of any length across block borders come out as they are in the file.
TEST(Lines, AcrossBlocks) {
  TemporaryFolder folder;
  Random random(5, 0);
  std::vector<std::string> expected;
  std::string content;
  for (int k = 0; k < 300; ++k) {
    expected.emplace_back(random.below(k % 50 == 0 ? 700000 : 3000), static_cast<char>('a' + k % 26));
    content += expected.back() + (k % 2 == 0 ? "\n" : "\r\n");
  }
  LineReader lines(folder.write("lines", content));
  std::vector<std::uint64_t> offsets;
  std::string_view line;
  for (const auto& text : expected) {
    offsets.push_back(lines.offset());
    ASSERT_TRUE(lines.next(line));
    ASSERT_EQ(line, text);
  }
  EXPECT_FALSE(lines.next(line));
  for (const std::size_t k : {250u, 10u, 299u, 0u}) {
    lines.seek(offsets[k], k);
    ASSERT_TRUE(lines.next(line));
    EXPECT_EQ(line, expected[k]);
    EXPECT_EQ(lines.line_number(), k + 1);
  }
}

}  // namespace
}  // namespace saltus
