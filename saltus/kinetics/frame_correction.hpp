// A particle seen only every dt leaves a window between frames unseen. With sigma = sqrt(2 D dt), beta = −zeta(1/2)/sqrt(2 pi) and starts uniform within ± delta:
//   2 D T = g [(L + beta sigma)² + sigma²/4 − delta²/3],   g = 2 (p+ − p−)/ln(p+/p−), 1 without drift,
// exact for constant D up to terms exponentially small in L/sigma. Reference: Siegmund, Adv. Appl. Probab. 11 (1979) 701, for beta sigma; the sum of both terms by integral equation.
#pragma once

#include <optional>

#include "saltus/kinetics/window_exits.hpp"

namespace saltus::kinetics {

inline constexpr double frame_shift = 0.5825971579390107;  ///< beta: mean overshoot of a Gaussian random walk, in units of its step

/// g of the fraction of exits on the upper side, 0 < p_plus < 1.
double drift_factor(double p_plus);

/// D in Å² per unit of time from the mean exit time T and the time between frames dt: the positive root s = sqrt(2 D) of
/// (T − g kappa dt) s² − 2 g beta L sqrt(dt) s − g (L² − delta²/3) = 0, kappa = 1/4 + beta². Nothing where p_plus is 0 or 1, or T is too short for a root.
std::optional<double> corrected_diffusion(double mean_time, double p_plus, const ExitWindow& window, double frame_interval);

}  // namespace saltus::kinetics
