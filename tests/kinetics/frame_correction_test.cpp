#include "saltus/kinetics/frame_correction.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include "tests/kinetics/walks.hpp"

namespace saltus::kinetics {
namespace {

struct Exit {
  double time, p_plus;
};

// T(x) = 1 + ∫ φ(y − x − v) T(y) dy and p+(x) = P(x + step >= L) + ∫ φ(y − x − v) p+(y) dy over |y| < L, steps of deviation 1 and mean v: by Gauss–Legendre, at x = 0.
Exit by_integral_equation(double half_width, double v = 0) {
  constexpr int n = 200;
  constexpr double pi = std::numbers::pi;
  Eigen::VectorXd node(n), weight(n);
  for (int i = 0; i < n; ++i) {
    double x = std::cos(pi * (i + 0.75) / (n + 0.5)), slope = 0;
    for (int round = 0; round < 50; ++round) {
      double p = 1, previous = 0;
      for (int k = 1; k <= n; ++k) {
        const double next = ((2 * k - 1) * x * p - (k - 1) * previous) / k;
        previous = p;
        p = next;
      }
      slope = n * (x * p - previous) / (x * x - 1);
      x -= p / slope;
    }
    node(i) = half_width * x;
    weight(i) = half_width * 2 / ((1 - x * x) * slope * slope);
  }
  const auto density = [&](double step) { return std::exp(-0.5 * (step - v) * (step - v)) / std::sqrt(2 * pi); };
  const auto above = [&](double x) { return 0.5 * std::erfc((half_width - x - v) / std::numbers::sqrt2); };
  Eigen::MatrixXd kernel(n, n);
  Eigen::VectorXd leaves(n), from_centre(n);
  for (int i = 0; i < n; ++i) {
    leaves(i) = above(node(i));
    from_centre(i) = density(node(i)) * weight(i);
    for (int j = 0; j < n; ++j) kernel(i, j) = density(node(j) - node(i)) * weight(j);
  }
  const Eigen::PartialPivLU<Eigen::MatrixXd> solver(Eigen::MatrixXd::Identity(n, n) - kernel);
  return {1 + from_centre.dot(solver.solve(Eigen::VectorXd::Ones(n))), above(0) + from_centre.dot(solver.solve(leaves))};
}

double corrected_over_true(double half_width, double v = 0) {
  const Exit exit = by_integral_equation(half_width, v);
  return *corrected_diffusion(exit.time, exit.p_plus, {0, half_width, 0}, 1) / 0.5;  // sigma = 1: D = 1/2
}

TEST(FrameCorrection, ConstantIsThatOfTheZetaFunction) {
  // −zeta(1/2) = 1.4603545088095868
  EXPECT_NEAR(frame_shift, 1.4603545088095868 / std::sqrt(2 * std::numbers::pi), 1e-14);
}

TEST(FrameCorrection, TimesBetweenFramesByIntegralEquation) {
  const std::vector<std::pair<double, double>> known{{1, 2.78293}, {1.5, 4.57611}, {2, 6.91350}, {3, 13.08565}, {5, 31.41539}, {8, 73.91097}};
  for (const auto& [half, time] : known) {
    EXPECT_NEAR(by_integral_equation(half).time, time, 1e-5) << half;
    EXPECT_NEAR(by_integral_equation(half).p_plus, 0.5, 1e-12);
    // Exact up to terms exponentially small in L.
    const double edge = half + frame_shift, formula = edge * edge + 0.25;
    EXPECT_NEAR(formula, time, time * (half < 1.5 ? 0.011 : half < 2 ? 0.003 : half < 3 ? 0.0011 : 1e-4)) << half;
  }
  struct Drifting {
    double half, v, time, p_plus;
  };
  for (const Drifting& d : {Drifting{2, 0.1, 6.769843, 0.626272}, {2, 0.3, 5.843342, 0.824615}, {3, 0.2, 11.266461, 0.807346}, {1, 0.2, 2.703783, 0.654008}}) {
    const Exit exit = by_integral_equation(d.half, d.v);
    EXPECT_NEAR(exit.time, d.time, 1e-5);
    EXPECT_NEAR(exit.p_plus, d.p_plus, 1e-5);
  }
}

TEST(FrameCorrection, DiffusionToTheStatedErrors) {
  EXPECT_NEAR(corrected_over_true(8) - 1, 0, 1e-5);
  EXPECT_NEAR(corrected_over_true(3) - 1, -0.00006, 0.00003);
  EXPECT_NEAR(corrected_over_true(2) - 1, 0.0012, 0.0002);
  EXPECT_NEAR(corrected_over_true(1) - 1, -0.018, 0.001);
  EXPECT_LT(std::abs(corrected_over_true(2, 0.1) - 1), 0.002);
  EXPECT_NEAR(corrected_over_true(2, 0.3) - 1, -0.009, 0.0015);
  EXPECT_NEAR(corrected_over_true(3, 0.2) - 1, -0.004, 0.0008);
  EXPECT_NEAR(corrected_over_true(1, 0.2) - 1, -0.025, 0.002);
}

TEST(FrameCorrection, LimitsAndWhatGivesNoEstimate) {
  // Frames close in time: the formulas of continuous monitoring, L²/2T; with the starts uniform in the window L²/3T.
  EXPECT_NEAR(*corrected_diffusion(2.173913043478, 0.5, {0, 1, 0}, 1e-14), 0.23, 1e-6);
  EXPECT_NEAR(*corrected_diffusion(1.449275362319, 0.5, {0, 1, 1}, 1e-14), 0.23, 1e-6);
  // Linear potentials F = −f z.
  for (const auto& [p, time] : {std::pair{0.6224593312, 2.129726963}, {0.7310585786, 2.009205254}, {0.8807970780, 1.655638619}})
    EXPECT_NEAR(*corrected_diffusion(time, p, {0, 1, 0}, 1e-14), 0.23, 1e-6);
  EXPECT_DOUBLE_EQ(drift_factor(0.5), 1);
  EXPECT_NEAR(drift_factor(0.5 + 0.99e-3), drift_factor(0.5 + 1.01e-3), 1e-7);
  EXPECT_NEAR(drift_factor(0.3), drift_factor(0.7), 1e-15);
  EXPECT_FALSE(corrected_diffusion(10, 0, {0, 1, 0.1}, 1));
  EXPECT_FALSE(corrected_diffusion(10, 1, {0, 1, 0.1}, 1));
  EXPECT_FALSE(corrected_diffusion(0.5, 0.5, {0, 1, 0.1}, 1));
}

// 20000 particles from the middle of all windows at once.
TEST(FrameCorrection, CountedTimesAgreeWithTheIntegralEquation) {
  constexpr std::size_t particles = 20000, frames = 700;
  Walk walk{frames, particles, std::vector<float>(frames * particles)};
  for (std::size_t p = 0; p < particles; ++p) {
    Random random(11, p);
    double z = 0;
    // Behind the widest window the rest does not matter.
    for (std::size_t t = 0; t < frames; ++t) {
      walk.at(t, p) = static_cast<float>(z);
      if (std::abs(z) < 8) z += random.normal();
    }
  }
  ExitSettings settings;
  settings.frame_interval_fs = 1;
  for (const double half : {1.0, 1.5, 2.0, 3.0, 5.0, 8.0}) settings.windows.push_back({0, half, 0x1p-16});
  const ExitData data = count_exits(walk.source(), settings);
  for (const WindowExits& window : data.window) {
    const ExitSums sum = total(window);
    const double n = sum.exits, mean = sum.time / n, error = std::sqrt((sum.time2 / n - mean * mean) / n);
    EXPECT_GE(n, particles - 10);
    EXPECT_NEAR(mean, by_integral_equation(window.window.half_width_ang).time, 4 * error) << window.window.half_width_ang;
    EXPECT_NEAR(sum.above / n, 0.5, 4 * 0.5 / std::sqrt(n));
    // Wald: <dz²> = sigma² <T>, for any window.
    EXPECT_NEAR(sum.displacement2_ang2 / sum.time, 1, 0.02);
  }
}

}  // namespace
}  // namespace saltus::kinetics
