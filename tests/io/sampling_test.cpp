#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/io/sampling.hpp"

namespace saltus {
namespace {

using Indices = std::vector<std::size_t>;

TEST(Sampling, Equidistant) {
  EXPECT_EQ(every_kth_frame(10, 3), (Indices{0, 3, 6, 9}));
  EXPECT_EQ(every_kth_frame(10, 4, 1), (Indices{1, 5, 9}));
  EXPECT_EQ(every_kth_frame(3, SIZE_MAX, 1), (Indices{1}));
  EXPECT_EQ(evenly_spread_frames(10, 4), (Indices{0, 2, 5, 7}));
  EXPECT_EQ(evenly_spread_frames(5, 5), (Indices{0, 1, 2, 3, 4}));
  EXPECT_THROW(every_kth_frame(5, 0), Error);
  EXPECT_THROW(evenly_spread_frames(5, 6), Error);
  EXPECT_THROW(evenly_spread_frames(5, 0), Error);
}

TEST(Sampling, RandomIsReproducibleAndUniform) {
  Random one(42, 0), again(42, 0), other(43, 0);
  const Indices first = random_frames(1000, 20, one);
  EXPECT_EQ(first, random_frames(1000, 20, again));
  EXPECT_NE(first, random_frames(1000, 20, other));
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end()));
  EXPECT_EQ(std::set<std::size_t>(first.begin(), first.end()).size(), 20u);

  // Each of the 10 pairs out of 5 equally often: χ² with 9 degrees of freedom stays below its 99.9 % point.
  std::map<Indices, int> seen;
  const int draws = 10000;
  for (int k = 0; k < draws; ++k) ++seen[random_frames(5, 2, one)];
  ASSERT_EQ(seen.size(), 10u);
  double chi_square = 0;
  for (const auto& [pair, count] : seen) chi_square += (count - draws / 10.0) * (count - draws / 10.0) / (draws / 10.0);
  EXPECT_LT(chi_square, 27.88);
}

std::vector<double> times(std::size_t n, double step_fs) {
  std::vector<double> result(n);
  for (std::size_t i = 0; i < n; ++i) result[i] = step_fs * static_cast<double>(i);
  return result;
}

// The example's set: 260 frames 2 fs apart.
TEST(Split, BlocksOfTheExample) {
  const auto time_fs = times(260, 2);
  const Split split = split_by_blocks(time_fs);
  ASSERT_EQ(split.test.size(), 52u);
  EXPECT_EQ(split.test.front(), 208u);
  EXPECT_EQ(split.test.back(), 259u);
  EXPECT_EQ(split.valid.size(), 39u);
  int blocks = 1;
  for (std::size_t k = 1; k < split.valid.size(); ++k) blocks += split.valid[k] != split.valid[k - 1] + 1;
  EXPECT_EQ(blocks, 2);
  double least = 1e9;
  const auto compare = [&](const Indices& a, const Indices& b) {
    for (const auto i : a)
      for (const auto j : b) least = std::min(least, std::abs(time_fs[i] - time_fs[j]));
  };
  compare(split.train, split.valid);
  compare(split.train, split.test);
  compare(split.valid, split.test);
  EXPECT_EQ(least, 50);
  // Without validation, every frame 50 fs or more before the test block trains.
  SplitOptions options;
  options.valid_fraction = 0;
  const Split whole = split_by_blocks(time_fs, options);
  EXPECT_EQ(whole.test, split.test);
  EXPECT_TRUE(whole.valid.empty());
  EXPECT_EQ(whole.train.size(), 184u);
  EXPECT_EQ(whole.train.back(), 183u);
}

TEST(Split, EveryFrameIsInOnePartAtMostWithoutGapInExactlyOne) {
  for (const std::size_t n : {7u, 10u, 33u, 100u, 365u})
    for (int blocks = 1; blocks <= 3; ++blocks) {
      SplitOptions options;
      options.gap_fs = 0;
      options.valid_fraction = 0.3;
      options.valid_blocks = blocks;
      const Split split = split_by_blocks(times(n, 0.5), options);
      std::set<std::size_t> all(split.train.begin(), split.train.end());
      all.insert(split.valid.begin(), split.valid.end());
      all.insert(split.test.begin(), split.test.end());
      EXPECT_EQ(all.size(), n);
      EXPECT_EQ(split.train.size() + split.valid.size() + split.test.size(), n);
    }
}

TEST(Split, UnevenTimesAndRefusals) {
  // A pause of 100 fs before the test: no frame is lost there.
  std::vector<double> time_fs = times(80, 2);
  for (std::size_t i = 0; i < 20; ++i) time_fs.push_back(260.0 + 2.0 * static_cast<double>(i));
  SplitOptions options;
  options.valid_fraction = 0;
  EXPECT_EQ(split_by_blocks(time_fs, options).train.size(), 80u);

  EXPECT_THROW(split_by_blocks(times(100, 0)), Error);          // times that stand still
  EXPECT_THROW(split_by_blocks(times(10, 1)), Error);           // nothing left within the gaps
  EXPECT_THROW(split_by_blocks({}), Error);
  options.test_fraction = 1;
  EXPECT_THROW(split_by_blocks(times(100, 2), options), Error);
  options = {};
  options.gap_fs = -1;
  EXPECT_THROW(split_by_blocks(times(100, 2), options), Error);
  options = {};
  options.valid_blocks = 0;
  EXPECT_THROW(split_by_blocks(times(100, 2), options), Error);
}

}  // namespace
}  // namespace saltus
