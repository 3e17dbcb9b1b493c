#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/position_markov_model.hpp"
#include "tests/kinetics/synthetic_exits.hpp"

namespace saltus::kinetics {
namespace {

constexpr double unit = 1e-3;

PositionCounts count(const Synthetic& system, const std::vector<std::vector<float>>& path, double width, std::vector<int> lags) {
  CoordinateBins bins{0, width, static_cast<std::size_t>(std::lround(system.length_ang / width)), system.periodic ? system.length_ang : 0};
  PositionCounter counter(bins, std::move(lags), path.size());
  std::vector<float> block;
  for (std::size_t t = 0; t < path.front().size(); ++t) {
    for (const auto& p : path) block.push_back(p[t]);
    if (t % 37 == 36) {
      counter.add(block);
      block.clear();
    }
  }
  counter.add(block);
  return counter.counts();
}

TEST(PositionMarkovModel, CountsByHand) {
  PositionCounter counter({0, 1, 4, 4}, {1, 2}, 2, 2);
  // frames of two particles; the second is missing once, and positions may lie beyond the period
  const std::vector<float> first{0.5F, 1.5F, 1.5F, NAN}, second{-0.5F, 1.6F, 0.2F, 5.5F};
  counter.add(first);
  counter.add(second);
  const PositionCounts& c = counter.counts();
  // particle 0: bins 0 1 3 0; particle 1: 1 – 1 1
  const auto at = [&](std::size_t lag, std::size_t group, std::size_t i, std::size_t j) { return c.transitions[lag * 2 + group][i * 4 + j]; };
  EXPECT_EQ(at(0, 0, 0, 1), 1);
  EXPECT_EQ(at(0, 0, 1, 3), 1);
  EXPECT_EQ(at(0, 0, 3, 0), 1);
  EXPECT_EQ(at(1, 0, 0, 3), 1);
  EXPECT_EQ(at(1, 0, 1, 0), 1);
  EXPECT_EQ(at(0, 1, 1, 1), 1);
  EXPECT_EQ(at(1, 1, 1, 1), 1);
  EXPECT_EQ(c.steps[0 * 4 + 3], 1);
  EXPECT_NEAR(c.displacement_ang[0 * 4 + 3], 0.7, 1e-6);
  EXPECT_NEAR(c.displacement_ang[1 * 4 + 1], -0.1, 1e-6);
  counter.end_segment();
  counter.add(first);
  EXPECT_EQ(at(0, 0, 0, 1), 2);
  EXPECT_EQ(at(0, 0, 0, 0), 0);
  EXPECT_THROW(counter.add(std::vector<float>(3)), Error);
  EXPECT_THROW(PositionCounter({0, 1, 4, 5}, {1}, 2), Error);
  EXPECT_THROW(PositionCounter({0, 1, 4, 4}, {0}, 2), Error);
  EXPECT_THROW(PositionCounter({0, 1, 4, 4}, {1}, 0), Error);
}

TEST(PositionMarkovModel, GradientIsTheDerivative) {
  for (const double period : {0.0, 3.0}) {
    const CoordinateBins bins{0, 0.5, 6, period};
    std::vector<double> counts(36);
    for (std::size_t k = 0; k < 36; ++k) counts[k] = 5 + 40.0 * static_cast<double>((k * 7919) % 13) / (1 + std::abs(static_cast<double>(k / 6) - static_cast<double>(k % 6)));
    std::vector<double> d(period > 0 ? 6 : 5), gradient, ignored;
    for (std::size_t e = 0; e < d.size(); ++e) d[e] = 2e-4 * (1 + 0.3 * static_cast<double>(e));
    const double value = binned_log_likelihood(counts, bins, 900, d, gradient);
    EXPECT_LT(value, 0);
    for (std::size_t e = 0; e < d.size(); ++e) {
      const double h = 1e-5, kept = d[e];
      d[e] = kept * std::exp(h);
      const double up = binned_log_likelihood(counts, bins, 900, d, ignored);
      d[e] = kept * std::exp(-h);
      const double down = binned_log_likelihood(counts, bins, 900, d, ignored);
      d[e] = kept;
      EXPECT_NEAR(gradient[e], (up - down) / (2 * h), 1e-5 * std::abs(gradient[e]) + 1e-4) << e;
    }
  }
}

// Counts that are those of a Markov process on the bins give its rates back exactly.
TEST(PositionMarkovModel, GivesRatesOfABinnedProcessBack) {
  constexpr std::size_t n = 12;
  const CoordinateBins bins{0, 0.5, n, 0};
  std::vector<double> d(n - 1), pi(n), step(n * n, 0.0), matrix(n * n, 0.0);
  for (std::size_t e = 0; e + 1 < n; ++e) d[e] = unit * (0.1 + 0.02 * static_cast<double>(e));
  for (std::size_t i = 0; i < n; ++i) {
    pi[i] = std::exp(-0.7 * std::cos(static_cast<double>(i)));
    matrix[i * n + i] = 1;
  }
  // exp(τR) by many short steps
  constexpr int steps = 4096;
  const double lag = 2000;
  for (std::size_t i = 0; i < n; ++i) step[i * n + i] = 1;
  for (std::size_t e = 0; e + 1 < n; ++e) {
    const double s = d[e] / 0.25 * lag / steps, up = s * std::sqrt(pi[e + 1] / pi[e]), down = s * std::sqrt(pi[e] / pi[e + 1]);
    step[e * n + e + 1] += up;
    step[e * n + e] -= up;
    step[(e + 1) * n + e] += down;
    step[(e + 1) * n + e + 1] -= down;
  }
  for (int power = 1; power < steps; power *= 2) {
    std::vector<double> square(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < n; ++k)
        for (std::size_t j = 0; j < n; ++j) square[i * n + j] += step[i * n + k] * step[k * n + j];
    step = square;
  }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) matrix[i * n + j] = 1e5 * pi[i] * step[i * n + j];
  const BinnedDiffusion fit = fit_binned_diffusion(matrix, bins, lag);
  EXPECT_TRUE(fit.converged);
  ASSERT_EQ(fit.diffusion_ang2_fs.size(), n - 1);
  for (std::size_t e = 0; e + 1 < n; ++e) {
    EXPECT_NEAR(fit.diffusion_ang2_fs[e], d[e], 2e-3 * d[e]) << e;
    EXPECT_NEAR(fit.edge_ang[e], 0.5 * static_cast<double>(e + 1), 1e-12);
  }
}

TEST(PositionMarkovModel, FindsDFromTrajectories) {
  const Synthetic system{"both", 10, true, [](double z) { return 0.5 * std::cos(2 * M_PI * z / 5); }, [](double z) { return unit * (0.18 + 0.05 * std::sin(2 * M_PI * z / 10)); }};
  const PositionCounts counts = count(system, brownian_paths(system, 250, 2000, 100, 3), 0.5, {10, 20, 40});
  const BinnedDiffusionProfile profile = binned_diffusion_profile(counts, 100);
  ASSERT_EQ(profile.points.size(), 20U);
  double mean = 0, at_shortest = 0, at_longest = 0;
  int covered = 0;
  for (const BinnedDiffusionPoint& p : profile.points) {
    ASSERT_TRUE(p.diffusion_ang2_fs);
    const double truth = system.diffusion_ang2_fs(p.z_ang);
    mean += (p.diffusion_ang2_fs->value / truth - 1) / 20;
    at_shortest += (p.at_lag_ang2_fs.front() / truth - 1) / 20;
    at_longest += (p.at_lag_ang2_fs.back() / truth - 1) / 20;
    covered += p.diffusion_ang2_fs->low <= truth && truth <= p.diffusion_ang2_fs->high;
  }
  EXPECT_NEAR(mean, 0, 0.04);
  // dz²/12τ = 0.0052 Å²/ps at 4 ps; at 1 ps it is more than four times that
  EXPECT_NEAR(at_longest, 0.0052 / 0.18, 0.03);
  EXPECT_GT(at_shortest, 4 * 0.0052 / 0.18);
  EXPECT_GE(covered, 15);

  // one frame of 0.1 ps: D' and the drift change little within it
  const auto moyal = kramers_moyal_profile(counts, 100);
  ASSERT_EQ(moyal.size(), 20U);
  for (const KramersMoyalPoint& p : moyal) {
    EXPECT_NEAR(p.diffusion_ang2_fs->value, system.diffusion_ang2_fs(p.z_ang), 0.05 * p.diffusion_ang2_fs->value) << p.z_ang;
    const double drift = unit * 0.05 * 2 * M_PI / 10 * std::cos(2 * M_PI * p.z_ang / 10) + system.diffusion_ang2_fs(p.z_ang) * M_PI / 5 * std::sin(2 * M_PI * p.z_ang / 5);
    EXPECT_NEAR(p.drift_ang_fs->value, drift, 2.5 * (p.drift_ang_fs->high - p.drift_ang_fs->low) / 2 + 2e-5) << p.z_ang;
  }
}

TEST(PositionMarkovModel, EmptyBinsAreLeftOut) {
  std::vector<double> counts(36, 0.0);
  for (const std::size_t i : {0U, 2U, 3U, 4U}) counts[i * 6 + i] = 100;
  counts[2 * 6 + 3] = counts[3 * 6 + 2] = counts[3 * 6 + 4] = counts[4 * 6 + 3] = 10;
  const BinnedDiffusion fit = fit_binned_diffusion(counts, {0, 1, 6, 0}, 100);
  ASSERT_EQ(fit.edge_ang.size(), 2U);
  EXPECT_EQ(fit.edge_ang[0], 3);
  EXPECT_EQ(fit.edge_ang[1], 4);
  EXPECT_THROW(fit_binned_diffusion(std::vector<double>(36, 0.0), {0, 1, 6, 0}, 100), Error);
  EXPECT_THROW(fit_binned_diffusion(std::vector<double>(35, 1.0), {0, 1, 6, 0}, 100), Error);
  EXPECT_THROW(fit_binned_diffusion(counts, {0, 1, 6, 0}, 0), Error);
}

}  // namespace
}  // namespace saltus::kinetics
