#include "saltus/kinetics/reversible_model.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/laplacian.hpp"

namespace saltus::kinetics {

namespace {

struct Pair {
  std::size_t i, j;  // i < j
  double s;          // S_ij
};

struct Problem {
  std::vector<Pair> pairs;
  std::vector<double> c, self;  // c_i, C_ii
};

Problem gather(const CountMatrix& counts) {
  const auto n = static_cast<std::size_t>(counts.n_states);
  Problem problem;
  problem.c.assign(n, 0.0);
  problem.self.assign(n, 0.0);
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
    if (i == j) {
      problem.self[i] += entry.count;
    } else if (entry.count > 0) {
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
  for (const Pair& pair : problem.pairs) {
    const double a = std::log(problem.c[pair.i]) - u[pair.i], b = std::log(problem.c[pair.j]) - u[pair.j];
    f += pair.s * (std::max(a, b) + std::log1p(std::exp(-std::abs(a - b))));
  }
  for (std::size_t i = 0; i < u.size(); ++i) f += (problem.c[i] - problem.self[i]) * u[i];
  return f;
}

// h_i = sum_j T_ij - 1; the gradient is -c_i h_i.
std::vector<double> residual(const Problem& problem, const std::vector<double>& u) {
  std::vector<double> h(u.size());
  for (std::size_t i = 0; i < u.size(); ++i) h[i] = problem.self[i] / problem.c[i] - 1;
  for (const Pair& pair : problem.pairs) {
    const double ratio = std::exp(u[pair.i] - u[pair.j]);
    h[pair.i] += pair.s / (problem.c[pair.i] + problem.c[pair.j] * ratio);
    h[pair.j] += pair.s / (problem.c[pair.j] + problem.c[pair.i] / ratio);
  }
  return h;
}

double largest(const std::vector<double>& values) {
  double result = 0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

std::vector<double> newton_step(const Problem& problem, const std::vector<double>& u, const std::vector<double>& h) {
  std::vector<WeightedEdge> edges;
  edges.reserve(problem.pairs.size());
  for (const Pair& pair : problem.pairs) {
    const double q = problem.c[pair.j] / problem.c[pair.i] * std::exp(u[pair.i] - u[pair.j]);
    const double weight = q > 1 ? pair.s / q / ((1 + 1 / q) * (1 + 1 / q)) : pair.s * q / ((1 + q) * (1 + q));
    edges.push_back({static_cast<int>(pair.i), static_cast<int>(pair.j), weight});
  }
  std::vector<double> rhs(u.size());
  for (std::size_t i = 0; i < u.size(); ++i) rhs[i] = problem.c[i] * h[i];
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
    const double ratio = std::exp(model.ln_pi[pair.i] - model.ln_pi[pair.j]);
    const double forth = pair.s / (problem.c[pair.i] + problem.c[pair.j] * ratio);
    const double back = pair.s / (problem.c[pair.j] + problem.c[pair.i] / ratio);
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
  model.row_count = problem.c;
  if (n == 0) throw Error(ErrorKind::usage, "count matrix: no states");
  std::vector<double> u(start_ln_pi.begin(), start_ln_pi.end());
  if (u.empty()) {
    for (const double c : problem.c) u.push_back(std::log(c));
  }
  if (u.size() != n) throw Error(ErrorKind::usage, "reversible estimate: the start must have one value per state");

  std::vector<double> h = residual(problem, u);
  double worst = largest(h), f = objective(problem, u);
  while (model.iterations < settings.max_iterations && worst > 0) {
    const std::vector<double> step = newton_step(problem, u, h);
    double slope = 0;  // derivative of f along the step
    for (std::size_t i = 0; i < n; ++i) slope -= problem.c[i] * h[i] * step[i];
    // Where f can no longer resolve the gain, the residual decides.
    const bool resolved = -slope > 1e-10 * (std::abs(f) + 1e-300);
    double size = 1;
    bool accepted = false;
    for (int halving = 0; halving < 60 && !accepted; ++halving, size /= 2) {
      std::vector<double> trial(n);
      for (std::size_t i = 0; i < n; ++i) trial[i] = u[i] + size * step[i];
      const double trial_f = objective(problem, trial);
      std::vector<double> trial_h = residual(problem, trial);
      const double trial_worst = largest(trial_h);
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
  model.max_residual = worst;
  model.converged = worst <= settings.tolerance;
  model.ln_pi = std::move(u);
  finish(problem, model);
  return model;
}

}  // namespace saltus::kinetics
