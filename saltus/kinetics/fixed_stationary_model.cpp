#include "saltus/kinetics/fixed_stationary_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include <Eigen/IterativeLinearSolvers>
#include <Eigen/SparseCholesky>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

namespace {

struct Pair {
  std::size_t i, j;  // i < j
  double s;
};

struct Problem {
  std::vector<Pair> pairs;
  std::vector<double> pi, staying, c;  // staying: C_ii
};

double objective(const Problem& problem, const std::vector<double>& w) {
  double g = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    g += problem.pi[i] * w[i];
    if (problem.staying[i] > 0) g -= problem.staying[i] * std::log(w[i]);
  }
  for (const Pair& pair : problem.pairs) g -= pair.s * std::log(w[pair.i] + w[pair.j]);
  return std::isnan(g) ? std::numeric_limits<double>::infinity() : g;
}

// pi_i (1 - row sum of T), in extended precision.
std::vector<double> gradient(const Problem& problem, const std::vector<double>& w) {
  std::vector<long double> g(problem.pi.begin(), problem.pi.end());
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (problem.staying[i] > 0) g[i] -= static_cast<long double>(problem.staying[i]) / w[i];
  }
  for (const Pair& pair : problem.pairs) {
    const long double flux = pair.s / (static_cast<long double>(w[pair.i]) + w[pair.j]);
    g[pair.i] -= flux;
    g[pair.j] -= flux;
  }
  return {g.begin(), g.end()};
}

// Largest violation per row; rows at the bound may have a sum below one.
double violation(const Problem& problem, const std::vector<double>& w, const std::vector<double>& g) {
  double worst = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double h = g[i] / problem.pi[i];
    worst = std::max(worst, w[i] > 0 ? std::abs(h) : std::max(0.0, -h));
  }
  return worst;
}

std::vector<double> newton_step(const Problem& problem, const std::vector<double>& w, const std::vector<double>& g,
                                const std::vector<bool>& held) {
  // Variables scaled by w: step_i = w_i x_i keeps the matrix well scaled over decades of w.
  const std::size_t n = w.size();
  std::vector<int> place(n, -1);
  int free = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!held[i]) place[i] = free++;
  }
  if (free == 0) return std::vector<double>(n, 0.0);
  const auto scale = [&](std::size_t i) { return w[i] > 0 ? w[i] : problem.c[i] / problem.pi[i]; };
  std::vector<double> diagonal(static_cast<std::size_t>(free), 0.0);
  std::vector<Eigen::Triplet<double>> triplets;
  for (std::size_t i = 0; i < n; ++i) {
    if (place[i] >= 0) diagonal[static_cast<std::size_t>(place[i])] += problem.staying[i];
  }
  for (const Pair& pair : problem.pairs) {
    const double sum = w[pair.i] + w[pair.j], a = scale(pair.i) / sum, b = scale(pair.j) / sum;
    const int pi = place[pair.i], pj = place[pair.j];
    if (pi >= 0) diagonal[static_cast<std::size_t>(pi)] += pair.s * a * a;
    if (pj >= 0) diagonal[static_cast<std::size_t>(pj)] += pair.s * b * b;
    if (pi >= 0 && pj >= 0) triplets.emplace_back(std::max(pi, pj), std::min(pi, pj), pair.s * a * b);
  }
  Eigen::VectorXd rhs(free);
  for (std::size_t i = 0; i < n; ++i) {
    if (place[i] < 0) continue;
    rhs(place[i]) = -g[i] * scale(i);
    // A bipartite network without staying leaves the alternating direction free: a little of the identity.
    triplets.emplace_back(place[i], place[i], diagonal[static_cast<std::size_t>(place[i])] * (1 + 1e-14));
  }
  Eigen::SparseMatrix<double> matrix(free, free);
  matrix.setFromTriplets(triplets.begin(), triplets.end());
  Eigen::VectorXd x;
  if (free <= 3000) {
    const Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>, Eigen::Lower> factor(matrix);
    x = factor.solve(rhs);
  } else {
    Eigen::ConjugateGradient<Eigen::SparseMatrix<double>, Eigen::Lower> solver(matrix);
    solver.setTolerance(1e-10);
    solver.setMaxIterations(2000);
    x = solver.solve(rhs);
  }
  std::vector<double> step(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    if (place[i] >= 0) step[i] = scale(i) * x(place[i]);
  }
  return step;
}

Problem gather(const CountMatrix& counts, std::span<const double> stationary) {
  const auto n = static_cast<std::size_t>(counts.n_states);
  if (n == 0) throw Error(ErrorKind::usage, "count matrix: no states");
  if (stationary.size() != n) throw Error(ErrorKind::usage, "stationary probabilities: one per state is needed");
  Problem problem;
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!(stationary[i] > 0) || !std::isfinite(stationary[i])) {
      throw Error(ErrorKind::usage, "stationary probabilities: that of state " + std::to_string(i) + " is not positive");
    }
    sum += stationary[i];
  }
  for (const double p : stationary) problem.pi.push_back(p / sum);
  problem.staying.assign(n, 0.0);
  problem.c.assign(n, 0.0);
  std::map<std::pair<std::size_t, std::size_t>, double> joined;
  for (const CountEntry& entry : counts.entries) {
    if (entry.from < 0 || entry.to < 0 || entry.from >= counts.n_states || entry.to >= counts.n_states) {
      throw Error(ErrorKind::usage, "count matrix: state out of range");
    }
    if (!(entry.count >= 0) || !std::isfinite(entry.count)) {
      throw Error(ErrorKind::usage, "count matrix: counts must be finite and not negative");
    }
    if (entry.count == 0) continue;
    const auto i = static_cast<std::size_t>(entry.from), j = static_cast<std::size_t>(entry.to);
    problem.c[i] += entry.count;
    if (i == j) {
      problem.staying[i] += entry.count;
    } else {
      joined[{std::min(i, j), std::max(i, j)}] += entry.count;
    }
  }
  for (const auto& [key, s] : joined) problem.pairs.push_back({key.first, key.second, s});
  for (std::size_t i = 0; i < n; ++i) {
    if (!(problem.c[i] > 0)) {
      throw Error(ErrorKind::usage, "count matrix: state " + std::to_string(i) +
                                        " is never left nor held; keep only the largest connected set");
    }
  }
  return problem;
}

}  // namespace

ReversibleModel estimate_with_stationary(const CountMatrix& counts, std::span<const double> stationary,
                                         const ReversibleSettings& settings) {
  const Problem problem = gather(counts, stationary);
  const std::size_t n = problem.pi.size();
  ReversibleModel model;
  model.n_states = counts.n_states;
  model.row_count = problem.c;
  std::vector<double> w;
  for (std::size_t i = 0; i < n; ++i) w.push_back(problem.c[i] / problem.pi[i]);
  std::vector<double> g = gradient(problem, w);
  double f = objective(problem, w), worst = violation(problem, w, g);
  while (model.iterations < settings.max_iterations && worst > 0) {
    std::vector<bool> held(n, false);
    for (std::size_t i = 0; i < n; ++i) {
      held[i] = problem.staying[i] == 0 && g[i] > 0 && w[i] <= 1e-12 * problem.c[i] / problem.pi[i];
    }
    const std::vector<double> step = newton_step(problem, w, g, held);
    double slope = 0;
    for (std::size_t i = 0; i < n; ++i) slope += g[i] * step[i];
    const bool resolved = -slope > 1e-10 * (std::abs(f) + 1e-300);
    bool accepted = false;
    double size = 1;
    for (int halving = 0; halving < 60 && !accepted; ++halving, size /= 2) {
      std::vector<double> trial(n);
      for (std::size_t i = 0; i < n; ++i) {
        trial[i] = held[i] ? 0 : w[i] + size * step[i];
        // Logarithms keep w of staying states above zero: not more than a factor of ten at once.
        if (problem.staying[i] > 0) trial[i] = std::max(trial[i], 0.1 * w[i]);
        trial[i] = std::max(trial[i], 0.0);
      }
      const double trial_f = objective(problem, trial);
      if (!std::isfinite(trial_f)) continue;
      std::vector<double> trial_g = gradient(problem, trial);
      const double trial_worst = violation(problem, trial, trial_g);
      if (!std::isfinite(trial_worst)) continue;
      if (resolved ? trial_f <= f + 1e-4 * size * slope : trial_worst < worst) {
        w = std::move(trial);
        g = std::move(trial_g);
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
  model.max_residual = model.max_relative_residual = worst;
  model.converged = worst <= settings.tolerance;
  model.pi = problem.pi;
  for (const double p : model.pi) model.ln_pi.push_back(std::log(p));
  std::vector<double> leaving(n, 0.0);
  for (const Pair& pair : problem.pairs) {
    const double flux = pair.s / (w[pair.i] + w[pair.j]);
    const double forth = flux / problem.pi[pair.i], back = flux / problem.pi[pair.j];
    model.transitions.push_back({static_cast<int>(pair.i), static_cast<int>(pair.j), forth});
    model.transitions.push_back({static_cast<int>(pair.j), static_cast<int>(pair.i), back});
    leaving[pair.i] += forth;
    leaving[pair.j] += back;
    model.max_imbalance = std::max(model.max_imbalance, std::abs(model.pi[pair.i] * forth - model.pi[pair.j] * back));
  }
  for (std::size_t i = 0; i < n; ++i) {
    const double stay = 1 - leaving[i];
    // Without counts of staying the rest is rounding, unless the bound holds there.
    if (stay > 0 && (problem.staying[i] > 0 || stay > 1e-13)) model.transitions.push_back({static_cast<int>(i), static_cast<int>(i), stay});
  }
  std::sort(model.transitions.begin(), model.transitions.end(),
            [](const Transition& a, const Transition& b) { return a.from != b.from ? a.from < b.from : a.to < b.to; });
  return model;
}

}  // namespace saltus::kinetics
