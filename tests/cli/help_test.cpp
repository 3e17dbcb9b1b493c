// Help pages of all commands and kinds: size, defaults, examples that work.
#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "session.hpp"

namespace {

using namespace saltus::session;

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
    for (const std::string& line : help.lines) EXPECT_LE(columns(line), 100u) << verb << ": " << line;
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

/// Options as the pages list them: "  --name TYPE   what it is", or the second part on the next line.
TEST(Help, NumbersHaveUnitsAndDefaults) {
  // Without one of these nothing happens that a default could stand for.
  const std::vector<std::string> no_default{"--remove", "--md-step-fs", "sample --every", "sample --count", "sample --random"};
  const std::vector<std::pair<std::string, std::string>> units{{"-per-fs", "1/fs"}, {"-fs", "fs"}, {"-ang", "Å"}, {"-kelvin", "K"}};
  for (const std::string& verb : verbs()) {
    const auto lines = outcome_of("saltus " + verb + " --help", SALTUS_SOURCE_DIR).lines;
    for (std::size_t k = 0; k < lines.size(); ++k) {
      if (!lines[k].starts_with("  --")) continue;
      std::string text = lines[k];
      for (std::size_t next = k + 1; next < lines.size() && lines[next].starts_with(std::string(29, ' ')); ++next) text += lines[next].substr(28);
      std::istringstream words(text);
      std::string name, type;
      words >> name >> type;
      if (type != "INT" && type != "FLOAT") continue;
      for (const auto& [ending, unit] : units)
        if (name.ends_with(ending)) {
          EXPECT_NE(text.find(unit, name.size() + 2), std::string::npos) << verb << ": " << text;
          break;
        }
      const bool excused = std::count(no_default.begin(), no_default.end(), name) || std::count(no_default.begin(), no_default.end(), verb + " " + name);
      EXPECT_TRUE(excused || text.find("default") != std::string::npos || text.find(" REQUIRED") != std::string::npos) << verb << ": " << text;
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
  for (const char* verb : {"info", "convert", "sample", "explain", "sites", "network", "propagate", "simulate kmc", "simulate brownian", "simulate langevin", "pimd", "analyze proton", "analyze hbonds", "analyze wannier", "analyze dipole", "passage"})
    for (const std::string& example : examples_of(outcome_of(std::string("saltus ") + verb + " --help", folder.path()).lines)) {
      const Outcome outcome = outcome_of(example, folder.path());
      EXPECT_EQ(outcome.exit_code, 0) << example << "\n" << joined(outcome.lines);
    }
}

}  // namespace
