// saltus md as a program: killed at random moments and continued, stopped by a signal, extended, refused.
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "child.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/dynamics/checkpoint.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/segments.hpp"
#include "saltus/potentials/lennard_jones.hpp"
#include "tests/cli/run_saltus.hpp"

namespace saltus {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

class Md : public ::testing::Test {
 protected:
  Md() : folder_(fs::path(::testing::TempDir()) / ("saltus_md_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
    save_lennard_jones(folder_ / "argon.safetensors", lennard_jones_argon());
    Frame cube;
    cube.cell = Cell(Mat3{{Vec3{5.5, 0, 0}, Vec3{0, 5.5, 0}, Vec3{0, 0, 5.5}}});
    cube.position_ang = {{0, 0, 0}, {0, 2.75, 2.75}, {2.75, 0, 2.75}, {2.75, 2.75, 0}};
    cube.atoms = std::make_shared<const Atoms>(atoms_of({18, 18, 18, 18}));
    std::string text;
    append_extxyz(text, cube);
    write_file_atomically(folder_ / "argon.extxyz", text);
  }
  ~Md() override { fs::remove_all(folder_); }

  using Options = std::map<std::string, std::string>;

  // A liquid of 30 atoms: they diffuse, so that neighbour lists are rebuilt often. `changed` replaces or adds options.
  std::vector<std::string> command(const std::string& out, const Options& changed = {}) const {
    Options options{{"--model", folder_ / "argon.safetensors"}, {"--init", folder_ / "argon.extxyz"}, {"--vacancies", "2"},
                    {"--vacancy-element", "Ar"}, {"--temperature-kelvin", "150"}, {"--thermostat", "csvr"},
                    {"--equilibration-steps", "500"}, {"--timestep-fs", "5"}, {"--seed", "7"}, {"--write-every", "20"},
                    {"--log-every", "50"}, {"--checkpoint-every", "250"}, {"--skin-ang", "0.8"}, {"--threads", "1"},
                    {"--out", folder_ / out}};
    for (const auto& [option, value] : changed) options[option] = value;
    std::vector<std::string> words{SALTUS_BINARY, "md", "--supercell", "2", "2", "2"};
    for (const auto& [option, value] : options) words.insert(words.end(), {option, value});
    return words;
  }

  pid_t start(const std::vector<std::string>& words) const { return start_child(words, folder_ / "messages"); }
  static int wait_for(pid_t child) { return wait_for_child(child); }
  int run(const std::vector<std::string>& words) const { return wait_for(start(words)); }
  std::string messages() const { return read_file(folder_ / "messages"); }

  // Trajectory and log; also tells that nothing else was left in the folder.
  std::map<std::string, std::string> output(const std::string& out) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / out)) {
      const std::string name = fs::relative(entry.path(), folder_ / out);
      if (entry.is_directory()) continue;
      if (name == "checkpoint" || name == "summary.json") continue;
      files[name] = read_file(entry.path());
    }
    return files;
  }
  // Its frames, whatever segments they lie in, every number to the last bit.
  std::string joined_trajectory(const std::string& out) const {
    std::string text;
    for (const Frame& frame : read_frames(folder_ / out / "trajectory")) append_extxyz(text, frame);
    return text;
  }

  // What readers find after a kill: segments of the uninterrupted run, whole, from the first on; all that the checkpoint tells
  // of, and at most the one that was completed before its checkpoint.
  void expect_whole_segments(const std::map<std::string, std::string>& expected) const {
    const fs::path out = folder_ / "killed", trajectory = out / "trajectory";
    const bool has_checkpoint = fs::exists(out / "checkpoint");
    const std::size_t told = has_checkpoint ? read_checkpoint(out / "checkpoint").segments : 0;
    std::vector<fs::path> segments;
    if (fs::exists(trajectory)) {
      try {
        segments = segments_of(trajectory);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::file) << error.what();  // none yet
      }
    }
    EXPECT_GE(segments.size(), told);
    EXPECT_LE(segments.size(), told + 1);
    for (const fs::path& segment : segments) {
      const std::string name = fs::relative(segment, out);
      EXPECT_TRUE(expected.contains(name) && read_file(segment) == expected.at(name)) << name << " is not whole";
    }
    if (segments.empty()) return;
    const auto frames = read_frames(trajectory), whole = read_frames(folder_ / "whole" / "trajectory");
    ASSERT_LE(frames.size(), whole.size());
    for (std::size_t k = 0; k < frames.size(); ++k) ASSERT_EQ(frames[k].position_ang, whole[k].position_ang) << k;
    EXPECT_EQ(run_saltus("info killed/trajectory", folder_).exit_code, 0);
  }

  fs::path folder_;
};

TEST_F(Md, KilledAtRandomMomentsItLeavesTheFilesOfAnUninterruptedRun) {
  const int wanted = kills_wanted();
  const Options steps{{"--steps", "6000"}};
  const auto begin = Clock::now();
  ASSERT_EQ(run(command("whole", steps)), 0) << messages();
  auto duration = std::chrono::duration<double>(Clock::now() - begin);
  const auto expected = output("whole");
  ASSERT_EQ(expected.size(), 26u);  // the frame of step 0, 24 segments behind it, the log

  Random random(31, 0);
  int kills = 0, finished = 0;
  const auto compare = [&] {
    const auto found = output("killed");
    ASSERT_EQ(found.size(), expected.size());
    for (const auto& [name, content] : expected) {
      ASSERT_TRUE(found.contains(name)) << name;
      ASSERT_TRUE(found.at(name) == content) << name << " differs after " << kills << " kills";
    }
    ++finished;
  };
  while (kills < wanted || finished == 0) {
    const pid_t child = start(command("killed", steps));
    if (kills < wanted) {
      std::this_thread::sleep_for(random.uniform() * 0.6 * duration);
      ::kill(child, SIGKILL);
    }
    const int status = wait_for(child);
    if (status == -SIGKILL) {
      ++kills;
      expect_whole_segments(expected);
      continue;
    }
    ASSERT_EQ(status, 0) << messages();
    compare();
    fs::remove_all(folder_ / "killed");
    duration *= 0.7;  // other work may have slowed the first run: later ones must not all end before they are killed
  }
  EXPECT_GE(finished, 1);
}

TEST_F(Md, TrajectoryPrecision) {
  const Options steps{{"--steps", "200"}}, exact{{"--steps", "200"}, {"--trajectory-precision", "double"}};
  ASSERT_EQ(run(command("single", steps)), 0) << messages();
  ASSERT_EQ(run(command("double", exact)), 0) << messages();
  EXPECT_EQ(output("single").at("log.csv"), output("double").at("log.csv"));
  const auto rough = read_frames(folder_ / "single" / "trajectory"), fine = read_frames(folder_ / "double" / "trajectory");
  ASSERT_EQ(rough.size(), fine.size());
  double largest = 0;
  for (std::size_t k = 0; k < fine.size(); ++k)
    for (std::size_t i = 0; i < fine[k].size(); ++i) largest = std::max(largest, norm(rough[k].position_ang[i] - fine[k].position_ang[i]));
  EXPECT_GT(largest, 0);
  EXPECT_LT(largest, 1e-6);  // the cell of 11 Å: half a unit in the last place of a float there is 4.8e-7 Å
  EXPECT_EQ(run(command("single", exact)), 2);
  EXPECT_NE(messages().find("trajectory_precision = single, now it is double"), std::string::npos) << messages();
  EXPECT_EQ(run(command("half", {{"--steps", "200"}, {"--trajectory-precision", "half"}})), 2);
}

TEST_F(Md, StoppedBySignalItTellsHowToGoOnAndContinues) {
  const Options steps{{"--steps", "6000"}, {"--thermostat", "langevin"}};
  ASSERT_EQ(run(command("whole", steps)), 0) << messages();
  const auto log_size = [&] {
    std::error_code none_yet;
    const auto size = fs::file_size(folder_ / "stopped" / "log.csv", none_yet);
    return none_yet ? 0 : size;
  };
  for (const int signal : {SIGTERM, SIGINT}) {
    const auto before = log_size();
    const pid_t child = start(command("stopped", steps));
    // Once it simulates, so that the signal does not meet the program while it starts.
    for (int k = 0; k < 4000 && log_size() <= before; ++k) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ::kill(child, signal);
    EXPECT_EQ(wait_for(child), 128 + signal) << messages();
    EXPECT_NE(messages().find("what is done is kept, this goes on from there:\n  " SALTUS_BINARY " md "), std::string::npos) << messages();
  }
  EXPECT_EQ(run(command("stopped", steps)), 0) << messages();
  EXPECT_EQ(joined_trajectory("stopped"), joined_trajectory("whole"));
  EXPECT_EQ(output("stopped").at("log.csv"), output("whole").at("log.csv"));
}

TEST_F(Md, FinishedExtendedAndRefused) {
  ASSERT_EQ(run(command("part", {{"--steps", "700"}})), 0) << messages();
  const auto before = output("part");
  EXPECT_EQ(run(command("part", {{"--steps", "700"}})), 0);
  EXPECT_NE(messages().find("nothing to do"), std::string::npos);
  EXPECT_EQ(output("part"), before);

  EXPECT_EQ(run(command("part", {{"--steps", "900"}, {"--timestep-fs", "4"}})), 2);
  EXPECT_NE(messages().find("timestep_fs = 5, now it is 4"), std::string::npos) << messages();
  EXPECT_EQ(run(command("part", {{"--steps", "600"}})), 2);
  EXPECT_EQ(output("part"), before);

  ASSERT_EQ(run(command("whole", {{"--steps", "1500"}})), 0) << messages();
  ASSERT_EQ(run(command("part", {{"--steps", "1500"}, {"--threads", "2"}})), 0) << messages();
  EXPECT_EQ(joined_trajectory("part"), joined_trajectory("whole"));
  EXPECT_EQ(output("part").at("log.csv"), output("whole").at("log.csv"));

  std::string damaged = read_file(folder_ / "part" / "checkpoint");
  damaged[damaged.size() / 2] ^= 1;
  write_file_atomically(folder_ / "part" / "checkpoint", damaged);
  EXPECT_EQ(run(command("part", {{"--steps", "1600"}})), 4);
  EXPECT_NE(messages().find("damaged"), std::string::npos) << messages();
  fs::remove(folder_ / "part" / "checkpoint");
  EXPECT_EQ(run(command("part", {{"--steps", "1600"}})), 2);
  EXPECT_NE(messages().find("no checkpoint"), std::string::npos) << messages();
}

TEST_F(Md, WhatCannotBeMeantIsRefusedAndLeavesNothing) {
  const auto refused = [&](const Options& more, int code, const std::string& part) {
    EXPECT_EQ(run(command("none", more)), code) << messages();
    EXPECT_NE(messages().find(part), std::string::npos) << messages();
    EXPECT_FALSE(fs::exists(folder_ / "none"));
  };
  refused({}, 2, "--steps");
  refused({{"--steps", "10"}, {"--vacancy-element", "Xx"}}, 2, "'Xx'");
  refused({{"--steps", "10"}, {"--vacancies", "33"}}, 2, "33 vacancies");
  refused({{"--steps", "10"}, {"--remove", "32"}}, 2, "32");
  refused({{"--steps", "10"}, {"--frame", "1"}}, 2, "no frame 1");
  refused({{"--steps", "10"}, {"--max-extrapolation", "2"}}, 5, "no extrapolation measure");
  refused({{"--steps", "10"}, {"--model", folder_ / "argon.extxyz"}}, 4, "argon.extxyz");
}

TEST_F(Md, ExplosionEndsTheRunAndKeepsTheCheckpoint) {
  // A time step fifty times too long.
  EXPECT_EQ(run(command("hot", {{"--steps", "3000"}, {"--timestep-fs", "250"}, {"--equilibration-steps", "0"}, {"--checkpoint-every", "1"}})), 6);
  EXPECT_NE(messages().find("step "), std::string::npos) << messages();
  EXPECT_NE(messages().find("atom "), std::string::npos) << messages();
  EXPECT_TRUE(fs::exists(folder_ / "hot" / "checkpoint"));
  EXPECT_TRUE(fs::exists(folder_ / "hot" / "failed.extxyz"));
  EXPECT_FALSE(fs::exists(folder_ / "hot" / "summary.json"));
}

}  // namespace
}  // namespace saltus
