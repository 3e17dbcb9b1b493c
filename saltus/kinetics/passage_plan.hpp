// How long a trajectory has to be for D(z) from first exits to be as precise as wished: a trial of independent Markov particles, its exits, the
// scatter between particles, and error ∝ (particle · time)^(−1/2). D of a window is that of frame_correction.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/kinetics/brownian_motion.hpp"
#include "saltus/kinetics/window_exits.hpp"

namespace saltus::kinetics {

struct PassagePlanSettings {
  std::size_t particles = 0;  ///< at least 20: errors come from their scatter
  std::size_t frames = 0;     ///< of the trial
  double half_width_ang = 1, start_half_width_ang = 0.1, spacing_ang = 1;
};

struct PlannedWindow {
  ExitWindow window;
  double followed_fs = 0;                ///< 6 L²/2D: no starts within this time of the end
  double exits = 0;
  double mean_exit_time_fs = 0;
  double diffusion_ang2_fs = 0;          ///< local estimate
  std::optional<double> relative_error;  ///< standard error of D over D in the trial; none: too few exits
};

struct PassagePlan {
  double particles_per_ang = 0;
  double time_fs = 0;  ///< of the trial
  std::vector<PlannedWindow> window;
};

/// Windows spacing_ang apart over the whole line, those with an edge beyond a wall left out. Starts later than 6 L²/2D before the end are left out.
/// Throws Error{usage} for fewer than 20 particles, a line without ends, windows wider than half a period or than the distance of walls, or a trial shorter than 12 L²/2D.
PassagePlan plan_passage(const BrownianMotion& motion, const PassagePlanSettings& settings, const Progress& progress = {});

/// The time in which starts are taken grows by (error/precision)², nothing where the window has no error. precision: relative standard error of D wished for.
/// Throws Error{usage} unless it is above 0.
std::optional<double> needed_time_fs(const PassagePlan& plan, const PlannedWindow& window, double precision);

}  // namespace saltus::kinetics
