#include "saltus/kinetics/connected_set.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

namespace {

// Tarjan's algorithm without recursion: number of the strongly connected set of each vertex.
int strong_components(const std::vector<std::vector<int>>& next, std::vector<int>& component) {
  const std::size_t n = next.size();
  std::vector<int> order(n, -1), low(n, 0), stack;
  std::vector<std::pair<int, std::size_t>> path;
  component.assign(n, -1);
  int counter = 0, n_components = 0;
  const auto enter = [&](int v) {
    order[static_cast<std::size_t>(v)] = low[static_cast<std::size_t>(v)] = counter++;
    stack.push_back(v);
    path.emplace_back(v, 0);
  };
  for (std::size_t root = 0; root < n; ++root) {
    if (order[root] >= 0) continue;
    enter(static_cast<int>(root));
    while (!path.empty()) {
      const auto v = static_cast<std::size_t>(path.back().first);
      if (path.back().second < next[v].size()) {
        const int w = next[v][path.back().second++];
        const auto target = static_cast<std::size_t>(w);
        if (order[target] < 0) {
          enter(w);
        } else if (component[target] < 0) {
          low[v] = std::min(low[v], order[target]);
        }
        continue;
      }
      if (low[v] == order[v]) {
        int member = -1;
        do {
          member = stack.back();
          stack.pop_back();
          component[static_cast<std::size_t>(member)] = n_components;
        } while (member != static_cast<int>(v));
        ++n_components;
      }
      path.pop_back();
      if (!path.empty()) {
        const auto parent = static_cast<std::size_t>(path.back().first);
        low[parent] = std::min(low[parent], low[v]);
      }
    }
  }
  return n_components;
}

// Of counts of any type; every entry is positive.
template <typename Sum, typename Counts>
ConnectedSet largest_set(const Counts& counts) {
  const auto n = static_cast<std::size_t>(counts.n_states);
  ConnectedSet result;
  result.index_of.assign(n, -1);
  std::vector<std::vector<int>> next(n);
  std::vector<bool> visited(n, false);
  for (const auto& entry : counts.entries) {
    visited[static_cast<std::size_t>(entry.from)] = visited[static_cast<std::size_t>(entry.to)] = true;
    if (entry.from != entry.to) next[static_cast<std::size_t>(entry.from)].push_back(entry.to);
  }
  std::vector<int> component;
  const auto n_components = static_cast<std::size_t>(strong_components(next, component));
  std::vector<int> size(n_components, 0), lowest(n_components, counts.n_states);
  std::vector<Sum> inside(n_components, 0);
  std::vector<bool> counted(n_components, false);
  for (std::size_t i = 0; i < n; ++i) {
    if (!visited[i]) continue;
    ++result.n_visited_states;
    const auto c = static_cast<std::size_t>(component[i]);
    counted[c] = true;
    ++size[c];
    lowest[c] = std::min(lowest[c], static_cast<int>(i));
  }
  result.n_sets = static_cast<int>(std::count(counted.begin(), counted.end(), true));
  if (result.n_sets == 0) return result;
  for (const auto& entry : counts.entries) {
    const int c = component[static_cast<std::size_t>(entry.from)];
    if (c == component[static_cast<std::size_t>(entry.to)]) inside[static_cast<std::size_t>(c)] += entry.count;
  }
  std::size_t best = n_components;
  for (std::size_t c = 0; c < n_components; ++c) {
    if (!counted[c]) continue;
    if (best == n_components ||
        std::make_tuple(size[c], inside[c], -lowest[c]) > std::make_tuple(size[best], inside[best], -lowest[best])) {
      best = c;
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (visited[i] && component[i] == static_cast<int>(best)) {
      result.index_of[i] = static_cast<int>(result.states.size());
      result.states.push_back(static_cast<int>(i));
    }
  }
  Sum total = 0, started_outside = 0, dropped = 0;
  for (const auto& entry : counts.entries) {
    total += entry.count;
    const bool from_inside = result.index_of[static_cast<std::size_t>(entry.from)] >= 0;
    if (!from_inside) started_outside += entry.count;
    if (!from_inside || result.index_of[static_cast<std::size_t>(entry.to)] < 0) dropped += entry.count;
  }
  result.dropped_weight = static_cast<double>(dropped);
  result.dropped_counts = static_cast<std::int64_t>(std::llround(std::min(result.dropped_weight, 9e18)));
  result.dropped_population = total > 0 ? static_cast<double>(started_outside) / static_cast<double>(total) : 0;
  return result;
}

}  // namespace

ConnectedSet largest_connected_set(const TransitionCounts& counts) { return largest_set<std::int64_t>(counts); }

ConnectedSet largest_connected_set(const CountMatrix& counts) {
  CountMatrix positive{counts.n_states, {}};
  positive.entries.reserve(counts.entries.size());
  for (const CountEntry& entry : counts.entries) {
    if (entry.from < 0 || entry.to < 0 || entry.from >= counts.n_states || entry.to >= counts.n_states) {
      throw Error(ErrorKind::usage, "count matrix: state out of range");
    }
    if (!(entry.count >= 0) || !std::isfinite(entry.count)) {
      throw Error(ErrorKind::usage, "count matrix: counts must be finite and not negative");
    }
    if (entry.count > 0) positive.entries.push_back(entry);
  }
  return largest_set<double>(positive);
}

TransitionCounts restrict_to(const TransitionCounts& counts, const ConnectedSet& set) {
  TransitionCounts result{static_cast<int>(set.states.size()), counts.lag_frames, {}};
  for (const TransitionCount& entry : counts.entries) {
    const int from = set.index_of[static_cast<std::size_t>(entry.from)];
    const int to = set.index_of[static_cast<std::size_t>(entry.to)];
    if (from >= 0 && to >= 0) result.entries.push_back({from, to, entry.image, entry.count});
  }
  return result;
}

CountMatrix restrict_to(const CountMatrix& counts, const ConnectedSet& set) {
  CountMatrix result{static_cast<int>(set.states.size()), {}};
  for (const CountEntry& entry : counts.entries) {
    const int from = set.index_of[static_cast<std::size_t>(entry.from)];
    const int to = set.index_of[static_cast<std::size_t>(entry.to)];
    if (from >= 0 && to >= 0 && entry.count > 0) result.entries.push_back({from, to, entry.count});
  }
  return result;
}

}  // namespace saltus::kinetics
