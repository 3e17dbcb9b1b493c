// Intervals from time blocks: delete-one-block jackknife with Student's t, and the plateau of a series of estimates.
// Reference: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 11.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "saltus/base/estimate.hpp"

namespace saltus::kinetics {

/// The replicates that leaving out one of B equal blocks gives for the mean of block values.
std::vector<double> leave_one_out_means(std::span<const double> block_value);

/// Standard error of an estimate from its B >= 2 delete-one-block replicates: sqrt((B-1)/B sum (x_b - mean)²).
double jackknife_error(std::span<const double> replicate);

/// Bias of order 1/B of the estimate from all blocks: (B-1)(mean of the replicates - value).
double jackknife_bias(double value, std::span<const double> replicate);

/// value ± t(95 %, B-1) · standard error.
Estimate jackknife_estimate(double value, std::span<const double> replicate);

/// The same for a quantity that is positive by nature, on its logarithm: the interval stays positive. Nothing when a
/// replicate is not positive.
std::optional<Estimate> jackknife_estimate_of_positive(double value, std::span<const double> replicate);

/// One member of a series of estimates of the same thing (e.g. D at rising lag times), all from the same blocks.
struct SeriesMember {
  double abscissa = 0;  ///< ascending
  double value = 0;
  std::vector<double> replicate;  ///< [B]
};

struct Plateau {
  std::size_t start = 0;  ///< index into the series
  bool flat = false;      ///< false: the value still changes significantly after `start`
};

/// Where a series stops changing. Differences between two members are judged by their own standard errors, which the common
/// blocks give. The start is the smallest abscissa from which on every later member lies within t(50 %, B-1) of them (a
/// strict level, so that what drift is left is small against the interval); if there is none, the largest abscissa allowed,
/// called flat when every later member lies within t(95 %, B-1). Allowed are members up to last abscissa / min_span (and
/// always the first): something must be left to see the plateau by. Throws Error{usage} on an empty series.
Plateau plateau_of(std::span<const SeriesMember> series, double min_span = 2);

}  // namespace saltus::kinetics
