#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kinetics/implied_timescales.hpp"
#include "saltus/kinetics/reversible_model.hpp"
#include "saltus/kinetics/stationary_distribution.hpp"
#include "tests/kinetics/numbers_file.hpp"

namespace saltus::kinetics {
namespace {

CountMatrix dense_counts(const std::vector<double>& values, double factor = 1) {
  const int n = static_cast<int>(std::lround(std::sqrt(static_cast<double>(values.size()))));
  CountMatrix counts{n, {}};
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      const double count = values[static_cast<std::size_t>(i * n + j)];
      if (count > 0) counts.entries.push_back({i, j, factor * count});
    }
  }
  return counts;
}

std::vector<double> dense(const ReversibleModel& model) {
  const auto n = static_cast<std::size_t>(model.n_states);
  std::vector<double> t(n * n, 0.0);
  for (const Transition& entry : model.transitions) {
    t[static_cast<std::size_t>(entry.from) * n + static_cast<std::size_t>(entry.to)] = entry.probability;
  }
  return t;
}

void expect_relative(const std::vector<double>& found, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    EXPECT_NEAR(found[k], expected[k], tolerance * std::abs(expected[k])) << "entry " << k;
  }
}

TEST(ReversibleModel, ThreeStates) {
  const ReversibleModel model = estimate_reversible(dense_counts(golden_numbers("reversible_mle/mle_c3_C.dat")));
  EXPECT_TRUE(model.converged);
  EXPECT_LE(model.max_residual, 1e-14);
  EXPECT_LE(model.max_imbalance, 1e-16);
  expect_relative(dense(model), golden_numbers("reversible_mle/mle_c3_T.dat"), 1e-14);
  expect_relative(model.pi, golden_numbers("reversible_mle/mle_c3_pi.dat"), 1e-14);
}

TEST(ReversibleModel, MetastableFiveStates) {
  const ReversibleModel model = estimate_reversible(dense_counts(golden_numbers("reversible_mle/mle_hard5_C.dat")));
  EXPECT_TRUE(model.converged);
  EXPECT_LE(model.max_residual, 1e-13);
  EXPECT_LE(model.iterations, 25);
  expect_relative(dense(model), golden_numbers("reversible_mle/mle_hard5_T.dat"), 1e-10);
  const std::vector<double> t = dense(model), golden = golden_numbers("reversible_mle/mle_hard5_T.dat");
  for (std::size_t k = 0; k < t.size(); ++k) EXPECT_NEAR(t[k], golden[k], 1e-13);
  expect_relative(model.pi, golden_numbers("reversible_mle/mle_hard5_pi.dat"), 1e-10);
}

TEST(ReversibleModel, ScaledAndPermutedCounts) {
  const std::vector<double> values = golden_numbers("reversible_mle/mle_hard5_C.dat");
  const std::vector<double> reference = dense(estimate_reversible(dense_counts(values)));
  expect_relative(dense(estimate_reversible(dense_counts(values, 1e6))), reference, 1e-13);
  expect_relative(dense(estimate_reversible(dense_counts(values, 1e-6))), reference, 1e-13);
  const std::vector<int> order{3, 0, 4, 2, 1};
  CountMatrix permuted = dense_counts(values);
  for (CountEntry& entry : permuted.entries) {
    entry.from = order[static_cast<std::size_t>(entry.from)];
    entry.to = order[static_cast<std::size_t>(entry.to)];
  }
  const std::vector<double> found = dense(estimate_reversible(permuted));
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < 5; ++j) {
      const double value = found[static_cast<std::size_t>(order[i]) * 5 + static_cast<std::size_t>(order[j])];
      EXPECT_NEAR(value, reference[i * 5 + j], 1e-13 * reference[i * 5 + j]);
    }
  }
}

// Random strongly connected counts, some pairs counted in one direction only, over up to four decades, small and beyond the
// limit of exact elimination: the formula's rows sum to one at the maximum, which is unique.
TEST(ReversibleModel, RandomCountsConverge) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(77, seed);
    const int n = 2 + static_cast<int>(random.below(seed % 10 == 0 ? 600 : 40));
    const double decades = 4 * random.uniform(), density = random.uniform();
    const auto count = [&] { return std::ceil(std::pow(10.0, decades * random.uniform())); };
    CountMatrix counts{n, {}};
    for (int i = 0; i < n; ++i) {
      counts.entries.push_back({i, (i + 1) % n, count()});
      if (random.uniform() < 0.7) counts.entries.push_back({i, i, count()});
      for (int k = 0; k < static_cast<int>(density * std::min(n, 10)); ++k) {
        counts.entries.push_back({i, static_cast<int>(random.below(static_cast<std::uint64_t>(n))), count()});
      }
    }
    const ReversibleModel model = estimate_reversible(counts);
    EXPECT_TRUE(model.converged) << seed << ": " << n << " states, " << model.iterations << " iterations, " << model.max_relative_residual;
    EXPECT_LE(model.max_residual, 1e-12) << seed;
  }
}

// Counts over ten decades and more, rings one way and both ways, trees, chains: where the maximum lies at shares of 1e-12 and
// stationary probabilities over hundreds of decades, and Newton steps from afar lead nowhere.
TEST(ReversibleModel, ExtremeCountsConverge) {
  double widest = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    Random random(78, seed);
    const int n = 2 + static_cast<int>(random.below(29));
    const double decades = 10 + 4 * random.uniform();
    const auto count = [&] { return std::pow(10.0, decades * (random.uniform() - 0.5)); };
    CountMatrix counts{n, {}};
    const auto both = [&](int i, int j) {
      const double high = random.uniform() < 0.5 ? 1e6 : count();
      const bool forth = seed % 4 == 2 || random.uniform() < 0.5;
      counts.entries.push_back({i, j, forth ? high : 1 / high});
      counts.entries.push_back({j, i, forth ? 1 / high : high});
    };
    for (int i = 0; i < n; ++i) {
      if (random.uniform() < 0.5) counts.entries.push_back({i, i, count()});
      if (seed % 4 == 0) counts.entries.push_back({i, (i + 1) % n, count()});
      if (seed % 4 == 1) both(i, (i + 1) % n);
      if (seed % 4 == 2 && i > 0) both(i - 1, i);
      if (seed % 4 == 3 && i > 0) both(i, static_cast<int>(random.below(static_cast<std::uint64_t>(i))));
    }
    for (int extra = seed % 4 == 3 ? 0 : static_cast<int>(random.below(static_cast<std::uint64_t>(n))); extra > 0; --extra) {
      const auto any = [&] { return static_cast<int>(random.below(static_cast<std::uint64_t>(n))); };
      counts.entries.push_back({any(), any(), count()});
    }
    const ReversibleModel model = estimate_reversible(counts);
    EXPECT_TRUE(model.converged) << seed << ": " << n << " states, " << model.iterations << " iterations, " << model.max_relative_residual;
    EXPECT_LE(model.max_residual, 1e-12) << seed;
    const auto [low, high] = std::minmax_element(model.ln_pi.begin(), model.ln_pi.end());
    widest = std::max(widest, *high - *low);
  }
  EXPECT_GT(widest, 230);  // 1e100
}

// Hundreds of states with counts over ten decades, rings one way among them, where all flow against the ring goes through its
// rarest pairs and ln pi spans thousands: conjugate gradients did not get there, nor did Newton steps from afar.
TEST(ReversibleModel, LargeExtremeCountsConverge) {
  double widest = 0;
  for (const std::uint64_t seed : {4, 13, 15, 29, 34}) {
    Random random(1009, seed);
    random.below(59);
    const int n = 250 + static_cast<int>(random.below(400));
    const double decades = 10 * random.uniform();
    const auto count = [&] { return std::pow(10.0, decades * random.uniform()); };
    const auto chords = static_cast<int>(random.below(6));
    CountMatrix counts{n, {}};
    for (int i = 0; i < n; ++i) {
      counts.entries.push_back({i, (i + 1) % n, count()});
      if (random.uniform() < 0.5) counts.entries.push_back({i, i, count()});
      for (int k = 0; k < chords; ++k) {
        const auto to = static_cast<int>(random.below(static_cast<std::uint64_t>(n)));
        counts.entries.push_back({i, to, count()});
      }
    }
    const ReversibleModel model = estimate_reversible(counts);
    EXPECT_TRUE(model.converged) << seed << ": " << n << " states, " << model.iterations << " iterations, " << model.max_relative_residual;
    EXPECT_LE(model.max_imbalance, 1e-15) << seed;
    const auto [low, high] = std::minmax_element(model.ln_pi.begin(), model.ln_pi.end());
    widest = std::max(widest, *high - *low);
  }
  EXPECT_GT(widest, 1000);
}

// Counts in detailed balance are their own maximum. A ring of 150 states (dense elimination) with pi over some twenty
// decades, and one of 500 (sparse factorisation) over some four.
class MetastableRing : public testing::TestWithParam<std::pair<int, double>> {};

TEST_P(MetastableRing, RecoversItsChain) {
  const auto [n, width] = GetParam();
  Random random(5, 1);
  std::vector<double> pi(static_cast<std::size_t>(n)), flux(static_cast<std::size_t>(n));
  CountMatrix counts{n, {}};
  for (auto& p : pi) p = std::exp(width * random.normal());
  for (int i = 0; i < n; ++i) {
    const auto a = static_cast<std::size_t>(i), b = static_cast<std::size_t>((i + 1) % n);
    flux[a] = std::min(pi[a], pi[b]) * std::exp(-4 * random.uniform()) / 4;
    counts.entries.push_back({i, (i + 1) % n, 1e9 * flux[a]});
    counts.entries.push_back({(i + 1) % n, i, 1e9 * flux[a]});
  }
  for (int i = 0; i < n; ++i) {
    const auto a = static_cast<std::size_t>(i);
    counts.entries.push_back({i, i, 1e9 * (pi[a] - flux[a] - flux[static_cast<std::size_t>((i + n - 1) % n)])});
  }
  std::vector<double> start;
  for (const double p : pi) start.push_back(std::log(p) + 2 * random.normal());
  const ReversibleModel model = estimate_reversible(counts, start);
  EXPECT_TRUE(model.converged) << model.max_residual << " after " << model.iterations;
  double sum = 0;
  for (const double p : pi) sum += p;
  for (std::size_t i = 0; i < pi.size(); ++i) EXPECT_NEAR(model.pi[i] / (pi[i] / sum), 1, 1e-7);  // the counts are rounded
}

INSTANTIATE_TEST_SUITE_P(ReversibleModel, MetastableRing, testing::Values(std::pair(150, 8.0), std::pair(500, 1.5)));

TEST(ReversibleModel, SmallAndWrongInputs) {
  const ReversibleModel one = estimate_reversible({1, {{0, 0, 7}}});
  EXPECT_EQ(one.pi, std::vector<double>{1});
  EXPECT_EQ(dense(one), std::vector<double>{1});
  EXPECT_TRUE(one.converged);
  const ReversibleModel two = estimate_reversible({2, {{0, 0, 6}, {0, 1, 2}, {1, 0, 1}, {1, 1, 9}}});
  expect_relative(dense(two), {0.75, 0.25, 0.1, 0.9}, 1e-14);  // two states are always reversible
  EXPECT_THROW(estimate_reversible({2, {{0, 0, 1}, {0, 1, 1}}}), Error);
  EXPECT_THROW(estimate_reversible({2, {{0, 0, 1}, {1, 1, -1}}}), Error);
  EXPECT_THROW(estimate_reversible({2, {{0, 0, 1}, {1, 1, NAN}}}), Error);
  EXPECT_THROW(estimate_reversible({4, {{0, 1, 1}, {1, 0, 2}, {2, 3, 1}, {3, 2, 1}, {1, 1, 1}}}), Error);
}

TEST(StationaryDistribution, KeepsTinyProbabilities) {
  // Birth-death chain: pi_{i+1} / pi_i = up / down exactly.
  const std::size_t n = 5;
  const std::vector<double> up{1e-30, 0.5, 1e-8, 0.25}, down{0.5, 1e-30, 0.125, 0.5};
  std::vector<double> t(n * n, 0.0), expected{1};
  for (std::size_t i = 0; i + 1 < n; ++i) {
    t[i * n + i + 1] = up[i];
    t[(i + 1) * n + i] = down[i];
    expected.push_back(expected[i] * up[i] / down[i]);
  }
  double sum = 0;
  for (const double p : expected) sum += p;
  for (double& p : expected) p /= sum;
  expect_relative(stationary_distribution(t, static_cast<int>(n)), expected, 1e-13);
  EXPECT_THROW(stationary_distribution(std::vector<double>{1, 0, 0, 1}, 2), Error);
}

TEST(ImpliedTimescales, ExactDoubleWell) {
  const std::vector<double> p = golden_numbers("deeptime/double_well_P100.dat");
  const std::vector<double> golden = golden_numbers("double_well/double_well_exact_its.dat");
  const auto timescales = implied_timescales(100, transitions_of(p, 100), 1, 7);
  ASSERT_EQ(timescales.size(), 7u);
  for (std::size_t m = 0; m < 7; ++m) {
    ASSERT_TRUE(timescales[m]);
    EXPECT_NEAR(*timescales[m], golden[2 * m + 1], 1e-8 * golden[2 * m + 1]);
  }
}

TEST(ImpliedTimescales, NoneForNegativeEigenvalues) {
  // Second eigenvalue -0.6, then 1 - 2e-14.
  const auto two = implied_timescales(2, transitions_of(std::vector<double>{0.2, 0.8, 0.8, 0.2}, 2), 10, 5);
  ASSERT_EQ(two.size(), 1u);
  EXPECT_FALSE(two[0]);
  const auto slow = implied_timescales(2, transitions_of(std::vector<double>{1, 1e-14, 1e-14, 1}, 2), 1, 1);
  EXPECT_NEAR(*slow[0], 0.5e14, 1e-10 * 0.5e14);
}

TEST(ImpliedTimescales, DoubleWellTrajectoryInTwoStates) {
  const std::vector<double> frames = golden_numbers("deeptime/double_well_dtraj.dat");
  SiteTrajectory trajectory{2, 0, static_cast<std::int64_t>(frames.size()), {}};
  std::vector<int> state;
  for (const double frame : frames) state.push_back(frame < 50 ? 0 : 1);
  append_states(trajectory, 0, state);

  const TransitionCounts ten = count_transitions(trajectory, 10);
  const std::vector<double> golden_counts = golden_numbers("double_well/double_well_n2good_C10.dat");
  ASSERT_EQ(ten.entries.size(), 4u);
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(static_cast<double>(ten.entries[k].count), golden_counts[k]);
  expect_relative(dense(estimate_reversible(fold_images(ten))), golden_numbers("double_well/double_well_n2good_T10.dat"),
                  1e-14);

  const std::vector<double> golden = golden_numbers("double_well/double_well_n2good_its.dat");
  for (std::size_t row = 0; row < golden.size() / 3; ++row) {
    const auto lag = static_cast<std::int64_t>(golden[3 * row]);
    const ReversibleModel model = estimate_reversible(fold_images(count_transitions(trajectory, lag)));
    const auto timescales = implied_timescales(2, model.transitions, static_cast<double>(lag), 1);
    EXPECT_NEAR(*timescales[0], golden[3 * row + 1], 1e-6 * golden[3 * row + 1]);
  }
}

}  // namespace
}  // namespace saltus::kinetics
