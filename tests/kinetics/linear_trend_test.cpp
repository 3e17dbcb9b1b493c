#include "saltus/kinetics/linear_trend.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"

namespace saltus::kinetics {
namespace {

// Anscombe's first data set (Am. Stat. 27 (1973) 17): slope 0.5001, standard error 0.1179; t(95 %, 9) = 2.262.
TEST(LinearTrend, OfAnscombe) {
  const std::vector<double> x{10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5};
  const std::vector<double> y{8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68};
  const Estimate slope = slope_estimate(x, y);
  EXPECT_NEAR(slope.value, 0.5001, 5e-5);
  EXPECT_NEAR((slope.high - slope.low) / 2, 2.262 * 0.1179, 3e-4);
}

TEST(LinearTrend, TheIntervalHoldsTheSlope95TimesIn100) {
  Random random(5, 0);
  const std::vector<double> x{0, 1, 2, 3, 4, 5, 6, 7};
  int held = 0;
  const int trials = 4000;
  for (int k = 0; k < trials; ++k) {
    std::vector<double> y;
    for (const double at : x) y.push_back(3 - 0.7 * at + random.normal());
    const Estimate slope = slope_estimate(x, y);
    if (slope.low <= -0.7 && slope.high >= -0.7) ++held;
  }
  EXPECT_NEAR(held / static_cast<double>(trials), 0.95, 4 * std::sqrt(0.95 * 0.05 / trials));
}

TEST(LinearTrend, RefusesWhatHasNoSlope) {
  const std::vector<double> two{1, 2}, same{1, 1, 1}, three{1, 2, 3};
  EXPECT_THROW(slope_estimate(two, two), Error);
  EXPECT_THROW(slope_estimate(three, two), Error);
  EXPECT_THROW(slope_estimate(same, three), Error);
}

// Equal errors: the ordinary line, errors sigma/sqrt(n) at the mean and sigma/sqrt(sum (x - mean)²) of the slope.
TEST(WeightedLine, OfAnscombeWithEqualErrors) {
  const std::vector<double> x{10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5};
  const std::vector<double> y{8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68};
  const WeightedLine line = weighted_line(x, y, std::vector<double>(11, 2.0));
  EXPECT_NEAR(line.slope, slope_estimate(x, y).value, 1e-14);
  EXPECT_NEAR(line.centre, 9, 1e-14);
  EXPECT_NEAR(value_at(line, 0).value, 3.0001, 5e-5);
  EXPECT_NEAR(line.slope_error, 2 / std::sqrt(110.0), 1e-14);
  EXPECT_NEAR(line.value_error, 2 / std::sqrt(11.0), 1e-14);
  EXPECT_NEAR(line.chi2, 13.763 / 4, 1e-3);  // his residual sum of squares
  EXPECT_FALSE(line.scattered);
  const WeightedLine narrow = weighted_line(x, y, std::vector<double>(11, 0.2));
  EXPECT_TRUE(narrow.scattered);  // the errors given are too small: those of the scatter are taken
  EXPECT_NEAR(slope_of(narrow).high, slope_estimate(x, y).high, 1e-13);
}

TEST(WeightedLine, RefusesWhatIsNoLine) {
  const std::vector<double> x{1, 2}, same{1, 1}, error{1, 1}, none{1, 0};
  EXPECT_THROW(weighted_line(x, x, none), Error);
  EXPECT_THROW(weighted_line(same, x, error), Error);
  EXPECT_THROW(weighted_line(x, same, std::vector<double>{1}), Error);
  EXPECT_NO_THROW(weighted_line(x, same, error));
}

}  // namespace
}  // namespace saltus::kinetics
