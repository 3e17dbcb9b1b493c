#include "saltus/kinetics/reversible_model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/laplacian.hpp"

namespace saltus::kinetics {

namespace {

// Metastable counts are ill conditioned: residuals are summed in extended precision, so that pi keeps the digits of double.
using Wide = long double;

struct Pair {
  std::size_t i, j;  // i < j
  Wide s;            // S_ij
};

struct Problem {
  std::vector<Pair> pairs;
  std::vector<Wide> c, leaving;  // c_i, c_i - C_ii
};

// c_i + c_j e^{u_i - u_j}
Wide denominator(const Problem& problem, std::size_t i, std::size_t j, const std::vector<double>& u) {
  return problem.c[i] + problem.c[j] * std::exp(static_cast<Wide>(u[i]) - static_cast<Wide>(u[j]));
}

Problem gather(const CountMatrix& counts) {
  const auto n = static_cast<std::size_t>(counts.n_states);
  Problem problem;
  problem.c.assign(n, 0);
  problem.leaving.assign(n, 0);
  std::vector<Pair> all;
  for (const CountEntry& entry : counts.entries) {
    if (entry.from < 0 || entry.to < 0 || entry.from >= counts.n_states || entry.to >= counts.n_states) {
      throw Error(ErrorKind::usage, "count matrix: state out of range");
    }
    if (!(entry.count >= 0) || !std::isfinite(entry.count)) {
      throw Error(ErrorKind::usage, "count matrix: counts must be finite and not negative");
    }
    const auto i = static_cast<std::size_t>(entry.from), j = static_cast<std::size_t>(entry.to);
    problem.c[i] += entry.count;
    if (i != j && entry.count > 0) {
      problem.leaving[i] += entry.count;
      all.push_back({std::min(i, j), std::max(i, j), entry.count});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Pair& a, const Pair& b) { return a.i != b.i ? a.i < b.i : a.j < b.j; });
  for (const Pair& pair : all) {
    if (!problem.pairs.empty() && problem.pairs.back().i == pair.i && problem.pairs.back().j == pair.j) {
      problem.pairs.back().s += pair.s;
    } else {
      problem.pairs.push_back(pair);
    }
  }
  std::vector<std::size_t> root(n);  // of the tree each state is in
  std::iota(root.begin(), root.end(), std::size_t{0});
  const auto find = [&](std::size_t i) {
    while (root[i] != i) i = root[i] = root[root[i]];
    return i;
  };
  std::size_t trees = n;
  for (const Pair& pair : problem.pairs) {
    const std::size_t a = find(pair.i), b = find(pair.j);
    if (a != b) --trees;
    root[a] = b;
  }
  if (trees > 1) throw Error(ErrorKind::numeric, "count matrix: not connected; keep only the largest connected set");
  for (std::size_t i = 0; i < n; ++i) {
    if (!(problem.c[i] > 0)) {
      throw Error(ErrorKind::usage, "count matrix: state " + std::to_string(i) +
                                        " is never left nor held; keep only the largest connected set");
    }
  }
  return problem;
}

double objective(const Problem& problem, const std::vector<double>& u) {
  double f = 0;
  std::vector<double> log_count;
  for (std::size_t i = 0; i < u.size(); ++i) {
    log_count.push_back(std::log(static_cast<double>(problem.c[i])));
    f += static_cast<double>(problem.leaving[i]) * u[i];
  }
  for (const Pair& pair : problem.pairs) {
    const double a = log_count[pair.i] - u[pair.i], b = log_count[pair.j] - u[pair.j];
    f += static_cast<double>(pair.s) * (std::max(a, b) + std::log1p(std::exp(-std::abs(a - b))));
  }
  return f;
}

// h_i = sum_j T_ij - 1; the gradient is -c_i h_i.
std::vector<double> residual(const Problem& problem, const std::vector<double>& u) {
  std::vector<Wide> h(u.size());
  for (std::size_t i = 0; i < u.size(); ++i) h[i] = -problem.leaving[i] / problem.c[i];
  for (const Pair& pair : problem.pairs) {
    h[pair.i] += pair.s / denominator(problem, pair.i, pair.j, u);
    h[pair.j] += pair.s / denominator(problem, pair.j, pair.i, u);
  }
  return {h.begin(), h.end()};
}

// Largest |h_i| over the probability of leaving i: staying states must not hide what moves.
double largest_relative(const Problem& problem, const std::vector<double>& h) {
  double result = 0;
  for (std::size_t i = 0; i < h.size(); ++i) {
    if (problem.leaving[i] > 0) {
      result = std::max(result, std::abs(h[i]) * static_cast<double>(problem.c[i] / problem.leaving[i]));
    } else if (h[i] != 0) {
      result = std::max(result, std::abs(h[i]));
    }
  }
  return result;
}

std::vector<double> newton_step(const Problem& problem, const std::vector<double>& u, const std::vector<double>& h) {
  std::vector<WeightedEdge> edges;
  edges.reserve(problem.pairs.size());
  for (const Pair& pair : problem.pairs) {
    const double log_ratio = static_cast<double>(std::log(problem.c[pair.j] / problem.c[pair.i])) + u[pair.i] - u[pair.j];
    const double q = std::exp(-std::abs(log_ratio));
    const double weight = static_cast<double>(pair.s) * q / ((1 + q) * (1 + q));
    edges.push_back({static_cast<int>(pair.i), static_cast<int>(pair.j), weight});
  }
  std::vector<double> rhs(u.size());
  for (std::size_t i = 0; i < u.size(); ++i) rhs[i] = static_cast<double>(problem.c[i]) * h[i];
  return solve_laplacian(static_cast<int>(u.size()), edges, rhs, 1);
}

void finish(const Problem& problem, ReversibleModel& model) {
  const std::size_t n = model.ln_pi.size();
  const double top = *std::max_element(model.ln_pi.begin(), model.ln_pi.end());
  double sum = 0;
  for (const double u : model.ln_pi) sum += std::exp(u - top);
  for (double& u : model.ln_pi) u -= top + std::log(sum);
  model.pi.resize(n);
  for (std::size_t i = 0; i < n; ++i) model.pi[i] = std::exp(model.ln_pi[i]);
  std::vector<double> leaving(n, 0.0);
  for (const Pair& pair : problem.pairs) {
    const auto forth = static_cast<double>(pair.s / denominator(problem, pair.i, pair.j, model.ln_pi));
    const auto back = static_cast<double>(pair.s / denominator(problem, pair.j, pair.i, model.ln_pi));
    model.transitions.push_back({static_cast<int>(pair.i), static_cast<int>(pair.j), forth});
    model.transitions.push_back({static_cast<int>(pair.j), static_cast<int>(pair.i), back});
    leaving[pair.i] += forth;
    leaving[pair.j] += back;
    model.max_imbalance = std::max(model.max_imbalance, std::abs(model.pi[pair.i] * forth - model.pi[pair.j] * back));
  }
  for (std::size_t i = 0; i < n; ++i) {
    const double stay = std::max(0.0, 1 - leaving[i]);
    if (stay > 0) model.transitions.push_back({static_cast<int>(i), static_cast<int>(i), stay});
  }
  std::sort(model.transitions.begin(), model.transitions.end(),
            [](const Transition& a, const Transition& b) { return a.from != b.from ? a.from < b.from : a.to < b.to; });
}

}  // namespace

ReversibleModel estimate_reversible(const CountMatrix& counts, std::span<const double> start_ln_pi,
                                    const ReversibleSettings& settings) {
  const Problem problem = gather(counts);
  const std::size_t n = problem.c.size();
  ReversibleModel model;
  model.n_states = counts.n_states;
  model.row_count.assign(problem.c.begin(), problem.c.end());
  if (n == 0) throw Error(ErrorKind::usage, "count matrix: no states");
  std::vector<double> u(start_ln_pi.begin(), start_ln_pi.end());
  if (u.empty()) {
    for (const double c : model.row_count) u.push_back(std::log(c));
  }
  if (u.size() != n) throw Error(ErrorKind::usage, "reversible estimate: the start must have one value per state");

  std::vector<double> h = residual(problem, u);
  double worst = largest_relative(problem, h), f = objective(problem, u);
  while (model.iterations < settings.max_iterations && worst > 0) {
    const std::vector<double> step = newton_step(problem, u, h);
    double slope = 0;  // derivative of f along the step
    for (std::size_t i = 0; i < n; ++i) slope -= static_cast<double>(problem.c[i]) * h[i] * step[i];
    // Where f can no longer resolve the gain, the residual decides.
    const bool resolved = -slope > 1e-10 * (std::abs(f) + 1e-300);
    // The logarithms of f are smooth on a scale of one in u_i - u_j: no step goes much beyond.
    double reach = 0;
    for (const Pair& pair : problem.pairs) reach = std::max(reach, std::abs(step[pair.i] - step[pair.j]));
    double size = std::min(1.0, 3 / reach);
    bool accepted = false;
    for (int halving = 0; halving < 60 && !accepted; ++halving, size /= 2) {
      std::vector<double> trial(n);
      for (std::size_t i = 0; i < n; ++i) trial[i] = u[i] + size * step[i];
      const double trial_f = objective(problem, trial);
      std::vector<double> trial_h = residual(problem, trial);
      const double trial_worst = largest_relative(problem, trial_h);
      if (resolved ? trial_f <= f + 1e-4 * size * slope : trial_worst < worst) {
        u = std::move(trial);
        h = std::move(trial_h);
        f = trial_f;
        worst = trial_worst;
        accepted = true;
      } else if (!resolved && worst <= settings.tolerance) {
        break;
      }
    }
    if (!accepted) break;
    ++model.iterations;
  }
  for (const double value : h) model.max_residual = std::max(model.max_residual, std::abs(value));
  model.max_relative_residual = worst;
  model.converged = worst <= settings.tolerance;
  model.ln_pi = std::move(u);
  finish(problem, model);
  return model;
}

}  // namespace saltus::kinetics
