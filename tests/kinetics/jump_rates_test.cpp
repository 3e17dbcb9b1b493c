#include <algorithm>
#include <cmath>
#include <tuple>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kinetics/jump_classes.hpp"
#include "saltus/kinetics/jump_rates.hpp"

namespace saltus::kinetics {
namespace {

const Mat3 lattice{{Vec3{6, 0, 0}, Vec3{2, 5, 0}, Vec3{-1, 1, 7}}};
const std::vector<Vec3> places{{0, 0, 0}, {3, 0.5, 0}};

/// One carrier on two sites per cell: probabilities per frame of a → b (in the cell), a → b (cell −1), b → a, b → a (cell +1).
struct Chain {
  double ab = 0.02, ab_back = 0.005, ba = 0.03, ba_forth = 0.0075;
};

SiteTrajectory walk(const Chain& chain, std::int64_t frames, std::uint64_t seed) {
  Random random(seed, 0);
  SiteTrajectory trajectory{2, 1, frames, {}};
  std::vector<int> state;
  std::vector<Int3> image;
  int now = 0;
  Int3 cell{};
  for (std::int64_t t = 0; t < frames; ++t) {
    state.push_back(now);
    image.push_back(cell);
    const double x = random.uniform(), first = now == 0 ? chain.ab : chain.ba, second = now == 0 ? chain.ab_back : chain.ba_forth;
    if (x >= first + second) continue;
    if (x >= first) cell[0] += now == 0 ? -1 : 1;
    now = 1 - now;
  }
  append_states(trajectory, 0, state, image);
  return trajectory;
}

TEST(JumpRates, PoissonIntervalsAreThoseOfTheTables) {
  // Garwood 1936; to the digits of common tables (Ulm, Am. J. Epidemiol. 131 (1990) 373).
  EXPECT_NEAR(event_rate(0, 1).high, 3.6889, 5e-5);
  EXPECT_EQ(event_rate(0, 1).low, 0);
  EXPECT_NEAR(event_rate(1, 1).low, 0.0253, 5e-5);
  EXPECT_NEAR(event_rate(1, 1).high, 5.5716, 5e-5);
  EXPECT_NEAR(event_rate(10, 2).low, 4.7954 / 2, 5e-5);
  EXPECT_NEAR(event_rate(10, 2).high, 18.3904 / 2, 5e-5);
  EXPECT_NEAR(event_rate(1e6, 1).high, 1e6 + 1.959964 * 1e3 + 1.28 + 1, 1);  // normal, with the half count on either side and the skew
  EXPECT_TRUE(std::isinf(event_time(0, 5).value));
  EXPECT_NEAR(event_time(0, 5).low, 5 / 3.6889, 1e-4);
  // Events in bursts of four say as much as a quarter of them.
  const Estimate bursts = event_rate(40, 2, 4), alone = event_rate(10, 2);
  EXPECT_NEAR(bursts.low, 4 * alone.low, 1e-9);
  EXPECT_NEAR(bursts.high, 4 * alone.high, 1e-9);
  EXPECT_THROW(event_rate(1, 0), Error);
  EXPECT_THROW(event_rate(-1, 1), Error);
}

// Exact intervals hold the truth in at least 95 % of all cases, a little more as counts are whole: 4 rates × 400 walks, of which
// independent Poisson errors leave a standard error of 0.6 % at most.
TEST(JumpRates, IntervalsHoldTheTrueRates) {
  const Chain chain;
  int held = 0, all = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    const SiteTrajectory trajectory = walk(chain, 4000, seed);
    const TransitionCounts counts = count_transitions(trajectory, 1);
    const std::vector<double> exposure = exposure_frames(counts);
    EXPECT_NEAR(exposure[0] + exposure[1], 3999, 1e-9);
    double events[4] = {};
    for (const TransitionCount& e : counts.entries)
      if (e.from != e.to) events[2 * e.from + (e.image[0] != 0)] += static_cast<double>(e.count);
    const double truth[4] = {chain.ab, chain.ab_back, chain.ba, chain.ba_forth};
    for (int k = 0; k < 4; ++k) {
      const Estimate e = event_rate(events[k], exposure[static_cast<std::size_t>(k / 2)]);
      held += e.low <= truth[k] && truth[k] <= e.high;
      ++all;
    }
  }
  const double coverage = static_cast<double>(held) / all;
  EXPECT_GE(coverage, 0.94);
  EXPECT_LE(coverage, 0.99);
}

TEST(JumpRates, NetworkIsReversibleAndNearTheTruth) {
  const Chain chain;  // ab/ba = ab_back/ba_forth: detailed balance
  const TransitionCounts counts = count_transitions(walk(chain, 2000000, 7), 1);
  const SiteNetwork network = rate_network(counts, 0.5, places, lattice, 0.25);
  ASSERT_EQ(network.jumps.size(), 4u);
  for (const SiteJump& jump : network.jumps) {
    const double truth = (jump.from == 0 ? (*jump.image == Int3{} ? chain.ab : chain.ab_back) : (*jump.image == Int3{} ? chain.ba : chain.ba_forth)) / 0.25;
    EXPECT_NEAR(jump.weight, truth, 0.05 * truth);  // 6 000 events at least: four standard errors
    const Vec3 d = (jump.from == 0 ? 1.0 : -1.0) * (places[1] - places[0]) + double((*jump.image)[0]) * lattice[0];
    EXPECT_NEAR(norm(jump.displacement_ang - d), 0, 1e-12);
    EXPECT_GT(*jump.count, 2500);  // half of 6 000 events
  }
  const ConnectedNetwork connected = connect(network);
  EXPECT_FALSE(connected.broken);
  EXPECT_NEAR(connected.network.pi[0], 0.6, 0.01);
  EXPECT_NEAR(norm(connected.percolating_ang.at(0) - lattice[0] / norm(lattice[0])) * norm(connected.percolating_ang[0] + lattice[0] / norm(lattice[0])), 0, 1e-12);
}

TEST(JumpRates, JumpsWithoutAWayBackKeepTheirRate) {
  SiteTrajectory trajectory{3, 1, 10, {}};
  append_states(trajectory, 0, std::vector<int>{0, 0, 1, 1, 0, 0, 1, 2, 2, 2});
  const SiteNetwork network = rate_network(count_transitions(trajectory, 1), 1, std::vector<Vec3>{{0, 0, 0}, {1, 0, 0}, {2, 0, 0}}, lattice, 1);
  ASSERT_EQ(network.jumps.size(), 4u);
  for (const SiteJump& jump : network.jumps) {
    if (jump.from == 1 && jump.to == 2) {
      EXPECT_NEAR(jump.weight, 1.0 / 3, 1e-12);
    }
    if (jump.from == 2) {
      EXPECT_EQ(jump.weight, 0);
    }
  }
  EXPECT_EQ(connect(network).dropped_sites, 1);
  SiteTrajectory still{1, 1, 5, {}};
  append_states(still, 0, std::vector<int>(5, 0));
  EXPECT_THROW(rate_network(count_transitions(still, 1), 1, std::vector<Vec3>{{0, 0, 0}}, lattice, 1), Error);
}

TEST(JumpRates, DispersionSeesBurstsButNotOccupation) {
  const auto blocks_of = [](const SiteTrajectory& trajectory) {
    const auto bounds = block_bounds(trajectory.n_frames, 10);
    std::vector<TransitionCounts> blocks;
    for (std::size_t b = 0; b + 1 < bounds.size(); ++b) blocks.push_back(count_transitions(trajectory, 1, {bounds[b], bounds[b + 1] + 1}));
    return blocks;
  };
  double sum = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) sum += jump_dispersion(blocks_of(walk({}, 20000, seed)));
  EXPECT_LT(sum / 50, 1.35);  // the mean of max(1, chi²₉ / 9) is 1.19
  // Each jump at once taken back and forth again: three come together.
  Random random(3, 0);
  std::vector<int> state;
  int now = 0;
  for (int t = 0; t < 40000; ++t) {
    if (random.uniform() < 0.01)
      for (int k = 0; k < 7; ++k) state.push_back(now = 1 - now);
    state.push_back(now);
  }
  SiteTrajectory bursts{2, 1, static_cast<std::int64_t>(state.size()), {}};
  append_states(bursts, 0, state);
  EXPECT_GT(jump_dispersion(blocks_of(bursts)), 2.5);  // 7 in the mean, over nine degrees of freedom
  // Half of the time on a site that is left a hundred times more rarely: fewer jumps, no bursts.
  state.clear();
  for (int t = 0; t < 40000; ++t) {
    if (random.uniform() < 0.02) now = 1 - now;
    state.push_back(t < 20000 ? now : 2 + (t / 5000) % 2);
  }
  SiteTrajectory rests{4, 1, static_cast<std::int64_t>(state.size()), {}};
  append_states(rests, 0, state);
  EXPECT_LT(jump_dispersion(blocks_of(rests)), 3);
}

// A square of four sites that a fourfold axis makes one: jumps along the edges are two classes (one each way), the diagonal is one.
std::vector<StateMap> fourfold() {
  std::vector<StateMap> maps;
  const std::array<std::array<Int3, 3>, 4> rotations{{{Int3{1, 0, 0}, Int3{0, 1, 0}, Int3{0, 0, 1}},
                                                      {Int3{0, -1, 0}, Int3{1, 0, 0}, Int3{0, 0, 1}},
                                                      {Int3{-1, 0, 0}, Int3{0, -1, 0}, Int3{0, 0, 1}},
                                                      {Int3{0, 1, 0}, Int3{-1, 0, 0}, Int3{0, 0, 1}}}};
  for (int k = 0; k < 4; ++k) {
    StateMap map{rotations[static_cast<std::size_t>(k)], {}, std::vector<Int3>(4)};
    for (int s = 0; s < 4; ++s) map.target.push_back((s + k) % 4);
    maps.push_back(map);
  }
  return maps;
}

TransitionCounts square_counts(std::uint64_t seed, double odd) {
  Random random(seed, 1);
  TransitionCounts counts{4, 1, {}};
  for (int s = 0; s < 4; ++s) {
    std::int64_t stay = 0, forth = 0, back = 0;
    for (int t = 0; t < 3000; ++t) {
      const double x = random.uniform(), p = 0.01 * (s == 0 ? odd : 1);
      (x < p ? forth : x < p + 0.004 ? back : stay) += 1;
    }
    for (const auto& [to, n] : {std::pair{s, stay}, std::pair{(s + 1) % 4, forth}, std::pair{(s + 3) % 4, back}}) counts.entries.push_back({s, to, {}, n});
  }
  std::sort(counts.entries.begin(), counts.entries.end(), [](const auto& a, const auto& b) { return std::tie(a.from, a.to) < std::tie(b.from, b.to); });
  return counts;
}

TEST(JumpClasses, PoolsEquivalentJumps) {
  const TransitionCounts counts = square_counts(1, 1);
  const JumpClasses classes = jump_classes(counts, fourfold(), 1);
  ASSERT_EQ(classes.classes.size(), 2u);
  EXPECT_EQ(classes.classes[0].members.size(), 4u);
  EXPECT_EQ(classes.tested, 2);
  EXPECT_EQ(classes.classes[0].exposure_frames, 12000);
  EXPECT_NEAR(classes.classes[0].rate_per_frame.value, 0.01, 0.004);
  EXPECT_FALSE(classes.differ());
  const TransitionCounts sum = summed_over(counts, fourfold());
  EXPECT_EQ(sum.total(), 4 * counts.total());
  for (const TransitionCount& e : sum.entries)
    if (e.from != e.to) {
      EXPECT_EQ(e.count, classes.classes[(e.to - e.from + 4) % 4 == 1 ? 0 : 1].events);
    }
  EXPECT_EQ(jump_classes(counts, {}, 1).classes.size(), 8u);
  std::vector<StateMap> wrong = fourfold();
  wrong[1].target.pop_back();
  EXPECT_THROW(jump_classes(counts, wrong, 1), Error);
  EXPECT_THROW(summed_over(counts, {}), Error);
}

TEST(JumpClasses, ImagesTurnWithTheCrystal) {
  // One site, jumps along a: the fourfold axis makes four of them.
  StateMap turn{{Int3{0, -1, 0}, Int3{1, 0, 0}, Int3{0, 0, 1}}, {0}, {Int3{0, 0, 0}}}, same{{Int3{1, 0, 0}, Int3{0, 1, 0}, Int3{0, 0, 1}}, {0}, {Int3{}}};
  StateMap half{{Int3{-1, 0, 0}, Int3{0, -1, 0}, Int3{0, 0, 1}}, {0}, {Int3{}}}, back{{Int3{0, 1, 0}, Int3{-1, 0, 0}, Int3{0, 0, 1}}, {0}, {Int3{}}};
  const TransitionCounts counts{1, 1, {{0, 0, {}, 1000}, {0, 0, {1, 0, 0}, 3}}};
  const JumpClasses classes = jump_classes(counts, std::vector<StateMap>{same, turn, half, back}, 1);
  ASSERT_EQ(classes.classes.size(), 1u);
  EXPECT_EQ(classes.classes[0].members.size(), 4u);
  EXPECT_EQ(classes.classes[0].exposure_frames, 4 * 1003);
}

// Equal members are told apart in at most 1 % of the cases (0.05 here leaves room for chance: 300 cases), unequal ones are.
TEST(JumpClasses, DifferOnlyWhenTheyDo) {
  int alarms = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) alarms += jump_classes(square_counts(seed, 1), fourfold(), 1).differ();
  EXPECT_LE(alarms, 9);
  for (std::uint64_t seed = 0; seed < 5; ++seed) EXPECT_TRUE(jump_classes(square_counts(seed, 3), fourfold(), 1).differ());
}

}  // namespace
}  // namespace saltus::kinetics
