// Completion scripts: what bash really proposes, and that zsh and fish, where they are installed, can read theirs.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/files.hpp"
#include "session.hpp"

namespace {

using namespace saltus::session;

/// What bash proposes behind `line`, whose last word is the one to complete (a space at the end: a new one).
std::vector<std::string> proposals(const std::string& line, const fs::path& folder) {
  saltus::write_file_atomically(folder / "ask.bash", R"(source <(saltus completion bash)
line=$1
words=$line
# The words as bash splits them: '=' stands alone.
read -ra COMP_WORDS <<<"${words//=/ = }"
[[ $line == *' ' || $line == *= ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMP_LINE=$line COMP_POINT=${#line}
compopt() { :; }  # there is no completion under way
complete -p saltus | grep -q -- '-F _saltus saltus' || exit 1
_saltus
printf '%s\n' "${COMPREPLY[@]}"
)");
  std::vector<std::string> lines = outcome_of("bash ask.bash '" + line + "'", folder).lines;
  std::sort(lines.begin(), lines.end());
  return lines;
}

using Words = std::vector<std::string>;

TEST(Completion, BashProposesWhatHelpLists) {
  const Folder folder;
  fs::create_directory(folder.path() / "runs of may");
  saltus::write_file_atomically(folder.path() / "my plan.toml", "");
  saltus::write_file_atomically(folder.path() / "model.safetensors", "");
  const auto ask = [&](const std::string& line) { return proposals(line, folder.path()); };

  EXPECT_EQ(ask("saltus exp"), Words{"explain"});
  EXPECT_EQ(ask("saltus analyze vac"), Words{"vacf"});
  EXPECT_EQ(ask("saltus md --thermostat "), (Words{"csvr", "langevin", "none"}));
  EXPECT_EQ(ask("saltus md --steps 5 --thermostat l"), Words{"langevin"});
  EXPECT_EQ(ask("saltus md --thermostat=n"), Words{"none"});
  EXPECT_EQ(ask("saltus md --thermostat="), (Words{"csvr", "langevin", "none"}));
  EXPECT_EQ(ask("saltus md --equil"), Words{"--equilibration-steps"});
  EXPECT_EQ(ask("saltus analyze rdf --pai"), Words{"--pairs"});
  EXPECT_EQ(ask("saltus analyze rdf --qui"), Words{"--quiet"});
  EXPECT_EQ(ask("saltus run my"), Words{"my plan.toml"});
  EXPECT_EQ(ask("saltus md --model mod"), Words{"model.safetensors"});
  EXPECT_EQ(ask("saltus run x.toml --out ru"), Words{"runs of may"});
  EXPECT_EQ(ask("saltus run x.toml --out m"), Words{});  // folders only
  EXPECT_EQ(ask("saltus md --steps "), Words{});         // a number: nothing to propose
  EXPECT_EQ(ask("saltus completion "), (Words{"bash", "fish", "zsh"}));
  EXPECT_EQ(ask("saltus --ver"), Words{"--version"});
}

TEST(Completion, BashKnowsEveryOptionOfEveryPage) {
  const Folder folder;
  for (const std::string verb : {"run", "explain", "info", "convert", "sample", "fit", "md", "runs", "report", "analyze msd", "analyze vdos"}) {
    Words listed;
    for (const std::string& line : outcome_of("saltus " + verb + " --help", folder.path()).lines) {
      if (!line.starts_with("  -")) continue;
      const std::string names = line.substr(2, line.find(' ', 2) - 2);
      for (std::size_t at = 0; at <= names.size();) {
        const std::size_t comma = std::min(names.find(',', at), names.size());
        listed.push_back(names.substr(at, comma - at));
        at = comma + 1;
      }
    }
    std::sort(listed.begin(), listed.end());
    EXPECT_GE(listed.size(), 4u) << verb;
    EXPECT_EQ(proposals("saltus " + verb + " -", folder.path()), listed) << verb;
  }
}

TEST(Completion, OtherShellsCanReadTheirs) {
  const Folder folder;
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const Outcome script = outcome_of("saltus completion " + shell + " >script." + shell, folder.path());
    EXPECT_EQ(script.exit_code, 0) << joined(script.lines);
    const std::string text = saltus::read_file(folder.path() / ("script." + shell));
    for (const char* word : {"analyze", "vdos", "thermostat", "langevin", "supercell"}) EXPECT_NE(text.find(word), std::string::npos) << shell;
    if (outcome_of("command -v " + shell, folder.path()).exit_code != 0) continue;
    const Outcome read = outcome_of(shell + " -n script." + shell, folder.path());
    EXPECT_EQ(read.exit_code, 0) << shell << "\n" << joined(read.lines);
  }
  EXPECT_EQ(outcome_of("saltus completion tcsh", folder.path()).exit_code, 2);
}

}  // namespace
