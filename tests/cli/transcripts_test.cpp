// Terminal sessions as tests: every tests/cli/*.transcript is run line by line in a temporary folder.
//
//   $ saltus info {source}/examples/x.extxyz     a shell command; {source} is the source folder, here and in the output
//   frames ...                                   an expected line; ... stands for any text
//   ...                                          alone: any number of lines
//   [exit 4]                                     the exit code, when it is not 0; standard error is part of the output
//   # text                                       a remark, before the first command or after an empty line
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "saltus/base/files.hpp"

namespace {

namespace fs = std::filesystem;

struct Step {
  std::size_t line = 0;
  std::string command;
  std::vector<std::string> expected;
  int exit_code = 0;
};

struct Outcome {
  std::vector<std::string> lines;
  int exit_code = -1;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) text.replace(at, what.size(), by);
  return text;
}

std::vector<Step> steps_of(const fs::path& path) {
  std::vector<Step> steps;
  const auto lines = lines_of(saltus::read_file(path));
  for (std::size_t k = 0; k < lines.size(); ++k) {
    const bool after_gap = k == 0 || lines[k - 1].empty() || lines[k - 1][0] == '#';
    if (lines[k].starts_with("$ ")) steps.push_back({k + 1, lines[k].substr(2), {}, 0});
    else if (lines[k].starts_with("#") && after_gap) continue;
    else if (lines[k].starts_with("[exit ")) steps.back().exit_code = std::stoi(lines[k].substr(6));
    else if (!steps.empty()) steps.back().expected.push_back(lines[k]);
  }
  for (Step& step : steps)
    while (!step.expected.empty() && step.expected.back().empty()) step.expected.pop_back();
  return steps;
}

Outcome outcome_of(const std::string& command, const fs::path& folder) {
  const std::string shell = "cd '" + folder.string() + "' && PATH='" + fs::path(SALTUS_BINARY).parent_path().string() + "':\"$PATH\" && { " +
                            replaced(command, "{source}", SALTUS_SOURCE_DIR) + "\n} 2>&1";
  Outcome outcome;
  std::FILE* pipe = ::popen(shell.c_str(), "r");
  if (!pipe) return outcome;
  std::string text;
  char buffer[4096];
  for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, got);
  const int status = ::pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.lines = lines_of(replaced(text, SALTUS_SOURCE_DIR, "{source}"));
  return outcome;
}

bool line_matches(std::string_view pattern, std::string_view line) {
  const auto gap = pattern.find("...");
  if (gap == std::string_view::npos) return pattern == line;
  if (!line.starts_with(pattern.substr(0, gap))) return false;
  for (std::size_t rest = gap; rest <= line.size(); ++rest)
    if (line_matches(pattern.substr(gap + 3), line.substr(rest))) return true;
  return false;
}

using Lines = std::vector<std::string>::const_iterator;
bool lines_match(Lines pattern, Lines pattern_end, Lines line, Lines line_end) {
  if (pattern == pattern_end) return line == line_end;
  if (*pattern == "...") {
    for (;; ++line) {
      if (lines_match(pattern + 1, pattern_end, line, line_end)) return true;
      if (line == line_end) return false;
    }
  }
  return line != line_end && line_matches(*pattern, *line) && lines_match(pattern + 1, pattern_end, line + 1, line_end);
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

/// A folder of its own, removed at the end.
class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "saltus_cli_XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::vector<fs::path> transcripts() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(SALTUS_SOURCE_DIR "/tests/cli"))
    if (entry.path().extension() == ".transcript") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

class Transcript : public testing::TestWithParam<fs::path> {};

TEST_P(Transcript, IsWhatHappens) {
  const Folder folder;
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

INSTANTIATE_TEST_SUITE_P(Cli, Transcript, testing::ValuesIn(transcripts()),
                         [](const auto& test) { return test.param.stem().string(); });

/// Every "verb" and "verb kind".
std::vector<std::string> verbs(const std::string& parent = "") {
  std::vector<std::string> names;
  bool listed = false;
  for (const std::string& line : outcome_of("saltus " + parent + "--help", SALTUS_SOURCE_DIR).lines) {
    if (line.starts_with("Subcommands:")) listed = true;
    else if (listed && line.starts_with("  ")) names.push_back(parent + line.substr(2, line.find(' ', 2) - 2));
    else if (listed) break;
  }
  for (std::size_t k = 0, count = parent.empty() ? names.size() : 0; k < count; ++k)
    for (std::string& kind : verbs(names[k] + " ")) names.push_back(std::move(kind));
  return names;
}

std::size_t columns(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

/// The commands after "Example:" to the end; a line that ends in a backslash goes on in the next.
std::vector<std::string> examples_of(const std::vector<std::string>& help) {
  std::vector<std::string> examples;
  const auto title = std::find(help.begin(), help.end(), "Example:");
  for (auto line = title; line != help.end() && ++line != help.end();) {
    if (!examples.empty() && examples.back().ends_with('\\')) {
      examples.back().pop_back();
      examples.back() += *line;
    } else {
      examples.push_back(*line);
    }
  }
  return examples;
}

TEST(Help, FitsAScreenAndEndsWithAnExample) {
  const auto names = verbs();
  ASSERT_GE(names.size(), 5u);
  for (const std::string& verb : names) {
    const Outcome help = outcome_of("saltus " + verb + " --help", SALTUS_SOURCE_DIR);
    EXPECT_EQ(help.exit_code, 0) << verb;
    EXPECT_LE(help.lines.size(), 50u) << verb;
    for (const std::string& line : help.lines) EXPECT_LE(columns(line), 110u) << verb << ": " << line;
    const auto examples = examples_of(help.lines);
    ASSERT_FALSE(examples.empty()) << verb << ": its help does not end with an example";
    const std::string text = joined(help.lines);
    for (const std::string& example : examples) {
      EXPECT_TRUE(example.starts_with("  saltus " + verb)) << verb << ": " << example;
      std::istringstream words(example);
      for (std::string word; words >> word;)
        if (word.starts_with("--")) {
          EXPECT_NE(text.find(word.substr(0, word.find('=')) + " "), std::string::npos) << verb << ": the help does not list " << word;
        }
    }
  }
}

TEST(Help, TheReadmeListsEveryVerb) {
  const std::string readme = saltus::read_file(SALTUS_SOURCE_DIR "/README.md");
  for (const std::string& verb : verbs())
    if (verb.find(' ') == std::string::npos) {
      EXPECT_NE(readme.find("\n| `" + verb + "` | "), std::string::npos) << verb;
    }
}

TEST(Help, ExamplesThatTakeNoLongRunWork) {
  const Folder folder;
  fs::create_directory_symlink(SALTUS_SOURCE_DIR "/examples", folder.path() / "examples");
  for (const char* verb : {"info", "convert", "sample", "explain"})
    for (const std::string& example : examples_of(outcome_of(std::string("saltus ") + verb + " --help", folder.path()).lines)) {
      const Outcome outcome = outcome_of(example, folder.path());
      EXPECT_EQ(outcome.exit_code, 0) << example << "\n" << joined(outcome.lines);
    }
}

}  // namespace
