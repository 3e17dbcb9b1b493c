#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/random.hpp"
#include "saltus/kinetics/lag_dependence.hpp"

namespace saltus::kinetics {
namespace {

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

TEST(LagDependence, OfTimescalesThatCanBeResolved) {
  const auto times = [](std::uint64_t seed, double decay) {
    std::vector<Timescale> result;
    for (const SeriesMember& m : series(seed, decay)) {
      Timescale time{std::exp(m.value), Estimate{}, true, {}};
      for (const double x : m.replicate) time.replicate_fs.push_back(std::exp(x));
      result.push_back(time);
    }
    return result;
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(level_from(times(seed, 0)), constant_from(series(seed, 0)));
    const auto late = level_from(times(seed, 3));
    EXPECT_NE(late, 0u);
    EXPECT_NE(late, 1u);
  }
  // Two that agree are not enough, nor are those that cannot be resolved or have no blocks behind them.
  std::vector<Timescale> some = times(1, 0);
  for (std::size_t k = 2; k < 5; ++k) some[k].resolved = false;
  some[5].replicate_fs.clear();
  EXPECT_EQ(level_from(some), std::nullopt);
  some[3].resolved = true;
  EXPECT_EQ(level_from(some), 0u);
  EXPECT_EQ(level_from({}), std::nullopt);
}

}  // namespace
}  // namespace saltus::kinetics
