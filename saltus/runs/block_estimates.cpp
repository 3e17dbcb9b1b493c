#include "saltus/runs/block_estimates.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "saltus/kinetics/jackknife.hpp"

namespace saltus::runs {

BlockEstimates::BlockEstimates(const StretchSums& sums, std::size_t blocks) : total_(sums.total()) {
  const auto parts = sums.blocks(blocks);
  if (parts.empty()) return;
  std::vector<double> all(total_.size(), 0.0);
  for (const auto& part : parts)
    for (std::size_t k = 0; k < all.size(); ++k) all[k] += part[k];
  for (const auto& part : parts) {
    without_.push_back(all);
    for (std::size_t k = 0; k < all.size(); ++k) without_.back()[k] -= part[k];
  }
}

Estimate BlockEstimates::of(const Function& function) const {
  std::vector<double> replicates;
  for (const auto& sums : without_) replicates.push_back(function(sums));
  const double value = function(total_), none = std::numeric_limits<double>::quiet_NaN();
  const bool known = !replicates.empty() && std::all_of(replicates.begin(), replicates.end(), [](double x) { return std::isfinite(x); });
  return known ? kinetics::jackknife_estimate(value, replicates) : Estimate{value, none, none};
}

Estimate BlockEstimates::ratio(std::size_t numerator, std::size_t denominator, double factor) const {
  return of([=](std::span<const double> sums) { return factor * sums[numerator] / sums[denominator]; });
}

}  // namespace saltus::runs
