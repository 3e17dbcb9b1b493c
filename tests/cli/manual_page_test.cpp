// Manual pages: one for every command, kind and the plan; all that help says is there; roff finds nothing wrong.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "saltus/base/files.hpp"
#include "session.hpp"

namespace {

using namespace saltus::session;

bool installed(const std::string& program) { return outcome_of("command -v " + program, "/").exit_code == 0; }

TEST(ManualPages, OneForEveryCommandAndReadable) {
  const Folder folder;
  ASSERT_EQ(outcome_of("saltus man --all pages", folder.path()).exit_code, 0);
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path() / "pages")) names.insert(entry.path().filename());
  for (const char* name : {"saltus.1", "saltus-run.1", "saltus-md.1", "saltus-analyze.1", "saltus-analyze-msd.1", "saltus-man.1", "saltus-plan.5"})
    EXPECT_TRUE(names.contains(name)) << name;
  for (const std::string& name : names) {
    const std::string text = saltus::read_file(folder.path() / "pages" / name);
    EXPECT_EQ(text.substr(text.find('\n') + 1, 4), ".TH ") << name;
    for (const char* section : {".SH NAME\n", ".SH SEE ALSO\n"}) EXPECT_NE(text.find(section), std::string::npos) << name;
    if (installed("groff")) {
      const Outcome complaints = outcome_of("groff -ww -k -Tutf8 -man -z pages/" + name, folder.path());
      EXPECT_EQ(joined(complaints.lines), "") << name;
    }
    if (installed("mandoc")) {
      EXPECT_EQ(outcome_of("mandoc -T lint -W error pages/" + name, folder.path()).exit_code, 0) << name;
    }
  }
}

TEST(ManualPages, SayWhatHelpSays) {
  const Folder folder;
  if (!installed("groff")) GTEST_SKIP() << "groff is not installed";
  for (const std::string command : {"md", "fit", "analyze msd"}) {
    const std::string page = joined(outcome_of("saltus man " + command + " | groff -k -Tutf8 -P-cbou -man -rLL=140n", folder.path()).lines);
    for (const std::string& line : outcome_of("saltus " + command + " --help", folder.path()).lines)
      if (line.starts_with("  -")) {
        const std::string name = line.substr(2, line.find_first_of(" ,", 2) - 2);
        EXPECT_NE(page.find(name), std::string::npos) << command << ": " << name << "\n" << page;
      }
  }
  const std::string page = joined(outcome_of("saltus man md | groff -k -Tutf8 -P-cbou -man -rLL=140n", folder.path()).lines);
  EXPECT_NE(page.find("--thermostat {csvr,langevin,none}"), std::string::npos) << page;
  EXPECT_NE(page.find("skin of the neighbour list"), std::string::npos) << page;
}

TEST(ManualPages, OfThePlanHasEverySetting) {
  const Folder folder;
  const std::string page = joined(outcome_of("saltus man plan", folder.path()).lines);
  for (const std::string& line : outcome_of("saltus explain --settings", folder.path()).lines) {
    if (!line.starts_with("  ")) continue;
    const std::string key = line.substr(2, line.find(' ', 2) - 2);
    EXPECT_NE(page.find("\\fB" + key + "\\fR"), std::string::npos) << key;
  }
  EXPECT_EQ(outcome_of("saltus man nonsense", folder.path()).exit_code, 2);
}

}  // namespace
