#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/implied_timescales.hpp"
#include "saltus/kinetics/metastable_sets.hpp"

namespace saltus::kinetics {
namespace {

TEST(MetastableSets, ATransientStateBelongsWhereItLeads) {
  const std::vector<double> t{0, 1, 0, 0, 0.999, 0.001, 0, 0.001, 0.999};
  const MetastableSets sets = metastable_sets(3, transitions_of(t, 3), 2);
  const std::size_t first = sets.membership[0] > 0.5 ? 0 : 1;
  const std::vector<double> expected{1, 0, 1, 0, 0, 1};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t k = 0; k < 2; ++k) EXPECT_NEAR(sets.membership[i * 2 + (k ^ first)], expected[i * 2 + k], 1e-8);
  EXPECT_EQ(sets.set_of[0], sets.set_of[1]);
  EXPECT_NE(sets.set_of[1], sets.set_of[2]);
}

// Three blocks of different size with weak steps between them, states renumbered so that blocks are mixed.
TEST(MetastableSets, FindsBlocks) {
  const int n = 12;
  const auto block = [](int i) { return i % 4 == 0 ? 0 : i % 4 == 1 ? 1 : 2; };
  std::vector<Transition> transitions;
  for (int i = 0; i < n; ++i) {
    double leaving = 0;
    for (int j = 0; j < n; ++j) {
      if (i == j) continue;
      const double p = block(i) == block(j) ? 0.05 : 1e-4 * (1 + block(i) + block(j));
      transitions.push_back({i, j, p});
      leaving += p;
    }
    transitions.push_back({i, i, 1 - leaving});
  }
  const std::vector<double> pi(n, 1.0 / n);
  const MetastableSets sets = metastable_sets(slow_modes(n, transitions, pi, 4), pi, 3);
  EXPECT_GT(sets.crispness, 0.97);
  EXPECT_NEAR(sets.population[0], 0.5, 0.02);  // the block of six
  for (int i = 0; i < n; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_GE(sets.membership[static_cast<std::size_t>(i) * 3 + k], 0);
      sum += sets.membership[static_cast<std::size_t>(i) * 3 + k];
    }
    EXPECT_NEAR(sum, 1, 1e-14);
    for (int j = 0; j < n; ++j) {
      EXPECT_EQ(sets.set_of[static_cast<std::size_t>(i)] == sets.set_of[static_cast<std::size_t>(j)], block(i) == block(j));
    }
  }
}

// A ring has its slow modes in pairs: three and five sets are possible, two and four are not.
TEST(MetastableSets, DoesNotCutEqualEigenvalues) {
  const int n = 30;
  std::vector<Transition> transitions;
  for (int i = 0; i < n; ++i) {
    transitions.push_back({i, (i + 1) % n, 0.25});
    transitions.push_back({i, (i + n - 1) % n, 0.25});
    transitions.push_back({i, i, 0.5});
  }
  const std::vector<double> pi(n, 1.0 / n);
  const SlowModes modes = slow_modes(n, transitions, pi, 8);
  for (const int m : {2, 4}) {
    try {
      metastable_sets(modes, pi, m);
      ADD_FAILURE() << m;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_NE(std::string(error.what()).find(std::to_string(m + 1)), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(metastable_sets(modes, pi, 3).n_sets, 3);
  EXPECT_THROW(metastable_sets(modes, pi, 1), Error);
  EXPECT_THROW(metastable_sets(modes, pi, 31), Error);
}

}  // namespace
}  // namespace saltus::kinetics
