#include "saltus/kinetics/exit_survival.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "tests/kinetics/walks.hpp"

namespace saltus::kinetics {
namespace {

TEST(FreeSurvival, ClosedFormOnBothSidesOfTheSwitch) {
  const double d = 0.23;
  EXPECT_NEAR(free_survival(d * 1), 0.719282, 1e-6);
  EXPECT_NEAR(free_survival(d * 5), 0.0745752, 1e-7);
  EXPECT_NEAR(free_survival(d * 6 / (2 * d)), 7.76558e-4, 1e-9);
  EXPECT_NEAR(free_survival(d * 1.646730), 0.5, 1e-6);  // the median
  EXPECT_EQ(free_survival(0), 1);
  EXPECT_EQ(free_survival(0.1, 1), 0);
  EXPECT_NEAR(std::log(free_survival(d * 10) / free_survival(d * 11)), 0.567502, 1e-6);
  for (const double start : {0.0, 0.3, -0.3, 0.9}) {
    EXPECT_NEAR(free_survival(0.2 - 1e-12, start), free_survival(0.2 + 1e-12, start), 1e-10);
    EXPECT_EQ(free_survival(0.3, start), free_survival(0.3, -start));
  }
  // ∫ S dt = (1 − x²)/2 in units of L²/D
  for (const double start : {0.0, 0.5}) {
    double integral = 0;
    const double h = 1e-3;
    for (int k = 0; k <= 12000; ++k) integral += h * free_survival(h * k, start) * (k == 0 || k == 12000 ? 0.5 : 1);
    EXPECT_NEAR(integral, (1 - start * start) / 2, 1e-6);
  }
}

// Lifetimes given: the window holds 0, outside is 5; each particle starts at its first frame only.
ExitData lifetimes(const std::vector<std::pair<int, bool>>& life, std::size_t frames) {
  Walk walk{frames, life.size(), std::vector<float>(frames * life.size(), 0.5f)};
  for (std::size_t p = 0; p < life.size(); ++p) {
    walk.at(0, p) = 0;
    for (std::size_t t = static_cast<std::size_t>(life[p].first); t < frames; ++t) walk.at(t, p) = 5;
    if (!life[p].second)  // seen last at that time, then not there
      for (std::size_t t = static_cast<std::size_t>(life[p].first) + 1; t < frames; ++t) walk.at(t, p) = std::nanf("");
    if (!life[p].second) walk.at(static_cast<std::size_t>(life[p].first), p) = 0.5f;
  }
  ExitSettings settings;
  settings.frame_interval_fs = 10;
  settings.windows = {{0, 1, 0.1}};
  return count_exits(walk.source(), settings);
}

TEST(ExitSurvival, KaplanMeierByHand) {
  // Exits at 1, 3, 4 and 6 frames, seen last at 3 and 5: S = 5/6, then 5/6 · 4/5, · 2/3, · 0.
  const ExitData data = lifetimes({{1, true}, {3, true}, {3, false}, {4, true}, {5, false}, {6, true}}, 8);
  const SurvivalCurve curve = exit_survival(data, 0);
  const auto at = [&](double time_fs) {
    for (std::size_t k = 0; k < curve.time_fs.size(); ++k)
      if (curve.time_fs[k] == time_fs) return curve.survival[k];
    return -1.0;
  };
  EXPECT_NEAR(at(10), 5.0 / 6, 1e-12);
  EXPECT_NEAR(at(20), 5.0 / 6, 1e-12);
  EXPECT_NEAR(at(30), 4.0 / 6, 1e-12);
  EXPECT_NEAR(at(40), 4.0 / 9, 1e-12);
  EXPECT_NEAR(at(50), 4.0 / 9, 1e-12);
  EXPECT_NEAR(at(60), 0, 1e-12);
  EXPECT_NEAR(curve.mean_time_fs.estimate->value, 10 * (1 + 5.0 / 6 + 5.0 / 6 + 4.0 / 6 + 4.0 / 9 + 4.0 / 9), 1e-9);
  EXPECT_EQ(curve.tail_share, 0);
}

TEST(ExitSurvival, CensoredExponentialTimes) {
  // Mean 100 frames, followed for 20 to 250.
  Random random(3, 0);
  std::vector<std::pair<int, bool>> life;
  for (int k = 0; k < 6000; ++k) {
    const int exit = static_cast<int>(std::ceil(-100 * std::log(random.uniform()))), end = 20 + static_cast<int>(random.below(231));
    life.emplace_back(std::min(exit, end), exit <= end);
  }
  const SurvivalCurve curve = exit_survival(lifetimes(life, 300), 0);
  ASSERT_GT(curve.time_fs.size(), 20u);
  int inside = 0;
  for (std::size_t k = 0; k < curve.time_fs.size(); ++k) {
    const double expected = std::exp(-curve.time_fs[k] / 1000);
    EXPECT_NEAR(curve.survival[k], expected, 0.04) << curve.time_fs[k];
    EXPECT_LE(curve.low[k], curve.survival[k]);
    EXPECT_GE(curve.high[k], curve.survival[k]);
    inside += curve.low[k] <= expected && expected <= curve.high[k];
  }
  EXPECT_GT(inside, static_cast<int>(curve.time_fs.size()) / 2);
  // Times are rounded up: the mean of a geometric distribution.
  EXPECT_NEAR(curve.mean_time_fs.estimate->value, 10 / (1 - std::exp(-0.01)), 50);
  EXPECT_LT(curve.mean_time_fs.estimate->low, 1005);
  EXPECT_GT(curve.mean_time_fs.estimate->high, 1005);
  EXPECT_GT(curve.tail_share, 0.05);
}

TEST(ExitSurvival, NothingWithoutExitsAndRefusals) {
  const ExitData data = lifetimes({{3, false}, {2, false}}, 5);
  const SurvivalCurve curve = exit_survival(data, 0);
  EXPECT_TRUE(curve.time_fs.empty());
  EXPECT_EQ(curve.mean_time_fs.reason, "no exits");
  ExitData sums_alone;
  sums_alone.frame_interval_fs = 1;
  sums_alone.window.resize(1);
  EXPECT_EQ(exit_survival(sums_alone, 0).mean_time_fs.reason, "the times of exits were not kept");
  EXPECT_THROW(exit_survival(data, 1), Error);
  EXPECT_THROW(exit_survival(data, 0, {5, 1, 60}), Error);
}

}  // namespace
}  // namespace saltus::kinetics
