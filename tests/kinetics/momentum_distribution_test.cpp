#include <cmath>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/kinetics/momentum_distribution.hpp"

namespace saltus::kinetics {
namespace {

constexpr double pi = std::numbers::pi;

// ñ = exp(−12 x²) of a Gaussian n with ⟨k²⟩ = 24.
TEST(MomentumDistribution, OfAGaussianIsExact) {
  const std::vector<double> x{0.1, 0.2, 0.35, 0.4}, k{0, 3, 8};
  std::vector<double> path;
  for (const double d : x) path.push_back(std::exp(-12 * d * d));
  EXPECT_NEAR(*exponent_at_zero_per_ang2(x, path), 12, 1e-10);
  const auto density = momentum_density_ang(x, path, k);
  ASSERT_TRUE(density);
  for (std::size_t i = 0; i < k.size(); ++i) EXPECT_NEAR((*density)[i], std::exp(-k[i] * k[i] / 48) / std::sqrt(48 * pi), 1e-9);
}

// Soft and stiff directions: a sum of Gaussians, whose exponent is no constant.
TEST(MomentumDistribution, OfASumOfGaussiansIsCloseAndKeepsItsIntegral) {
  const std::vector<double> x{0.08, 0.16, 0.24, 0.32, 0.4, 0.5};
  std::vector<double> path, k;
  for (const double d : x) path.push_back((2 * std::exp(-6 * d * d) + std::exp(-20 * d * d)) / 3);
  EXPECT_NEAR(*exponent_at_zero_per_ang2(x, path), (2 * 6 + 20) / 3.0, 0.01);
  EXPECT_GT(std::abs(*exponent_at_zero_per_ang2(std::span(x).first(1), path) - 32 / 3.0), 0.1);  // of the first alone
  for (int i = 0; i <= 400; ++i) k.push_back(0.1 * i);
  const auto density = momentum_density_ang(x, path, k);
  ASSERT_TRUE(density);
  double sum = -0.1 * density->front();
  for (std::size_t i = 0; i < k.size(); ++i) sum += 0.2 * (*density)[i];
  EXPECT_NEAR(sum, 1, 1e-3);
  for (const std::size_t i : {0u, 30u, 60u}) {
    const double exact = (2 * std::exp(-k[i] * k[i] / 24) / std::sqrt(24 * pi) + std::exp(-k[i] * k[i] / 80) / std::sqrt(80 * pi)) / 3;
    EXPECT_NEAR((*density)[i], exact, 0.02 * density->front());  // the line between displacements is not the curve
  }
}

TEST(MomentumDistribution, IsUndeterminedWithoutADecay) {
  const std::vector<double> x{0.1, 0.2}, rising{1.1, 1.2}, broken{0.9, 0};
  EXPECT_FALSE(momentum_density_ang(x, rising, x));
  EXPECT_FALSE(exponent_at_zero_per_ang2(x, broken));
}

}  // namespace
}  // namespace saltus::kinetics
