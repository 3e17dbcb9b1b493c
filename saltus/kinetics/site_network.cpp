#include "saltus/kinetics/site_network.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/connected_set.hpp"
#include "saltus/kinetics/stationary_distribution.hpp"

namespace saltus::kinetics {

namespace {

constexpr double balance_tolerance = 1e-5;  // of ln(pi_a w_ab / pi_b w_ba): rates written with six digits are reversible
constexpr int dense_sites = 1000, largest_driven = 2000;

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::usage, message); }

void check_jumps(const SiteNetwork& network) {
  std::vector<double> leaving(static_cast<std::size_t>(network.n_sites), 0.0);
  for (std::size_t k = 0; k < network.jumps.size(); ++k) {
    const SiteJump& jump = network.jumps[k];
    for (const int site : {jump.from, jump.to}) {
      if (site < 0 || site >= network.n_sites)
        refuse(fmt::format("jump {}: there is no site {}; the {} sites are counted from 0", k, site, network.n_sites));
    }
    if (!std::isfinite(jump.weight) || jump.weight < 0)
      refuse(fmt::format("jump {}: its {} must be a number that is not negative, found {}", k,
                         network.lag ? "probability" : "rate", jump.weight));
    if (!std::isfinite(norm2(jump.displacement_ang))) refuse(fmt::format("jump {}: its displacement is not finite, or its square is not", k));
    if (jump.from == jump.to && norm2(jump.displacement_ang) == 0)
      refuse(fmt::format("jump {}: from site {} to itself in the same cell moves nothing; leave it out", k, jump.from));
    if (jump.count && !(std::isfinite(*jump.count) && *jump.count >= 0))
      refuse(fmt::format("jump {}: its count must be a number that is not negative", k));
    leaving[static_cast<std::size_t>(jump.from)] += jump.weight;
  }
  for (std::size_t a = 0; a < leaving.size(); ++a) {
    if (!std::isfinite(leaving[a])) refuse(fmt::format("site {}: the sum of the rates from it is not finite", a));
    if (network.lag && leaving[a] > 1 + 1e-9)
      refuse(fmt::format("site {}: the probabilities to leave it sum to {}, more than one", a, leaving[a]));
  }
}

void check_probabilities(const SiteNetwork& network) {
  if (network.probability.empty()) return;
  double sum = 0;
  for (std::size_t a = 0; a < network.probability.size(); ++a) {
    const double p = network.probability[a];
    if (!std::isfinite(p) || !(p > 0))
      refuse(fmt::format("site {}: its probability must be positive, found {}", a, p));
    sum += p;
  }
  if (std::abs(sum - 1) > 1e-4)
    refuse(fmt::format("the probabilities of the sites sum to {}, not to one", sum));
}

/// Values that differ by less than the tolerance get the same class.
std::vector<int> classes_of(const std::vector<double>& values, double tolerance) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<int> result(values.size(), 0);
  for (std::size_t k = 1; k < order.size(); ++k)
    result[order[k]] = result[order[k - 1]] + (values[order[k]] - values[order[k - 1]] > tolerance ? 1 : 0);
  return result;
}

struct Ranked {
  std::array<int, 3> key;
  double weight;
  int jump;
  auto operator<=>(const Ranked&) const = default;
};

/// Jumps a -> b and b -> a in the order of their path, ties by weight: the k-th of one reverses the k-th of the other.
void pair_up(const SiteNetwork& network, const std::vector<int>& up, const std::vector<int>& down,
             std::vector<int>& reverse) {
  std::array<std::vector<double>, 3> along;
  double longest = 0;
  for (const auto& [jumps, sign] : {std::pair{&up, 1.0}, std::pair{&down, -1.0}}) {
    for (const int k : *jumps) {
      const Vec3 d = sign * network.jumps[static_cast<std::size_t>(k)].displacement_ang;
      for (int x = 0; x < 3; ++x) along[static_cast<std::size_t>(x)].push_back(d[x]);
      longest = std::max(longest, norm(d));
    }
  }
  std::array<std::vector<int>, 3> classes;
  for (std::size_t x = 0; x < 3; ++x) classes[x] = classes_of(along[x], 1e-6 * longest);
  std::vector<Ranked> forth, back;
  for (std::size_t k = 0; k < up.size() + down.size(); ++k) {
    const int jump = k < up.size() ? up[k] : down[k - up.size()];
    (k < up.size() ? forth : back)
        .push_back({{classes[0][k], classes[1][k], classes[2][k]}, network.jumps[static_cast<std::size_t>(jump)].weight, jump});
  }
  std::sort(forth.begin(), forth.end());
  std::sort(back.begin(), back.end());
  for (std::size_t k = 0; k < std::max(forth.size(), back.size()); ++k) {
    const bool alone_forth = k == back.size() || (k < forth.size() && forth[k].key < back[k].key);
    if (alone_forth || k == forth.size() || forth[k].key != back[k].key) {
      const int lonely = (alone_forth ? forth[k] : back[k]).jump;
      const SiteJump& jump = network.jumps[static_cast<std::size_t>(lonely)];
      const Vec3& d = jump.displacement_ang;
      refuse(fmt::format("jump {}: its reverse, from site {} to site {} by ({:.6g}, {:.6g}, {:.6g}) Å, is missing; list it, "
                         "with rate 0 if it never happens",
                         lonely, jump.to, jump.from, 0 - d.x, 0 - d.y, 0 - d.z));
    }
    reverse[static_cast<std::size_t>(forth[k].jump)] = back[k].jump;
    reverse[static_cast<std::size_t>(back[k].jump)] = forth[k].jump;
  }
}

std::vector<int> reverses_of(const SiteNetwork& network) {
  std::map<std::pair<int, int>, std::array<std::vector<int>, 2>> between;
  for (std::size_t k = 0; k < network.jumps.size(); ++k) {
    const SiteJump& jump = network.jumps[k];
    bool down = jump.from > jump.to;
    if (jump.from == jump.to) {  // the first component that is not zero says which way
      const Vec3& d = jump.displacement_ang;
      const double scale = 1e-6 * norm(d);
      down = std::abs(d.x) > scale ? d.x < 0 : std::abs(d.y) > scale ? d.y < 0 : d.z < 0;
    }
    between[std::minmax(jump.from, jump.to)][down ? 1 : 0].push_back(static_cast<int>(k));
  }
  std::vector<int> reverse(network.jumps.size(), -1);
  for (const auto& [ends, jumps] : between) pair_up(network, jumps[0], jumps[1], reverse);
  return reverse;
}

/// Moves out of each site.
std::vector<std::vector<int>> moves_from(const JumpNetwork& network) {
  std::vector<std::vector<int>> result(network.pi.size());
  for (std::size_t k = 0; k < network.moves.size(); ++k)
    result[static_cast<std::size_t>(network.moves[k].from)].push_back(static_cast<int>(k));
  return result;
}

struct Tree {
  std::vector<int> into;   ///< the move into each site; −1: root or not reached
  std::vector<int> order;  ///< sites reached, each after the one it is reached from
};

/// Breadth first, over moves that `allowed` takes.
template <class Allowed>
Tree tree_of(const JumpNetwork& network, const std::vector<std::vector<int>>& out, int root, Allowed allowed) {
  Tree tree{std::vector<int>(network.pi.size(), -1), {root}};
  std::vector<bool> reached(network.pi.size(), false);
  reached[static_cast<std::size_t>(root)] = true;
  for (std::size_t at = 0; at < tree.order.size(); ++at) {
    for (const int k : out[static_cast<std::size_t>(tree.order[at])]) {
      const auto next = static_cast<std::size_t>(network.moves[static_cast<std::size_t>(k)].to);
      if (reached[next] || !allowed(k)) continue;
      reached[next] = true;
      tree.into[next] = k;
      tree.order.push_back(static_cast<int>(next));
    }
  }
  return tree;
}

/// Sites from the root to `site`, along the tree.
std::vector<int> path_to(const JumpNetwork& network, const Tree& tree, int site) {
  std::vector<int> path{site};
  for (int k; (k = tree.into[static_cast<std::size_t>(path.back())]) >= 0;)
    path.push_back(network.moves[static_cast<std::size_t>(k)].from);
  std::reverse(path.begin(), path.end());
  return path;
}

/// ln pi along a spanning tree of moves that go both ways, and the move that fits it worst.
struct Balance {
  std::vector<double> ln_pi;
  std::optional<BrokenCycle> broken;
};

Balance balance_of(const ConnectedNetwork& connected) {
  const JumpNetwork& network = connected.network;
  const auto weight = [&](int k) { return network.moves[static_cast<std::size_t>(k)].weight; };
  const auto back = [&](int k) { return connected.reverse[static_cast<std::size_t>(k)]; };
  const auto out = moves_from(network);
  Balance result;
  // One way only: around the cycle that leads back.
  for (std::size_t k = 0; k < network.moves.size(); ++k) {
    if (!(weight(static_cast<int>(k)) > 0) || weight(back(static_cast<int>(k))) > 0) continue;
    const NetworkMove& move = network.moves[k];
    const Tree tree = tree_of(network, out, move.to, [&](int other) { return weight(other) > 0; });
    result.broken = BrokenCycle{path_to(network, tree, move.from), std::numeric_limits<double>::infinity()};
    return result;
  }
  const Tree tree = tree_of(network, out, 0, [&](int k) { return weight(k) > 0; });
  result.ln_pi.assign(network.pi.size(), 0.0);
  for (const int site : tree.order) {
    const int k = tree.into[static_cast<std::size_t>(site)];
    if (k < 0) continue;
    const auto from = static_cast<std::size_t>(network.moves[static_cast<std::size_t>(k)].from);
    result.ln_pi[static_cast<std::size_t>(site)] = result.ln_pi[from] + std::log(weight(k)) - std::log(weight(back(k)));
  }
  double worst = balance_tolerance;
  int offending = -1;
  for (std::size_t k = 0; k < network.moves.size(); ++k) {
    const NetworkMove& move = network.moves[k];
    if (!(move.weight > 0)) continue;
    const double affinity = std::log(move.weight) - std::log(weight(back(static_cast<int>(k)))) +
                            result.ln_pi[static_cast<std::size_t>(move.from)] - result.ln_pi[static_cast<std::size_t>(move.to)];
    if (affinity > worst) {
      worst = affinity;
      offending = static_cast<int>(k);
    }
  }
  if (offending < 0) return result;
  // From `to` back to `from` along the tree: the shared beginning of both paths cancels.
  const NetworkMove& move = network.moves[static_cast<std::size_t>(offending)];
  const std::vector<int> to_from = path_to(network, tree, move.from), to_to = path_to(network, tree, move.to);
  std::size_t shared = 0;
  while (shared < std::min(to_from.size(), to_to.size()) && to_from[shared] == to_to[shared]) ++shared;
  BrokenCycle cycle{{}, worst};
  for (std::size_t k = to_to.size(); k-- > shared;) cycle.site.push_back(to_to[k]);
  for (std::size_t k = shared - 1; k < to_from.size(); ++k) cycle.site.push_back(to_from[k]);
  result.broken = cycle;
  return result;
}

std::vector<double> dense_stationary(const JumpNetwork& network) {
  const std::size_t n = network.pi.size();
  std::vector<double> matrix(n * n, 0.0);
  for (const NetworkMove& move : network.moves)
    if (move.from != move.to)
      matrix[static_cast<std::size_t>(move.from) * n + static_cast<std::size_t>(move.to)] += move.weight;
  return stationary_distribution(matrix, static_cast<int>(n));
}

std::vector<double> normalized_exp(const std::vector<double>& ln_pi) {
  const double largest = *std::max_element(ln_pi.begin(), ln_pi.end());
  std::vector<double> pi;
  double sum = 0;
  for (const double u : ln_pi) sum += pi.emplace_back(std::exp(u - largest));
  for (double& p : pi) p /= sum;
  return pi;
}

/// Takes out what is left of a tolerated imbalance.
void make_reversible(ConnectedNetwork& connected) {
  JumpNetwork& network = connected.network;
  for (std::size_t k = 0; k < network.moves.size(); ++k) {
    const auto r = static_cast<std::size_t>(connected.reverse[k]);
    if (r < k) continue;
    NetworkMove &forth = network.moves[k], &back = network.moves[r];
    const double from = network.pi[static_cast<std::size_t>(forth.from)], to = network.pi[static_cast<std::size_t>(forth.to)];
    const double flux = 0.5 * (from * forth.weight + to * back.weight);
    forth.weight = flux / from;
    back.weight = flux / to;
  }
}

/// Directions of closed cycles: sites placed along a spanning tree, then what each other move misses by.
std::vector<Vec3> percolating_directions(const ConnectedNetwork& connected) {
  const JumpNetwork& network = connected.network;
  const auto out = moves_from(network);
  const Tree tree = tree_of(network, out, 0, [&](int k) { return network.moves[static_cast<std::size_t>(k)].weight > 0; });
  std::vector<Vec3> place(network.pi.size());
  double longest = 0;
  for (const int site : tree.order) {
    const int k = tree.into[static_cast<std::size_t>(site)];
    if (k < 0) continue;
    const NetworkMove& move = network.moves[static_cast<std::size_t>(k)];
    place[static_cast<std::size_t>(site)] = place[static_cast<std::size_t>(move.from)] + move.displacement_ang;
  }
  for (const NetworkMove& move : network.moves) longest = std::max(longest, norm(move.displacement_ang));
  std::vector<Vec3> basis;
  for (const NetworkMove& move : network.moves) {
    if (basis.size() == 3) break;
    if (!(move.weight > 0)) continue;
    Vec3 miss = move.displacement_ang + place[static_cast<std::size_t>(move.from)] - place[static_cast<std::size_t>(move.to)];
    for (const Vec3& b : basis) miss -= dot(miss, b) * b;
    if (norm(miss) > 1e-5 * longest) basis.push_back(miss / norm(miss));
  }
  return basis;
}

}  // namespace

ConnectedNetwork connect(const SiteNetwork& network) {
  if (network.n_sites < 1) refuse("the network has no sites");
  if (network.jumps.empty()) refuse("the network has no jumps");
  if (network.lag && !(std::isfinite(*network.lag) && *network.lag > 0)) refuse("the lag time must be positive");
  check_jumps(network);
  check_probabilities(network);
  const std::vector<int> reverse = reverses_of(network);

  TransitionCounts joined{network.n_sites, 1, {}};
  for (int site = 0; site < network.n_sites; ++site) joined.entries.push_back({site, site, {}, 1});
  for (const SiteJump& jump : network.jumps)
    if (jump.weight > 0) joined.entries.push_back({jump.from, jump.to, {}, 1});
  const ConnectedSet set = largest_connected_set(joined);

  ConnectedNetwork result;
  result.n_sets = set.n_sets;
  result.site = set.states;
  result.dropped_sites = network.n_sites - static_cast<int>(set.states.size());
  result.network.pi.assign(set.states.size(), 0.0);
  std::vector<int> kept(network.jumps.size(), -1);
  for (std::size_t k = 0; k < network.jumps.size(); ++k) {
    const SiteJump& jump = network.jumps[k];
    const int from = set.index_of[static_cast<std::size_t>(jump.from)], to = set.index_of[static_cast<std::size_t>(jump.to)];
    if (from < 0 || to < 0) continue;
    kept[k] = static_cast<int>(result.network.moves.size());
    result.network.moves.push_back({from, to, jump.weight, jump.displacement_ang});
    result.jump.push_back(static_cast<int>(k));
  }
  for (const int k : result.jump)
    result.reverse.push_back(kept[static_cast<std::size_t>(reverse[static_cast<std::size_t>(k)])]);

  const Balance balance = balance_of(result);
  result.broken = balance.broken;
  if (result.broken)
    for (int& site : result.broken->site) site = result.site[static_cast<std::size_t>(site)];
  const auto n = static_cast<int>(result.network.pi.size());
  if (result.broken && n > largest_driven)
    throw Error(ErrorKind::unsupported, fmt::format("the network of {} sites breaks detailed balance; without it, at most {} sites "
                                                    "can be treated",
                                                    n, largest_driven));
  result.network.pi = result.broken || n <= dense_sites ? dense_stationary(result.network) : normalized_exp(balance.ln_pi);

  if (!result.broken) make_reversible(result);

  double inside = 0;
  if (!network.probability.empty()) {
    double sum = 0;
    for (const double p : network.probability) sum += p;
    for (const int site : result.site) inside += network.probability[static_cast<std::size_t>(site)];
    result.dropped_probability = result.dropped_sites == 0 ? 0.0 : 1 - inside / sum;
    for (std::size_t a = 0; a < result.site.size(); ++a) {
      const double given = network.probability[static_cast<std::size_t>(result.site[a])] / inside, found = result.network.pi[a];
      if (std::abs(given - found) > 1e-3 * found)
        refuse(fmt::format("site {}: its probability {:.6g} (among the connected sites) is not stationary, the rates make it {:.6g}; "
                           "mend the rates, or leave all probabilities out to have them computed",
                           result.site[a], given, found));
    }
  } else if (result.dropped_sites == 0) {
    result.dropped_probability = 0;
  }
  result.percolating_ang = percolating_directions(result);
  return result;
}

}  // namespace saltus::kinetics
