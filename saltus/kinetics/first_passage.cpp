#include "saltus/kinetics/first_passage.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <queue>
#include <string>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/laplacian_solver.hpp"

namespace saltus::kinetics {

namespace {

constexpr int dense_limit = 1500;

std::vector<char> members(int n_states, std::span<const int> set, const char* what) {
  if (set.empty()) throw Error(ErrorKind::usage, std::string(what) + ": no state is given");
  std::vector<char> in(static_cast<std::size_t>(n_states), 0);
  for (const int state : set) {
    if (state < 0 || state >= n_states) {
      throw Error(ErrorKind::usage, std::string(what) + ": state " + std::to_string(state) + " is out of range, there are " +
                                        std::to_string(n_states));
    }
    in[static_cast<std::size_t>(state)] = 1;
  }
  return in;
}

// States from which one of `seeds` can be reached along transitions that start outside `stop`.
std::vector<char> leads_to(const Chain& chain, const std::vector<char>& seeds, const std::vector<char>& stop) {
  std::vector<std::vector<int>> before(seeds.size());
  for (const Transition& t : chain.transitions) {
    if (t.probability > 0 && !stop[static_cast<std::size_t>(t.from)]) before[static_cast<std::size_t>(t.to)].push_back(t.from);
  }
  std::vector<char> found(seeds);
  std::vector<int> open;
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    if (seeds[i]) open.push_back(static_cast<int>(i));
  }
  while (!open.empty()) {
    const int at = open.back();
    open.pop_back();
    for (const int from : before[static_cast<std::size_t>(at)]) {
      if (found[static_cast<std::size_t>(from)]) continue;
      found[static_cast<std::size_t>(from)] = 1;
      open.push_back(from);
    }
  }
  return found;
}

// x_i = gain + sum_j T_ij x_j on the states with fixed_i not set, x = value on the others.
struct Problem {
  std::vector<char> fixed;
  std::vector<double> value;
  double gain = 0;
};

// Removing state k hands its transitions to those that lead to it: T_ij += T_ik T_kj / sum_{l != k} T_kl.
std::vector<double> solve_dense(const Chain& chain, const Problem& problem) {
  const std::size_t n = problem.fixed.size();
  std::vector<std::size_t> free, place(n);
  for (std::size_t i = 0; i < n; ++i) {
    place[i] = free.size();
    if (!problem.fixed[i]) free.push_back(i);
  }
  const std::size_t m = free.size();
  std::vector<double> t(m * m, 0.0), out(m, 0.0), gain(m, problem.gain), leave(m, 0.0);  // out: to fixed states
  for (const Transition& transition : chain.transitions) {
    const auto i = static_cast<std::size_t>(transition.from), j = static_cast<std::size_t>(transition.to);
    if (problem.fixed[i] || i == j) continue;
    if (problem.fixed[j]) {
      out[place[i]] += transition.probability;
      gain[place[i]] += transition.probability * problem.value[j];
    } else {
      t[place[i] * m + place[j]] += transition.probability;
    }
  }
  for (std::size_t k = m; k-- > 0;) {
    const double* row = t.data() + k * m;
    leave[k] = out[k];
    for (std::size_t j = 0; j < k; ++j) leave[k] += row[j];
    for (std::size_t i = 0; i < k; ++i) {
      double* target = t.data() + i * m;
      const double share = target[k] / leave[k];
      if (target[k] == 0) continue;
      for (std::size_t j = 0; j < k; ++j) target[j] += share * row[j];
      out[i] += share * out[k];
      gain[i] += share * gain[k];
    }
  }
  std::vector<double> x(problem.value);
  for (std::size_t k = 0; k < m; ++k) {
    double sum = gain[k];
    for (std::size_t j = 0; j < k; ++j) sum += t[k * m + j] * x[free[j]];
    x[free[k]] = sum / leave[k];
  }
  return x;
}

// Reversible: pi_i (I - T) is a Laplacian; all fixed states are one grounded node.
std::vector<double> solve_sparse(const Chain& chain, const Problem& problem) {
  const std::size_t n = problem.fixed.size();
  std::vector<int> place(n, 0);
  int nodes = 1;
  for (std::size_t i = 0; i < n; ++i) {
    if (!problem.fixed[i]) place[i] = nodes++;
  }
  std::vector<WeightedEdge> edges;
  std::vector<double> rhs(static_cast<std::size_t>(nodes), 0.0);
  for (const Transition& t : chain.transitions) {
    const auto i = static_cast<std::size_t>(t.from), j = static_cast<std::size_t>(t.to);
    if (problem.fixed[i] || i == j || t.probability == 0) continue;
    const double weight = chain.pi[i] * t.probability;
    if (!problem.fixed[j]) {
      if (i < j) edges.push_back({place[i], place[j], weight});
      continue;
    }
    edges.push_back({place[i], 0, weight});
    rhs[static_cast<std::size_t>(place[i])] += weight * problem.value[j];
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (!problem.fixed[i]) rhs[static_cast<std::size_t>(place[i])] += chain.pi[i] * problem.gain;
  }
  for (std::size_t k = 1; k < rhs.size(); ++k) rhs[0] -= rhs[k];
  const LaplacianSolution solution = LaplacianSolver(nodes, edges).solve(rhs, 1e-14, 2000);
  if (solution.residual > 1e-9) throw Error(ErrorKind::numeric, "first passage: the linear system did not converge");
  std::vector<double> x(problem.value);
  for (std::size_t i = 0; i < n; ++i) {
    if (!problem.fixed[i]) x[i] = solution.x[static_cast<std::size_t>(place[i])] - solution.x[0];
  }
  return x;
}

std::vector<double> solve(const Chain& chain, const Problem& problem) {
  const auto free = std::count(problem.fixed.begin(), problem.fixed.end(), 0);
  if (free <= dense_limit) return solve_dense(chain, problem);
  if (!chain.reversible) {
    throw Error(ErrorKind::unsupported, "first passage without detailed balance: at most " + std::to_string(dense_limit) + " states");
  }
  if (chain.pi.size() != problem.fixed.size()) throw Error(ErrorKind::usage, "first passage: one stationary probability per state is needed");
  return solve_sparse(chain, problem);
}

std::vector<double> committor(const Chain& chain, const std::vector<char>& zero, const std::vector<char>& one) {
  Problem problem{zero, {}, 0};
  for (std::size_t i = 0; i < zero.size(); ++i) {
    if (zero[i] && one[i]) {
      throw Error(ErrorKind::usage, "transition paths: state " + std::to_string(i) + " is in both sets");
    }
    problem.fixed[i] = zero[i] || one[i];
    problem.value.push_back(one[i]);
  }
  const std::vector<char> decided = leads_to(chain, problem.fixed, problem.fixed);
  for (std::size_t i = 0; i < decided.size(); ++i) {
    if (!decided[i]) throw Error(ErrorKind::numeric, "committor: state " + std::to_string(i) + " leads to neither set");
  }
  std::vector<double> q = solve(chain, problem);
  for (double& value : q) value = std::clamp(value, 0.0, 1.0);
  return q;
}

}  // namespace

std::vector<double> mean_first_passage(const Chain& chain, double lag, std::span<const int> target) {
  Problem problem{members(chain.n_states, target, "target"), std::vector<double>(static_cast<std::size_t>(chain.n_states), 0.0), lag};
  const std::vector<char> in_target = problem.fixed;
  const std::vector<char> reaches = leads_to(chain, in_target, in_target);
  std::vector<char> lost(reaches.size());
  for (std::size_t i = 0; i < lost.size(); ++i) lost[i] = !reaches[i];
  const std::vector<char> endless = leads_to(chain, lost, in_target);
  for (std::size_t i = 0; i < endless.size(); ++i) problem.fixed[i] = in_target[i] || endless[i];
  std::vector<double> time = solve(chain, problem);
  for (std::size_t i = 0; i < endless.size(); ++i) {
    if (endless[i] && !in_target[i]) time[i] = std::numeric_limits<double>::infinity();
  }
  return time;
}

std::vector<double> forward_committor(const Chain& chain, std::span<const int> from, std::span<const int> to) {
  return committor(chain, members(chain.n_states, from, "from"), members(chain.n_states, to, "to"));
}

std::vector<double> harmonic_extension(const Chain& chain, const std::vector<char>& fixed, std::vector<double> value) {
  const std::vector<char> decided = leads_to(chain, fixed, fixed);
  if (!std::all_of(decided.begin(), decided.end(), [](char yes) { return yes != 0; })) {
    throw Error(ErrorKind::numeric, "a state leads to none of those whose value is given");
  }
  return solve(chain, {fixed, std::move(value), 0});
}

std::vector<double> backward_committor(const Chain& chain, std::span<const int> from, std::span<const int> to) {
  const std::vector<char> zero = members(chain.n_states, to, "to"), one = members(chain.n_states, from, "from");
  if (chain.reversible) return committor(chain, zero, one);
  if (chain.pi.size() != zero.size()) throw Error(ErrorKind::usage, "backward committor: one stationary probability per state is needed");
  std::vector<Transition> reversed;
  for (const Transition& t : chain.transitions) {
    reversed.push_back({t.to, t.from, chain.pi[static_cast<std::size_t>(t.from)] * t.probability / chain.pi[static_cast<std::size_t>(t.to)]});
  }
  return committor({chain.n_states, reversed, chain.pi, false}, zero, one);
}

ReactiveFlux reactive_flux(const Chain& chain, double lag, std::span<const int> from, std::span<const int> to) {
  if (chain.pi.size() != static_cast<std::size_t>(chain.n_states)) {
    throw Error(ErrorKind::usage, "reactive flux: one stationary probability per state is needed");
  }
  ReactiveFlux result;
  result.forward = forward_committor(chain, from, to);
  result.backward = backward_committor(chain, from, to);
  std::map<std::pair<int, int>, double> gross;
  for (const Transition& t : chain.transitions) {
    const auto i = static_cast<std::size_t>(t.from), j = static_cast<std::size_t>(t.to);
    const double flux = chain.pi[i] * result.backward[i] * t.probability * result.forward[j];
    if (i != j && flux > 0) gross[{t.from, t.to}] += flux;
  }
  const std::vector<char> in_from = members(chain.n_states, from, "from"), in_to = members(chain.n_states, to, "to");
  std::vector<double> in(in_from.size(), 0.0), out(in_from.size(), 0.0);
  double arriving = 0;
  for (const auto& [key, flux] : gross) {
    result.gross.push_back({key.first, key.second, flux});
    const auto back = gross.find({key.second, key.first});
    // Forwards and backwards in one expression where detailed balance gives it, so that nothing cancels.
    double net = flux - (back == gross.end() ? 0 : back->second);
    const auto i = static_cast<std::size_t>(key.first), j = static_cast<std::size_t>(key.second);
    if (chain.reversible && back != gross.end()) {
      net = flux / (result.backward[i] * result.forward[j]) * (result.forward[j] - result.forward[i]);
    }
    if (net > 0) result.net.push_back({key.first, key.second, net});
    in[j] += flux;
    out[i] += flux;
    if (in_from[i]) result.total += flux;
    if (in_to[j]) arriving += flux;
  }
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!in_from[i] && !in_to[i]) result.imbalance = std::max(result.imbalance, std::abs(in[i] - out[i]));
  }
  result.imbalance = std::max(result.imbalance, std::abs(result.total - arriving));
  double coming = 0;
  for (std::size_t i = 0; i < in.size(); ++i) coming += chain.pi[i] * result.backward[i];
  result.rate = result.total / (lag * coming);
  return result;
}

std::vector<ReactivePath> pathways(const ReactiveFlux& flux, int n_states, std::span<const int> from, std::span<const int> to,
                                   double share, int most) {
  const std::vector<char> in_from = members(n_states, from, "from"), in_to = members(n_states, to, "to");
  std::vector<std::vector<std::pair<std::size_t, double>>> next(in_from.size());
  for (const Transition& t : flux.net) next[static_cast<std::size_t>(t.from)].emplace_back(t.to, t.probability);
  std::vector<ReactivePath> paths;
  double carried = 0;
  while (static_cast<int>(paths.size()) < most && carried < share * flux.total) {
    // Dijkstra's search with the widest bottleneck in place of the shortest way.
    std::vector<double> width(in_from.size(), 0.0);
    std::vector<int> before(in_from.size(), -1);
    std::priority_queue<std::pair<double, int>> open;
    for (std::size_t i = 0; i < in_from.size(); ++i) {
      if (!in_from[i]) continue;
      width[i] = std::numeric_limits<double>::infinity();
      open.emplace(width[i], static_cast<int>(i));
    }
    int end = -1;
    while (!open.empty()) {
      const auto [wide, at] = open.top();
      open.pop();
      const auto i = static_cast<std::size_t>(at);
      if (wide < width[i]) continue;
      if (in_to[i]) {
        end = at;
        break;
      }
      for (const auto& [j, left] : next[i]) {
        const double reached = std::min(wide, left);
        if (reached <= width[j]) continue;
        width[j] = reached;
        before[j] = at;
        open.emplace(reached, static_cast<int>(j));
      }
    }
    // What rounding leaves is no path.
    if (end < 0 || width[static_cast<std::size_t>(end)] <= 1e-12 * flux.total) break;
    ReactivePath path;
    path.flux = width[static_cast<std::size_t>(end)];
    path.share = path.flux / flux.total;
    for (int at = end; at >= 0; at = before[static_cast<std::size_t>(at)]) path.states.push_back(at);
    std::reverse(path.states.begin(), path.states.end());
    for (std::size_t k = 0; k + 1 < path.states.size(); ++k) {
      for (auto& [j, left] : next[static_cast<std::size_t>(path.states[k])]) {
        if (static_cast<int>(j) == path.states[k + 1]) left -= path.flux;
      }
    }
    carried += path.flux;
    paths.push_back(std::move(path));
  }
  return paths;
}

}  // namespace saltus::kinetics
