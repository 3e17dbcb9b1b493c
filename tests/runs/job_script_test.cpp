#include "saltus/runs/job_script.hpp"

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"

namespace saltus::runs {
namespace {

TEST(JobScript, FillsPlacesAndLeavesTheShellAlone) {
  EXPECT_EQ(filled("{a} ${HOME} {{x}} awk '{ print $1 }' {a}\n", {{"a", "1"}}), "1 ${HOME} {x} awk '{ print $1 }' 1\n");
}

TEST(JobScript, SaysWhichPlaceHasNoValueAndWhichValueNoPlace) {
  try {
    filled("one\n#SBATCH --account={acount}\n", {{"account", "x"}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "line 2 of the template: there is no value of {acount} (did you mean 'account'?): give it by --set acount=VALUE");
  }
  EXPECT_THROW(filled("nothing\n", {{"account", "x"}}), Error);
}

TEST(JobScript, QuotesWordsForTheShell) { EXPECT_EQ(shell_line({"saltus", "run", "my plan.toml", "it's", "a=$b", ""}), "saltus run 'my plan.toml' 'it'\\''s' 'a=$b' ''"); }

TEST(JobScript, TheTemplateForSlurmIsFilledByItsFivePlaces) {
  const std::string script = filled(slurm_template(), {{"name", "n"}, {"tasks", "4"}, {"hours", "2"}, {"folder", "/f"}, {"command", "saltus run p.toml"}});
  EXPECT_NE(script.find("#SBATCH --ntasks=4\n"), std::string::npos);
  EXPECT_NE(script.find("\nsaltus run p.toml &\n"), std::string::npos);
}

}  // namespace
}  // namespace saltus::runs
