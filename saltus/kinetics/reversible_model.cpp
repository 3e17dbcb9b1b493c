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
  Wide forth, back;  // C_ij, C_ji
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
      all.push_back(i < j ? Pair{i, j, entry.count, entry.count, 0} : Pair{j, i, entry.count, 0, entry.count});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Pair& a, const Pair& b) { return a.i != b.i ? a.i < b.i : a.j < b.j; });
  for (const Pair& pair : all) {
    if (!problem.pairs.empty() && problem.pairs.back().i == pair.i && problem.pairs.back().j == pair.j) {
      problem.pairs.back().s += pair.s;
      problem.pairs.back().forth += pair.forth;
      problem.pairs.back().back += pair.back;
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
  std::vector<Wide> excess;      // of each pair: c_i T_ij - C_ij, which is C_ji - c_j T_ji
  std::vector<Wide> gain;        // c_i (sum_j T_ij - 1), minus the gradient
  std::vector<Wide> gain_rest;   // what rounding left out of gain: their sum over all states is zero
  double residual = 0;           // largest |gain_i / c_i|
  double worst = 0;              // the same over the probability of leaving i: staying must not hide what moves
  /// In units of the tolerances: 1 and below is converged.
  double deviation(const ReversibleSettings& settings) const {
    return std::max(worst / settings.tolerance, residual / settings.residual_tolerance);
  }
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

// sum + rest grows by value, whatever their sizes. Reference: Knuth, The Art of Computer Programming 2, 4.2.2, theorem B.
void add_exactly(Wide& sum, Wide& rest, Wide value) {
  const Wide before = sum;
  sum += value;
  const Wide added = sum - before;
  rest += (before - (sum - added)) + (value - added);
}

// Of the two expressions for a pair's excess the one of smaller terms is taken: of 1e6 counts forth and 1e-6 back, only the
// latter knows the digits. One value for both states, so that rounding moves no probability between the parts of a network.
Point evaluate(const Problem& problem, std::vector<Wide> u) {
  Point point;
  const std::size_t n = u.size();
  point.gain.assign(n, 0);
  point.gain_rest.assign(n, 0);
  point.weight.reserve(problem.pairs.size());
  point.excess.reserve(problem.pairs.size());
  for_each_pair(problem, u, [&](const Pair& pair, Wide share_j, Wide share_i, Wide, Wide, Wide) {
    const Wide forth = pair.s * share_j, back = pair.s * share_i;
    const Wide excess = forth + pair.forth < back + pair.back ? forth - pair.forth : pair.back - back;
    point.excess.push_back(excess);
    add_exactly(point.gain[pair.i], point.gain_rest[pair.i], excess);
    add_exactly(point.gain[pair.j], point.gain_rest[pair.j], -excess);
    point.weight.push_back(std::max(static_cast<double>(pair.s * share_j * share_i), 1e-290));
  });
  for (std::size_t i = 0; i < n; ++i) {
    const Wide gain = std::abs(point.gain[i]);
    point.residual = std::max(point.residual, static_cast<double>(gain / problem.c[i]));
    point.worst = std::max(point.worst, static_cast<double>(gain / (problem.leaving[i] > 0 ? problem.leaving[i] : problem.c[i])));
    if (std::isnan(gain)) point.residual = point.worst = std::numeric_limits<double>::infinity();
  }
  point.u = std::move(u);
  return point;
}

// Newton steps; the approximate elimination behind the conjugate gradients is kept while it serves.
class NewtonSteps {
 public:
  explicit NewtonSteps(const Problem& problem) {
    for (const Pair& pair : problem.pairs) edges_.push_back({static_cast<int>(pair.i), static_cast<int>(pair.j), 1});
  }
  /// Exact steps from now on, where an elimination and all of them together are affordable.
  bool make_exact() {
    if (!solver_ || solver_->exact()) return solver_.has_value();
    work_ = solver_->make_exact(3e8);
    return solver_->exact();
  }
  bool spent() const { return done_ > 2e10; }
  std::vector<Wide> step(const Point& point, double tolerance) {
    for (std::size_t e = 0; e < edges_.size(); ++e) edges_[e].weight = point.weight[e];
    const bool renew = !solver_ || tired_ || limited_;
    limited_ = false;
    return solve(point, tolerance, renew);
  }
  /// One round of limits on a step: pairs that it moves towards even shares farther than the flow through them asks for get a
  /// stiffer spring, the chord of their own curve over that flow. Nothing when no pair is moved too far.
  std::optional<std::vector<Wide>> limit(const Problem& problem, const Point& point, const std::vector<Wide>& step, double tolerance) {
    bool changed = false;
    for (std::size_t e = 0; e < edges_.size(); ++e) {
      const Pair& pair = problem.pairs[e];
      const Wide moved = step[pair.i] - step[pair.j];
      double& weight = edges_[e].weight;
      if (std::abs(moved) < 1 && weight == point.weight[e]) continue;
      const Wide shift = moved * weight / pair.s;  // of the share of i
      const Wide odds = point.u[pair.i] - point.u[pair.j] + std::log(problem.c[pair.j] / problem.c[pair.i]);
      Wide length = std::abs(odds) + 3;
      if (shift * odds < 0) {
        const Wide more = 1 / (1 + std::exp(std::abs(odds))) + std::abs(shift);
        length = std::abs(odds) + (more < 0.9L ? std::log(more / (1 - more)) : 2.2L);
      }
      length = std::max<Wide>(length, 1);
      changed = changed || std::abs(moved) > 1.5L * length;
      weight = std::max(point.weight[e], static_cast<double>(std::min<Wide>(weight * std::abs(moved) / length, pair.s)));
    }
    if (!changed) return std::nullopt;
    limited_ = true;
    return solve(point, tolerance, true);
  }

 private:
  std::vector<Wide> solve(const Point& point, double tolerance, bool renew) {
    if (!solver_) {
      solver_.emplace(static_cast<int>(point.gain.size()), edges_);
    } else {
      solver_->set_weights(edges_, renew);
    }
    done_ += work_;
    if (solver_->exact()) return solver_->solve_exactly(point.gain, point.gain_rest);
    const std::vector<double> rhs(point.gain.begin(), point.gain.end());
    const LaplacianSolution solution = solver_->solve(rhs, tolerance);
    const double rate = solution.iterations / -std::log10(std::max(solution.residual, 1e-16));
    if (renew) fresh_rate_ = rate;
    tired_ = !solution.converged || rate > 1.5 * fresh_rate_;
    return {solution.x.begin(), solution.x.end()};
  }
  std::vector<WeightedEdge> edges_;
  std::optional<LaplacianSolver> solver_;
  double fresh_rate_ = 0;
  double work_ = 0, done_ = 0;  // multiplications of an elimination by make_exact, and of all
  bool tired_ = false, limited_ = false;
};

// Derivative of f along a step, pair by pair: what all states of a part share drops out. `noise`: what rounding may make of it.
struct Slope {
  Wide value = 0, noise = 0;
};
Slope slope(const Problem& problem, const Point& point, const std::vector<Wide>& step) {
  constexpr Wide epsilon = std::numeric_limits<Wide>::epsilon();
  Slope sum;
  for (std::size_t e = 0; e < problem.pairs.size(); ++e) {
    const Pair& pair = problem.pairs[e];
    const Wide moved = step[pair.i] - step[pair.j], excess = point.excess[e];
    sum.value -= excess * moved;
    sum.noise += std::abs(moved) * (std::abs(excess) + 2 * std::min(pair.forth, pair.back));
  }
  sum.noise *= 64 * epsilon;
  return sum;
}

// Longest change of u_i - u_j.
Wide reach(const Problem& problem, const std::vector<Wide>& step) {
  Wide longest = 0;
  for (const Pair& pair : problem.pairs) longest = std::max(longest, std::abs(step[pair.i] - step[pair.j]));
  return longest;
}

// Along a step to where f hardly rises again; f being convex, its slope tells that, and with more digits than f itself. A whole
// step that halves the worst residual is good, too: close to the maximum the slope is lost in rounding before the residuals are.
// Where f falls steeply still, on, doubling. Nothing when the step does not lead down.
std::optional<Point> follow(const Problem& problem, const Point& from, const std::vector<Wide>& step, const ReversibleSettings& settings) {
  const Slope start = slope(problem, from, step);
  const auto at = [&](double length) {
    std::vector<Wide> u(from.u);
    for (std::size_t i = 0; i < u.size(); ++i) u[i] += static_cast<Wide>(length) * step[i];
    return evaluate(problem, std::move(u));
  };
  const bool near = reach(problem, step) < 0.1L;
  double size = 1;
  for (int trial = 0; trial < 60; ++trial) {
    Point point = at(size);
    if (near && trial == 0 && point.deviation(settings) <= 0.5 * from.deviation(settings)) return point;
    if (!(start.value < -start.noise)) {
      // The heaviest parts of the network are at their best, and f is no more than their rounding.
      if (point.deviation(settings) <= (1 - 0.1 * size) * from.deviation(settings)) return point;
      if (trial == 10) return at(1);
      size *= 0.5;
      continue;
    }
    const Slope here = slope(problem, point, step);
    if (here.value <= -start.value / 10 + here.noise) {
      for (Wide last = here.value; !near && last < start.value / 3 - here.noise && size < 8;) {
        size *= 2;
        Point further = at(size);
        last = slope(problem, further, step).value;
        if (!(last <= -start.value / 10)) break;
        point = std::move(further);
      }
      return point;
    }
    // Where a straight line through the slopes crosses zero, but not too near an end.
    const double share = std::isfinite(here.value) ? static_cast<double>(start.value / (start.value - here.value)) : 0.1;
    size *= std::clamp(share, 0.1, 0.7);
  }
  return std::nullopt;
}

// ln of the stationary probabilities of the counts taken as they are, C_ij / c_i: exact for counts in detailed balance and for
// trees, and of the right magnitude else. By state reduction, without subtractions. Nothing when a state cannot be left.
// Reference: Grassmann, Taksar, Heyman, Oper. Res. 33 (1985) 1107.
std::optional<std::vector<Wide>> unconstrained_ln_pi(const Problem& problem) {
  const std::size_t n = problem.c.size();
  std::vector<Wide> rate(n * n, 0);
  for (const Pair& pair : problem.pairs) {
    rate[pair.i * n + pair.j] = pair.forth / problem.c[pair.i];
    rate[pair.j * n + pair.i] = pair.back / problem.c[pair.j];
  }
  std::vector<Wide> out(n, 0);
  for (std::size_t k = n; k-- > 1;) {
    const Wide* row = rate.data() + k * n;
    for (std::size_t j = 0; j < k; ++j) out[k] += row[j];
    if (!(out[k] > 0)) return std::nullopt;
    for (std::size_t i = 0; i < k; ++i) {
      const Wide share = rate[i * n + k] / out[k];
      if (share == 0) continue;
      for (std::size_t j = 0; j < k; ++j) rate[i * n + j] += share * row[j];
    }
  }
  std::vector<Wide> ln_pi(n, 0);
  for (std::size_t k = 1; k < n; ++k) {
    Wide highest = -std::numeric_limits<Wide>::infinity(), sum = 0;
    for (std::size_t i = 0; i < k; ++i) {
      if (rate[i * n + k] > 0) highest = std::max(highest, ln_pi[i]);
    }
    for (std::size_t i = 0; i < k; ++i) sum += std::exp(ln_pi[i] - highest) * rate[i * n + k];
    ln_pi[k] = highest + std::log(sum / out[k]);
    if (!std::isfinite(ln_pi[k])) return std::nullopt;
  }
  return ln_pi;
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

// Newton steps from a point until nothing is gained any more.
Point maximize(const Problem& problem, NewtonSteps& newton, Point at, const ReversibleSettings& settings, int most, int& iterations) {
  for (int k = 0; k < most && at.worst > 0 && !newton.spent(); ++k) {
    const bool close = at.deviation(settings) <= 1;
    // Far from the maximum a rough step does; near it the step is as good as the residual will become.
    const double rough = std::clamp(0.1 * at.worst, 1e-10, 1e-2);
    std::vector<Wide> step = newton.step(at, rough);
    // In a large network another elimination is dearer than a step cut short a little.
    const int rounds = at.u.size() <= 5000 || reach(problem, step) > 12 ? 30 : 0;
    for (int round = 0; round < rounds; ++round) {
      std::optional<std::vector<Wide>> limited = newton.limit(problem, at, step, rough);
      if (!limited) break;
      step = std::move(*limited);
    }
    std::optional<Point> next = follow(problem, at, step, settings);
    if (!next) break;
    if (close && next->deviation(settings) >= 0.5 * at.deviation(settings)) {
      if (next->deviation(settings) < at.deviation(settings)) at = std::move(*next);
      break;
    }
    at = std::move(*next);
    ++iterations;
  }
  return at;
}

// Where steps from afar end nowhere: every pair first gets the same counts both ways on top, so many that the maximum is easy to
// find, then ever fewer, each maximum the start for the next. No pair ever gets far beyond the share that it will have.
Point ease_down(const Problem& problem, NewtonSteps& newton, const ReversibleSettings& settings, int& iterations) {
  Wide most = 0, least = std::numeric_limits<Wide>::infinity();
  for (const Pair& pair : problem.pairs) {
    most = std::max(most, pair.s);
    least = std::min(least, pair.s);
  }
  std::vector<Wide> u(problem.c.size(), 0);
  ReversibleSettings rough = settings;
  rough.tolerance = rough.residual_tolerance = 1e-2;
  for (Wide extra = most; extra > 1e-3L * least; extra *= 0.1L) {
    Problem eased = problem;
    for (Pair& pair : eased.pairs) {
      pair.s += 2 * extra;
      pair.forth += extra;
      pair.back += extra;
      for (const std::size_t i : {pair.i, pair.j}) {
        eased.c[i] += extra;
        eased.leaving[i] += extra;
      }
    }
    u = maximize(eased, newton, evaluate(eased, std::move(u)), rough, 30, iterations).u;
  }
  return maximize(problem, newton, evaluate(problem, std::move(u)), settings, settings.max_iterations, iterations);
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
  if (u.empty() && n <= LaplacianSolver::exact_limit) u = unconstrained_ln_pi(problem).value_or(std::vector<Wide>());
  if (u.empty()) {
    for (const Wide c : problem.c) u.push_back(std::log(c));
  }
  if (u.size() != n) throw Error(ErrorKind::usage, "reversible estimate: the start must have one value per state");

  NewtonSteps newton(problem);
  Point at = evaluate(problem, std::move(u));
  // Approximate elimination has got there by then, or will hardly ever.
  const int most = settings.max_iterations / (n > LaplacianSolver::exact_limit ? 5 : 1);
  at = maximize(problem, newton, std::move(at), settings, most, model.iterations);
  if (at.deviation(settings) > 1) {
    if (newton.make_exact()) {
      Point eased = ease_down(problem, newton, settings, model.iterations);
      if (eased.deviation(settings) < at.deviation(settings)) at = std::move(eased);
    } else {
      at = maximize(problem, newton, std::move(at), settings, settings.max_iterations - most, model.iterations);
    }
  }
  model.max_residual = at.residual;
  model.max_relative_residual = at.worst;
  model.converged = at.worst <= settings.tolerance && model.max_residual <= settings.residual_tolerance;
  finish(problem, at.u, model);
  return model;
}

}  // namespace saltus::kinetics
