// Diffusion coefficients at several temperatures: ln D = ln D0 − Ea/(k T), a line in 1/(k T) with weights from the intervals.
#pragma once

#include <span>

#include "saltus/base/estimate.hpp"
#include "saltus/kinetics/linear_trend.hpp"

namespace saltus::kinetics {

struct ArrheniusPoint {
  double temperature_kelvin = 0;
  Estimate diffusion;  ///< 95 %, any unit, the same for all points; independent of the other points
};

struct ArrheniusFit {
  Estimate activation_energy_ev;
  Estimate prefactor;      ///< D at infinite temperature, unit of the points
  double lowest_kelvin = 0, highest_kelvin = 0;  ///< of the points; outside of them D is extrapolated
  /// ln D against 1/(k T) in 1/eV; `scattered` when the points do not lie on one line. With two points no degree of freedom is
  /// left: the intervals come from the errors given alone.
  WeightedLine line;
};

/// Standard error of ln D from a 95 % interval: that of an interval which is symmetric in D, or in ln D, whichever is nearer.
double error_of_logarithm(const Estimate& diffusion);

/// Throws Error{usage} for fewer than two different temperatures, temperatures or D that are not positive, and points
/// without an interval.
ArrheniusFit fit_arrhenius(std::span<const ArrheniusPoint> points);

/// D at a temperature, with the error of the line; it does not know whether the mechanism stays the same outside of the points.
/// Throws Error{usage} for a temperature that is not positive.
Estimate diffusion_at(const ArrheniusFit& fit, double temperature_kelvin);

}  // namespace saltus::kinetics
