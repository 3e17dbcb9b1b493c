// Straight lines: through a series of unknown errors by ordinary least squares, with Student's t interval of n − 2 degrees of
// freedom, and through points of known errors by weighted least squares. Right when the deviations from the line are
// independent: give it means over blocks, not correlated samples.
#pragma once

#include <span>

#include "saltus/base/estimate.hpp"

namespace saltus::kinetics {

/// Throws Error{usage} for unequal lengths, fewer than three points, or x that are all the same.
Estimate slope_estimate(std::span<const double> x, std::span<const double> y);

/// y = value + slope (x − centre). At the centre, the weighted mean of x, the errors of value and slope are uncorrelated.
struct WeightedLine {
  double centre = 0, value = 0, slope = 0;
  double value_error = 0, slope_error = 0;  ///< standard errors
  double chi2 = 0;          ///< Σ ((y − line)/error)² with the errors as given
  int degrees = 0;          ///< points − 2; 0: nothing tells whether the points lie on a line
  double probability = 1;   ///< of a chi2 this large or larger when they do and the errors are right
  /// The probability is below 5 %: no line, or errors given too small. The standard errors are then those given times
  /// sqrt(chi2/degrees), and intervals are Student's.
  bool scattered = false;
  double standard_errors_95 = 0;  ///< half a 95 % interval over the standard error
};

/// error  standard error of each y, positive
///
/// Throws Error{usage} for unequal lengths, fewer than two points, x that are all the same, or errors that are not positive.
WeightedLine weighted_line(std::span<const double> x, std::span<const double> y, std::span<const double> error);

/// The line at x, and its slope, with 95 % intervals.
Estimate value_at(const WeightedLine& line, double x);
Estimate slope_of(const WeightedLine& line);

}  // namespace saltus::kinetics
