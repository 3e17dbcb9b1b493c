#include "saltus/kinetics/free_model.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/stationary_distribution.hpp"

namespace saltus::kinetics {

ReversibleModel estimate_free(const CountMatrix& counts) {
  if (counts.n_states < 1) throw Error(ErrorKind::usage, "count matrix: no states");
  if (counts.n_states > 5000) {
    throw Error(ErrorKind::unsupported, "a model without detailed balance of " + std::to_string(counts.n_states) +
                                            " states: at most 5000; take the reversible one");
  }
  const auto n = static_cast<std::size_t>(counts.n_states);
  ReversibleModel model;
  model.n_states = counts.n_states;
  model.row_count.assign(n, 0.0);
  std::vector<double> t(n * n, 0.0);
  for (const CountEntry& entry : counts.entries) {
    if (entry.from < 0 || entry.to < 0 || entry.from >= counts.n_states || entry.to >= counts.n_states) {
      throw Error(ErrorKind::usage, "count matrix: state out of range");
    }
    if (!(entry.count >= 0) || !std::isfinite(entry.count)) {
      throw Error(ErrorKind::usage, "count matrix: counts must be finite and not negative");
    }
    const auto i = static_cast<std::size_t>(entry.from);
    t[i * n + static_cast<std::size_t>(entry.to)] += entry.count;
    model.row_count[i] += entry.count;
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (!(model.row_count[i] > 0)) {
      throw Error(ErrorKind::usage, "count matrix: state " + std::to_string(i) +
                                        " is never left nor held; keep only the largest connected set");
    }
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j) {
      double& p = t[i * n + j];
      if (p == 0) continue;
      p /= model.row_count[i];
      sum += p;
      model.transitions.push_back({static_cast<int>(i), static_cast<int>(j), p});
    }
    model.max_residual = std::max(model.max_residual, std::abs(sum - 1));
  }
  model.max_relative_residual = model.max_residual;
  model.converged = true;
  model.pi = stationary_distribution(t, model.n_states);
  for (const double p : model.pi) model.ln_pi.push_back(std::log(p));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      model.max_imbalance = std::max(model.max_imbalance, std::abs(model.pi[i] * t[i * n + j] - model.pi[j] * t[j * n + i]));
    }
  }
  return model;
}

std::vector<Transition> sample_free(const CountMatrix& counts, Random& random) {
  std::vector<Transition> result;
  for (const CountEntry& entry : counts.entries) {
    if (entry.count > 0) result.push_back({entry.from, entry.to, entry.count});
  }
  std::sort(result.begin(), result.end(),
            [](const Transition& a, const Transition& b) { return a.from != b.from ? a.from < b.from : a.to < b.to; });
  std::vector<double> sum(static_cast<std::size_t>(counts.n_states), 0.0);
  for (Transition& t : result) sum[static_cast<std::size_t>(t.from)] += t.probability = random.gamma(t.probability);
  for (Transition& t : result) t.probability /= sum[static_cast<std::size_t>(t.from)];
  return result;
}

std::vector<double> dirichlet_covariance(std::span<const double> alpha) {
  double total = 0;
  for (const double a : alpha) total += a;
  std::vector<double> covariance;
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    for (std::size_t j = 0; j < alpha.size(); ++j) {
      covariance.push_back(((i == j ? alpha[i] * total : 0) - alpha[i] * alpha[j]) / (total * total * (total + 1)));
    }
  }
  return covariance;
}

}  // namespace saltus::kinetics
