#include <cmath>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/cp2k.hpp"
#include "saltus/io/trajectory.hpp"
#include "tests/io/malformed_cases.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

const std::string golden = std::string(SALTUS_SOURCE_DIR) + "/tests/golden/cp2k/";

std::vector<Frame> frames_of(TrajectoryReader& reader) {
  std::vector<Frame> frames;
  for (Frame frame; reader.read_next(frame);) frames.push_back(frame);
  return frames;
}

std::string xyz(int step, double x, const std::string& energy = "-1.5") {
  std::ostringstream text;
  text << "       1\n i = " << step << ", time = " << step * 0.5 << ", E = " << energy << "\n Li " << x << " 0.0 0.0\n";
  return text.str();
}

std::string message_of(const Cp2kTexts& texts, ErrorKind kind = ErrorKind::format) {
  try {
    const auto reader = open_cp2k_texts(texts, "run");
    frames_of(*reader);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "was read without complaint";
  return {};
}

bool has_note(const TrajectoryReader& reader, std::string_view part) {
  for (const auto& note : reader.source().notes)
    if (note.find(part) != std::string::npos) return true;
  return false;
}

TEST(Cp2k, AnyMemberOrTheFolderOpensTheSet) {
  for (const char* member : {"", "v1-pos-1.xyz", "v1-frc-1.xyz", "v1-vel-1.xyz", "v1-1.ener", "v1-1.cell", "v1-1.stress"}) {
    const std::string path = golden + "li15si4_stress/" + member;
    EXPECT_STREQ(trajectory_format_of(path).name, "cp2k") << path;
    const auto reader = open_trajectory(path);
    EXPECT_EQ(reader->count(), 3u);
    Frame frame;
    ASSERT_TRUE(reader->read_next(frame));
    EXPECT_EQ(formula(*frame.atoms), "Li60Si16");
    EXPECT_EQ(frame.force_ev_ang.size(), 76u);
    EXPECT_EQ(frame.velocity_ang_fs.size(), 76u);
    EXPECT_TRUE(frame.virial_ev.has_value());
    EXPECT_TRUE(frame.cell.any_periodic());
  }
}

TEST(Cp2k, UnitsOfEachFile) {
  const auto frames = read_frames(golden + "li15si4_stress");
  ASSERT_EQ(frames.size(), 3u);
  // The first lines of the files, and CODATA 2018 by hand.
  EXPECT_EQ(frames[0].position_ang[0], (Vec3{3.987075, 0, 2.65805}));
  EXPECT_DOUBLE_EQ(frames[0].energy_ev.value(), -78.8947494336 * 27.211386245988);
  EXPECT_DOUBLE_EQ(frames[0].force_ev_ang[0].x, -0.0000002119 * (27.211386245988 / 0.529177210903));
  EXPECT_NEAR(frames[0].velocity_ang_fs[0].x / (0.0003044375 * 21.8769126364), 1, 1e-10);
  EXPECT_EQ(frames[0].cell.rows_ang(), (Mat3{{Vec3{10.6322, 0, 0}, Vec3{0, 10.6322, 0}, Vec3{0, 0, 10.6322}}}));
  EXPECT_EQ(frames[2].step, 2);
  EXPECT_EQ(frames[2].time_fs, 4);
  EXPECT_EQ(frames[0].atoms, frames[2].atoms);
}

// CP2K's output prints the potential part of the pressure apart from .stress, which holds the kinetic part too.
TEST(Cp2k, VirialIsThePotentialPart) {
  const auto frames = read_frames(golden + "li15si4_stress/v1-pos-1.xyz");
  std::ifstream expected(golden + "li15si4_stress/potential_pressure_gpa.txt");
  std::string line;
  std::size_t compared = 0;
  while (std::getline(expected, line)) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::size_t step = 0;
    words >> step;
    const double volume_ang3 = 10.6322 * 10.6322 * 10.6322;
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) {
        double pressure_gpa = 0;
        words >> pressure_gpa;
        // CP2K takes Li as 6.941 amu (here 6.94): 1.5e-4 of the kinetic part, 0.78 GPa on the diagonal.
        EXPECT_NEAR(frames[step].virial_ev.value()[i][j] / volume_ang3 * units::gpa_per_ev_ang3, pressure_gpa, 1.5e-4 * 0.85) << line;
      }
    ++compared;
  }
  EXPECT_EQ(compared, 3u);
}

// Kinetic energies of the velocities are those that .ener prints: units of velocities and masses.
TEST(Cp2k, KineticEnergyIsThatOfEner) {
  const double expected_hartree[] = {0.320640054, 0.317353871, 0.296283217};
  const auto frames = read_frames(golden + "li15si4_stress");
  for (std::size_t k = 0; k < 3; ++k) {
    double kinetic_ev = 0;
    for (std::size_t i = 0; i < 76; ++i)
      kinetic_ev += 0.5 * units::ev_per_amu_ang2_fs2 * frames[k].atoms->mass_amu[i] * norm2(frames[k].velocity_ang_fs[i]);
    // CP2K takes Li as 6.941 and Si as 28.0855 amu: at most 1.5e-4.
    EXPECT_NEAR(kinetic_ev / units::ev_per_hartree / expected_hartree[k], 1, 1.5e-4);
  }
}

TEST(Cp2k, SeekAndCount) {
  const auto all = read_frames(golden + "zundel_wannier/shb-pos-1.xyz");
  ASSERT_EQ(all.size(), 11u);
  const auto reader = open_trajectory(golden + "zundel_wannier/shb-1.ener");
  Frame frame;
  for (const std::size_t k : {10u, 0u, 5u, 6u}) {
    reader->seek(k);
    ASSERT_TRUE(reader->read_next(frame));
    EXPECT_EQ(frame.step, static_cast<std::int64_t>(k));
    EXPECT_EQ(frame.position_ang, all[k].position_ang);
    EXPECT_EQ(frame.force_ev_ang, all[k].force_ev_ang);
    EXPECT_EQ(frame.velocity_ang_fs, all[k].velocity_ang_fs);
  }
  EXPECT_EQ(reader->count(), 11u);
  reader->seek(11);
  EXPECT_FALSE(reader->read_next(frame));
  EXPECT_THROW(reader->seek(12), Error);
  EXPECT_FALSE(all[0].cell.any_periodic());
  EXPECT_TRUE(has_note(*reader, "no .cell file: taken as not periodic"));
}

TEST(Cp2k, AnythingButPositionsMayBeMissing) {
  const std::string positions = xyz(0, 1) + xyz(1, 2);
  Cp2kTexts texts{positions, {}, {}, {}, {}, {}};
  const auto reader = open_cp2k_texts(texts, "run");
  const auto frames = frames_of(*reader);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_TRUE(frames[0].force_ev_ang.empty());
  EXPECT_TRUE(frames[0].velocity_ang_fs.empty());
  EXPECT_FALSE(frames[0].virial_ev.has_value());
  EXPECT_TRUE(frames[0].energy_ev.has_value());
  EXPECT_EQ(frames[1].time_fs, 0.5);
}

TEST(Cp2k, StepsWrittenAgainAreTheLater) {
  // Continued at step 2 after the first run reached 4; the second has got to 3: step 4 is of the abandoned run.
  const std::string positions = xyz(0, 0) + xyz(1, 1) + xyz(2, 2) + xyz(3, 3) + xyz(4, 4) + xyz(2, 20) + xyz(3, 30);
  const std::string forces = xyz(0, 0) + xyz(1, 1) + xyz(2, 2) + xyz(2, 200) + xyz(3, 300);
  const auto reader = open_cp2k_texts({positions, forces, {}, {}, {}, {}}, "run");
  const auto frames = frames_of(*reader);
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_EQ(frames[2].position_ang[0].x, 20);
  EXPECT_EQ(frames[3].position_ang[0].x, 30);
  EXPECT_DOUBLE_EQ(frames[2].force_ev_ang[0].x, 200 * units::ev_ang_per_hartree_bohr);
  EXPECT_TRUE(has_note(*reader, "run-pos-1.xyz: 3 steps written again"));
  EXPECT_TRUE(has_note(*reader, "run-frc-1.xyz: 1 steps written again"));
}

TEST(Cp2k, StepsThatDoNotMatch) {
  const std::string every = xyz(0, 0) + xyz(1, 1) + xyz(2, 2) + xyz(3, 3);
  const std::string hole = xyz(0, 0) + xyz(1, 1) + xyz(3, 3);
  EXPECT_EQ(message_of({every, hole, {}, {}, {}, {}}), "run-frc-1.xyz: step 2 is missing; run-pos-1.xyz has it");
  EXPECT_EQ(message_of({hole, {}, every, {}, {}, {}}), "run-pos-1.xyz: step 2 is missing; run-vel-1.xyz has it");
  // A stride of its own, and an end of its own, are no mistakes.
  const auto sparse = open_cp2k_texts({every, xyz(0, 7) + xyz(2, 9), {}, {}, {}, {}}, "run");
  Frame frame;
  ASSERT_TRUE(sparse->read_next(frame));
  EXPECT_EQ(frame.force_ev_ang.size(), 1u);
  ASSERT_TRUE(sparse->read_next(frame));
  EXPECT_TRUE(frame.force_ev_ang.empty());
  EXPECT_TRUE(has_note(*sparse, "run-frc-1.xyz has no step 1"));
  ASSERT_TRUE(sparse->read_next(frame));
  EXPECT_FALSE(has_note(*sparse, "has no step"));
  // A run that also prints its last step, out of turn.
  const auto last = open_cp2k_texts({xyz(0, 0) + xyz(2, 2) + xyz(4, 4) + xyz(5, 5), every + xyz(4, 4) + xyz(5, 5), {}, {}, {}, {}}, "run");
  EXPECT_EQ(frames_of(*last).size(), 4u);
  const auto coarse = open_cp2k_texts({xyz(0, 0) + xyz(2, 2), every, {}, {}, {}, {}}, "run");
  EXPECT_EQ(frames_of(*coarse).at(1).force_ev_ang.size(), 1u);
}

TEST(Cp2k, FilesOfDifferentRunsAreRefused) {
  const std::string positions = xyz(0, 0);
  EXPECT_NE(message_of({positions, xyz(0, 0, "-1.6"), {}, {}, {}, {}}).find("step 0: E is -1.5 Ha, but run-frc-1.xyz has -1.6 Ha"),
            std::string::npos);
  EXPECT_NE(message_of({positions, {}, {}, "# Step Nr.\n0 0.0 0.1 300 -1.7 0 0\n", {}, {}}).find("but run-1.ener has -1.7 Ha"),
            std::string::npos);
  EXPECT_NE(message_of({positions, {}, {}, {}, "0 9.0 5 0 0 0 5 0 0 0 5 125\n", {}}).find("the time is 0 fs, but run-1.cell has 9 fs"),
            std::string::npos);
  const std::string two = "2\n i = 0, time = 0.0, E = -1.5\n Li 0 0 0\n Li 0 0 0\n";
  EXPECT_NE(message_of({positions, two, {}, {}, {}, {}}).find("the elements or their number differ"), std::string::npos);
}

TEST(Cp2k, VirialIsLeftOutWhereTheKineticPartIsNotKnown) {
  const std::string positions = xyz(0, 0), cells = "0 0.0 5 0 0 0 5 0 0 0 5 125\n", stresses = "0 0.0 1000 0 0 0 1000 0 0 0 1000\n";
  const auto without = open_cp2k_texts({positions, {}, {}, {}, cells, stresses}, "run");
  EXPECT_FALSE(frames_of(*without).at(0).virial_ev.has_value());
  EXPECT_TRUE(has_note(*without, "virial left out: the stress of an MD run holds the kinetic part"));
  // 3 of 6.94 amu: the kinetic energy of .ener is that of other masses.
  const std::string velocities = xyz(0, 0.001);
  const auto heavier = open_cp2k_texts({positions, {}, velocities, "0 0.0 0.1 300 -1.5 0 0\n", cells, stresses}, "run");
  EXPECT_FALSE(frames_of(*heavier).at(0).virial_ev.has_value());
  EXPECT_TRUE(has_note(*heavier, "the velocities with standard masses have"));
  const auto no_cell = open_cp2k_texts({positions, {}, velocities, {}, {}, stresses}, "run");
  EXPECT_FALSE(frames_of(*no_cell).at(0).virial_ev.has_value());
  EXPECT_TRUE(has_note(*no_cell, "the volume is not known"));
  // A gas at rest under a pressure of 1 kbar in 125 Å^3: tr(virial)/3 = PV.
  const auto at_rest = open_cp2k_texts({positions, {}, xyz(0, 0), {}, cells, stresses}, "run");
  EXPECT_NEAR(frames_of(*at_rest).at(0).virial_ev.value()[0].x, 0.1 * 125 / 160.2176634, 1e-9);
}

TEST(Cp2k, CellsThatChangeOrNot) {
  const std::string positions = xyz(0, 0) + xyz(1, 1) + xyz(2, 2);
  const auto constant = open_cp2k_texts({positions, {}, {}, {}, "0 0.0 5 0 0 0 5 0 0 0 5 125\n", {}}, "run");
  EXPECT_EQ(frames_of(*constant).at(2).cell.rows_ang()[0].x, 5);
  const std::string changing = "0 0.0 5 0 0 0 5 0 0 0 5 125\n1 0.5 6 1 0 0 5 0 0 0 5 150\n";
  EXPECT_NE(message_of({positions, {}, {}, {}, changing, {}}).find("run-1.cell has no step 2, and the cell changes"), std::string::npos);
}

TEST(Cp2k, EverythingBeforeACutIsReadable) {
  const std::string positions = xyz(0, 0) + xyz(1, 1), whole = xyz(0, 0) + xyz(1, 1);
  for (std::size_t length = xyz(0, 0).size() + 1; length < whole.size(); ++length) {
    const std::string cut = whole.substr(0, length);
    for (const bool forces : {false, true}) {
      const auto reader = forces ? open_cp2k_texts({positions, cut, {}, {}, {}, {}}, "run") : open_cp2k_texts({cut, {}, {}, {}, {}, {}}, "run");
      Frame frame;
      ASSERT_TRUE(reader->read_next(frame)) << length;
      try {
        reader->read_next(frame);
        // Blanks behind the last frame end a file as well as nothing does.
        EXPECT_TRUE(cut.substr(xyz(0, 0).size()).find_first_not_of(" \n") == std::string::npos) << cut;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::format);
        EXPECT_NE(std::string(error.what()).find(forces ? "run-frc-1.xyz, frame 2, line" : "run-pos-1.xyz, frame 2, line"), std::string::npos)
            << error.what();
      }
    }
  }
}

TEST(Cp2k, NamesOfFiles) {
  TemporaryFolder folder;
  const auto kind = [](const std::filesystem::path& path) {
    try {
      open_trajectory(path);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  };
  EXPECT_EQ(kind(folder.write("b-frc-1.xyz", xyz(0, 0))), ErrorKind::file);  // no positions beside it
  folder.write("a-pos-1.xyz", xyz(0, 0));
  EXPECT_EQ(open_trajectory(folder.path())->count(), 1u);
  folder.write("c-pos-1.xyz", xyz(0, 0));
  EXPECT_EQ(kind(folder.path()), ErrorKind::usage);  // which of the two?
  EXPECT_EQ(kind(folder.write("a-frc-07-1.xyz", xyz(0, 0))), ErrorKind::unsupported);
  const auto renamed = open_trajectory(folder.write("traj.xyz", xyz(0, 0) + xyz(1, 1)));
  Frame frame;
  ASSERT_TRUE(renamed->read_next(frame));
  EXPECT_TRUE(has_note(*renamed, "read as positions, alone"));
  ReadOptions options;
  options.energy_key = "energy";
  EXPECT_THROW(open_trajectory(folder / "traj.xyz", options), Error);
}

TEST(Cp2k, Recognizes) {
  EXPECT_TRUE(recognizes_cp2k(" 2\n i =        0, time =        0.000, E =       -79.1047355955\n"));
  EXPECT_TRUE(recognizes_cp2k("2\n i =        1, E =       -79.1\nLi"));
  EXPECT_FALSE(recognizes_cp2k("2\nLattice=\"1 0 0 0 1 0 0 0 1\" i=1, E =3\n"));
  EXPECT_FALSE(recognizes_cp2k("2\n"));
  EXPECT_FALSE(recognizes_cp2k("# some table\n"));
}

class Cp2kMalformed : public testing::TestWithParam<MalformedCase> {};

TEST_P(Cp2kMalformed, IsRefusedWithPlace) {
  const std::string message = message_of({GetParam().content, {}, {}, {}, {}, {}});
  EXPECT_EQ(message.rfind("run-pos-1.xyz, ", 0), 0u) << message;
  EXPECT_NE(message.find(", line "), std::string::npos) << message;
  EXPECT_NE(message.find(GetParam().message), std::string::npos) << message;
}

const std::string comment = " i = 0, time = 0.0, E = -1.5\n";
INSTANTIATE_TEST_SUITE_P(
    Positions, Cp2kMalformed,
    testing::Values(MalformedCase{"empty", "", "the file is empty"}, MalformedCase{"blank", "\n\n", "the file is empty"},
                    MalformedCase{"count_word", "x\n" + comment, "expected the number of atoms, found 'x'"},
                    MalformedCase{"count_zero", "0\n" + comment, "expected the number of atoms, found '0'"},
                    MalformedCase{"count_huge", "99999999999\n" + comment, "expected the number of atoms"},
                    MalformedCase{"count_beyond_the_file", "1000000000\n" + comment + "Li 0 0 0\n", "ends after 1 of 1000000000 atoms"},
                    MalformedCase{"no_comment", "1\n", "ends before the comment line"},
                    MalformedCase{"no_step", "1\n E = -1.5\nLi 0 0 0\n", "no step number in the comment line"},
                    MalformedCase{"step_stars", "1\n i = ********, E = -1\nLi 0 0 0\n", "the step, i: '********' is not an integer"},
                    MalformedCase{"energy_word", "1\n i = 0, E = low\nLi 0 0 0\n", "the energy, E: 'low' is not a number"},
                    MalformedCase{"element", "1\n" + comment + "Qq 0 0 0\n", "unknown element 'Qq'"},
                    MalformedCase{"position_nan", "1\n" + comment + "Li 0 nan 0\n", "column 3: 'nan' is not finite"},
                    MalformedCase{"position_stars", "1\n" + comment + "Li 0 0 *****\n", "column 4: '*****' is not a number"},
                    MalformedCase{"too_few_columns", "1\n" + comment + "Li 0 0\n", "expected element and three numbers"},
                    MalformedCase{"too_many_columns", "1\n" + comment + "Li 0 0 0 0\n", "expected element and three numbers"},
                    MalformedCase{"cut_within_a_number", "1\n" + comment + "Li 0 0 0.25", "ends within the line of atom 1"},
                    MalformedCase{"two_runs", xyz(0, 0) + xyz(1, 0) + xyz(0, 0), "the steps start over at 0 after 1"}),
    [](const auto& instance) { return instance.param.name; });

class Cp2kMalformedTable : public testing::TestWithParam<MalformedCase> {};

TEST_P(Cp2kMalformedTable, IsRefusedWithPlace) {
  const std::string message = message_of({xyz(0, 0), {}, xyz(0, 0), {}, GetParam().content, {}});
  EXPECT_NE(message.find("run-1.cell, line "), std::string::npos) << message;
  EXPECT_NE(message.find(GetParam().message), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(
    Cells, Cp2kMalformedTable,
    testing::Values(MalformedCase{"step_word", "zero 0 5 0 0 0 5 0 0 0 5 125\n", "column 1, the step: 'zero' is not an integer"},
                    MalformedCase{"too_few_columns", "0 0 5 0 0 0 5 0 0 0\n", "expected at least 11 columns, found 10"},
                    MalformedCase{"number_stars", "0 0 *** 0 0 0 5 0 0 0 5 125\n", "column 3: '***' is not a number"},
                    MalformedCase{"number_infinite", "0 0 inf 0 0 0 5 0 0 0 5 125\n", "column 3: 'inf' is not finite"},
                    MalformedCase{"cut", "0 0 5 0 0 0 5 0 0 0 5 1", "the last line has no end"}),
    [](const auto& instance) { return instance.param.name; });

TEST(Cp2k, OtherRefusals) {
  EXPECT_NE(message_of({xyz(0, 0), {}, {}, {}, "0 0 5 0 0 0 5 0 5 5 0 0\n", {}}).find("singular"), std::string::npos);
  EXPECT_NE(message_of({"1\n i = 0, E = 1e308\nLi 0 0 0\n", {}, {}, {}, {}, {}}).find("beyond the range"), std::string::npos);
}

}  // namespace
}  // namespace saltus
