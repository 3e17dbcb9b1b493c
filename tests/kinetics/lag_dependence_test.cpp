#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/random.hpp"
#include "saltus/kinetics/lag_dependence.hpp"

namespace saltus::kinetics {
namespace {

Timescale time_of(double value, double error, bool resolved = true) { return {value, Estimate{value, value - error, value + error}, resolved}; }

TEST(LagDependence, TimescalesLevelOrDoNot) {
  EXPECT_EQ(level_from(std::vector<Timescale>{time_of(10, 2), time_of(20, 3), time_of(29, 4), time_of(31, 5), time_of(30, 9)}), 2u);
  EXPECT_EQ(level_from(std::vector<Timescale>{time_of(10, 1), time_of(20, 1), time_of(30, 1), time_of(40, 1)}), std::nullopt);
  // Two that agree are not enough, nor are those that cannot be resolved.
  EXPECT_EQ(level_from(std::vector<Timescale>{time_of(10, 1), time_of(30, 5), time_of(31, 5)}), std::nullopt);
  EXPECT_EQ(level_from(std::vector<Timescale>{time_of(30, 5), time_of(31, 5), time_of(30, 5), time_of(90, 1, false), {90.0, std::nullopt, true}}), 0u);
  EXPECT_EQ(level_from({}), std::nullopt);
}

/// D at lags 0 … 5: noise that all lags share, noise of their own, and a decay.
std::vector<SeriesMember> series(std::uint64_t seed, double decay) {
  Random random(seed, 0);
  std::vector<SeriesMember> result(6);
  std::vector<double> common(10);
  for (double& c : common) c = random.normal();
  for (std::size_t k = 0; k < result.size(); ++k) {
    std::vector<double> block;
    double mean = 0;
    for (const double c : common) {
      block.push_back(10 + c + 0.1 * static_cast<double>(k + 1) * random.normal() + decay * std::exp(-static_cast<double>(k)));
      mean += block.back() / 10;
    }
    result[k] = {static_cast<double>(k + 1), mean, leave_one_out_means(block)};
  }
  return result;
}

// Constant series pass from the first lag on in 95 % of the cases at least (200 cases: a standard error of 1.5 %); a decay by twenty times the scatter
// of the differences is seen, and where it is over.
TEST(LagDependence, ChangesAreJudgedByTheirOwnScatter) {
  int passed = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) passed += constant_from(series(seed, 0)) == 0u;
  EXPECT_GE(passed, 182);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto from = constant_from(series(seed, 3));
    EXPECT_NE(from, 0u);
    EXPECT_NE(from, 1u);
  }
  EXPECT_EQ(constant_from(std::vector<SeriesMember>(2)), std::nullopt);
}

}  // namespace
}  // namespace saltus::kinetics
