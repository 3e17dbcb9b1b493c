// Every tests/cli/*.transcript and every page of the manual, line by line, each in a folder of its own; a page finds the examples there.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "session.hpp"

namespace {

using namespace saltus::session;

std::vector<fs::path> files_in(const char* folder, const char* extension) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == extension && entry.path().stem() != "README") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string test_name(const testing::TestParamInfo<fs::path>& test) {
  return replaced(test.param.stem().string(), "-", "_");
}

class Transcript : public testing::TestWithParam<fs::path> {};

TEST_P(Transcript, IsWhatHappens) {
  const Folder folder;
  if (GetParam().extension() == ".md") fs::create_directory_symlink(SALTUS_SOURCE_DIR "/examples", folder.path() / "examples");
  const auto steps = steps_of(GetParam());
  ASSERT_FALSE(steps.empty());
  for (const Step& step : steps) {
    const Outcome outcome = outcome_of(step.command, folder.path());
    const std::string place = GetParam().filename().string() + ":" + std::to_string(step.line) + ": " + step.command;
    EXPECT_EQ(outcome.exit_code, step.exit_code) << place << "\n" << joined(outcome.lines);
    EXPECT_TRUE(lines_match(step.expected.begin(), step.expected.end(), outcome.lines.begin(), outcome.lines.end()))
        << place << "\nexpected:\n" << joined(step.expected) << "found:\n" << joined(outcome.lines);
  }
}

INSTANTIATE_TEST_SUITE_P(Cli, Transcript, testing::ValuesIn(files_in(SALTUS_SOURCE_DIR "/tests/cli", ".transcript")), test_name);
INSTANTIATE_TEST_SUITE_P(Manual, Transcript, testing::ValuesIn(files_in(SALTUS_SOURCE_DIR "/docs/manual", ".md")), test_name);

}  // namespace
