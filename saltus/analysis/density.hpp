// Number density of particles on a periodic grid over a cell, and its Gaussian smoothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/analysis/space_group.hpp"
#include "saltus/atoms/cell.hpp"

namespace saltus {

/// Values at the points ((i+½)/n0, (j+½)/n1, (k+½)/n2) of the cell, index (i·n1 + j)·n2 + k.
struct Grid {
  Cell cell;
  Int3 count{};

  std::size_t size() const;
  std::size_t index(const Int3& point) const;   ///< each coordinate in [0, count)
  Int3 point(std::size_t index) const;
  Fractional fractional(std::size_t index) const;
};

/// Grid no coarser than spacing_ang along each vector. Throws Error{usage} for more than 2·10⁸ points.
Grid make_grid(const Cell& cell, double spacing_ang);

/// How many of the positions (any image) lie nearest to each grid point.
std::vector<std::uint32_t> counts_on_grid(const Grid& grid, std::span<const Vec3> position_ang);

/// Counts convolved with a normalised isotropic Gaussian cut at four standard deviations; sigma 0 copies them.
std::vector<double> smoothed(const Grid& grid, std::span<const std::uint32_t> counts, double sigma_ang);

/// Mean of a density over symmetry operations, interpolated linearly between grid points.
std::vector<double> averaged(const Grid& grid, std::span<const double> density, std::span<const SymmetryOperation> operations);

}  // namespace saltus
