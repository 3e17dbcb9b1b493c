// The slope of a straight line through a series, by ordinary least squares, with Student's t interval of n − 2 degrees of
// freedom. Right when the deviations from the line are independent: give it means over blocks, not correlated samples.
#pragma once

#include <span>

#include "saltus/base/estimate.hpp"

namespace saltus::kinetics {

/// Throws Error{usage} for unequal lengths, fewer than three points, or x that are all the same.
Estimate slope_estimate(std::span<const double> x, std::span<const double> y);

}  // namespace saltus::kinetics
