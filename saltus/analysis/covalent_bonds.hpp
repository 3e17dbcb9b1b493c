// Covalent bonds of a closed shell by distance: each hydrogen to the heavy atom nearest to it, and non-metals within 1.25 times the
// sum of their covalent radii. Bonds of metals, ionic as a rule, are not among them.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "saltus/atoms/frame.hpp"

namespace saltus {

inline constexpr std::uint32_t no_atom = std::numeric_limits<std::uint32_t>::max();

struct CovalentBond {
  std::uint32_t first = no_atom, second = no_atom;  ///< first: heavier than hydrogen
  double length_ang = 0;
};

/// Distances are those of minimum images. Throws Error{numeric} for positions that are not finite.
std::vector<CovalentBond> covalent_bonds(const Cell& cell, const Atoms& atoms, std::span<const Vec3> position_ang);

}  // namespace saltus
