#include "saltus/potentials/orb_graph.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr double tie_ang = 1e-6;

struct Neighbor {
  double r_ang;
  std::uint32_t atom;
  Vec3 vector_ang;
};

bool before_in_a_tie(const Neighbor& a, const Neighbor& b) {
  if (a.atom != b.atom) return a.atom < b.atom;
  const Vec3 d = a.vector_ang - b.vector_ang;  // images of one atom: a lattice vector
  if (std::abs(d.x) > tie_ang) return d.x < 0;
  if (std::abs(d.y) > tie_ang) return d.y < 0;
  return d.z < 0;
}

}  // namespace

void build_orb_graph(const NeighborList& list, double cutoff_ang, std::size_t most_neighbors, OrbGraph& graph) {
  const std::size_t n = list.first.size() - 1;
  graph.first.assign(1, 0);
  graph.sender.clear();
  graph.receiver.clear();
  graph.vector_ang.clear();
  graph.r_ang.clear();
  std::vector<Neighbor> near;
  for (std::uint32_t i = 0; i < n; ++i) {
    near.clear();
    for (std::uint32_t p = list.first[i]; p < list.first[i + 1]; ++p) {
      const double r = norm(list.displacement_ang[p]);
      if (r >= cutoff_ang) continue;
      if (!(r > 1e-6)) throw Error(ErrorKind::numeric, fmt::format("atoms {} and {} are in one place", i, list.neighbor[p]));
      near.push_back({r, list.neighbor[p], list.displacement_ang[p]});
    }
    if (near.size() > most_neighbors) {
      std::sort(near.begin(), near.end(), [](const Neighbor& a, const Neighbor& b) { return a.r_ang < b.r_ang; });
      std::size_t begin = most_neighbors, end = most_neighbors;  // the group of equally far ones that the limit cuts
      while (begin > 0 && near[begin].r_ang - near[begin - 1].r_ang < tie_ang) --begin;
      while (end < near.size() && near[end].r_ang - near[end - 1].r_ang < tie_ang) ++end;
      if (begin < most_neighbors) std::sort(near.begin() + static_cast<std::ptrdiff_t>(begin), near.begin() + static_cast<std::ptrdiff_t>(end), before_in_a_tie);
      near.resize(most_neighbors);
    }
    for (const Neighbor& neighbor : near) {
      graph.sender.push_back(i);
      graph.receiver.push_back(neighbor.atom);
      graph.vector_ang.push_back(neighbor.vector_ang);
      graph.r_ang.push_back(neighbor.r_ang);
    }
    graph.first.push_back(static_cast<std::uint32_t>(graph.sender.size()));
  }
  graph.received_first.assign(n + 1, 0);
  for (const std::uint32_t j : graph.receiver) ++graph.received_first[j + 1];
  for (std::size_t j = 0; j < n; ++j) graph.received_first[j + 1] += graph.received_first[j];
  graph.received.resize(graph.edges());
  std::vector<std::uint32_t> next(graph.received_first.begin(), graph.received_first.end() - 1);
  for (std::uint32_t e = 0; e < graph.edges(); ++e) graph.received[next[graph.receiver[e]]++] = e;
}

}  // namespace saltus
