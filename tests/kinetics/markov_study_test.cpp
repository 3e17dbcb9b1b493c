#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kinetics/markov_study.hpp"
#include "saltus/kinetics/posterior_study.hpp"
#include "saltus/kinetics/reversible_posterior.hpp"

namespace saltus::kinetics {
namespace {

// A walk on `n` states of a line between reflecting walls, hops of probability `hop` each way, but `rare` over the middle.
std::vector<std::int32_t> walk(int n, std::size_t frames, double hop, double rare, Random& random) {
  std::vector<std::int32_t> states{0};
  while (states.size() < frames) {
    const int at = states.back();
    const double u = random.uniform();
    const auto chance = [&](int to) { return to < 0 || to >= n ? 0.0 : std::min(at, to) == n / 2 - 1 ? rare : hop; };
    states.push_back(u < chance(at + 1) ? at + 1 : u > 1 - chance(at - 1) ? at - 1 : at);
  }
  return states;
}

TEST(MarkovStudy, AMarkovChainPassesAndALumpedOneFails) {
  Random random(21, 1);
  const std::vector<std::int32_t> states = walk(6, 400000, 0.3, 0.003, random);
  MarkovStudySettings settings;
  const DiscreteTrajectory whole({states});
  const MarkovStudy study = study_trajectory(whole, 1, 2.0, settings);
  const MetastableSets sets = metastable_sets(study.modes, study.model.model.pi, 2);
  const ChapmanKolmogorov test = test_chapman_kolmogorov(whole, study, sets, 6, 2.0, settings);
  EXPECT_TRUE(test.passed) << test.largest_sigmas << " " << test.allowed_sigmas << test.note;
  EXPECT_EQ(test.probabilities.size(), 24u);
  for (const ForetoldProbability& p : test.probabilities) {
    EXPECT_LE(p.foretold.low, p.foretold.value);
    EXPECT_GE(p.foretold.high, p.foretold.value);
  }
  // Cut one state beside the barrier: the lumped chain remembers.
  std::vector<std::int32_t> lumped;
  for (const std::int32_t s : states) lumped.push_back(s < 2 ? 0 : 1);
  const DiscreteTrajectory coarse({lumped});
  const MarkovStudy bad = study_trajectory(coarse, 1, 2.0, settings);
  const ChapmanKolmogorov failed =
      test_chapman_kolmogorov(coarse, bad, metastable_sets(bad.modes, bad.model.model.pi, 2), 6, 2.0, settings);
  EXPECT_FALSE(failed.passed);
  EXPECT_GT(failed.largest_sigmas, 2 * failed.allowed_sigmas);
}

// mu of two states hopping with p each way is 2 p. Of 100 chains about 95 intervals hold the truth; 88 or fewer has a chance
// of 0.5 %, and the jackknife of ten blocks is good to a per cent.
TEST(MarkovStudy, IntervalsHoldTheTruth) {
  const double p = 0.02, truth = -1 / std::log1p(-2 * p);
  int blocks = 0, curvature = 0, posterior = 0;
  for (int k = 0; k < 100; ++k) {
    Random random(22, static_cast<std::uint64_t>(k));
    std::vector<std::int32_t> states{0};
    while (states.size() < 20000) states.push_back(random.uniform() < p ? 1 - states.back() : states.back());
    const DiscreteTrajectory trajectory({states});
    MarkovStudySettings settings;
    const MarkovStudy study = study_trajectory(trajectory, 1, 1.0, settings);
    const auto holds = [&](const Estimate& e) { return e.low <= truth && truth <= e.high; };
    blocks += holds(*study.timescales[0].interval_fs);
    curvature += holds(*study_counts(study.model.counts, 1.0, settings).timescales[0].interval_fs);
    if (k < 40) {
      const std::vector<double> samples = sample_posterior(study.model.counts, 1.0, {.samples = 200, .sweeps_per_sample = 3}).timescale_fs[0];
      posterior += holds({0, quantile(samples, 0.025), quantile(samples, 0.975)});
    }
  }
  EXPECT_GE(blocks, 88);
  EXPECT_GE(curvature, 88);
  EXPECT_GE(posterior, 33);
  EXPECT_LE(curvature, 99);
}

// Counting effectively at a long lag, or strided, gives intervals of the size that blocks of sliding counts give.
TEST(MarkovStudy, CountingsAgree) {
  Random random(23, 1);
  const DiscreteTrajectory trajectory({walk(4, 100000, 0.2, 0.01, random)});
  MarkovStudySettings settings;
  std::vector<Estimate> found;
  for (const Counting counting : {Counting::sliding, Counting::strided, Counting::effective}) {
    settings.counting = counting;
    found.push_back(*study_trajectory(trajectory, 20, 1.0, settings).timescales[0].interval_fs);
  }
  const double width = found[0].high - found[0].low;
  for (const Estimate& e : found) {
    EXPECT_NEAR(e.value, found[0].value, width);
    EXPECT_GT(e.high - e.low, 0.3 * width);
    EXPECT_LT(e.high - e.low, 3 * width);
  }
}

TEST(MarkovStudy, SaysWhyThereIsNoInterval) {
  Random random(24, 1);
  const DiscreteTrajectory trajectory({walk(4, 200, 0.2, 0.05, random)});
  const MarkovStudy study = study_trajectory(trajectory, 15, 1.0, {});
  EXPECT_FALSE(study.timescales[0].interval_fs);
  EXPECT_NE(study.interval_method.find("lag is longer"), std::string::npos);
  MarkovStudySettings free;
  free.model.reversible = false;
  EXPECT_NE(study_counts(study.model.counts, 1, free).interval_method.find("none"), std::string::npos);
  EXPECT_THROW(study_trajectory(trajectory, 500, 1.0, {}), Error);
  EXPECT_THROW(test_chapman_kolmogorov(trajectory, study, metastable_sets(study.modes, study.model.model.pi, 2), 3, 1.0, {}), Error);
}

}  // namespace
}  // namespace saltus::kinetics
