#include "saltus/potentials/site_graph.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kernels/angular.hpp"
#include "saltus/potentials/pair_slopes.hpp"

namespace saltus {

namespace {

constexpr std::size_t sites_per_chunk = 8;

}  // namespace

template <typename T>
std::vector<std::uint32_t> SiteGraph<T>::classes_present() const {
  std::vector<std::uint32_t> present;
  std::vector<char> seen;
  for (const std::uint32_t c : pair_class) {
    if (c >= seen.size()) seen.resize(c + 1, 0);
    if (!seen[c]) present.push_back(c);
    seen[c] = 1;
  }
  return present;
}

template <typename T>
void build_site_graph(const std::vector<int>& species, const NeighborList& list, double cutoff_ang, int l_max, double direction,
                      std::span<const std::uint32_t> class_of, bool with_tilt, SiteGraph<T>& graph) {
  const std::size_t n = species.size();
  graph.atom.resize(n);
  std::iota(graph.atom.begin(), graph.atom.end(), 0u);
  std::stable_sort(graph.atom.begin(), graph.atom.end(), [&](std::uint32_t a, std::uint32_t b) { return species[a] < species[b]; });
  graph.site.resize(n);
  graph.species.resize(n);
  graph.chunks.clear();
  graph.first.assign(1, 0);
  graph.other.clear();
  graph.list_pair.clear();
  for (std::size_t s = 0; s < n; ++s) {
    graph.site[graph.atom[s]] = static_cast<std::uint32_t>(s);
    graph.species[s] = species[graph.atom[s]];
    if (graph.chunks.empty() || graph.chunks.back().species != graph.species[s] || graph.chunks.back().last - graph.chunks.back().first == sites_per_chunk)
      graph.chunks.push_back({s, s, graph.species[s]});
    graph.chunks.back().last = s + 1;
  }
  std::size_t kinds = 0;
  while (kinds * kinds < class_of.size()) ++kinds;
  const double limit = cutoff_ang * cutoff_ang;
  for (std::size_t s = 0; s < n; ++s) {
    const std::uint32_t i = graph.atom[s];
    for (std::uint32_t p = list.first[i]; p < list.first[i + 1]; ++p) {
      if (norm2(list.displacement_ang[p]) >= limit) continue;
      graph.list_pair.push_back(p);
      graph.other.push_back(graph.site[list.neighbor[p]]);
    }
    graph.first.push_back(static_cast<std::uint32_t>(graph.other.size()));
  }
  const std::size_t pairs = graph.other.size();
  graph.harmonics = static_cast<std::size_t>((l_max + 1) * (l_max + 1));
  graph.pair_class.assign(pairs, 0);
  graph.r_ang.resize(pairs);
  graph.harmonic.resize(pairs * graph.harmonics);
  graph.tilt.resize(with_tilt ? 2 * pairs * graph.harmonics : 0);
  graph.gradient.assign(with_tilt ? 3 * pairs : 0, 0.0);
  parallel_chunks(n, sites_per_chunk, [&](std::size_t begin, std::size_t end) {
    std::array<double, 81> value;
    std::array<double, 162> slope;
    const std::size_t H = graph.harmonics;
    for (std::size_t s = begin; s < end; ++s)
      for (std::uint32_t e = graph.first[s]; e < graph.first[s + 1]; ++e) {
        const Vec3& d = list.displacement_ang[graph.list_pair[e]];
        const double r = norm(d);
        if (!(r > 1e-6)) throw Error(ErrorKind::numeric, fmt::format("atoms {} and {} are in one place", graph.atom[s], graph.atom[graph.other[e]]));
        graph.r_ang[e] = r;
        if (!class_of.empty())
          graph.pair_class[e] = class_of[static_cast<std::size_t>(graph.species[s]) * kinds + static_cast<std::size_t>(graph.species[graph.other[e]])];
        const double along[3] = {d.x / r, d.y / r, d.z / r}, unit[3] = {direction * along[0], direction * along[1], direction * along[2]};
        double tangent[2][3];
        kernels::tangents_of(along, tangent);
        kernels::e3nn_harmonics(l_max, unit, tangent, std::span(value).first(H), with_tilt ? std::span(slope).first(2 * H) : std::span<double>());
        for (std::size_t k = 0; k < H; ++k) graph.harmonic[e * H + k] = static_cast<T>(value[k]);
        if (with_tilt)
          for (std::size_t k = 0; k < 2 * H; ++k) graph.tilt[e * 2 * H + k] = static_cast<T>(direction / r * slope[k]);
      }
  });
}

template <typename T>
void assemble_forces(const SiteGraph<T>& graph, const NeighborList& list, Want want, std::vector<Vec3>& list_gradient, Evaluation& result) {
  const std::size_t n = graph.sites();
  result.force_ev_ang.clear();
  result.virial_ev.reset();
  if (!want.forces && !want.virial) return;
  list_gradient.assign(list.pairs(), Vec3{});
  parallel_chunks(graph.pairs(), 1024, [&](std::size_t begin, std::size_t end) {
    for (std::size_t e = begin; e < end; ++e) {
      const std::uint32_t p = graph.list_pair[e];
      const Vec3& d = list.displacement_ang[p];
      const double r = graph.r_ang[e], along[3] = {d.x / r, d.y / r, d.z / r};
      double tangent[2][3];
      kernels::tangents_of(along, tangent);
      const double* g = graph.gradient.data() + 3 * e;
      for (int a = 0; a < 3; ++a) list_gradient[p][a] = g[0] * along[a] + g[1] * tangent[0][a] + g[2] * tangent[1][a];
    }
  });
  set_forces_from_pairs(list, n, list_gradient, want, result);
}

template <typename T>
void assemble_energy(const SiteGraph<T>& graph, std::span<const double> energy_ev, Want want, Evaluation& result) {
  result.energy_ev = 0;
  result.atom_energy_ev.clear();
  for (const std::uint32_t s : graph.site) {
    result.energy_ev += energy_ev[s];
    if (want.atom_energies) result.atom_energy_ev.push_back(energy_ev[s]);
  }
}

template struct SiteGraph<float>;
template struct SiteGraph<double>;
template void build_site_graph(const std::vector<int>&, const NeighborList&, double, int, double, std::span<const std::uint32_t>, bool,
                               SiteGraph<float>&);
template void build_site_graph(const std::vector<int>&, const NeighborList&, double, int, double, std::span<const std::uint32_t>, bool,
                               SiteGraph<double>&);
template void assemble_forces(const SiteGraph<float>&, const NeighborList&, Want, std::vector<Vec3>&, Evaluation&);
template void assemble_forces(const SiteGraph<double>&, const NeighborList&, Want, std::vector<Vec3>&, Evaluation&);
template void assemble_energy(const SiteGraph<float>&, std::span<const double>, Want, Evaluation&);
template void assemble_energy(const SiteGraph<double>&, std::span<const double>, Want, Evaluation&);

}  // namespace saltus
