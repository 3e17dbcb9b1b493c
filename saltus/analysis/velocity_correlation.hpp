// Velocity autocorrelation C(t) = <Σ_i w_i v_i(0)·v_i(t)> / Σ_i w_i, w = 1 or the mass, and the spectrum that its cosine
// transform gives: the vibrational density of states. Reference: Dickey and Paskin, Phys. Rev. 188, 1407 (1969).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "saltus/analysis/analysis.hpp"

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
  struct Stretch {
    std::vector<double> sum;          // [lags]
    std::vector<std::int64_t> count;  // [lags]
  };
  void add_to_stretch(Stretch& stretch) const;

  VelocityCorrelationSettings settings_;
  double last_time_fs_ = 0, frame_spacing_fs_ = 0, weight_ = 0;
  std::size_t frames_ = 0, atoms_ = 0, lags_ = 0, stretch_frames_ = 0;
  std::vector<std::vector<double>> recent_;  // ring of the last `lags_` frames: sqrt(weight)·velocity, [3 atoms]
  std::vector<Stretch> stretches_;
  std::size_t frames_in_last_ = 0;
};

struct Spectrum {
  std::vector<double> frequency_per_fs;  ///< from 0 to the Nyquist frequency
  std::vector<double> density_fs;        ///< g(ν) = 4 ∫₀ᵀ h(t) C(t)/C(0) cos(2πνt) dt, so that ∫ g dν = 1 over the range
};

/// Of a correlation sampled from lag 0 on, with Hann's window h(t) = cos²(πt/2T); trapezoid rule. Frequencies are spaced by
/// 1/(2T). Throws Error{usage} for fewer than three lags or C(0) that is not positive.
Spectrum spectrum_of(std::span<const double> correlation, double frame_spacing_fs);

}  // namespace saltus
