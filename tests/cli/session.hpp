// Terminal sessions as tests: commands with what they print, from tests/cli/*.transcript and from the ```console blocks of the manual.
//
//   $ saltus info {source}/examples/x.extxyz     a shell command; {source} is the source folder, here and in the output
//   > more of it                                 directly below: the command goes on
//   frames ...                                   an expected line; ... stands for any text
//   ...                                          alone: any number of lines
//   [exit 4]                                     the exit code, when it is not 0; standard error is part of the output
//   # text                                       a remark in a transcript, before the first command or after an empty line
#pragma once

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "saltus/base/files.hpp"

namespace saltus::session {

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

inline std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

inline std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) text.replace(at, what.size(), by);
  return text;
}

inline bool goes_on(const std::string& line) { return line == ">" || line.starts_with("> "); }

inline std::vector<Step> steps_of(const fs::path& path) {
  std::vector<Step> steps;
  const auto lines = lines_of(read_file(path));
  const bool markdown = path.extension() == ".md";
  bool in_block = !markdown;
  for (std::size_t k = 0; k < lines.size(); ++k) {
    if (markdown && lines[k].starts_with("```")) {
      in_block = lines[k] == "```console";
      continue;
    }
    if (!in_block) continue;
    const bool after_gap = k == 0 || lines[k - 1].empty() || lines[k - 1][0] == '#';
    if (lines[k].starts_with("$ ")) steps.push_back({k + 1, lines[k].substr(2), {}, 0});
    else if (goes_on(lines[k]) && !steps.empty() && steps.back().expected.empty())
      steps.back().command += "\n" + lines[k].substr(std::min<std::size_t>(2, lines[k].size()));
    else if (lines[k].starts_with("#") && after_gap && !markdown) continue;
    else if (lines[k].starts_with("[exit ")) steps.back().exit_code = std::stoi(lines[k].substr(6));
    else if (!steps.empty()) steps.back().expected.push_back(lines[k]);
  }
  for (Step& step : steps)
    while (!step.expected.empty() && step.expected.back().empty()) step.expected.pop_back();
  return steps;
}

inline Outcome outcome_of(const std::string& command, const fs::path& folder) {
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

inline bool line_matches(std::string_view pattern, std::string_view line) {
  const auto gap = pattern.find("...");
  if (gap == std::string_view::npos) return pattern == line;
  if (!line.starts_with(pattern.substr(0, gap))) return false;
  for (std::size_t rest = gap; rest <= line.size(); ++rest)
    if (line_matches(pattern.substr(gap + 3), line.substr(rest))) return true;
  return false;
}

using Lines = std::vector<std::string>::const_iterator;
inline bool lines_match(Lines pattern, Lines pattern_end, Lines line, Lines line_end) {
  if (pattern == pattern_end) return line == line_end;
  if (*pattern == "...") {
    for (;; ++line) {
      if (lines_match(pattern + 1, pattern_end, line, line_end)) return true;
      if (line == line_end) return false;
    }
  }
  return line != line_end && line_matches(*pattern, *line) && lines_match(pattern + 1, pattern_end, line + 1, line_end);
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

/// A folder of its own, removed at the end.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "saltus_cli_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace saltus::session
