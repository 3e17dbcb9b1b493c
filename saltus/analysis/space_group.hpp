// The space group of a crystal, and positions made to obey it: x' = W x + t in fractional coordinates, W whole numbers.
// The group is found by spglib (Togo, Shinohara, Tanaka, Sci. Technol. Adv. Mater. Methods 4, 2384822 (2024)).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "saltus/atoms/cell.hpp"

namespace saltus {

struct SymmetryOperation {
  std::array<Int3, 3> rotation{};  ///< rows of W
  Fractional translation;

  Fractional operator()(const Fractional& x) const;
  Int3 rotated(const Int3& image) const;
};

struct SpaceGroup {
  int number = 1;                             ///< International Tables
  std::string symbol = "P1";
  std::vector<SymmetryOperation> operations;  ///< of the cell as given, its centring translations included; the identity among them
  double conventional_ratio = 1;              ///< atoms of the conventional cell per atom of the cell as given
};

/// The group of a crystal within `tolerance_ang`.
///
/// kind  [atoms] equal for atoms that may be exchanged
///
/// Throws Error{usage} for no atoms, sizes that do not fit or a tolerance that is not positive, Error{unsupported} beyond 1000 atoms,
/// Error{numeric} when no group is found (two atoms at one place, a tolerance as large as distances).
SpaceGroup find_space_group(const Cell& cell, std::span<const Fractional> position, std::span<const int> kind, double tolerance_ang);

/// Wyckoff letters of the atoms, and the number of the group that they were found in.
struct WyckoffLetters {
  int group_number = 0;
  std::vector<char> letter;  ///< [atoms]
};
WyckoffLetters find_wyckoff_letters(const Cell& cell, std::span<const Fractional> position, std::span<const int> kind, double tolerance_ang);

/// Positions that obey a group, and which of them it makes equivalent.
struct SymmetricPositions {
  std::vector<Fractional> position;   ///< in [0, 1): the given ones in their order, then those that were missing
  std::vector<std::uint32_t> orbit;   ///< [positions] number of the set of equivalent ones, ascending from 0 in order of first member
  std::vector<std::vector<std::uint32_t>> maps_to;  ///< [operations][positions]
  std::vector<std::vector<Int3>> cell;              ///< [operations][positions] cell of the target that the operation leads to
  std::size_t added = 0;              ///< how many were missing
  std::size_t merged = 0;             ///< given ones that turned out to be images of one place
  double largest_shift_ang = 0;       ///< of a given position
};

/// Each position becomes the mean of all images that the operations bring to within `reach_ang` of it; images that come to no position
/// are new ones; positions that one operation brings to one place are one. Throws Error{usage} when there are no operations,
/// Error{numeric} when more than 20 000 positions would result or the group does not close on them.
SymmetricPositions symmetrised(const Cell& cell, std::span<const SymmetryOperation> operations, std::span<const Fractional> position, double reach_ang);

}  // namespace saltus
