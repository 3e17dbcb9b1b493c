#include "saltus/engines/child.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"

namespace saltus {
namespace {

namespace fs = std::filesystem;

fs::path folder() {
  const fs::path place = fs::path(testing::TempDir()) / ("child_" + std::to_string(::getpid()));
  fs::create_directories(place);
  return place;
}

int wait_for(Child& child) {
  while (!child.ended()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return *child.ended();
}

TEST(Child, RunsInItsFolderWithWordsAsTheyAre) {
  const fs::path place = folder();
  fs::remove(place / "said");
  Child child({{"sh", "-c", "pwd; echo \"$1|$SALTUS_TEST_WORD\"; exit 3", "sh", "a b; $(c)"}, place, place / "said", {{"SALTUS_TEST_WORD", "x y"}}, -1});
  EXPECT_EQ(describe_status(wait_for(child)), "exit code 3");
  EXPECT_EQ(read_file(place / "said"), fs::canonical(place).string() + "\na b; $(c)|x y\n");
}

TEST(Child, StandardErrorGoesToADescriptorWhereThereIsOne) {
  const fs::path place = folder();
  fs::remove(place / "out");
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Child child({{"sh", "-c", "echo result; echo trouble >&2; exit 4"}, place, place / "out", {}, -1, ends[1]});
  ::close(ends[1]);
  std::string said;
  for (char byte; ::read(ends[0], &byte, 1) == 1;) said += byte;  // to the end of the pipe: nobody else holds it open
  ::close(ends[0]);
  EXPECT_EQ(said, "trouble\n");
  EXPECT_EQ(describe_status(child.wait()), "exit code 4");
  EXPECT_EQ(read_file(place / "out"), "result\n");
  EXPECT_EQ(describe_status(Child({{"sh", "-c", "echo dropped"}, {}, {}, {}, -1}).wait()), "exit code 0");
}

TEST(Child, IsEndedWithItsOwnChildrenEvenIfItDoesNotWantTo) {
  const fs::path place = folder();
  fs::remove(place / "stubborn");
  Child child({{"sh", "-c", "trap '' TERM; echo on; sleep 60 & while :; do sleep 0.1; done"}, place, place / "stubborn", {}, -1});
  for (int k = 0; k < 1000 && (!fs::exists(place / "stubborn") || read_file(place / "stubborn").empty()); ++k) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const pid_t group = child.id();
  const int status = child.terminate(std::chrono::milliseconds(100));
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  for (int k = 0; k < 1000 && ::kill(-group, 0) == 0; ++k) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_NE(::kill(-group, 0), 0) << "a process of its group is left";
}

TEST(Child, SaysWhatCannotBeStarted) {
  EXPECT_THROW(Child({{"no-such-program-here"}, ".", folder() / "x", {}, -1}), Error);
  EXPECT_THROW(Child({{"sh"}, folder() / "no-such-folder", folder() / "x", {}, -1}), Error);
  EXPECT_EQ(find_program("no-such-program-here"), fs::path());
  EXPECT_NE(find_program("sh"), fs::path());
}

}  // namespace
}  // namespace saltus
