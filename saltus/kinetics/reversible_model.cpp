#include "saltus/kinetics/reversible_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/laplacian_solver.hpp"

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

// Everything that the formulas say at u = ln pi.
struct Point {
  std::vector<Wide> u;
  std::vector<double> h;         // sum_j T_ij - 1; the gradient is -c_i h_i
  double worst = 0;              // largest |h_i| over the probability of leaving i: staying must not hide what moves
  std::vector<double> weight;    // of the Hessian, a graph Laplacian
};

// The two shares of each pair: c_i pi_j and c_j pi_i over their sum, handed to take(pair, share_j, share_i, pi_i, pi_j, sum);
// T_ij = S_ij pi_j / sum.
template <typename Take>
void for_each_pair(const Problem& problem, const std::vector<Wide>& u, const Take& take) {
  const auto [low, high] = std::minmax_element(u.begin(), u.end());
  // Extended precision spans e^{±11000}; beyond, each pair by itself.
  const bool narrow = *high - *low < 11000;
  std::vector<Wide> p(narrow ? u.size() : 0);
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = std::exp(u[i] - *high);
  for (const Pair& pair : problem.pairs) {
    const Wide p_i = narrow ? p[pair.i] : std::exp(std::clamp<Wide>(u[pair.i] - u[pair.j], -11000, 11000));
    const Wide p_j = narrow ? p[pair.j] : 1;
    const Wide forth = problem.c[pair.i] * p_j, back = problem.c[pair.j] * p_i, inverse = 1 / (forth + back);
    take(pair, forth * inverse, back * inverse, p_i, p_j, inverse);
  }
}

Point evaluate(const Problem& problem, std::vector<Wide> u) {
  Point point;
  const std::size_t n = u.size();
  std::vector<Wide> h(n);
  for (std::size_t i = 0; i < n; ++i) {
    h[i] = -problem.leaving[i] / problem.c[i];
  }
  point.weight.reserve(problem.pairs.size());
  for_each_pair(problem, u, [&](const Pair& pair, Wide share_j, Wide share_i, Wide p_i, Wide p_j, Wide inverse) {
    h[pair.i] += pair.s * p_j * inverse;
    h[pair.j] += pair.s * p_i * inverse;
    point.weight.push_back(std::max(static_cast<double>(pair.s * share_j * share_i), 1e-290));
  });
  for (std::size_t i = 0; i < n; ++i) {
    point.h.push_back(static_cast<double>(h[i]));
    const double scale = problem.leaving[i] > 0 ? static_cast<double>(problem.c[i] / problem.leaving[i]) : 1;
    point.worst = std::max(point.worst, std::abs(point.h[i]) * scale);
    if (std::isnan(point.h[i])) point.worst = std::numeric_limits<double>::infinity();
  }
  point.u = std::move(u);
  return point;
}

double largest_residual(const Point& point) {
  double largest = 0;
  for (const double value : point.h) largest = std::max(largest, std::abs(value));
  return largest;
}

// Newton steps; the approximate elimination behind the conjugate gradients is kept while it serves.
class NewtonSteps {
 public:
  explicit NewtonSteps(const Problem& problem) {
    for (const Pair& pair : problem.pairs) edges_.push_back({static_cast<int>(pair.i), static_cast<int>(pair.j), 1});
  }
  /// bounded: with the least curvature whose parabola lies above each logarithm everywhere, S tanh(d/2)/(2 d) at log ratio d:
  /// never too long, and not stopped by pairs whose own curvature has died away. Reference: Jaakkola and Jordan, Stat.
  /// Comput. 10 (2000) 25.
  std::vector<double> step(const Problem& problem, const Point& point, double tolerance, bool bounded) {
    for (std::size_t e = 0; e < edges_.size(); ++e) {
      edges_[e].weight = point.weight[e];
      if (!bounded) continue;
      const auto s = static_cast<double>(problem.pairs[e].s);
      const double product = point.weight[e] / s;  // of the two shares
      const double less = 2 * product / (1 + std::sqrt(std::max(0.0, 1 - 4 * product))), d = std::log1p(-less) - std::log(less);
      edges_[e].weight = d > 1e-4 ? s * (1 - 2 * less) / (2 * d) : s / 4;
    }
    const bool renew = !solver_ || tired_ || bounded || was_bounded_;
    was_bounded_ = bounded;
    if (!solver_) {
      solver_.emplace(static_cast<int>(point.h.size()), edges_);
    } else {
      solver_->set_weights(edges_, renew);
    }
    std::vector<double> rhs(point.h.size());
    for (std::size_t i = 0; i < rhs.size(); ++i) rhs[i] = static_cast<double>(problem.c[i]) * point.h[i];
    LaplacianSolution solution = solver_->solve(rhs, tolerance);
    const double rate = solution.iterations / -std::log10(std::max(solution.residual, 1e-16));
    if (renew) fresh_rate_ = rate;
    tired_ = !solution.converged || rate > 1.5 * fresh_rate_;
    return std::move(solution.x);
  }

 private:
  std::vector<WeightedEdge> edges_;
  std::optional<LaplacianSolver> solver_;
  double fresh_rate_ = 0;
  bool tired_ = false, was_bounded_ = false;
};

// Derivative of f along a step.
Wide slope(const Problem& problem, const Point& point, const std::vector<double>& step) {
  Wide sum = 0;
  for (std::size_t i = 0; i < step.size(); ++i) sum -= problem.c[i] * point.h[i] * step[i];
  return sum;
}

// Along a step to where f hardly rises again; f being convex, its slope tells that, and with more digits than f itself. `far`:
// on, doubling, as long as f falls steeply. Nothing when the step does not lead down.
std::optional<Point> follow(const Problem& problem, const Point& from, const std::vector<double>& step, double size, bool far) {
  const Wide start = slope(problem, from, step);
  if (!(start < 0)) return std::nullopt;
  const auto at = [&](double length) {
    std::vector<Wide> u(from.u);
    for (std::size_t i = 0; i < u.size(); ++i) u[i] += static_cast<Wide>(length) * step[i];
    return evaluate(problem, std::move(u));
  };
  for (int trial = 0; trial < 60; ++trial) {
    Point point = at(size);
    const Wide here = slope(problem, point, step);
    if (here <= -start / 10) {
      for (Wide last = here; far && last < start / 2 && size < 1e6;) {
        size *= 2;
        Point further = at(size);
        last = slope(problem, further, step);
        if (!(last <= -start / 10)) break;
        point = std::move(further);
      }
      return point;
    }
    // Where a straight line through the slopes crosses zero, but not too near an end.
    const double share = std::isfinite(here) ? static_cast<double>(start / (start - here)) : 0.1;
    size *= std::clamp(share, 0.1, 0.7);
  }
  return std::nullopt;
}

void finish(const Problem& problem, const std::vector<Wide>& u, ReversibleModel& model) {
  const std::size_t n = u.size();
  const Wide top = *std::max_element(u.begin(), u.end());
  Wide sum = 0;
  for (const Wide value : u) sum += std::exp(value - top);
  for (const Wide value : u) {
    model.ln_pi.push_back(static_cast<double>(value - top - std::log(sum)));
    model.pi.push_back(static_cast<double>(std::exp(value - top) / sum));
  }
  std::vector<double> leaving(n, 0.0);
  model.transitions.reserve(2 * problem.pairs.size() + n);
  for_each_pair(problem, u, [&](const Pair& pair, Wide, Wide, Wide p_i, Wide p_j, Wide inverse) {
    const auto forth = static_cast<double>(pair.s * p_j * inverse), back = static_cast<double>(pair.s * p_i * inverse);
    model.transitions.push_back({static_cast<int>(pair.i), static_cast<int>(pair.j), forth});
    model.transitions.push_back({static_cast<int>(pair.j), static_cast<int>(pair.i), back});
    leaving[pair.i] += forth;
    leaving[pair.j] += back;
    model.max_imbalance = std::max(model.max_imbalance, std::abs(model.pi[pair.i] * forth - model.pi[pair.j] * back));
  });
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
  std::vector<Wide> u(start_ln_pi.begin(), start_ln_pi.end());
  if (u.empty()) {
    for (const Wide c : problem.c) u.push_back(std::log(c));
  }
  if (u.size() != n) throw Error(ErrorKind::usage, "reversible estimate: the start must have one value per state");

  NewtonSteps newton(problem);
  Point at = evaluate(problem, std::move(u));
  while (model.iterations < settings.max_iterations && at.worst > 0) {
    const bool close = at.worst <= settings.tolerance && largest_residual(at) <= settings.residual_tolerance;
    // Far from the maximum a rough step does; near it the step is as good as the residual will become.
    const std::vector<double> step = newton.step(problem, at, std::clamp(0.1 * at.worst, 1e-10, 1e-2), false);
    // The logarithms of f are smooth on a scale of one in u_i - u_j: no step goes much beyond.
    double reach = 0;
    for (const Pair& pair : problem.pairs) reach = std::max(reach, std::abs(step[pair.i] - step[pair.j]));
    std::optional<Point> next = follow(problem, at, step, std::min(1.0, 3 / reach), false);
    if (!next && close) break;
    if (close && next->worst >= 0.5 * at.worst) {
      if (next->worst < at.worst) at = std::move(*next);
      break;
    }
    if (next) at = std::move(*next);
    bool moved = next.has_value();
    if (reach > 3) {
      next = follow(problem, at, newton.step(problem, at, 1e-2, true), 1, true);
      moved = moved || next;
      if (next) at = std::move(*next);
    }
    if (!moved) break;
    ++model.iterations;
  }
  model.max_residual = largest_residual(at);
  model.max_relative_residual = at.worst;
  model.converged = at.worst <= settings.tolerance && model.max_residual <= settings.residual_tolerance;
  finish(problem, at.u, model);
  return model;
}

}  // namespace saltus::kinetics
