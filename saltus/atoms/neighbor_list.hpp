// Neighbours within a cutoff, periodic images included: right for small and skewed cells (cutoff beyond half the cell).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/atoms/cell.hpp"
#include "saltus/base/vec3.hpp"

namespace saltus {

/// Full list: the pairs of atom i are first[i] .. first[i+1]-1, ordered by (neighbor, image).
struct NeighborList {
  double cutoff_ang = 0;
  std::vector<std::uint32_t> first;      ///< [n+1]
  std::vector<std::uint32_t> neighbor;   ///< [pairs]
  std::vector<Int3> image;               ///< [pairs] lattice translation added to r_j
  std::vector<Vec3> displacement_ang;    ///< [pairs] r_j + image·rows − r_i
  std::vector<std::uint32_t> reverse;    ///< [pairs] index of the same pair seen from j

  std::size_t pairs() const { return neighbor.size(); }
};

/// All pairs with |displacement| < cutoff. Positions need not be wrapped. An atom is a neighbour of its own images.
/// Throws Error{numeric} for positions that are not finite, Error{usage} for more than 4·10⁹ pairs.
NeighborList build_neighbor_list(const Cell& cell, std::span<const Vec3> position_ang, double cutoff_ang);

/// A list kept while atoms move less than half the skin: the pairs hold up to cutoff + skin, displacements are refreshed.
/// The order of pairs depends on the reference positions alone, so a restart from them is bitwise.
class VerletList {
 public:
  /// Brings the list up to date; rebuilds when an atom moved too far, the cell changed, or sizes or radii differ.
  /// Returns whether it was rebuilt.
  bool update(const Cell& cell, std::span<const Vec3> position_ang, double cutoff_ang, double skin_ang);
  /// Rebuilds at given reference positions (a restart); follow with update() at the current ones.
  void rebuild_at(const Cell& cell, std::span<const Vec3> reference_ang, double cutoff_ang, double skin_ang);

  const NeighborList& list() const { return list_; }
  /// Positions at the last rebuild; empty before the first.
  const std::vector<Vec3>& reference_position_ang() const { return reference_; }
  const Cell& reference_cell() const { return cell_; }
  std::int64_t rebuilds() const { return rebuilds_; }

 private:
  NeighborList list_;
  Cell cell_;
  std::vector<Vec3> reference_;
  double cutoff_ang_ = 0, skin_ang_ = 0;
  std::int64_t rebuilds_ = 0;
};

}  // namespace saltus
