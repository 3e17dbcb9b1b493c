// Diffusion coefficient from a MSD curve: generalised least squares MSD = a0 + 2 d D t with the exact covariance of
// Brownian motion seen with noise, and an interval from time blocks.
//   Cov(MSD_i, MSD_j) = 2 d / (K_i K_j) sum_{a,b} c², c = s² overlap(a,i;b,j) + noise terms, K_i = N - i + 1 windows of N steps
// Reference: Qian, Sheetz, Elson, Biophys. J. 60 (1991) 910; Bullerjahn et al., J. Chem. Phys. 153 (2020) 024116.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"

namespace saltus::kinetics {

/// Exact covariance of the windowed MSD of one particle in one dimension, [l * l] row major: Brownian steps of variance
/// step_variance, each position seen with independent noise of variance noise_variance. For n particles and d dimensions:
/// times d / n. Lags from 1 to n_steps. Throws Error{usage} otherwise.
std::vector<double> brownian_msd_covariance(std::span<const std::int64_t> lag, std::int64_t n_steps,
                                            double step_variance, double noise_variance = 0);

struct DiffusionFitSettings {
  std::optional<std::int64_t> first_lag_frames;  ///< none: chosen, see DiffusionFit::first_lag_frames
  std::optional<std::int64_t> last_lag_frames;   ///< none: half a time block
};

struct DiffusionFit {
  /// D (a third of the trace) of the whole curve; interval: Student's t over the time blocks.
  Estimate diffusion_ang2_fs;
  std::vector<double> replicate_ang2_fs;  ///< [B] delete-one-block replicates, for differences from other estimates
  Mat3 tensor_ang2_fs;                    ///< the same weights on each component
  double offset_ang2 = 0;                 ///< a0: vibration, and correlated jumps before the linear regime
  /// The fit window. When not given, it starts at the smallest lag (at most half the last) for which every fit that starts
  /// later agrees within the scatter of the blocks (see plateau_of).
  std::int64_t first_lag_frames = 0, last_lag_frames = 0;
  bool linear_regime_found = true;  ///< false: D still changes significantly with the start; the latest allowed is used
  std::vector<std::int64_t> candidate_lag_frames;  ///< starts that were tried
  std::vector<double> candidate_ang2_fs;           ///< [the same] D from there
  /// Interval if all particles moved independently as in Brownian motion: too narrow when they do not.
  Estimate model_diffusion_ang2_fs;
  /// Particles that would, moving independently, scatter as the blocks do; far below n_particles when one vacancy moves all.
  double independent_particles = 0;
};

/// What time blocks say is right however particles are correlated, as long as blocks are longer than the correlation.
/// Throws Error{usage} when fewer than four lags are left in the window.
DiffusionFit fit_diffusion(const MsdCurve& curve, double frame_spacing_fs, const DiffusionFitSettings& settings = {});

}  // namespace saltus::kinetics
