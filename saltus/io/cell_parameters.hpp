// A cell as its three lengths and the cosines of its three angles, in files that do not keep lattice vectors.
#pragma once

#include <array>

#include "saltus/atoms/cell.hpp"

namespace saltus {

struct CellParameters {
  std::array<double, 3> length_ang{};
  std::array<double, 3> cosine{};  ///< of α (between b and c), β (a and c), γ (a and b)
};

/// Periodic cell with a along x and b in the xy plane; not periodic where all lengths are zero.
/// Throws Error{format} for numbers that are not finite, lengths that are not positive, angles that no cell has.
Cell cell_from_parameters(const CellParameters& parameters);

/// Cosine of an angle in degrees; exactly zero for 90.
double cosine_of_degrees(double angle_degrees);

/// Lengths and cosines of the lattice vectors.
CellParameters cell_parameters_of(const Cell& cell);

/// Whether a lies along x and b in the xy plane, to 1e-6 of the lengths, so that nothing but lengths and angles is to
/// be kept.
bool is_in_standard_orientation(const Cell& cell);

}  // namespace saltus
