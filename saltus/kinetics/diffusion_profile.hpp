// D(z) and F(z) from first exits of many windows at once. F = −ln of the histogram shared by all windows; ln D is linear between knots and is
// fitted to mean exit times and sides of exits (frame_exit) by least squares with a penalty on its second differences,
//   min Σ r²/s² + Σ (Δ² ln D)²/σ²,
// where σ, and the misfit s >= 1, have the largest evidence of the linearised model. Reference: MacKay, Neural Computation 4 (1992) 415.
// Intervals: bootstrap over units (histogram and exits alike), widened by half of what smoothing may have taken off, G⁻¹ (PᵀP/σ²) G⁻¹ with
// G = JᵀJ/s² + PᵀP/σ². Reference: Nychka, J. Am. Stat. Assoc. 83 (1988) 1134.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/kinetics/exit_theory.hpp"
#include "saltus/kinetics/window_exits.hpp"

namespace saltus::kinetics {

struct DiffusionProfileSettings {
  double knot_spacing_ang = 1;
  std::optional<double> penalty_sigma;  ///< of a second difference of ln D; none: from the data
  bool use_sides = true;                ///< logit p+ of each window as a second datum
  int bootstrap = 100;                  ///< draws; 0: no intervals
  std::uint64_t seed = 1;
};

/// F and ln D as functions of z. Outside what was sampled they go on as constants: ask within `low_ang` and `high_ang` only.
struct FittedProfile {
  double histogram_low_ang = 0, bin_ang = 0.1, period_ang = 0;  ///< period 0: none, or not all of it sampled
  std::vector<double> bin_free_energy_kt;                       ///< at the middle of bins
  double first_knot_ang = 0, knot_spacing_ang = 1;
  bool periodic_knots = false;
  std::vector<double> ln_diffusion;                             ///< at knots, of Å²/fs
  double low_ang = 0, high_ang = 0;                             ///< range of the windows; high − low = period where they go round

  double free_energy_kt(double z_ang) const;
  double diffusion_ang2_fs(double z_ang) const;
};

struct ProfilePoint {
  double z_ang = 0;                              ///< middle of a window's part within the walls
  Estimate diffusion_ang2_fs;                    ///< low = high = value without a bootstrap
  Estimate free_energy_kt;                       ///< zero is the mean density of all bins with counts
  int windows_covering = 0;                      ///< windows of the fit that hold z within their half-width
  double resolution = 0;                         ///< diagonal of the resolution matrix: 1 all from data, 0 all from the penalty
  bool curved = false;                           ///< |F''| L² > 0.2, and known to be: local formulas are biased here, this fit is not
  bool coarse_frames = false;                    ///< L < 2σ
  bool censored = false;                         ///< more than 1 % of the starts ended with the data
  bool one_sided = false;                        ///< all exits on one side
  bool unresolved = false;                       ///< resolution < 0.05: the neighbours' value, drawn out
};

/// A window as the fit saw it.
struct WindowFit {
  std::size_t window = 0;                        ///< index in ExitData
  double time_fs = 0, time_error_fs = 0, time_model_fs = 0;
  std::optional<double> above, above_error;      ///< none: one side only, or a wall
  std::optional<double> above_model;
};

struct OmittedWindow {
  std::size_t window = 0;
  std::string reason;
};

struct FreeEnergyBin {
  double z_ang = 0;
  Estimate free_energy_kt;
};

struct DiffusionProfile {
  std::vector<ProfilePoint> points;              ///< ascending in z; nothing where no window could be used
  std::vector<FreeEnergyBin> free_energy;        ///< bins with counts
  std::vector<WindowFit> windows;
  std::vector<OmittedWindow> omitted;
  FittedProfile fitted;
  double penalty_sigma = 0;
  double misfit = 1;                             ///< s: intervals are wider by it
  double chi2_per_datum = 0;                     ///< without s, over data less effective parameters
  std::size_t data = 0;
  double effective_parameters = 0;               ///< trace of the resolution matrix
  int draws = 0;                                 ///< bootstrap fits
};

/// Windows of one half-width (within 1e-6 Å); the histogram stays.
ExitData with_half_width(const ExitData& data, double half_width_ang);
/// Half-widths that occur, ascending.
std::vector<double> half_widths_ang(const ExitData& data);

/// Mean exit time of a window with its standard error over units; censored starts count with the time they were followed. Nothing without exits, or
/// with fewer than two units that have some.
struct MeanWithError {
  double value = 0, error = 0;
};
std::optional<MeanWithError> mean_exit_time_fs(const WindowExits& window, double frame_interval_fs);
/// Share of exits on the upper side; nothing also where all are on one side.
std::optional<MeanWithError> share_above(const WindowExits& window);

/// −ln of the density in bins, counts of all units + 1; zero at the mean of bins with counts; a bin that a wall cuts counts with what is left of it.
/// unit_weight  [units] or empty
FittedProfile free_energy_profile(const ExitData& data, std::span<const double> unit_weight = {});

/// F'' within a window, kT/Å², by the parabola through the means of F over its thirds: noise of bins averages out. Its error is that of the histogram, from the scatter
/// of units; with one unit infinite.
MeanWithError free_energy_curvature(const ExitData& data, const FittedProfile& profile, const ExitWindow& window);
/// Whether it is known to differ from zero: by three errors.
inline bool significant(const MeanWithError& curvature) { return std::abs(curvature.value) > 3 * curvature.error; }

/// The fit. Left out, with a reason: windows with fewer than 20 exits or two units, windows whose edge lies within 1.5 σ of a wall but not beyond it
/// (frames see exits there that edges of continuous motion do not), and windows that no exit leaves. Threads share the draws; results do not depend
/// on how many there are. Throws Error{usage} for bad settings, data that do not fit together or no window at all that can be used, saying why.
DiffusionProfile fit_diffusion_profile(const ExitData& data, const DiffusionProfileSettings& settings = {});

}  // namespace saltus::kinetics
