#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kinetics/first_passage.hpp"
#include "saltus/kinetics/implied_timescales.hpp"
#include "saltus/kinetics/stationary_distribution.hpp"
#include "tests/kinetics/numbers_file.hpp"

namespace saltus::kinetics {
namespace {

std::vector<double> golden(const std::string& name) { return golden_numbers("transition_paths/" + name + ".dat"); }

std::vector<double> dense(int n, const std::vector<Transition>& entries) {
  std::vector<double> matrix(static_cast<std::size_t>(n * n), 0.0);
  for (const Transition& t : entries) matrix[static_cast<std::size_t>(t.from * n + t.to)] += t.probability;
  return matrix;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected, double relative, double absolute = 0) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) EXPECT_NEAR(found[k], expected[k], relative * std::abs(expected[k]) + absolute) << k;
}

struct Case {
  const char* name;
  std::vector<int> from, to;
  std::vector<int> order;  // new number of each state
  double slower;           // T moved towards the identity by this factor
  bool reversible;         // tpt5 is not in detailed balance; bdc10 is, and must come out either way
};

class TransitionPaths : public testing::TestWithParam<Case> {};

// The golden chains, also with their states renumbered and with T' = 1 + s (T - 1), which keeps committors and scales times
// and fluxes; nothing can be recognised by its value.
TEST_P(TransitionPaths, MeetExactValues) {
  const Case& c = GetParam();
  const std::string name = c.name;
  const std::vector<double> t0 = golden(name + "_T");
  const int n = static_cast<int>(std::lround(std::sqrt(static_cast<double>(t0.size()))));
  const auto old_place = [&](std::size_t i) {
    return static_cast<std::size_t>(std::find(c.order.begin(), c.order.end(), static_cast<int>(i)) - c.order.begin());
  };
  const auto matrix = [&](std::vector<double> values, double factor) {
    std::vector<double> result(values.size());
    const auto m = static_cast<std::size_t>(n);
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < m; ++j) result[i * m + j] = factor * values[old_place(i) * m + old_place(j)];
    return result;
  };
  const auto vector = [&](std::vector<double> values) {
    std::vector<double> result;
    for (std::size_t i = 0; i < values.size(); ++i) result.push_back(values[old_place(i)]);
    return result;
  };
  const auto set = [&](const std::vector<int>& states) {
    std::vector<int> result;
    for (const int s : states) result.push_back(c.order[static_cast<std::size_t>(s)]);
    return result;
  };
  std::vector<double> t = matrix(t0, c.slower);
  for (int i = 0; i < n; ++i) t[static_cast<std::size_t>(i * n + i)] += 1 - c.slower;
  const std::vector<Transition> transitions = transitions_of(t, n);
  const std::vector<double> pi = stationary_distribution(t, n);
  expect_near(pi, vector(golden(name + "_pi")), 1e-12);
  const Chain chain{n, transitions, pi, c.reversible};
  const std::vector<int> from = set(c.from), to = set(c.to);
  expect_near(forward_committor(chain, from, to), vector(golden(name + "_qplus")), 1e-12);
  expect_near(backward_committor(chain, from, to), vector(golden(name + "_qminus")), 1e-12);

  const double lag = 2.5;
  const ReactiveFlux flux = reactive_flux(chain, lag, from, to);
  const std::vector<double> total = golden(name + "_total");
  EXPECT_NEAR(flux.total, c.slower * total[0], 1e-12 * total[0] * c.slower);
  EXPECT_NEAR(flux.rate, c.slower * total[1] / lag, 1e-12 * total[1] * c.slower / lag);
  EXPECT_NEAR(1 / flux.rate, total[2] * lag / c.slower, 1e-12 * total[2] * lag / c.slower);
  EXPECT_LE(flux.imbalance, 1e-15);
  expect_near(dense(n, flux.gross), matrix(golden(name + "_grossflux"), c.slower), 1e-12, 1e-16);
  expect_near(dense(n, flux.net), matrix(golden(name + "_netflux"), c.slower), 1e-12, 1e-16);
  if (name == "bdc10") {
    std::vector<double> times = vector(golden("bdc10_mfpt_to_8_9"));
    for (double& time : times) time *= lag / c.slower;
    expect_near(mean_first_passage(chain, lag, to), times, 1e-12);
  }
  double carried = 0;
  for (const ReactivePath& path : pathways(flux, n, from, to, 1.0)) {
    carried += path.flux;
    EXPECT_TRUE(std::count(from.begin(), from.end(), path.states.front()));
    EXPECT_TRUE(std::count(to.begin(), to.end(), path.states.back()));
  }
  EXPECT_NEAR(carried, flux.total, 1e-11 * flux.total);
}

INSTANTIATE_TEST_SUITE_P(Golden, TransitionPaths,
                         testing::Values(Case{"bdc10", {0, 1}, {8, 9}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 1, true},
                                         Case{"bdc10", {0, 1}, {8, 9}, {3, 7, 0, 9, 1, 8, 2, 6, 5, 4}, 0.125, false},
                                         Case{"tpt5", {0}, {4}, {0, 1, 2, 3, 4}, 1, false},
                                         Case{"tpt5", {0}, {4}, {2, 4, 1, 0, 3}, 0.25, false}));

TEST(FirstPassage, ThreeStatesWithoutDetailedBalance) {
  const std::vector<double> t = golden("mfpt3_T"), expected = golden("mfpt3_to_each");
  const std::vector<Transition> transitions = transitions_of(t, 3);
  for (int target = 0; target < 3; ++target) {
    const std::vector<double> times = mean_first_passage({3, transitions, {}, false}, 7.0, std::vector<int>{target});
    for (std::size_t i = 0; i < 3; ++i) {
      const double golden_time = 7 * expected[static_cast<std::size_t>(target) * 3 + i];
      EXPECT_NEAR(times[i], golden_time, 1e-12 * golden_time);
    }
  }
}

TEST(FirstPassage, StrongestPathFirst) {
  // 0 -> 1 -> 3 carries three times what 0 -> 2 -> 3 does.
  const std::vector<double> t{0.6, 0.3, 0.1, 0, 0.3, 0.4, 0, 0.3, 0.1, 0, 0.8, 0.1, 0, 0.3, 0.1, 0.6};
  const std::vector<Transition> transitions = transitions_of(t, 4);
  const std::vector<double> pi(4, 0.25);
  const std::vector<int> from{0}, to{3};
  const ReactiveFlux flux = reactive_flux({4, transitions, pi, true}, 1, from, to);
  const auto paths = pathways(flux, 4, from, to, 1.0);
  ASSERT_EQ(paths.size(), 2u);
  EXPECT_EQ(paths[0].states, (std::vector<int>{0, 1, 3}));
  EXPECT_EQ(paths[1].states, (std::vector<int>{0, 2, 3}));
  EXPECT_NEAR(paths[0].share, 0.75, 1e-14);
  EXPECT_EQ(pathways(flux, 4, from, to, 0.7).size(), 1u);
}

TEST(FirstPassage, WhereTheTargetIsNotReached) {
  // 0 <-> 1 -> 2 (a trap); 3 -> 0.
  const std::vector<double> t{0.5, 0.5, 0, 0, 0.5, 0.25, 0.25, 0, 0, 0, 1, 0, 1, 0, 0, 0};
  const std::vector<Transition> transitions = transitions_of(t, 4);
  const Chain chain{4, transitions, {}, false};
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(mean_first_passage(chain, 1, std::vector<int>{0}), (std::vector<double>{0, infinity, infinity, 1}));
  const std::vector<double> to_trap = mean_first_passage(chain, 1, std::vector<int>{2});
  EXPECT_NEAR(to_trap[1], 8, 1e-12);   // from 0 two steps to 1; from 1 leaves to 0 twice as often as to 2
  EXPECT_NEAR(to_trap[0], 10, 1e-12);
  EXPECT_THROW(mean_first_passage(chain, 1, std::vector<int>{}), Error);
  EXPECT_THROW(mean_first_passage(chain, 1, std::vector<int>{4}), Error);
  EXPECT_THROW(forward_committor(chain, std::vector<int>{0, 1}, std::vector<int>{1}), Error);
  EXPECT_THROW(forward_committor(chain, std::vector<int>{0}, std::vector<int>{1}), Error);  // 2 leads to neither
}

// A long walk between reflecting walls beyond the dense limit: m_i = (n-1)^2 - i^2 + ... closed form, and q_i = i/(n-1).
TEST(FirstPassage, LongSymmetricWalk) {
  const int n = 2500;
  std::vector<Transition> transitions;
  for (int i = 0; i < n; ++i) {
    if (i > 0) transitions.push_back({i, i - 1, 0.25});
    if (i + 1 < n) transitions.push_back({i, i + 1, 0.25});
    transitions.push_back({i, i, i == 0 || i + 1 == n ? 0.75 : 0.5});
  }
  const std::vector<double> pi(static_cast<std::size_t>(n), 1.0 / n);
  const Chain chain{n, transitions, pi, true};
  const std::vector<int> first{0}, last{n - 1};
  const std::vector<double> times = mean_first_passage(chain, 1, last);
  for (const int i : {0, 17, 1200, 2400}) {
    // Steps of a quarter each way, reflecting at 0: m_i = 2 [(n-1) n - i (i + 1)].
    const double expected = 2.0 * (double(n - 1) * n - double(i) * (i + 1));
    EXPECT_NEAR(times[static_cast<std::size_t>(i)], expected, 1e-9 * expected);
  }
  const std::vector<double> q = forward_committor(chain, first, last);
  for (const int i : {1, 700, 2498}) EXPECT_NEAR(q[static_cast<std::size_t>(i)], i / (n - 1.0), 1e-9);
}

}  // namespace
}  // namespace saltus::kinetics
