#include "saltus/engines/cp2k_output.hpp"

#include <string>

#include <gtest/gtest.h>

#include "saltus/base/files.hpp"

namespace saltus {
namespace {

const std::string golden = std::string(SALTUS_SOURCE_DIR) + "/tests/golden/cp2k/h2o_reftraj/w.out";

TEST(Cp2kOutput, ReadsEvaluationsOfARealRunWhateverThePieces) {
  const std::string text = read_file(golden);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, text.size()}) {
    Cp2kOutput output;
    for (std::size_t at = 0; at < text.size(); at += piece) output.take(std::string_view(text).substr(at, piece));
    ASSERT_EQ(output.evaluations().size(), 3u);
    EXPECT_TRUE(output.ended());
    EXPECT_EQ(output.starts(), 1);
    EXPECT_EQ(output.abort_message(), "");
    const auto& e = output.evaluations();
    EXPECT_EQ(e[0].energy_hartree, -17.119608745777125);
    EXPECT_EQ(e[2].energy_hartree, -17.120019480816026);
    EXPECT_EQ(e[0].scf_steps, 29);
    EXPECT_EQ(e[1].scf_steps, 11);
    EXPECT_EQ(e[0].step, 1);
    EXPECT_EQ(e[1].step, 2);
    EXPECT_EQ(e[2].step, 3);
    for (const Cp2kEvaluation& one : e) EXPECT_TRUE(one.converged);
    ASSERT_TRUE(e[1].stress_gpa);
    EXPECT_EQ((*e[1].stress_gpa)[0].x, 6.12448790154);
    EXPECT_EQ((*e[1].stress_gpa)[2].x, -7.75776607662E-02);
    EXPECT_EQ((*e[1].stress_gpa)[2].z, 1.37780354314E-01);
    EXPECT_FALSE(e[0].seconds);
    EXPECT_EQ(e[1].seconds, 1.948124);
  }
}

TEST(Cp2kOutput, SaysWhichCyclesDidNotConverge) {
  Cp2kOutput output;
  output.take(" ****  PROGRAM STARTED AT  now\n"
              "  *** SCF run NOT converged ***\n"
              "  *** SCF run converged in     7 steps ***\n"
              " ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:   -1.5\n"
              "  *** SCF run NOT converged ***\n"
              " *** WARNING in qs_scf.F:598 :: SCF run NOT converged ***\n"
              " ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:   -1.25\n"
              " MD| Step number                             1\n"
              "  *** SCF run converged in     5 steps ***\n"
              " ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:   -1.75\n"
              " MD| Step number                             2\n");
  ASSERT_EQ(output.evaluations().size(), 3u);
  EXPECT_TRUE(output.evaluations()[0].converged) << "the last cycle of several counts";
  EXPECT_EQ(output.evaluations()[0].step, 0);
  EXPECT_FALSE(output.evaluations()[1].converged);
  EXPECT_TRUE(output.evaluations()[2].converged);
  EXPECT_FALSE(output.ended());
}

TEST(Cp2kOutput, StepsOfAContinuedRunFollowItsOwnNumbers) {
  const std::string start = "PROGRAM STARTED AT\n", energy = " ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:  -1\n";
  Cp2kOutput output;
  output.take(start + energy + energy + " MD| Step number 1\n" + start + energy + energy + " MD| Step number 2\n" + energy + " MD| Step number 3\n");
  ASSERT_EQ(output.evaluations().size(), 5u);
  EXPECT_EQ(output.evaluations()[2].step, 1);  // computed again where the run goes on
  EXPECT_EQ(output.evaluations()[4].step, 3);
  EXPECT_EQ(output.starts(), 2);
}

TEST(Cp2kOutput, TellsWhatItSaidAsItGaveUp) {
  Cp2kOutput output;
  output.take(" *******************************************************************************\n"
              " *   ___                                                                       *\n"
              " *  /   \\                                                                      *\n"
              " * [ABORT]                                                                     *\n"
              " *  \\___/            found an unknown keyword EVAL in section REFTRAJ          *\n"
              " *    |                                                                        *\n"
              " *  O/|                                                                        *\n"
              " * /| |                                                                        *\n"
              " * / \\                                               input/input_parsing.F:246 *\n"
              " *******************************************************************************\n");
  EXPECT_EQ(output.abort_message(), "found an unknown keyword EVAL in section REFTRAJ");
}

TEST(Cp2kOutput, StandsWhatIsNoOutput) {
  Cp2kOutput output;
  output.take(std::string(200000, 'x'));
  output.take("\n STRESS| Analytical stress tensor [GPa]\n STRESS| x 1 2\n STRESS| x 1 a 3\n ENERGY| Total FORCE_EVAL nothing\n MD| Step number 1e99\n");
  ASSERT_EQ(output.evaluations().size(), 1u);
  EXPECT_FALSE(output.evaluations()[0].converged) << "an energy that is no number is no label";
  EXPECT_FALSE(output.evaluations()[0].step);
}

}  // namespace
}  // namespace saltus
