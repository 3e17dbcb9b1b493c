// D(z) from transitions between bins of a coordinate: neighbours exchange at symmetrised rates S_{i,i+1} = D_{i+1/2}/dz², and
//   ln L = Σ N_ij ln P_ij(τ),  P(τ) = exp(τ R),  R_ij = S_ij sqrt(π_j/π_i)
// has its maximum over ln S, π from the counts. Bins lump what is within them: D(τ) ≈ D + dz²/(12 τ), so D is taken at 1/τ → 0.
// Reference: Hummer, New J. Phys. 7 (2005) 34. Beside it drift and diffusion from displacements of one frame (Kramers–Moyal).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"

namespace saltus::kinetics {

struct CoordinateBins {
  double low_ang = 0, width_ang = 0.5;
  std::size_t count = 0;
  double period_ang = 0;  ///< 0: none; else count · width
};

/// Transitions of groups of particles, each the share of the data that a jackknife leaves out.
struct PositionCounts {
  CoordinateBins bins;
  std::vector<int> lag_frames;
  std::size_t groups = 0;
  std::vector<std::vector<double>> transitions;  ///< [lags * groups] of [count * count], from row to column
  std::vector<double> steps, displacement_ang, displacement2_ang2;  ///< [groups * count]: over single frames from each bin
};

/// Counts transitions of blocks of frames as they come; keeps the last frames only. Particles are dealt to groups in contiguous shares.
class PositionCounter {
 public:
  /// Throws Error{usage} for no bins, lags that are not positive, no particles, or a period that is not count · width.
  PositionCounter(CoordinateBins bins, std::vector<int> lag_frames, std::size_t particles, std::size_t groups = 10);

  /// coordinates  [frames, particles]; not finite or outside the bins: not there. Throws Error{usage} when not a multiple of the particles.
  void add(std::span<const float> coordinates);
  /// No transition leads over what comes next: a gap, or another file.
  void end_segment();

  const PositionCounts& counts() const { return counts_; }

 private:
  PositionCounts counts_;
  std::size_t particles_ = 0, kept_ = 0;   // frames in the ring
  std::uint64_t frame_ = 0;
  std::vector<std::int32_t> ring_;         // [longest lag, particles] bins, −1: none
  std::vector<float> last_;                // [particles]
};

/// Maximum of the likelihood at one lag.
struct BinnedDiffusion {
  std::vector<double> edge_ang;            ///< between two bins with counts
  std::vector<double> diffusion_ang2_fs;   ///< [edges]
  double log_likelihood = 0;
  bool converged = false;
};

/// transitions  [count * count]. Only the longest run of neighbouring bins with transitions is used. Throws Error{usage} when it has fewer than two.
BinnedDiffusion fit_binned_diffusion(std::span<const double> transitions, const CoordinateBins& bins, double lag_fs);

/// d lnL / d ln S at given D [edges], for all bins of `bins` with transitions; the likelihood itself is returned.
double binned_log_likelihood(std::span<const double> transitions, const CoordinateBins& bins, double lag_fs, std::span<const double> diffusion_ang2_fs,
                             std::vector<double>& gradient);

struct BinnedDiffusionPoint {
  double z_ang = 0;
  std::optional<Estimate> diffusion_ang2_fs;  ///< at 1/τ → 0 (one lag: at it), with a jackknife over groups; none: not positive, or too few groups
  std::vector<double> at_lag_ang2_fs;         ///< [lags]
};

struct BinnedDiffusionProfile {
  std::vector<BinnedDiffusionPoint> points;
  std::vector<double> lag_fs;
  std::vector<std::string> warnings;          ///< lags below 5 dz²/12D, fits that did not converge
};

/// Fits at each lag, with each group left out, extrapolated in 1/τ by least squares. Cost: about (groups + 1) lags fits of some 0.1 s for 60 bins.
/// Throws Error{usage} where nothing was counted.
BinnedDiffusionProfile binned_diffusion_profile(const PositionCounts& counts, double frame_interval_fs);

struct KramersMoyalPoint {
  double z_ang = 0;
  double steps = 0;
  std::optional<Estimate> drift_ang_fs, diffusion_ang2_fs;  ///< jackknife over groups
};

/// <Δz>/dt and (<Δz²> − <Δz>²)/2dt of each bin with steps: right for dt → 0 only, and never below the time that velocities or cages last.
std::vector<KramersMoyalPoint> kramers_moyal_profile(const PositionCounts& counts, double frame_interval_fs);

}  // namespace saltus::kinetics
