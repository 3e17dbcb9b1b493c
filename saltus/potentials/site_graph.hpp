// Atoms and pairs as message-passing potentials want them: sites sorted by species, pairs within the cutoff with their
// harmonics, and the way back from gradients of pairs to forces and virial.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/atoms/neighbor_list.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

template <typename T>
struct SiteGraph {
  /// Sites of one species that are worked on together; fixed, so that results do not depend on threads.
  struct Chunk {
    std::size_t first = 0, last = 0;
    int species = 0;
  };
  std::vector<std::uint32_t> atom;        ///< [sites]
  std::vector<std::uint32_t> site;        ///< [atoms]
  std::vector<int> species;               ///< [sites]
  std::vector<Chunk> chunks;
  std::vector<std::uint32_t> first;       ///< [sites+1] pairs of a site
  std::vector<std::uint32_t> other;       ///< [pairs] site
  std::vector<std::uint32_t> list_pair;   ///< [pairs] index in the neighbour list
  std::vector<std::uint32_t> pair_class;  ///< [pairs]
  std::vector<double> r_ang;              ///< [pairs]
  std::size_t harmonics = 0;              ///< (l_max+1)²
  std::vector<T> harmonic;                ///< [pairs·harmonics] of the direction ± (r_other − r_site)
  std::vector<T> tilt;                    ///< [pairs·harmonics·2] derivatives by r_other − r_site along its two tangents
  std::vector<double> gradient;           ///< [pairs·3] dE/d(r_other − r_site): along it and along the tangents

  std::size_t sites() const { return atom.size(); }
  std::size_t pairs() const { return other.size(); }
  /// The classes of pairs that occur.
  std::vector<std::uint32_t> classes_present() const;
};

/// species       [atoms] index
/// class_of      [species·species] class of a pair; empty: all are class 0
/// direction     +1: harmonics of r_other − r_site; −1: of the opposite
/// with_tilt     whether gradients will be wanted; then `gradient` is zeroed
/// Throws Error{numeric} for two atoms in one place.
template <typename T>
void build_site_graph(const std::vector<int>& species, const NeighborList& list, double cutoff_ang, int l_max, double direction,
                      std::span<const std::uint32_t> class_of, bool with_tilt, SiteGraph<T>& graph);

/// Forces and virial from graph.gradient, as wanted; `list_gradient` is scratch.
template <typename T>
void assemble_forces(const SiteGraph<T>& graph, const NeighborList& list, Want want, std::vector<Vec3>& list_gradient, Evaluation& result);

/// Energy in atom order, and atom energies if wanted. energy_ev is by site.
template <typename T>
void assemble_energy(const SiteGraph<T>& graph, std::span<const double> energy_ev, Want want, Evaluation& result);

}  // namespace saltus
