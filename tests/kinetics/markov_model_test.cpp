#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kinetics/free_model.hpp"
#include "saltus/kinetics/fixed_stationary_model.hpp"
#include "saltus/kinetics/laplace_errors.hpp"
#include "saltus/kinetics/markov_model.hpp"
#include "saltus/kinetics/reversible_posterior.hpp"
#include "saltus/kinetics/slow_modes.hpp"
#include "tests/kinetics/numbers_file.hpp"

namespace saltus::kinetics {
namespace {

CountMatrix counts_of(const std::vector<double>& values, const std::vector<int>& order = {}, double factor = 1) {
  const int n = static_cast<int>(std::lround(std::sqrt(static_cast<double>(values.size()))));
  CountMatrix counts{n, {}};
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      const double count = values[static_cast<std::size_t>(i * n + j)];
      const auto place = [&](int k) { return order.empty() ? k : order[static_cast<std::size_t>(k)]; };
      if (count > 0) counts.entries.push_back({place(i), place(j), factor * count});
    }
  return counts;
}

double probability(const ReversibleModel& model, int i, int j) {
  for (const Transition& t : model.transitions)
    if (t.from == i && t.to == j) return t.probability;
  return 0;
}

TEST(MarkovModel, KeepsTheLargestConnectedSet) {
  // 0 alone; 1 <-> 3; 2 only entered.
  const CountMatrix counts{4, {{0, 0, 5}, {1, 3, 2}, {3, 1, 4}, {3, 3, 0.5}, {1, 2, 1.5}, {1, 1, 3}}};
  const MarkovModel model = estimate_markov_model(counts);
  EXPECT_EQ(model.set.states, (std::vector<int>{1, 3}));
  EXPECT_DOUBLE_EQ(model.set.dropped_weight, 6.5);
  EXPECT_DOUBLE_EQ(model.set.dropped_population, 5.0 / 16);
  EXPECT_NEAR(probability(model.model, 0, 1), 0.4, 1e-15);
  EXPECT_NEAR(probability(model.model, 1, 0), 4 / 4.5, 1e-15);
  EXPECT_THROW(estimate_markov_model({2, {}}), Error);
  EXPECT_THROW(estimate_markov_model({2, {{0, 1, -1}}}), Error);
  EXPECT_THROW(estimate_markov_model({2, {{0, 2, 1}}}), Error);
  EXPECT_THROW(estimate_markov_model({2, {{0, 1, INFINITY}, {1, 0, 1}}}), Error);
}

TEST(FixedStationary, ThreeStates) {
  // T of the convex problem for the counts mle_c3; 8 digits.
  const double golden[3][3] = {{0.57396429, 0.16338494, 0.26265077}, {0.10892329, 0.69083184, 0.20024487}, {0.10506031, 0.12014692, 0.77479277}};
  const std::vector<double> values = golden_numbers("reversible_mle/mle_c3_C.dat");
  for (const std::vector<int>& order : {std::vector<int>{0, 1, 2}, std::vector<int>{2, 0, 1}})
    for (const double factor : {1.0, 1e6, 1e-3}) {
      std::vector<double> pi(3);
      for (std::size_t i = 0; i < 3; ++i) pi[static_cast<std::size_t>(order[i])] = 2 * (i == 0 ? 0.2 : i == 1 ? 0.3 : 0.5);
      const ReversibleModel model = estimate_with_stationary(counts_of(values, order, factor), pi);
      EXPECT_TRUE(model.converged) << model.max_residual;
      EXPECT_LE(model.max_residual, 1e-12);
      EXPECT_LE(model.max_imbalance, 1e-15);
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
          EXPECT_NEAR(probability(model, order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]), golden[i][j], 1e-7);
    }
}

// With the probabilities of the free estimate prescribed, the model is that estimate.
TEST(FixedStationary, OfTheUnconstrainedMaximum) {
  for (const char* name : {"reversible_mle/mle_c3_C.dat", "reversible_mle/mle_hard5_C.dat"}) {
    const CountMatrix counts = counts_of(golden_numbers(name));
    const ReversibleModel free = estimate_reversible(counts), fixed = estimate_with_stationary(counts, free.pi);
    EXPECT_TRUE(fixed.converged) << fixed.max_residual;
    for (const Transition& t : free.transitions) EXPECT_NEAR(probability(fixed, t.from, t.to), t.probability, 1e-9);
  }
}

// States that were never seen to stay: what the rows lack is staying. Two states, pi prescribed: T_12 pi_1 = T_21 pi_2 and as
// large as rows allow.
TEST(FixedStationary, BoundWhereNothingStays) {
  const ReversibleModel model = estimate_with_stationary({2, {{0, 1, 5}, {1, 0, 5}}}, std::vector<double>{0.25, 0.75});
  EXPECT_TRUE(model.converged) << model.max_residual;
  EXPECT_NEAR(probability(model, 0, 1), 1, 1e-12);
  EXPECT_NEAR(probability(model, 1, 0), 1.0 / 3, 1e-12);
  EXPECT_NEAR(probability(model, 1, 1), 2.0 / 3, 1e-12);
  EXPECT_THROW(estimate_with_stationary({2, {{0, 1, 5}, {1, 0, 5}}}, std::vector<double>{0, 1}), Error);
  EXPECT_THROW(estimate_with_stationary({2, {{0, 1, 5}, {1, 0, 5}}}, std::vector<double>{1}), Error);
}

TEST(FreeModel, RowsOfCounts) {
  const ReversibleModel model = estimate_free(counts_of({0, 3, 1, 2, 1, 1, 4, 0, 4}));
  EXPECT_NEAR(probability(model, 0, 1), 0.75, 1e-15);
  EXPECT_NEAR(probability(model, 2, 0), 0.5, 1e-15);
  for (const double p : model.pi) EXPECT_NEAR(p, 1 / 3.0, 1e-15);  // columns sum to one as rows do
  EXPECT_NEAR(model.max_imbalance, 0.25 / 3, 1e-15);
}

TEST(FreeModel, RowsAreDirichlet) {
  const std::vector<double> alpha{1, 2, 1}, covariance = dirichlet_covariance(alpha);
  const std::vector<double> exact{3, -2, -1, -2, 4, -2, -1, -2, 3};
  for (std::size_t k = 0; k < 9; ++k) EXPECT_NEAR(covariance[k], exact[k] / 80, 1e-16);
  Random random(31, 1);
  std::vector<double> sum(9, 0.0);
  const int samples = 40000;
  for (int k = 0; k < samples; ++k) {
    const std::vector<Transition> t = sample_free({3, {{0, 2, 1}, {0, 0, 1}, {0, 1, 2}, {1, 0, 3}, {2, 0, 2}}}, random);
    ASSERT_EQ(t.size(), 5u);
    EXPECT_NEAR(t[0].probability + t[1].probability + t[2].probability, 1, 1e-14);
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 3; ++j) sum[i * 3 + j] += (t[i].probability - alpha[i] / 4) * (t[j].probability - alpha[j] / 4) / samples;
  }
  // The deviation of a product of two such deviates is below 0.07.
  for (std::size_t k = 0; k < 9; ++k) EXPECT_NEAR(sum[k], exact[k] / 80, 5 * 0.07 / std::sqrt(samples));
}

TEST(LaplaceErrors, ThreeStates) {
  // Standard deviations of ln T_ij by the full Hessian; 8 digits.
  const double golden[3][3] = {{0.18257419, 0.51236359, 0.45049775}, {0.4248116, 0.12456822, 0.36937971}, {0.3306421, 0.3364711, 0.08050765}};
  const std::vector<double> values = golden_numbers("reversible_mle/mle_c3_C.dat");
  for (const std::vector<int>& order : {std::vector<int>{0, 1, 2}, std::vector<int>{1, 2, 0}})
    for (const double factor : {1.0, 100.0}) {
      const CountMatrix counts = counts_of(values, order, factor);
      const LaplaceErrors errors(counts, estimate_reversible(counts));
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) {
          const auto deviation = errors.ln_probability_deviation(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]);
          ASSERT_TRUE(deviation);
          EXPECT_NEAR(*deviation * std::sqrt(factor) / golden[i][j], 1, 1e-6);
        }
    }
}

TEST(LaplaceErrors, TwoStates) {
  // Beta posteriors: var ln p12 = 1/C12 - 1/c1 to leading order = (1 - p)/C12.
  const CountMatrix counts{2, {{0, 0, 9000}, {0, 1, 1000}, {1, 0, 500}, {1, 1, 1500}}};
  const ReversibleModel model = estimate_reversible(counts);
  const LaplaceErrors errors(counts, model);
  const double a = 0.9 / 1000, b = 0.75 / 500;  // variances of ln p12, ln p21
  EXPECT_NEAR(*errors.ln_probability_deviation(0, 1), std::sqrt(a), 1e-9);
  EXPECT_NEAR(*errors.ln_probability_deviation(1, 0), std::sqrt(b), 1e-9);
  // pi_1 = p21/(p12 + p21): d ln pi_1 = pi_2 (d ln p21 - d ln p12); mu = p12 + p21.
  EXPECT_NEAR(errors.ln_stationary_deviation(0), model.pi[1] * std::sqrt(a + b), 1e-9);
  const SlowModes modes = slow_modes(2, model.transitions, model.pi, 1);
  EXPECT_NEAR(errors.ln_mu_deviation(modes.mu[0], modes.psi[0]), std::sqrt(a * 0.01 + b * 0.0625) / 0.35, 1e-9);
}

double mean_of(const std::vector<double>& x) {
  double sum = 0;
  for (const double value : x) sum += value;
  return sum / static_cast<double>(x.size());
}

double variance_of(const std::vector<double>& x) {
  const double mean = mean_of(x);
  double sum = 0;
  for (const double value : x) sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(x.size() - 1);
}

// Two states: p12 ~ Beta(C12, C11), p21 ~ Beta(C21, C22), independent. Means and variances within five standard errors of
// the samples that the series are worth; one count in one direction only is one of the cases.
TEST(ReversiblePosterior, TwoStatesAreBeta) {
  for (const std::vector<double>& c : {std::vector<double>{30, 4, 7, 12}, std::vector<double>{3, 1, 2, 2}, std::vector<double>{2000, 5, 900, 10}}) {
    const CountMatrix counts{2, {{0, 0, c[0]}, {0, 1, c[1]}, {1, 0, c[2]}, {1, 1, c[3]}}};
    ReversiblePosterior posterior(counts, estimate_reversible(counts), Random(11, 1));
    std::vector<double> p, q;
    for (int k = 0; k < 40000; ++k) {
      posterior.sweep();
      const std::vector<Transition> t = posterior.transitions();
      p.push_back(t[1].probability);
      q.push_back(t[2].probability);
    }
    double product = 0;
    for (const auto& [series, a, b] : {std::tuple(&p, c[1], c[0]), std::tuple(&q, c[2], c[3])}) {
      const double n = effective_sample_size(*series), mean = a / (a + b), variance = a * b / ((a + b) * (a + b) * (a + b + 1));
      EXPECT_GT(n, 400);
      EXPECT_NEAR(mean_of(*series), mean, 5 * std::sqrt(variance / n)) << a << " " << b;
      std::vector<double> square;
      for (const double x : *series) square.push_back((x - mean) * (x - mean));
      EXPECT_NEAR(variance_of(*series), variance, 5 * std::sqrt(variance_of(square) / effective_sample_size(square))) << a << " " << b;
    }
    for (std::size_t k = 0; k < p.size(); ++k) product += (p[k] - c[1] / (c[0] + c[1])) * (q[k] - c[2] / (c[2] + c[3]));
    product /= static_cast<double>(p.size()) * std::sqrt(variance_of(p) * variance_of(q));
    EXPECT_NEAR(product, 0, 5 / std::sqrt(std::min(effective_sample_size(p), effective_sample_size(q))));
  }
}

// Many counts: the posterior is the Gaussian of the Laplace approximation. Pairs counted in one direction only included.
TEST(ReversiblePosterior, AgreesWithLaplace) {
  const CountMatrix counts{4, {{0, 0, 9000}, {0, 1, 700}, {1, 0, 640}, {1, 1, 5000}, {1, 2, 900}, {2, 1, 800}, {2, 2, 4000}, {2, 3, 900}, {3, 2, 500},
                               {3, 3, 2000}, {3, 0, 450}}};
  const ReversibleModel model = estimate_reversible(counts);
  const LaplaceErrors errors(counts, model);
  ReversiblePosterior posterior(counts, model, Random(12, 1));
  std::vector<double> ln_t, ln_pi, ln_mu;
  for (int k = 0; k < 20000; ++k) {
    posterior.sweep();
    const std::vector<Transition> t = posterior.transitions();
    const std::vector<double> pi = posterior.stationary();
    for (const Transition& entry : t)
      if (entry.from == 0 && entry.to == 3) ln_t.push_back(std::log(entry.probability));
    ln_pi.push_back(std::log(pi[2]));
    ln_mu.push_back(std::log(slow_modes(4, t, pi, 1).mu[0]));
  }
  const SlowModes modes = slow_modes(4, model.transitions, model.pi, 1);
  for (const auto& [series, deviation] : {std::pair(&ln_t, *errors.ln_probability_deviation(0, 3)), std::pair(&ln_pi, errors.ln_stationary_deviation(2)),
                                          std::pair(&ln_mu, errors.ln_mu_deviation(modes.mu[0], modes.psi[0]))}) {
    const double n = effective_sample_size(*series);
    EXPECT_GT(n, 500);
    // Standard error of a standard deviation, and the next order of the expansion, a few per cent at 450 counts.
    EXPECT_NEAR(std::sqrt(variance_of(*series)) / deviation, 1, 5 / std::sqrt(2 * n) + 0.03);
  }
}

TEST(EffectiveSampleSize, OfAnAutoregressiveSeries) {
  // x_t = a x_{t-1} + noise: n (1 - a)/(1 + a).
  Random random(13, 1);
  for (const double a : {0.0, 0.5, 0.9}) {
    std::vector<double> series{0};
    while (series.size() < 100000) series.push_back(a * series.back() + random.normal());
    EXPECT_NEAR(effective_sample_size(series) / 100000 * (1 + a) / (1 - a), 1, 0.15) << a;
  }
  EXPECT_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_EQ(quantile({3, 1, 2}, 0.25), 1.5);
}

}  // namespace
}  // namespace saltus::kinetics
