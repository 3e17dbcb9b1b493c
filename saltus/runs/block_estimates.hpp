// Estimates from sums over time blocks: any function of the sums, with the interval that leaving out one block at a time gives.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "saltus/analysis/stretch_sums.hpp"
#include "saltus/base/estimate.hpp"

namespace saltus::runs {

class BlockEstimates {
 public:
  using Function = std::function<double(std::span<const double> sums)>;

  /// At most `blocks` blocks.
  BlockEstimates(const StretchSums& sums, std::size_t blocks);
  /// Behind the intervals; 0: too few rows for any.
  std::size_t blocks() const { return without_.size(); }
  const std::vector<double>& total() const { return total_; }
  /// low and high are not numbers where there are no blocks, or where the function has no value without one of them.
  Estimate of(const Function& function) const;
  /// Sum of column `numerator` over that of `denominator`, times `factor`.
  Estimate ratio(std::size_t numerator, std::size_t denominator, double factor = 1) const;

 private:
  std::vector<double> total_;
  std::vector<std::vector<double>> without_;  // [blocks] sums of the other blocks
};

}  // namespace saltus::runs
