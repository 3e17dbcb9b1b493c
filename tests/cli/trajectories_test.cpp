// saltus info, convert and sample, run as a user does.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/files.hpp"
#include "saltus/io/segments.hpp"
#include "saltus/io/trajectory.hpp"
#include "tests/cli/run_saltus.hpp"
#include "tests/io/malformed_cases.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus {
namespace {

const std::string examples = SALTUS_SOURCE_DIR "/examples/li15si4/";
const std::string data_set = examples + "li15si4_900K.extxyz";

TEST(TrajectoriesCli, InfoOfTheExample) {
  TemporaryFolder folder;
  const auto result = run_saltus("info --json " + examples + "li15si4_vacancy_1200K.extxyz", folder.path());
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto document = nlohmann::json::parse(result.output);
  EXPECT_EQ(document["format"], "extxyz");
  EXPECT_EQ(document["frames"], 365);
  EXPECT_EQ(document["compositions"][0]["formula"], "Li59Si16");
  EXPECT_EQ(document["compositions"][0]["atoms"], 75);
  EXPECT_EQ(document["energy_key"], "energy");
  EXPECT_EQ(document["forces_key"], "forces");
  EXPECT_EQ(document["virial_key"], nullptr);
  EXPECT_NEAR(document["time_step_fs"]["mean"].get<double>(), 2, 1e-9);
  EXPECT_NEAR(document["volume_ang3"]["mean"].get<double>(), 10.6322 * 10.6322 * 10.6322, 1e-6);
  EXPECT_NEAR(document["force_rms_ev_ang"].get<double>(), 0.57, 0.005);  // as the README of the data states it
  const auto table = run_saltus("info " + examples + "li15si4_vacancy_1200K.extxyz", folder.path());
  EXPECT_NE(table.output.find("Li59Si16 (75)"), std::string::npos);
  EXPECT_NE(table.output.find("every 2 fs"), std::string::npos);
}

TEST(TrajectoriesCli, InfoOfSegmentsAndFormats) {
  TemporaryFolder folder;
  const auto frames = read_frames(data_set);
  SegmentWriter writer(folder / "trajectory");
  for (std::size_t k = 0; k < 30; ++k) {
    writer.write(frames[k]);
    if (k % 10 == 9) writer.commit_segment();
  }
  const auto document = nlohmann::json::parse(run_saltus("info trajectory --json", folder.path()).output);
  EXPECT_EQ(document["format"], "segments");
  EXPECT_EQ(document["segments"], 3);
  EXPECT_EQ(document["frames"], 30);
  EXPECT_EQ(run_saltus("convert trajectory trajectory/000009.extxyz", folder.path()).exit_code, 2);
  ASSERT_EQ(run_saltus("convert trajectory joined.extxyz", folder.path()).exit_code, 0);
  EXPECT_EQ(read_frames(folder / "joined.extxyz").size(), 30u);
  EXPECT_NE(run_saltus("info --formats", folder.path()).output.find(".extxyz .xyz"), std::string::npos);
}

TEST(TrajectoriesCli, Convert) {
  TemporaryFolder folder;
  const auto result = run_saltus("convert " + data_set + " part.extxyz --first 131 --last 140 --every 3 --json", folder.path());
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(nlohmann::json::parse(result.output)["frames"], 4);
  const auto all = read_frames(data_set), part = read_frames(folder / "part.extxyz");
  ASSERT_EQ(part.size(), 4u);
  EXPECT_EQ(part[3].position_ang, all[139].position_ang);
  EXPECT_EQ(part[3].force_ev_ang, all[139].force_ev_ang);
  EXPECT_EQ(part[3].velocity_ang_fs, all[139].velocity_ang_fs);
  EXPECT_EQ(part[3].energy_ev, all[139].energy_ev);
  EXPECT_EQ(part[3].time_fs, 278);

  const std::string before = read_file(folder / "part.extxyz");
  EXPECT_EQ(run_saltus("convert part.extxyz ./part.extxyz", folder.path()).exit_code, 2);
  EXPECT_EQ(read_file(folder / "part.extxyz"), before);
  EXPECT_EQ(run_saltus("convert part.extxyz out.extxyz --last 9", folder.path()).exit_code, 2);
  EXPECT_EQ(run_saltus("convert part.extxyz out.extxyz --first 9", folder.path()).exit_code, 2);
  EXPECT_EQ(run_saltus("convert part.extxyz out.pdf", folder.path()).exit_code, 2);
  EXPECT_EQ(run_saltus("convert part.extxyz out.extxyz --energy-key dft", folder.path()).exit_code, 4);
  EXPECT_EQ(run_saltus("convert missing.extxyz out.extxyz", folder.path()).exit_code, 3);
  EXPECT_EQ(run_saltus("convert part.extxyz no_folder/out.extxyz", folder.path()).exit_code, 3);
  EXPECT_EQ(folder.entries(), 1u);

  // Frames that had no time are not given one.
  folder.write("molecule.xyz", "1\nenergy=1\nH 0 0 0\n1\nenergy=2 time_fs=3\nH 0 0 0\n");
  ASSERT_EQ(run_saltus("convert molecule.xyz again.xyz", folder.path()).exit_code, 0);
  EXPECT_EQ(read_file(folder / "again.xyz"),
            "1\nProperties=species:S:1:pos:R:3 energy=1 pbc=\"F F F\"\nH 0 0 0\n"
            "1\nProperties=species:S:1:pos:R:3 energy=2 pbc=\"F F F\" step=0 time_fs=3\nH 0 0 0\n");
}

TEST(TrajectoriesCli, BeadsOfRingPolymers) {
  TemporaryFolder folder;
  std::string text;
  for (int step = 0; step < 3; ++step)
    for (int bead = 0; bead < 2; ++bead)
      text += "1\nProperties=species:S:1:pos:R:3 pbc=\"F F F\" step=" + std::to_string(step) + " time_fs=" + std::to_string(4 * step) +
              " bead=" + std::to_string(bead) + "\nH 0.123456789012 " + std::to_string(bead) + " " + std::to_string(step) + "\n";
  folder.write("beads.xyz", text);
  ASSERT_EQ(run_saltus("convert beads.xyz beads.h5md --precision double", folder.path()).exit_code, 0);
  const auto document = nlohmann::json::parse(run_saltus("info beads.h5md --json", folder.path()).output);
  EXPECT_EQ(document["beads"], 2);
  EXPECT_EQ(document["frames"], 6);
  EXPECT_EQ(document["time_step_fs"]["mean"], 4);
  EXPECT_NE(run_saltus("info beads.h5md", folder.path()).output.find("6, of 2 beads of ring polymers"), std::string::npos);
  EXPECT_NE(run_saltus("info beads.h5md --bead 1", folder.path()).output.find("3, of 1 bead of ring polymers"), std::string::npos);

  const auto result = run_saltus("convert beads.h5md out.xyz --per-bead --first 2 --json", folder.path());
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(nlohmann::json::parse(result.output)["files"], (nlohmann::json{"out-00.xyz", "out-01.xyz"}));
  EXPECT_EQ(nlohmann::json::parse(result.output)["frames"], 2);
  EXPECT_EQ(read_file(folder / "out-01.xyz"),
            "1\nProperties=species:S:1:pos:R:3 pbc=\"F F F\" step=1 time_fs=4 bead=1\nH 0.123456789012 1 1\n"
            "1\nProperties=species:S:1:pos:R:3 pbc=\"F F F\" step=2 time_fs=8 bead=1\nH 0.123456789012 1 2\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "out.xyz"));
  EXPECT_EQ(run_saltus("convert beads.h5md out.xyz --per-bead --bead 1", folder.path()).exit_code, 2);
  EXPECT_EQ(run_saltus("convert beads.h5md out.xyz --bead 2", folder.path()).exit_code, 2);
  EXPECT_EQ(run_saltus("convert out-00.xyz ./out.xyz --per-bead", folder.path()).exit_code, 2);  // would replace its input
  EXPECT_EQ(run_saltus("convert " + data_set + " out.xyz --per-bead", folder.path()).exit_code, 2);
  const auto motion = run_saltus("analyze vacf beads.h5md", folder.path());
  EXPECT_EQ(motion.exit_code, 2);
  EXPECT_NE(motion.errors.find("beads of ring polymers"), std::string::npos) << motion.errors;
}

TEST(TrajectoriesCli, SampleAndSplit) {
  TemporaryFolder folder;
  ASSERT_EQ(run_saltus("sample " + data_set + " every.extxyz --every 10", folder.path()).exit_code, 0);
  EXPECT_EQ(read_frames(folder / "every.extxyz").size(), 26u);
  ASSERT_EQ(run_saltus("sample " + data_set + " one.extxyz --random 15 --seed 4", folder.path()).exit_code, 0);
  ASSERT_EQ(run_saltus("sample " + data_set + " two.extxyz --random 15 --seed 4", folder.path()).exit_code, 0);
  ASSERT_EQ(run_saltus("sample " + data_set + " three.extxyz --random 15 --seed 5", folder.path()).exit_code, 0);
  EXPECT_EQ(read_file(folder / "one.extxyz"), read_file(folder / "two.extxyz"));
  EXPECT_NE(read_file(folder / "one.extxyz"), read_file(folder / "three.extxyz"));

  const auto result = run_saltus("sample " + data_set + " li.extxyz --split --json", folder.path());
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto document = nlohmann::json::parse(result.output);
  EXPECT_EQ(document["parts"].size(), 3u);
  const auto train = read_frames(folder / "li_train.extxyz"), valid = read_frames(folder / "li_valid.extxyz"),
             test = read_frames(folder / "li_test.extxyz");
  EXPECT_EQ(test.size(), 52u);
  EXPECT_EQ(test.front().time_fs, 416);
  EXPECT_EQ(valid.size(), 39u);
  EXPECT_EQ(document["left_out_frames"], 260 - train.size() - valid.size() - test.size());
  for (const auto& a : train)
    for (const auto& b : test) EXPECT_GE(b.time_fs - a.time_fs, 50);

  const std::size_t before = folder.entries();
  EXPECT_EQ(run_saltus("sample " + data_set + " x.extxyz", folder.path()).exit_code, 2);
  EXPECT_EQ(run_saltus("sample " + data_set + " x.extxyz --every 2 --count 3", folder.path()).exit_code, 2);
  EXPECT_EQ(run_saltus("sample " + data_set + " x.extxyz --random 261", folder.path()).exit_code, 2);
  EXPECT_EQ(run_saltus("sample " + data_set + " x.extxyz --split --gap-fs 500", folder.path()).exit_code, 2);
  folder.write("timeless.xyz", "1\n\nH 0 0 0\n");
  EXPECT_NE(run_saltus("sample timeless.xyz x.extxyz --split", folder.path()).errors.find("--time-step-fs"), std::string::npos);
  EXPECT_EQ(folder.entries(), before + 1);
}

class MalformedCli : public testing::TestWithParam<MalformedCase> {};

TEST_P(MalformedCli, IsRefusedAndLeavesNothing) {
  TemporaryFolder folder;
  folder.write("bad.extxyz", GetParam().content);
  const auto result = run_saltus("convert bad.extxyz out.extxyz", folder.path());
  EXPECT_EQ(result.exit_code, 4) << result.errors;
  EXPECT_EQ(result.output, "");
  EXPECT_NE(result.errors.find("bad.extxyz"), std::string::npos) << result.errors;
  EXPECT_EQ(folder.entries(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Extxyz, MalformedCli, testing::ValuesIn(malformed_cases()),
                         [](const auto& instance) { return instance.param.name; });

// What is wrong only in the last frame is found by every command, and nothing of the frames before is left.
TEST(TrajectoriesCli, CutOffFile) {
  TemporaryFolder folder;
  const std::string whole = read_file(data_set);
  folder.write("cut.extxyz", whole.substr(0, whole.size() - 500));
  for (const char* command : {"info cut.extxyz", "info cut.extxyz --json", "convert cut.extxyz out.extxyz", "sample cut.extxyz out.extxyz --split",
                              "sample cut.extxyz out.extxyz --every 7"}) {
    const auto result = run_saltus(command, folder.path());
    EXPECT_EQ(result.exit_code, 4) << command;
    EXPECT_NE(result.errors.find("cut.extxyz, frame 260, line 202"), std::string::npos) << result.errors;
    EXPECT_EQ(result.output, "");
    EXPECT_EQ(folder.entries(), 1u) << command;
  }
}

TEST(TrajectoriesCli, FilesThatCannotBeRead) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "empty_folder.extxyz");
  EXPECT_EQ(run_saltus("info empty_folder.extxyz", folder.path()).exit_code, 3);
  EXPECT_EQ(run_saltus("info not_there.extxyz", folder.path()).exit_code, 3);
  EXPECT_EQ(run_saltus("info /dev/null", folder.path()).exit_code, 3);
  EXPECT_EQ(run_saltus("info", folder.path()).exit_code, 2);
  folder.write("text.md", "# no trajectory\n");
  EXPECT_EQ(run_saltus("info text.md", folder.path()).exit_code, 4);
}

}  // namespace
}  // namespace saltus
