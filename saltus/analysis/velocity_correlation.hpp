// Velocity autocorrelation C(t) = <Σ_i w_i v_i(0)·v_i(t)> / Σ_i w_i, w = 1 or the mass, and the spectrum that its cosine
// transform gives: the vibrational density of states. Reference: Dickey and Paskin, Phys. Rev. 188, 1407 (1969).
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "saltus/analysis/analysis.hpp"
#include "saltus/analysis/correlation_sums.hpp"

namespace saltus {

struct VelocityCorrelationSettings {
  std::optional<int> species;   ///< atomic number; none: all atoms
  double longest_lag_fs = 1000;
  bool mass_weighted = false;
};

/// Sums of v(t − lag)·v(t) over times t within equal stretches of the trajectory, from which blocks for intervals are made.
struct VelocityCorrelation {
  std::size_t frames = 0, atoms = 0;
  double frame_spacing_fs = 0;
  std::vector<double> value_ang2_fs2;                ///< [lags] from lag 0 on, per atom
  std::vector<std::vector<double>> block_ang2_fs2;   ///< [blocks][lags]; fewer than two: too short for intervals
};

/// One pass; memory is the velocities within the longest lag, whatever the length of the trajectory. The momentum of the
/// whole frame is not removed: Saltus and AIMD codes keep it at zero.
/// Throws Error{usage} for frames without velocities or without the species, Error{unsupported} for frames not equally
/// spaced in time.
class VelocityCorrelationAnalysis : public Analysis {
 public:
  explicit VelocityCorrelationAnalysis(const VelocityCorrelationSettings& settings);
  std::unique_ptr<Record> map(const Frame& frame) const override;
  void fold(std::unique_ptr<Record> record) override;
  /// Blocks are at least twice the longest lag long; at most `most_blocks`.
  VelocityCorrelation finish(std::size_t most_blocks = 10) const;

 private:
  VelocityCorrelationSettings settings_;
  CorrelationSums sums_;
  double weight_ = 0;
  std::size_t atoms_ = 0;
};

}  // namespace saltus
