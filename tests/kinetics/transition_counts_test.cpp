#include <map>
#include <tuple>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kinetics/connected_set.hpp"
#include "saltus/kinetics/transition_counts.hpp"
#include "tests/kinetics/numbers_file.hpp"

namespace saltus::kinetics {
namespace {

struct Dense {
  std::vector<int> state;
  std::vector<Int3> image;
};

// Random stays of random length, with images and undefined frames.
Dense random_states(std::int64_t n_frames, int n_states, Random& random) {
  Dense dense;
  Int3 image{};
  while (static_cast<std::int64_t>(dense.state.size()) < n_frames) {
    const int state = random.uniform() < 0.1 ? -1 : static_cast<int>(random.below(static_cast<std::uint64_t>(n_states)));
    if (random.uniform() < 0.3) image[random.below(3)] += random.uniform() < 0.5 ? 1 : -1;
    const auto stay = 1 + random.below(9);
    for (std::uint64_t k = 0; k < stay && static_cast<std::int64_t>(dense.state.size()) < n_frames; ++k) {
      dense.state.push_back(state);
      dense.image.push_back(image);
    }
  }
  return dense;
}

std::vector<TransitionCount> count_by_frames(const std::vector<Dense>& carriers, std::int64_t lag, FrameWindow window) {
  std::map<std::tuple<int, int, Int3>, std::int64_t> counts;
  for (const Dense& dense : carriers) {
    const auto n = static_cast<std::int64_t>(dense.state.size());
    for (std::int64_t t = window.begin; t + lag < std::min(n, window.end); ++t) {
      bool unbroken = true;
      for (std::int64_t s = t; s <= t + lag; ++s) unbroken = unbroken && dense.state[static_cast<std::size_t>(s)] >= 0;
      if (!unbroken) continue;
      const auto a = static_cast<std::size_t>(t), b = static_cast<std::size_t>(t + lag);
      const Int3 &i = dense.image[a], &j = dense.image[b];
      ++counts[{dense.state[a], dense.state[b], {j[0] - i[0], j[1] - i[1], j[2] - i[2]}}];
    }
  }
  std::vector<TransitionCount> result;
  for (const auto& [key, count] : counts) {
    result.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), count});
  }
  return result;
}

TEST(TransitionCounts, EventsGiveWhatFramesGive) {
  Random random(3, 1);
  SiteTrajectory trajectory{5, 0, 400, {}};
  std::vector<Dense> carriers;
  for (int c = 0; c < 3; ++c) {
    carriers.push_back(random_states(400, 5, random));
    append_states(trajectory, c, carriers.back().state, carriers.back().image);
  }
  check(trajectory);
  for (const std::int64_t lag : {1, 2, 3, 7, 20, 63, 399, 400, 1000}) {
    EXPECT_EQ(count_transitions(trajectory, lag).entries, count_by_frames(carriers, lag, {})) << "lag " << lag;
    for (const FrameWindow window : {FrameWindow{0, 100}, FrameWindow{100, 237}, FrameWindow{390, 400}}) {
      EXPECT_EQ(count_transitions(trajectory, lag, window).entries, count_by_frames(carriers, lag, window));
    }
  }
}

TEST(TransitionCounts, SumsOverBlocksAndWithoutOne) {
  Random random(4, 1);
  SiteTrajectory trajectory{4, 0, 301, {}};
  const Dense dense = random_states(301, 4, random);
  append_states(trajectory, 0, dense.state, dense.image);
  const auto bounds = block_bounds(301, 3);
  EXPECT_EQ(bounds, (std::vector<std::int64_t>{0, 100, 200, 300}));
  std::vector<TransitionCounts> parts;
  for (std::size_t b = 0; b < 3; ++b) parts.push_back(count_transitions(trajectory, 5, {bounds[b], bounds[b + 1] + 1}));
  const std::vector<TransitionCounts> outer{parts[0], parts[2]};
  EXPECT_EQ(sum_counts(parts, 1).entries, sum_counts(outer).entries);
  EXPECT_EQ(sum_counts(parts).total(), parts[0].total() + parts[1].total() + parts[2].total());
  // At lag 1 neighbouring blocks share one frame and no pair: nothing is lost.
  std::vector<TransitionCounts> ones;
  for (std::size_t b = 0; b < 3; ++b) ones.push_back(count_transitions(trajectory, 1, {bounds[b], bounds[b + 1] + 1}));
  EXPECT_EQ(sum_counts(ones).entries, count_transitions(trajectory, 1).entries);
}

// A path that uses every counted transition once, rebuilt from the matrix, must be counted back to the same matrix.
TEST(TransitionCounts, DeeptimeMatrixAtLagOne) {
  const std::vector<double> golden = golden_numbers("deeptime/C_1_sliding.dat");
  EXPECT_EQ(golden, golden_numbers("deeptime/C_1_lag.dat"));
  ASSERT_EQ(golden.size(), 400u);
  std::vector<std::vector<int>> left(20, std::vector<int>(20));
  std::vector<int> surplus(20, 0);
  for (std::size_t k = 0; k < 400; ++k) {
    left[k / 20][k % 20] = static_cast<int>(golden[k]);
    surplus[k / 20] += left[k / 20][k % 20];
    surplus[k % 20] -= left[k / 20][k % 20];
  }
  std::size_t start = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    if (surplus[i] == 1) start = i;
  }
  std::vector<int> stack{static_cast<int>(start)}, path;  // Hierholzer
  while (!stack.empty()) {
    std::vector<int>& next = left[static_cast<std::size_t>(stack.back())];
    const auto to = std::find_if(next.begin(), next.end(), [](int count) { return count > 0; });
    if (to == next.end()) {
      path.push_back(stack.back());
      stack.pop_back();
    } else {
      --*to;
      stack.push_back(static_cast<int>(to - next.begin()));
    }
  }
  std::reverse(path.begin(), path.end());
  ASSERT_EQ(path.size(), 10000u);
  SiteTrajectory trajectory{20, 0, 10000, {}};
  append_states(trajectory, 0, path);
  const TransitionCounts counts = count_transitions(trajectory, 1);
  EXPECT_EQ(counts.total(), 9999);
  for (const TransitionCount& entry : counts.entries) {
    EXPECT_EQ(static_cast<double>(entry.count), golden[static_cast<std::size_t>(entry.from * 20 + entry.to)]);
  }
}

TEST(SiteTrajectory, JumpsAndResidence) {
  SiteTrajectory trajectory{3, 0, 12, {}};
  //                             two jumps, a break, then one jump to the same state's next image
  const std::vector<int> state{0, 0, 0, 1, 1, 0, -1, -1, 2, 2, 2, 2};
  std::vector<Int3> image(12);
  image[10] = image[11] = {1, 0, 0};
  append_states(trajectory, 0, state, image);
  ASSERT_EQ(trajectory.segments.size(), 2u);
  const JumpStatistics jumps = jump_statistics(trajectory);
  EXPECT_EQ(jumps.n_jumps, 3);
  EXPECT_EQ(jumps.departures, (std::vector<std::int64_t>{1, 1, 1}));
  EXPECT_EQ(jumps.frames_in_state, (std::vector<std::int64_t>{4, 2, 4}));
  EXPECT_EQ(jumps.mean_residence_frames[0], 4);
}

TEST(SiteTrajectory, RefusesWhatCannotBe) {
  const auto refused = [](const SiteTrajectory& trajectory) {
    try {
      check(trajectory);
    } catch (const Error& error) {
      return error.kind() == ErrorKind::usage;
    }
    return false;
  };
  EXPECT_FALSE(refused({2, 1, 10, {{0, {{0, 4, 0, {}}, {4, 10, 1, {}}}}}}));
  EXPECT_TRUE(refused({2, 1, 10, {{0, {{0, 4, 0, {}}, {5, 10, 1, {}}}}}}));   // gap inside a segment
  EXPECT_TRUE(refused({2, 1, 10, {{0, {{0, 4, 2, {}}}}}}));                   // no such state
  EXPECT_TRUE(refused({2, 1, 10, {{1, {{0, 4, 0, {}}}}}}));                   // no such carrier
  EXPECT_TRUE(refused({2, 1, 10, {{0, {{4, 4, 0, {}}}}}}));                   // empty visit
  EXPECT_TRUE(refused({2, 1, 10, {{0, {{0, 11, 0, {}}}}}}));                  // beyond the end
  EXPECT_TRUE(refused({2, 1, 10, {{0, {{0, 5, 0, {}}}}, {0, {{4, 8, 1, {}}}}}}));  // overlap
  EXPECT_THROW(block_bounds(10, 1), Error);
  EXPECT_THROW(block_bounds(10, 5), Error);
  EXPECT_THROW(count_transitions({2, 1, 10, {}}, 0), Error);
}

TEST(ConnectedSet, LargestWithWhatIsDropped) {
  // 0 <-> 1 <-> 2 -> 3 <-> 4, 5 alone, 6 never seen
  TransitionCounts counts{7, 1, {}};
  const auto add = [&](int a, int b, std::int64_t n) { counts.entries.push_back({a, b, {}, n}); };
  add(0, 0, 50), add(0, 1, 5), add(1, 0, 4), add(1, 2, 3), add(2, 1, 3), add(2, 3, 1);
  add(3, 4, 7), add(4, 3, 7), add(4, 4, 10), add(5, 5, 10);
  const ConnectedSet set = largest_connected_set(counts);
  EXPECT_EQ(set.states, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(set.index_of, (std::vector<int>{0, 1, 2, -1, -1, -1, -1}));
  EXPECT_EQ(set.n_visited_states, 6);
  EXPECT_EQ(set.n_sets, 3);
  EXPECT_EQ(set.dropped_counts, 1 + 7 + 7 + 10 + 10);
  EXPECT_DOUBLE_EQ(set.dropped_population, 34.0 / 100);
  EXPECT_EQ(restrict_to(counts, set).total(), 65);
  // Connected in one direction only is not connected.
  EXPECT_EQ(largest_connected_set({2, 1, {{0, 1, {}, 1}, {1, 1, {}, 1}}}).states, (std::vector<int>{1}));
  EXPECT_TRUE(largest_connected_set({2, 1, {}}).states.empty());
}

}  // namespace
}  // namespace saltus::kinetics
