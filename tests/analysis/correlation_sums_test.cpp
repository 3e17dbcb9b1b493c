#include "saltus/analysis/correlation_sums.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"

namespace saltus {
namespace {

TEST(CorrelationSums, OfACosineIsACosine) {
  CorrelationSums sums(40);
  for (int k = 0; k < 20000; ++k) sums.add(0.5 * k, {std::cos(0.3 * k), std::sin(0.3 * k)});
  const Correlation c = sums.finish(10);
  EXPECT_EQ(c.rows, 20000u);
  EXPECT_NEAR(c.spacing_fs, 0.5, 1e-12);
  ASSERT_EQ(c.value.size(), 81u);
  EXPECT_EQ(c.blocks.size(), 10u);
  for (std::size_t lag = 0; lag <= 80; ++lag) EXPECT_NEAR(c.value[lag], std::cos(0.3 * static_cast<double>(lag)), 1e-9);
}

TEST(CorrelationSums, RefusesUnequalSpacingAndTooFewRows) {
  CorrelationSums sums(10);
  sums.add(0, {1});
  sums.add(1, {1});
  EXPECT_THROW(sums.finish(2), Error);
  EXPECT_THROW(sums.add(3, {1}), Error);
  EXPECT_THROW(CorrelationSums(0), Error);
}

}  // namespace
}  // namespace saltus
