#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kinetics/discrete_trajectory.hpp"
#include "tests/kinetics/numbers_file.hpp"

namespace saltus::kinetics {
namespace {

using Pairs = std::map<std::pair<int, int>, double>;

Pairs pairs_of(const CountMatrix& counts) {
  Pairs result;
  for (const CountEntry& entry : counts.entries) {
    EXPECT_TRUE(result.emplace(std::pair(entry.from, entry.to), entry.count).second);
    EXPECT_GT(entry.count, 0);
  }
  return result;
}

Pairs by_frames(const std::vector<std::vector<std::int32_t>>& state, std::int64_t lag, std::int64_t stride, FrameWindow window) {
  Pairs result;
  for (const auto& s : state) {
    std::int64_t begin = 0;
    for (std::int64_t t = 0; t < static_cast<std::int64_t>(s.size()); ++t) {
      if (s[static_cast<std::size_t>(t)] < 0) begin = t + 1;
      const std::int64_t start = t - lag;
      if (start < begin || (start - begin) % stride != 0 || start < window.begin || start >= window.end) continue;
      ++result[{s[static_cast<std::size_t>(start)], s[static_cast<std::size_t>(t)]}];
    }
  }
  return result;
}

// Few states and long stays go by runs, many changes by frames, very many states by lists: all give what a plain loop gives.
TEST(DiscreteTrajectory, CountsWhatFramesGive) {
  Random random(1, 1);
  for (const auto& [n_states, stay] : {std::pair(5, 20), std::pair(7, 1), std::pair(10000, 2)}) {
    std::vector<std::vector<std::int32_t>> state(3);
    for (std::size_t c = 0; c < state.size(); ++c) {
      while (state[c].size() < 2000 + 300 * c) {
        const std::int32_t now = random.uniform() < 0.05 ? -1 : static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(n_states)));
        state[c].insert(state[c].end(), 1 + random.below(static_cast<std::uint64_t>(2 * stay - 1)), now);
      }
    }
    state[0][17] = n_states - 1;
    const DiscreteTrajectory trajectory(state);
    EXPECT_EQ(trajectory.n_states(), n_states);
    for (const std::int64_t lag : {1, 2, 7, 40, 1999}) {
      for (const FrameWindow& window : {FrameWindow{}, FrameWindow{100, 777}}) {
        EXPECT_EQ(pairs_of(trajectory.count(lag, Counting::sliding, window)), by_frames(state, lag, 1, window)) << n_states << " " << lag;
        EXPECT_EQ(pairs_of(trajectory.count(lag, Counting::strided, window)), by_frames(state, lag, lag, window)) << n_states << " " << lag;
      }
    }
    EXPECT_TRUE(trajectory.count(100000).entries.empty());
    EXPECT_THROW(trajectory.count(0), Error);
  }
  EXPECT_THROW(DiscreteTrajectory({{-1, -1}}), Error);
  EXPECT_THROW(DiscreteTrajectory({}), Error);
}

TEST(DiscreteTrajectory, DoubleWellCounts) {
  std::vector<std::int32_t> state, permuted;
  for (const double frame : golden_numbers("deeptime/double_well_dtraj.dat")) {
    state.push_back(frame < 50 ? 0 : 1);
    permuted.push_back(frame < 50 ? 4 : 2);
  }
  const std::vector<double> golden = golden_numbers("double_well/double_well_n2good_C10.dat");
  EXPECT_EQ(pairs_of(DiscreteTrajectory({state}).count(10)),
            (Pairs{{{0, 0}, golden[0]}, {{0, 1}, golden[1]}, {{1, 0}, golden[2]}, {{1, 1}, golden[3]}}));
  EXPECT_EQ(pairs_of(DiscreteTrajectory({permuted}).count(10)),
            (Pairs{{{4, 4}, golden[0]}, {{4, 2}, golden[1]}, {{2, 4}, golden[2]}, {{2, 2}, golden[3]}}));
}

// Ones in blocks of 10 at random: independent blocks, inefficiency 10. White series: 1. Known by construction.
TEST(StatisticalInefficiency, OfBlocks) {
  Random random(4, 1);
  for (const std::int64_t block : {1, 10, 200}) {
    std::vector<std::pair<std::int64_t, std::int64_t>> ones;
    const std::int64_t n = 20000 * block;
    for (std::int64_t t = 0; t < n; t += block) {
      if (random.uniform() >= 0.3) continue;
      if (!ones.empty() && ones.back().second == t) {
        ones.back().second += block;
      } else {
        ones.emplace_back(t, t + block);
      }
    }
    // Sum over k < b of 1 - k/b, twice, plus one: b; noise of rho at each separation is 1/sqrt(20000).
    EXPECT_NEAR(statistical_inefficiency(ones, n) / static_cast<double>(block), 1, 0.1) << block;
  }
}

// A two-state chain counted at lag L with sliding windows has about n/L independent pairs; effective counts say so within a
// factor that the overlap of windows with memory of the chain explains.
TEST(DiscreteTrajectory, EffectiveCountsAreFewer) {
  Random random(5, 1);
  std::vector<std::int32_t> state{0};
  while (state.size() < 200000) state.push_back(random.uniform() < 0.01 ? 1 - state.back() : state.back());
  const DiscreteTrajectory trajectory({state});
  for (const std::int64_t lag : {1, 20}) {
    const Pairs sliding = pairs_of(trajectory.count(lag)), effective = pairs_of(trajectory.count(lag, Counting::effective));
    ASSERT_EQ(sliding.size(), effective.size());
    for (const auto& [key, count] : sliding) {
      const double ratio = count / effective.at(key);
      EXPECT_GE(ratio, 1);
      if (lag == 1) EXPECT_LE(ratio, 1.2);
      else EXPECT_GE(ratio, 5) << key.first << key.second;
      EXPECT_LE(ratio, 25);
    }
  }
}

}  // namespace
}  // namespace saltus::kinetics
