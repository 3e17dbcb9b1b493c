#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "saltus/base/random.hpp"
#include "saltus/kinetics/implied_timescales.hpp"
#include "saltus/kinetics/slow_modes.hpp"
#include "saltus/kinetics/stationary_distribution.hpp"
#include "tests/kinetics/numbers_file.hpp"

namespace saltus::kinetics {
namespace {

void expect_modes(int n, const std::vector<Transition>& transitions, const std::vector<double>& pi, const SlowModes& modes) {
  for (std::size_t k = 0; k < modes.mu.size(); ++k) {
    std::vector<double> image(static_cast<std::size_t>(n), 0.0);
    for (const Transition& t : transitions) {
      if (t.from != t.to) {
        image[static_cast<std::size_t>(t.from)] +=
            t.probability * (modes.psi[k][static_cast<std::size_t>(t.from)] - modes.psi[k][static_cast<std::size_t>(t.to)]);
      }
    }
    double error = 0;
    for (std::size_t i = 0; i < image.size(); ++i) {
      error += pi[i] * std::pow(image[i] - modes.mu[k] * modes.psi[k][i], 2);
    }
    EXPECT_LE(std::sqrt(error), 1e-8) << k;
    for (std::size_t l = 0; l <= k; ++l) {
      double product = 0;
      for (std::size_t i = 0; i < pi.size(); ++i) product += pi[i] * modes.psi[k][i] * modes.psi[l][i];
      EXPECT_NEAR(product, k == l ? 1 : 0, 1e-8) << k << l;
    }
  }
}

TEST(SlowModes, ExactDoubleWell) {
  const std::vector<double> p = golden_numbers("deeptime/double_well_P100.dat");
  const std::vector<double> golden = golden_numbers("double_well/double_well_exact_its.dat");
  // As given, and with states renumbered by i -> 37 i mod 101 - 1 of i + 1.
  for (const bool permuted : {false, true}) {
    std::vector<double> t(p.size());
    const auto place = [&](std::size_t i) { return permuted ? (37 * (i + 1)) % 101 - 1 : i; };
    for (std::size_t i = 0; i < 100; ++i)
      for (std::size_t j = 0; j < 100; ++j) t[place(i) * 100 + place(j)] = p[i * 100 + j];
    const std::vector<Transition> transitions = transitions_of(t, 100);
    const std::vector<double> pi = stationary_distribution(t, 100);
    const SlowModes modes = slow_modes(100, transitions, pi, 7);
    ASSERT_EQ(modes.mu.size(), 7u);
    for (std::size_t m = 0; m < 7; ++m) EXPECT_NEAR(*timescale_of(modes.mu[m], 1) / golden[2 * m + 1], 1, 1e-8);
    expect_modes(100, transitions, pi, modes);
  }
}

// A ring of n states, jumps of 1/4 each way: mu_k = (1 - cos(2 pi k / n)) / 2, each twice. Dense and by Lanczos' method.
TEST(SlowModes, RingsWithDegeneratePairs) {
  for (const int n : {60, 1200}) {
    std::vector<Transition> transitions;
    for (int i = 0; i < n; ++i) {
      transitions.push_back({i, (i + 1) % n, 0.25});
      transitions.push_back({i, (i + n - 1) % n, 0.25});
    }
    const std::vector<double> pi(static_cast<std::size_t>(n), 1.0 / n);
    const SlowModes modes = slow_modes(n, transitions, pi, 6);
    EXPECT_TRUE(modes.converged);
    ASSERT_EQ(modes.mu.size(), 6u);
    for (std::size_t m = 0; m < 6; ++m) {
      const double half = std::sin(std::numbers::pi * static_cast<double>(m / 2 + 1) / n);
      EXPECT_NEAR(modes.mu[m] / (half * half), 1, 1e-9) << n << " " << m;
    }
    expect_modes(n, transitions, pi, modes);
  }
}

// k clusters of equal states, joined in a line by weak steps eps: for two, mu = 2 eps / size to first order; here exactly, by
// three states a - b - c with rates of 1e-12 and 1e-15, whose eigenvalues are known.
TEST(SlowModes, EigenvaluesNearOneKeepTheirDigits) {
  for (const double eps : {1e-6, 1e-12, 1e-20}) {
    // pi equal; fluxes 0-1: eps/3, 1-2: eps/3·1e-3. Eigenvalues of [[1,-1,0],[-1,1+d,-d],[0,-d,d]] times eps, d = 1e-3.
    const double d = 1e-3;
    const std::vector<Transition> transitions{{0, 1, eps}, {1, 0, eps}, {1, 2, d * eps}, {2, 1, d * eps}};
    const SlowModes modes = slow_modes(3, transitions, std::vector<double>(3, 1.0 / 3), 2);
    const double root = std::sqrt(1 - d + d * d);
    // (1 + d) - root = 3 d / (1 + d + root)
    EXPECT_NEAR(modes.mu[0] / (eps * 3 * d / (1 + d + root)), 1, 1e-12) << eps;
    EXPECT_NEAR(modes.mu[1] / (eps * (1 + d + root)), 1, 1e-12) << eps;
  }
  // 20 dense clusters of 40 states in a line (Lanczos): slow to 1e-10, the fast modes near one.
  const int clusters = 20, size = 40, n = clusters * size;
  std::vector<Transition> transitions;
  const double eps = 1e-10;
  for (int c = 0; c < clusters; ++c) {
    for (int a = 0; a < size; ++a)
      for (int b = 0; b < size; ++b) {
        if (a != b) transitions.push_back({c * size + a, c * size + b, 0.5 / size});
        if (c + 1 < clusters) {
          transitions.push_back({c * size + a, (c + 1) * size + b, eps / size});
          transitions.push_back({(c + 1) * size + b, c * size + a, eps / size});
        }
      }
  }
  const std::vector<double> pi(static_cast<std::size_t>(n), 1.0 / n);
  const SlowModes modes = slow_modes(n, transitions, pi, 5);
  for (int k = 1; k <= 5; ++k) {
    const double exact = 4 * eps * std::pow(std::sin(std::numbers::pi * k / (2 * clusters)), 2);  // of a path of clusters
    EXPECT_NEAR(modes.mu[static_cast<std::size_t>(k) - 1] / exact, 1, 1e-8) << k;
  }
}

TEST(SlowModes, ModuliWithoutDetailedBalance) {
  // A cyclic chain: lambda = 0.4 + 0.6 e^{±2 pi i/3}, modulus sqrt(0.16 - 0.24 + 0.36).
  const std::vector<double> t{0.4, 0.6, 0, 0, 0.4, 0.6, 0.6, 0, 0.4};
  const std::vector<double> moduli = eigenvalue_moduli(3, transitions_of(t, 3), 5);
  ASSERT_EQ(moduli.size(), 2u);
  for (const double modulus : moduli) EXPECT_NEAR(modulus, std::sqrt(0.28), 1e-14);
  EXPECT_FALSE(timescale_of(1.2, 1));
}

}  // namespace
}  // namespace saltus::kinetics
