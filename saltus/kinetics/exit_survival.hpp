// Survival of starts in a window: the Kaplan–Meier estimate with a bootstrap band, its mean, and free diffusion between two absorbing edges for comparison.
//   S(t) = prod over times u <= t of (1 − exits(u)/at risk(u));   <T> = ∫ S dt up to the last time, and an exponential tail behind.
// Reference: Kaplan, Meier, J. Am. Stat. Assoc. 53 (1958) 457; Carslaw, Jaeger, Conduction of Heat in Solids, 2nd ed. (1959), 3.3, for the closed form.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "saltus/kinetics/local_diffusion.hpp"
#include "saltus/kinetics/window_exits.hpp"

namespace saltus::kinetics {

/// Probability to be still within (−L, L) after t, from `start`/L: (4/pi) sum (−1)^k/(2k+1) cos((2k+1) pi start/2L) exp(−(2k+1)² pi² D t/4 L²), by images at short times.
/// reduced_time  D t/L², >= 0
double free_survival(double reduced_time, double start = 0);

struct SurvivalCurve {
  std::vector<double> time_fs;           ///< ascending, at the end of bins of time: what bins do not resolve is not interpolated
  std::vector<double> survival, low, high;  ///< 95 % band, point by point
  LocalEstimate mean_time_fs;            ///< the area under the curve, the tail included
  double tail_share = 0;                 ///< of that mean, what the exponential tail behind the last exit adds
};

struct SurvivalSettings {
  int bootstrap = 200;
  std::uint64_t seed = 1;
  int points = 60;  ///< log-spaced from one frame to the longest time; at most as many as there are bins of time
};

/// Starts seen last within a bin of time count as half at risk in it. Empty, with the reason in mean_time_fs, for a window without exits. Throws Error{usage} for a window
/// that is not there or fewer than 20 draws.
SurvivalCurve exit_survival(const ExitData& data, std::size_t window, const SurvivalSettings& settings = {});

}  // namespace saltus::kinetics
