#include "saltus/kinetics/local_diffusion.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/frame_correction.hpp"
#include "tests/kinetics/walks.hpp"

namespace saltus::kinetics {
namespace {

constexpr double truth = 0.23;  // Å²/ps
constexpr double period = 12;

ExitSettings windows_of(const std::vector<double>& half_widths, double frame_interval_fs) {
  ExitSettings settings;
  settings.frame_interval_fs = frame_interval_fs;
  settings.period_ang = period;
  for (double centre = 0.5; centre < period; centre += 1)
    for (const double half : half_widths) settings.windows.push_back({centre, half, 0.1});
  return settings;
}

// All windows of one half-width as one: the profile is flat.
ExitData pooled(const ExitData& data) {
  ExitData result = data;
  result.window.clear();
  for (const WindowExits& window : data.window) {
    auto same = std::find_if(result.window.begin(), result.window.end(), [&](const WindowExits& w) { return w.window.half_width_ang == window.window.half_width_ang; });
    if (same == result.window.end()) {
      result.window.push_back(window);
      result.window.back().window.centre_ang = 0;
      continue;
    }
    for (std::size_t u = 0; u < window.unit.size(); ++u) same->unit[u] += window.unit[u];
    for (std::size_t b = 0; b < window.exits_at.size(); ++b) {
      same->exits_at[b] += window.exits_at[b];
      same->censored_at[b] += window.censored_at[b];
    }
    same->steps += window.steps;
    same->long_steps += window.long_steps;
  }
  return result;
}

// value within k standard errors of the truth, of an interval of 95 %.
void expect_truth(const LocalEstimate& found, double expected, double errors, const std::string& what, double allowed = 0) {
  ASSERT_TRUE(found.estimate) << what << ": " << found.reason;
  const Estimate& e = *found.estimate;
  EXPECT_LT(e.low, e.value) << what;
  EXPECT_GT(e.high, e.value) << what;
  EXPECT_NEAR(e.value, expected, errors * (e.high - e.low) / 3.92 + allowed * expected) << what;
}

// 1500 particles, 250 ps.
TEST(LocalDiffusion, KnownDiffusionFromFramesOfFourIntervals) {
  const Walk fine = random_walk(2500, 1500, std::sqrt(2 * truth * 0.1), period, 5);
  for (const std::size_t stride : {1, 2, 5, 10}) {
    const double dt_fs = 100 * static_cast<double>(stride), expected = truth / 1000;
    const ExitData data = pooled(count_exits_with_cuts(every(fine, stride).source(), windows_of({1, 2}, dt_fs)));
    const auto found = local_diffusion(data);
    const std::string what = "dt " + std::to_string(dt_fs);
    for (std::size_t w = 0; w < 2; ++w) {
      const bool coarse = w == 0 && stride > 2;
      expect_truth(found[w].corrected_ang2_fs, expected, 3.5, what + " corrected", coarse ? 0.01 : 0.002);
      expect_truth(found[w].wald_ang2_fs, expected, 3.5, what + " wald");
      expect_truth(found[w].p_plus, 0.5, 3.5, what + " p+");
      if (!coarse) {
        expect_truth(found[w].tail_ang2_fs, expected, 3.5, what + " tail", 0.01);
        expect_truth(found[w].censored_mle_ang2_fs, expected, 3.5, what + " mle", 0.008);
      }
      const double width = found[w].corrected_ang2_fs.estimate->high - found[w].corrected_ang2_fs.estimate->low;
      EXPECT_LT(width, 0.08 * expected) << what;
    }
    if (stride == 1) {
      const double ratio = found[0].naive_ang2_fs.estimate->value / expected;
      EXPECT_GT(ratio, 0.76);
      EXPECT_LT(ratio, 0.80);
      EXPECT_NEAR(found[0].cv2.estimate->value, 2.0 / 3, 0.03);
      EXPECT_NEAR(found[0].sigma_ang, std::sqrt(2 * truth * 0.1), 0.005);
      EXPECT_TRUE(found[0].flags.empty()) << found[0].flags.front();
    }
    if (stride == 10) {
      EXPECT_GT(found[0].long_steps, 0.1);
      ASSERT_EQ(found[0].flags.size(), 2u);
      EXPECT_TRUE(found[0].flags[0].starts_with("frames too far apart: the half-width of 1 Å is less than twice the 0.6")) << found[0].flags[0];
      EXPECT_NE(found[0].flags[1].find("% of the steps between frames are longer than the half-width"), std::string::npos);
    }
  }
}

TEST(LocalDiffusion, MilneNeedsNoConstantOfTheFrames) {
  const Walk walk = random_walk(2500, 1500, std::sqrt(2 * truth * 0.1), period, 6);
  const ExitData data = pooled(count_exits_with_cuts(walk.source(), windows_of({0.75, 1, 1.5, 2}, 100)));
  const auto found = milne_diffusion(data);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].windows.size(), 4u);
  expect_truth(found[0].diffusion_ang2_fs, truth / 1000, 3.5, "milne", 0.005);
  expect_truth(found[0].extrapolation_length_ang, 0.5826 * std::sqrt(2 * truth * 0.1), 3.5, "length", 0.06);
  EXPECT_TRUE(milne_diffusion(pooled(count_exits(walk.source(), windows_of({1}, 100)))).empty());
}

// Constant drift: F = −f z with v = D f.
TEST(LocalDiffusion, DriftIsTakenOut) {
  const double sigma = std::sqrt(2 * truth * 0.1), v = truth * 0.1;  // f = 1 per Å
  const Walk walk = random_walk(2500, 1500, sigma, period, 8, v);
  const ExitData data = pooled(count_exits_with_cuts(walk.source(), windows_of({1}, 100)));
  const auto found = local_diffusion(data);
  expect_truth(found[0].corrected_ang2_fs, truth / 1000, 3.5, "corrected", 0.003);
  expect_truth(found[0].wald_ang2_fs, truth / 1000, 3.5, "wald");
  // ln(p+/p−) = (v/D)(L + beta sigma)
  const double odds = std::exp(1 + 0.5826 * sigma);
  expect_truth(found[0].p_plus, odds / (1 + odds), 3.5, "p+");
}

// Short data: dropping the starts that did not finish makes D too large by much; what is kept of them, and the likelihood, do not.
TEST(LocalDiffusion, UnfinishedStartsAreNotDropped) {
  const Walk walk = random_walk(200, 4000, std::sqrt(2 * truth * 0.1), period, 9);
  const ExitData data = pooled(count_exits(walk.source(), windows_of({2}, 100)));
  const auto found = local_diffusion(data);
  const double expected = truth / 1000;
  EXPECT_GT(found[0].censored_fraction, 0.3);
  EXPECT_GT(*corrected_diffusion(found[0].sum.time / found[0].sum.exits, 0.5, data.window[0].window, 1) / 100, 1.5 * expected);
  expect_truth(found[0].wald_ang2_fs, expected, 3.5, "wald");
  expect_truth(found[0].censored_mle_ang2_fs, expected, 3.5, "mle", 0.01);
  bool flagged = false;
  for (const std::string& flag : found[0].flags) flagged |= flag.find("had not left when the data ended") != std::string::npos;
  EXPECT_TRUE(flagged);
}

// 95 % intervals of 40 sets hold the truth in about 38.
TEST(LocalDiffusion, IntervalsHoldTheTruth) {
  int corrected = 0, wald = 0, likely = 0, sets = 40;
  for (int set = 0; set < sets; ++set) {
    const Walk walk = random_walk(1000, 100, std::sqrt(2 * truth * 0.1), period, 100 + static_cast<std::uint64_t>(set));
    const auto found = local_diffusion(pooled(count_exits_with_cuts(walk.source(), windows_of({1}, 100))));
    const auto holds = [&](const LocalEstimate& e) { return e.estimate && e.estimate->low <= truth / 1000 && truth / 1000 <= e.estimate->high; };
    corrected += holds(found[0].corrected_ang2_fs);
    wald += holds(found[0].wald_ang2_fs);
    likely += holds(found[0].censored_mle_ang2_fs);
  }
  for (const int held : {corrected, wald, likely}) {
    EXPECT_GE(held, 32);
    EXPECT_LE(held, 40);
  }
}

TEST(LocalDiffusion, SameSeedSameIntervalAndUnitsOfTime) {
  const Walk walk = random_walk(1000, 50, 0.2, period, 1);
  ExitSettings settings = windows_of({1}, 100);
  settings.time_blocks = 20;
  const ExitData data = count_exits(walk.source(), settings);
  EXPECT_EQ(data.groups, 20u);
  const auto a = local_diffusion(data, {100, 3, {}}), b = local_diffusion(data, {100, 3, {}}), c = local_diffusion(data, {100, 4, {}});
  EXPECT_EQ(a[0].corrected_ang2_fs.estimate->low, b[0].corrected_ang2_fs.estimate->low);
  EXPECT_NE(a[0].corrected_ang2_fs.estimate->low, c[0].corrected_ang2_fs.estimate->low);
  EXPECT_EQ(a[0].corrected_ang2_fs.estimate->value, c[0].corrected_ang2_fs.estimate->value);
}

TEST(LocalDiffusion, NoNumberWithoutData) {
  ExitSettings settings;
  settings.frame_interval_fs = 1;
  settings.windows = {{50, 1, 0.1}, {0, 1, 0.1}, {5, 1, 0.1}};
  // Particle 0 rests at 0; particle 1 leaves 5 upwards each time.
  Walk walk{40, 2, std::vector<float>(80)};
  for (std::size_t t = 0; t < 40; ++t) walk.at(t, 1) = t % 2 == 0 ? 5 : 7;
  LocalSettings local;
  local.curvature_kt_per_ang2 = {0, 0, 3};
  const auto found = local_diffusion(count_exits(walk.source(), settings), local);
  for (const LocalEstimate* e : {&found[0].mean_exit_time_fs, &found[0].cv2, &found[0].p_plus, &found[0].naive_ang2_fs, &found[0].corrected_ang2_fs, &found[0].wald_ang2_fs,
                                 &found[0].tail_ang2_fs, &found[0].censored_mle_ang2_fs}) {
    EXPECT_FALSE(e->estimate);
    EXPECT_EQ(e->reason, "no starts");
  }
  EXPECT_EQ(found[0].flags, std::vector<std::string>{"no start: no particle came by"});
  EXPECT_EQ(found[1].corrected_ang2_fs.reason, "no exits");
  EXPECT_EQ(found[1].flags, std::vector<std::string>{"no exit: none of 40 starts left before the data end"});
  EXPECT_FALSE(found[2].corrected_ang2_fs.estimate);
  EXPECT_EQ(found[2].corrected_ang2_fs.reason, "all exits are on one side");
  EXPECT_EQ(found[2].naive_ang2_fs.reason, "all exits are on one side");
  // Half of the draws of two units lack the one with exits.
  EXPECT_FALSE(found[2].mean_exit_time_fs.estimate);
  EXPECT_TRUE(found[2].mean_exit_time_fs.reason.starts_with("too few data"));
  EXPECT_NEAR(*found[2].curvature_bias, -0.5, 1e-12);
  EXPECT_EQ(found[2].flags.back(), "F is curved: local D is expected to be off by -50 %");
  EXPECT_THROW(local_diffusion(count_exits(walk.source(), settings), {5, 1, {}}), Error);
  EXPECT_THROW(local_diffusion(count_exits(walk.source(), settings), {100, 1, {1.0}}), Error);
}

}  // namespace
}  // namespace saltus::kinetics
