#include "saltus/analysis/stretch_sums.hpp"

#include <gtest/gtest.h>

namespace saltus {
namespace {

// Rows 0, 1, 2, … beside 1, so that every sum is known.
StretchSums counted(std::size_t rows, std::size_t most) {
  StretchSums sums(most);
  for (std::size_t k = 0; k < rows; ++k) sums.add(std::vector<double>{static_cast<double>(k), 1.0});
  return sums;
}

double sum_of_integers(std::size_t from, std::size_t to) {  // from … to − 1
  return (static_cast<double>(to - from)) * (static_cast<double>(from + to) - 1) / 2;
}

TEST(StretchSums, EveryRowIsInOneStretchHoweverTheyAreJoined) {
  for (std::size_t rows = 0; rows <= 70; ++rows) {
    const StretchSums sums = counted(rows, 8);
    EXPECT_EQ(sums.rows(), rows);
    const std::size_t length = sums.rows_per_stretch();
    ASSERT_LE(sums.whole(), 8u);
    if (rows > 8) {
      EXPECT_GE(sums.whole(), 4u);
    }
    for (std::size_t k = 0; k < sums.whole(); ++k)
      EXPECT_EQ(sums.sum(k), (std::vector<double>{sum_of_integers(k * length, (k + 1) * length), static_cast<double>(length)}));
    if (rows > 0) {
      EXPECT_EQ(sums.total(), (std::vector<double>{sum_of_integers(0, rows), static_cast<double>(rows)}));
    }
  }
  EXPECT_TRUE(counted(0, 8).total().empty());
}

TEST(StretchSums, BlocksAreEquallyLong) {
  const StretchSums sums = counted(53, 32);  // 26 stretches of 2, one row behind them
  ASSERT_EQ(sums.rows_per_stretch(), 2u);
  const auto blocks = sums.blocks(5);
  ASSERT_EQ(blocks.size(), 5u);
  EXPECT_EQ(sums.rows_per_block(5), 10u);
  for (std::size_t b = 0; b < 5; ++b) EXPECT_EQ(blocks[b], (std::vector<double>{sum_of_integers(10 * b, 10 * b + 10), 10}));
  EXPECT_EQ(counted(3, 8).blocks(10).size(), 3u);
  EXPECT_TRUE(counted(1, 8).blocks(10).empty());
  EXPECT_EQ(counted(1, 8).rows_per_block(10), 0u);
}

}  // namespace
}  // namespace saltus
