// D of one window from its first exits: estimators that assume constant D and drift inside the window. With L the half-width, T the mean exit time, dt the time between
// frames, beta = 0.58260 and sigma = sqrt(2 D dt):
//   naive         L² (p+ − p−)/(T ln(p+/p−))                           as published; too small by beta sigma/L and more
//   corrected     2 D T = g [(L + beta sigma)² + sigma²/4 − delta²/3]      frame_correction.hpp
//   Wald          <(dz − v T)²>/(2 <T>), v = <dz>/<T>                    optional stopping; exact for any time between frames
//   Milne         sqrt(T/g) against L, slope 1/sqrt(2 D)                 free of any constant shift of the edges
//   tail          slowest rate of the survival curve, pi² D/4 (L + beta sigma)²
//   censored MLE  sum ln f(T) + sum ln S(c) of free diffusion within ± sqrt((L + beta sigma)² − delta²/3), seen dt/4 late; +0.4 % at L = 4.7 sigma, +0.7 % at 2.1 sigma
// A window with a reflecting wall inside is that of the motion unfolded at the wall: corrected and tail hold there with half-width w = from wall to edge and delta² + 3 u², u = from wall
// to centre, and without g; the others have no value. Where F is curved, all are too large by about −F'' L²/6. Reference: Belousov, Hassanali, Roldán, Phys. Rev. E 106 (2022) 014103; the corrections in frame_correction.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/kinetics/window_exits.hpp"

namespace saltus::kinetics {

/// A value with its 95 % interval, or why there is none.
struct LocalEstimate {
  std::optional<Estimate> estimate;
  std::string reason;  ///< empty when there is an estimate
};

struct LocalSettings {
  int bootstrap = 200;             ///< draws of units with replacement behind every interval, at least 20
  std::uint64_t seed = 1;
  std::vector<double> curvature_kt_per_ang2;  ///< [windows] F''; empty: unknown
  std::vector<double> curvature_error = {};      ///< [windows] of it: what is not three errors from zero is not told of; empty: none
};

struct LocalDiffusion {
  ExitSums sum;                    ///< over all units; times in frames
  double contributing_units = 0;   ///< with an exit
  LocalEstimate mean_exit_time_fs;  ///< (sum T + sum c)/exits, c the times of unfinished starts: unbiased where the rate of leaving has become constant by then
  LocalEstimate cv2, p_plus;       ///< Var T/<T>² and the fraction that left upwards, of the starts that left
  LocalEstimate naive_ang2_fs, corrected_ang2_fs, wald_ang2_fs, tail_ang2_fs, censored_mle_ang2_fs;
  double sigma_ang = 0;            ///< sqrt(2 D dt) of the corrected D, or from the steps of the starts where there is none
  double long_steps = 0;           ///< fraction of one-frame steps from starts that are longer than L
  double censored_fraction = 0;    ///< of the admitted starts
  std::optional<double> curvature_bias;  ///< −F'' L²/6: (D − true D)/true D to expect
  std::vector<std::string> flags;  ///< why the numbers are to be read with care
};

/// [windows]. Intervals are percentiles over draws of whole units (of groups of units for tail and censored MLE). A quantity that more than one draw in twenty does not
/// give has no estimate. Throws Error{usage} for settings that do not fit.
std::vector<LocalDiffusion> local_diffusion(const ExitData& data, const LocalSettings& settings = {});

/// D at one place from windows of several half-widths, and D(L).
struct MilneDiffusion {
  double centre_ang = 0;
  std::vector<std::size_t> windows;       ///< of ascending half-width
  LocalEstimate diffusion_ang2_fs;
  LocalEstimate extrapolation_length_ang;  ///< intercept/slope: beta sigma, and more where particles have inertia
};

/// Of each centre that has windows of at least two half-widths; least squares over them.
std::vector<MilneDiffusion> milne_diffusion(const ExitData& data, const LocalSettings& settings = {});

/// Draws of `items` with replacement: how often each is drawn, [draw][item]. The same for the same seed.
std::vector<std::vector<double>> bootstrap_weights(std::size_t items, int draws, std::uint64_t seed);

/// The value with the 2.5th and 97.5th percentile of what the draws gave; no estimate with `reason` when there is no value, or with one of too few draws.
LocalEstimate percentile_estimate(std::optional<double> value, std::vector<double> drawn, int draws, const std::string& reason);

}  // namespace saltus::kinetics
