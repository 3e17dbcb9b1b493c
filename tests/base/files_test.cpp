// Files that appear whole or not at all, and what killed processes leave of them.
#include "saltus/base/files.hpp"

#include <csignal>
#include <filesystem>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace saltus {
namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path = fs::temp_directory_path() / ("saltus_files_" + std::to_string(::getpid()));
  Folder() { fs::create_directory(path); }
  ~Folder() { fs::remove_all(path); }
  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(path)) found.insert(entry.path().filename().string());
    return found;
  }
};

TEST(PendingFile, IsRemovedUnlessCommitted) {
  const Folder folder;
  {
    const PendingFile pending(folder.path / "a");
    write_file_atomically(pending.temporary(), "half");
    EXPECT_EQ(folder.names(), (std::set<std::string>{pending.temporary().filename().string()}));
  }
  EXPECT_TRUE(folder.names().empty());
  write_file_atomically(folder.path / "a", "whole");
  EXPECT_EQ(read_file(folder.path / "a"), "whole");
  EXPECT_EQ(folder.names(), std::set<std::string>{"a"});
}

TEST(PendingFile, PartsOfTheDeadGoAndNothingElseDoes) {
  const Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const PendingFile of_a(folder.path / "a"), of_ab(folder.path / "ab");
    write_file_atomically(of_a.temporary(), "half");
    write_file_atomically(of_ab.temporary(), "half");
    write_file_atomically(folder.path / "ready", "");
    while (true) ::pause();
  }
  while (!fs::exists(folder.path / "ready")) ::usleep(1000);
  std::string part_of_a;
  for (const std::string& name : folder.names())
    if (name.starts_with("a.part")) part_of_a = name;
  const std::string part_of_ab = "ab" + part_of_a.substr(1), number = std::to_string(child);
  const std::string host = part_of_a.substr(("a.part" + number + "@").size());
  EXPECT_EQ(part_of_a, "a.part" + number + "@" + host);
  // Another host may have a process of that number; what has no number is no part.
  const std::set<std::string> others{"a.part" + number + "@" + host + "2", "a.part" + number, "a.part@" + host, "a.partition" + number + "@" + host};
  for (const std::string& name : others) write_file_atomically(folder.path / name, "");

  std::set<std::string> expected = others;
  expected.insert({"a", part_of_a, part_of_ab, "ready"});
  write_file_atomically(folder.path / "a", "whole");
  EXPECT_EQ(folder.names(), expected) << "a living process writes";

  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  expected.erase(part_of_a);
  write_file_atomically(folder.path / "a", "whole");
  EXPECT_EQ(folder.names(), expected) << "of another file";
}

}  // namespace
}  // namespace saltus
