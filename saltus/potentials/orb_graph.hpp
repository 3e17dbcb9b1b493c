// The edges of ORB: each atom sends to its nearest neighbours within the cutoff, at most a fixed number of them.
//   sender i, receiver j, vector r_j + shift − r_i; the neighbours that j has need not include i.
// Ties. Upstream keeps whatever its search tree returns first. Here neighbours are taken nearest first; those whose distances differ by less than 10⁻⁶ Å
// from one to the next count as equally far, and of such a group the lower atom index comes first, then the smaller x, then y, then z of the vector: the
// choice does not change with rounding, translation or the order of a neighbour list.
#pragma once

#include <cstdint>
#include <vector>

#include "saltus/atoms/neighbor_list.hpp"

namespace saltus {

struct OrbGraph {
  std::vector<std::uint32_t> first;          ///< [atoms+1] edges that an atom sends
  std::vector<std::uint32_t> sender;         ///< [edges]
  std::vector<std::uint32_t> receiver;       ///< [edges]
  std::vector<std::uint32_t> received_first; ///< [atoms+1] into received
  std::vector<std::uint32_t> received;       ///< [edges] edges by receiver
  std::vector<Vec3> vector_ang;              ///< [edges]
  std::vector<double> r_ang;                 ///< [edges]

  std::size_t atoms() const { return first.size() - 1; }
  std::size_t edges() const { return sender.size(); }
};

/// Throws Error{numeric} for two atoms in one place.
void build_orb_graph(const NeighborList& list, double cutoff_ang, std::size_t most_neighbors, OrbGraph& graph);

}  // namespace saltus
