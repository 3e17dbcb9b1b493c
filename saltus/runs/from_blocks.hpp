// An estimate of a function of sums over a trajectory, with its interval from the sums over blocks of time.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/kinetics/jackknife.hpp"

namespace saltus::runs {

/// Sums are added by +=, to a default one too.
template <class Sums>
class FromBlocks {
 public:
  FromBlocks(Sums total, const std::vector<Sums>& blocks) : total_(std::move(total)) {
    for (std::size_t left_out = 0; left_out < blocks.size(); ++left_out) {
      Sums rest;
      for (std::size_t b = 0; b < blocks.size(); ++b)
        if (b != left_out) rest += blocks[b];
      rest_.push_back(std::move(rest));
    }
  }
  const Sums& total() const { return total_; }

  /// The value of all, and what leaving out one block at a time makes of it; low and high are not numbers where there are no blocks,
  /// or where the value is none without one of them.
  Estimate estimate(const std::function<double(const Sums&)>& value) const {
    const double none = std::numeric_limits<double>::quiet_NaN(), all = value(total_);
    std::vector<double> replicates;
    for (const Sums& rest : rest_) replicates.push_back(value(rest));
    const bool good = std::isfinite(all) && !replicates.empty() && std::all_of(replicates.begin(), replicates.end(), [](double x) { return std::isfinite(x); });
    return good ? kinetics::jackknife_estimate(all, replicates) : Estimate{all, none, none};
  }

 private:
  Sums total_;
  std::vector<Sums> rest_;
};

}  // namespace saltus::runs
