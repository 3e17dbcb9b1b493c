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
  EXPECT_EQ(ask("saltus man co"), (Words{"compare", "completion", "convert"}));
  EXPECT_EQ(ask("saltus man pl"), Words{"plan"});
  EXPECT_EQ(ask("saltus man analyze v"), (Words{"vacf", "van-hove", "vdos"}));
  EXPECT_EQ(ask("saltus man md "), Words{});
  EXPECT_EQ(ask("saltus man --al"), Words{"--all"});
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

// What a shell makes of each line when Tab is pressed behind it.
struct Pressed {
  std::string line, word;
};
const std::vector<Pressed> pressed{{"saltus exp", "explain"},
                                   {"saltus man ana", "analyze"},
                                   {"saltus man analyze vd", "vdos"},
                                   {"saltus man pl", "plan"},
                                   {"saltus md --thermostat lan", "langevin"},
                                   {"saltus md --equil", "--equilibration-steps"},
                                   {"saltus analyze vac", "vacf"},
                                   {"saltus run plan", "plan-of-may.toml"},
                                   {"saltus completion f", "fish"}};

bool is_installed(const std::string& shell, const fs::path& folder) { return outcome_of("command -v " + shell, folder).exit_code == 0; }

TEST(Completion, Fish) {
  const Folder folder;
  if (!is_installed("fish", folder.path())) GTEST_SKIP() << "fish is not installed";
  saltus::write_file_atomically(folder.path() / "plan-of-may.toml", "");
  saltus::write_file_atomically(folder.path() / "ask.fish", "saltus completion fish | source\ncomplete -C $argv[1]\n");
  for (const auto& [line, word] : pressed) {
    // One proposal a line, with its description behind a tab.
    const Outcome answer = outcome_of("HOME=$PWD fish --no-config ask.fish '" + line + "'", folder.path());
    ASSERT_EQ(answer.lines.size(), 1u) << line << "\n" << joined(answer.lines);
    EXPECT_EQ(answer.lines[0].substr(0, answer.lines[0].find('\t')), word) << line;
  }
}

TEST(Completion, Zsh) {
  const Folder folder;
  if (!is_installed("zsh", folder.path())) GTEST_SKIP() << "zsh is not installed";
  saltus::write_file_atomically(folder.path() / "plan-of-may.toml", "");
  // A shell with a terminal of its own, to which the line and Tab are typed; it says what the line has become.
  saltus::write_file_atomically(folder.path() / "ask.zsh", R"(zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w shell 'PROMPT=; autoload -U compinit; compinit -u -D; source <(saltus completion zsh)
tell() { zle complete-word; print -r -- "$BUFFER" >told.part; mv told.part told; }; zle -N tell; bindkey "^I" tell; print >ready'
waited() { for k in {1..600}; do [[ -e $1 ]] && return; sleep 0.05; zpty -r -t shell ignored; done; exit 1; }
waited ready
zpty -w -n shell $1$'\t'
waited told
cat told
rm told ready
)");
  for (const auto& [line, word] : pressed) {
    const Outcome answer = outcome_of("zsh -f ask.zsh '" + line + "'", folder.path());
    EXPECT_EQ(answer.exit_code, 0) << joined(answer.lines);
    ASSERT_EQ(answer.lines.size(), 1u) << line << "\n" << joined(answer.lines);
    EXPECT_EQ(answer.lines[0], line.substr(0, line.rfind(' ') + 1) + word + " ");
  }
}

TEST(Completion, OtherShellsCanReadTheirs) {
  const Folder folder;
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const Outcome script = outcome_of("saltus completion " + shell + " >script." + shell, folder.path());
    EXPECT_EQ(script.exit_code, 0) << joined(script.lines);
    const std::string text = saltus::read_file(folder.path() / ("script." + shell));
    for (const char* word : {"analyze", "vdos", "thermostat", "langevin", "supercell"}) EXPECT_NE(text.find(word), std::string::npos) << shell;
    if (!is_installed(shell, folder.path())) continue;
    const Outcome read = outcome_of(shell + " -n script." + shell, folder.path());
    EXPECT_EQ(read.exit_code, 0) << shell << "\n" << joined(read.lines);
  }
  EXPECT_EQ(outcome_of("saltus completion tcsh", folder.path()).exit_code, 2);
}

}  // namespace
