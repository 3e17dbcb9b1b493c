// Diffusion coefficient from a MSD curve: generalised least squares MSD = a0 + 2 d D t with the exact covariance of
// Brownian motion seen with noise, as a number and as a tensor, with intervals from time blocks and from the covariance.
//   Cov(<dx dy>_i, <dx dy>_j) = 1 / (K_i K_j) sum_{a,b} (c_xx c_yy + c_xy²); see brownian_covariance.hpp
// Reference: Bullerjahn et al., J. Chem. Phys. 153 (2020) 024116.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/kinetics/diffusion_tensor.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"

namespace saltus::kinetics {

/// How the fit window begins where no first lag is given. `plateau`: at the smallest lag (at most half the last) for which
/// every fit that starts later agrees within the scatter of the blocks (see plateau_of). `chi2`: at the smallest for which the
/// deviations from the line are such as the covariance of Brownian motion allows (5 %).
enum class WindowStart { plateau, chi2 };

struct DiffusionFitSettings {
  std::optional<std::int64_t> first_lag_frames;  ///< none: chosen by `start`
  std::optional<std::int64_t> last_lag_frames;   ///< none: half a time block
  WindowStart start = WindowStart::plateau;
};

struct DiffusionFit {
  /// D (a third of the trace) of the whole curve; interval: Student's t over the time blocks.
  Estimate diffusion_ang2_fs;
  std::vector<double> replicate_ang2_fs;  ///< [B] delete-one-block replicates, for differences from other estimates
  double block_error_ang2_fs = 0;         ///< standard error behind the interval
  Mat3 tensor_ang2_fs;                    ///< the same weights on each component
  DiffusionTensor tensor;                 ///< the same with intervals, and its axes
  double offset_ang2 = 0;                 ///< a0: vibration, and correlated jumps before the linear regime
  std::int64_t first_lag_frames = 0, last_lag_frames = 0;  ///< the fit window
  bool linear_regime_found = true;  ///< false: D still changes significantly with the start; the latest allowed is used
  std::vector<std::int64_t> candidate_lag_frames;  ///< starts that were tried
  std::vector<double> candidate_ang2_fs;           ///< [the same] D from there
  /// Deviations of the curve from the line against the covariance of Brownian motion of as many particles as move independently.
  double chi2 = 0;
  int chi2_degrees = 0;
  double chi2_probability = 1;
  /// Interval if all particles moved independently as in Brownian motion: too narrow when they do not. D is not negative: the
  /// normal distribution cut at zero, its densest 95 %.
  Estimate model_diffusion_ang2_fs;
  double model_error_ang2_fs = 0;         ///< standard error
  /// Particles that would, moving independently, scatter as the blocks do; far below n_particles when one vacancy moves all.
  double independent_particles = 0;

  /// The error of independent particles and that of the blocks differ by more than a factor of two.
  bool errors_differ() const;
};

/// The densest 95 % of a normal distribution that is cut at zero. Throws Error{usage} when the error is not positive.
Estimate interval_of_nonnegative(double value, double error);

/// What time blocks say is right however particles are correlated, as long as blocks are longer than the correlation.
/// Throws Error{usage} when fewer than four lags are left in the window.
DiffusionFit fit_diffusion(const MsdCurve& curve, double frame_spacing_fs, const DiffusionFitSettings& settings = {});

}  // namespace saltus::kinetics
