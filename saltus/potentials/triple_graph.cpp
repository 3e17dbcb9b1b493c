#include "saltus/potentials/triple_graph.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

namespace {

constexpr std::uint32_t none = 0xffffffff;
constexpr std::size_t atoms_at_once = 16;
constexpr double largest_cosine = 1 - 1e-7;  // upstream's bound, beyond which nothing depends on the angle

/// Y_l0 of cos θ and their derivatives, l = 0 … 3.
struct Harmonics {
  double value[4], slope[4];
};

Harmonics harmonics_of(double cosine) {
  static const double c0 = 0.5 * std::sqrt(1 / std::numbers::pi), c1 = std::sqrt(3 / (4 * std::numbers::pi)), c2 = std::sqrt(5 / (16 * std::numbers::pi)),
                      c3 = std::sqrt(7 / (16 * std::numbers::pi));
  const double x = std::clamp(cosine, -largest_cosine, largest_cosine), on = x == cosine ? 1 : 0;
  return {{c0, c1 * x, c2 * (3 * x * x - 1), c3 * x * (5 * x * x - 3)}, {0, on * c1, on * c2 * 6 * x, on * c3 * (15 * x * x - 3)}};
}

}  // namespace

void build_triple_graph(const NeighborList& list, double cutoff_ang, double near_cutoff_ang, TripleGraph& graph) {
  const std::size_t n = list.first.empty() ? 0 : list.first.size() - 1;
  std::vector<std::uint32_t> own(list.pairs(), none);
  graph.first.assign(1, 0);
  graph.other.clear();
  graph.list_pair.clear();
  const double limit = cutoff_ang * cutoff_ang;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::uint32_t p = list.first[i]; p < list.first[i + 1]; ++p) {
      // Of a pair and its reverse, one decides for both.
      if (norm2(list.displacement_ang[std::min(p, list.reverse[p])]) >= limit) continue;
      own[p] = static_cast<std::uint32_t>(graph.other.size());
      graph.list_pair.push_back(p);
      graph.other.push_back(list.neighbor[p]);
    }
    graph.first.push_back(static_cast<std::uint32_t>(graph.other.size()));
  }
  const std::size_t pairs = graph.pairs();
  graph.reverse.resize(pairs);
  graph.r_ang.resize(pairs);
  graph.unit.resize(pairs);
  graph.first_near.assign(1, 0);
  graph.near.clear();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::uint32_t e = graph.first[i]; e < graph.first[i + 1]; ++e) {
      const Vec3& d = list.displacement_ang[graph.list_pair[e]];
      const double r = norm(d);
      if (!(r > 1e-6)) throw Error(ErrorKind::numeric, fmt::format("atoms {} and {} are in one place", i, graph.other[e]));
      graph.reverse[e] = own[list.reverse[graph.list_pair[e]]];
      graph.r_ang[e] = r;
      graph.unit[e] = (1 / r) * d;
      if (r <= near_cutoff_ang) graph.near.push_back(e);
    }
    graph.first_near.push_back(static_cast<std::uint32_t>(graph.near.size()));
  }
}

void sum_triples(const TripleGraph& graph, std::size_t atom, const TripleFunctions& functions, std::span<const double> b, std::span<double> s) {
  const std::size_t Q = functions.functions, each = functions.per_degree, degrees = Q / each;
  for (std::size_t j = graph.first_near[atom]; j < graph.first_near[atom + 1]; ++j) {
    double* const sum = s.data() + j * Q;
    std::fill(sum, sum + Q, 0.0);
    for (std::size_t k = graph.first_near[atom]; k < graph.first_near[atom + 1]; ++k) {
      if (k == j) continue;
      const Harmonics y = harmonics_of(dot(graph.unit[graph.near[j]], graph.unit[graph.near[k]]));
      const double* const radial = b.data() + k * Q;
      for (std::size_t l = 0; l < degrees; ++l)
        for (std::size_t q = l * each; q < (l + 1) * each; ++q) sum[q] += y.value[l] * radial[q];
    }
  }
}

void sum_triples_gradient(const TripleGraph& graph, std::size_t atom, const TripleFunctions& functions, std::span<const double> b, std::span<const double> by_s,
                          std::span<double> by_b, std::span<Vec3> by_displacement) {
  const std::size_t Q = functions.functions, each = functions.per_degree, degrees = Q / each;
  for (std::size_t j = graph.first_near[atom]; j < graph.first_near[atom + 1]; ++j) {
    const std::uint32_t pair_j = graph.near[j];
    const double* const up = by_s.data() + j * Q;
    for (std::size_t k = graph.first_near[atom]; k < graph.first_near[atom + 1]; ++k) {
      if (k == j) continue;
      const std::uint32_t pair_k = graph.near[k];
      const double cosine = dot(graph.unit[pair_j], graph.unit[pair_k]);
      const Harmonics y = harmonics_of(cosine);
      const double* const radial = b.data() + k * Q;
      double* const to = by_b.data() + k * Q;
      double by_cosine = 0;
      for (std::size_t l = 0; l < degrees; ++l) {
        double sum = 0;
        for (std::size_t q = l * each; q < (l + 1) * each; ++q) {
          to[q] += y.value[l] * up[q];
          sum += up[q] * radial[q];
        }
        by_cosine += y.slope[l] * sum;
      }
      by_displacement[pair_j] += (by_cosine / graph.r_ang[pair_j]) * (graph.unit[pair_k] - cosine * graph.unit[pair_j]);
      by_displacement[pair_k] += (by_cosine / graph.r_ang[pair_k]) * (graph.unit[pair_j] - cosine * graph.unit[pair_k]);
    }
  }
}

void assemble_forces(const TripleGraph& graph, const NeighborList& list, std::span<const Vec3> by_displacement, Want want, Evaluation& result) {
  result.force_ev_ang.clear();
  result.virial_ev.reset();
  if (want.forces) {
    result.force_ev_ang.resize(graph.atoms());
    parallel_chunks(graph.atoms(), atoms_at_once, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        Vec3 force;
        for (std::uint32_t e = graph.first[i]; e < graph.first[i + 1]; ++e) force += by_displacement[e] - by_displacement[graph.reverse[e]];
        result.force_ev_ang[i] = force;
      }
    });
  }
  if (want.virial) {
    Mat3 virial;
    for (std::size_t e = 0; e < graph.pairs(); ++e) virial += outer(list.displacement_ang[graph.list_pair[e]], -by_displacement[e]);
    result.virial_ev = virial;
  }
}

}  // namespace saltus
