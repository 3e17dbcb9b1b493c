#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kinetics/jackknife.hpp"

namespace saltus::kinetics {
namespace {

TEST(Jackknife, MeanOfBlocksAndItsError) {
  const std::vector<double> block{1, 2, 4, 9};
  const std::vector<double> replicate = leave_one_out_means(block);
  EXPECT_NEAR(replicate[0], 5, 1e-14);
  EXPECT_NEAR(replicate[3], 7.0 / 3, 1e-14);
  EXPECT_NEAR(jackknife_error(replicate), std::sqrt(38.0 / 3 / 4), 1e-14);  // sd / sqrt(B)
  EXPECT_NEAR(jackknife_bias(4, replicate), 0, 1e-14);
}

// (mean)² overestimates mu² by variance / B; the jackknife finds exactly that with the sample variance.
TEST(Jackknife, BiasOfASquare) {
  const std::vector<double> block{1, 2, 4, 9};
  std::vector<double> replicate;
  for (const double mean : leave_one_out_means(block)) replicate.push_back(mean * mean);
  EXPECT_NEAR(jackknife_bias(16, replicate), 38.0 / 3 / 4, 1e-12);
}

TEST(Jackknife, PositiveQuantities) {
  const auto estimate = jackknife_estimate_of_positive(2, std::vector<double>{1, 4, 2, 2});
  ASSERT_TRUE(estimate);
  EXPECT_GT(estimate->low, 0);
  EXPECT_NEAR(estimate->low * estimate->high, 4, 1e-12);
  EXPECT_FALSE(jackknife_estimate_of_positive(2, std::vector<double>{1, -4, 2, 2}));
}

TEST(Plateau, FindsWhereASeriesStopsChanging) {
  Random random(2, 1);
  std::vector<double> common(10);
  for (double& x : common) x = 0.3 * random.normal();
  // Values fall to 1; the noise is common to all members but for a small part that grows with the abscissa.
  std::vector<SeriesMember> series;
  for (int k = 0; k < 12; ++k) {
    const double abscissa = std::pow(2.0, k);
    SeriesMember member{abscissa, 1 + 2 * std::exp(-abscissa / 8), {}};
    for (const double x : common) member.replicate.push_back(member.value + (x + 0.002 * k * random.normal()) / 9);
    series.push_back(member);
  }
  const Plateau plateau = plateau_of(series);
  EXPECT_TRUE(plateau.flat);
  EXPECT_GE(plateau.start, 5u);  // 32: 1 + 0.04
  EXPECT_LE(plateau.start, 7u);
  series.resize(4);
  EXPECT_FALSE(plateau_of(series).flat);
  EXPECT_EQ(plateau_of(series).start, 2u);
}

}  // namespace
}  // namespace saltus::kinetics
