// Diffusion in cells of several sizes: D(x) = D_bulk + slope x, x = 1/N (or 1/L), weighted with the intervals. For solids, where
// nothing but the sweep itself says how D goes with the size; the hydrodynamic correction of liquids has no place there.
#pragma once

#include <span>

#include "saltus/base/estimate.hpp"
#include "saltus/kinetics/linear_trend.hpp"

namespace saltus::kinetics {

struct SizePoint {
  double size = 0;     ///< number of atoms, or length of the cell: what D is taken to go with the inverse of
  Estimate diffusion;  ///< 95 %; independent of the other points
};

struct SizeFit {
  Estimate bulk;         ///< D of the infinite cell, unit of the points; not below zero
  Estimate slope;        ///< unit of the points times that of the size
  WeightedLine line;     ///< D against 1/size
  bool resolved = false; ///< the interval of the slope leaves out zero: D does depend on the size
};

/// Throws Error{usage} for fewer than two different sizes, sizes that are not positive, and points without an interval.
SizeFit fit_finite_size(std::span<const SizePoint> points);

}  // namespace saltus::kinetics
