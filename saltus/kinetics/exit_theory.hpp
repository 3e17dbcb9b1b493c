// Exit of an interval by overdamped motion in a free energy F(z) [kT] with diffusion D(z), Smoluchowski's convention
// ∂t ρ = ∂z { D e^{−F} ∂z ( e^{F} ρ ) }, by quadrature of scale s = e^F/D and speed m = e^−F:
//   p+(z) = S(z)/S(b),  S(z) = ∫_a^z s;   T_n(z) = ∫ G(z,y) n T_{n−1}(y) m(y) dy,  G = S(min)(S(b) − S(max))/S(b).
// References: Gardiner, Handbook of Stochastic Methods, section 5.2.7; Szabo, Schulten, Schulten, J. Chem. Phys. 72 (1980) 4350 (walls).
// Overshoot seen by frames: Siegmund, Sequential Analysis (1985), chapter X.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "saltus/kinetics/window_exits.hpp"

namespace saltus::kinetics {

/// F [kT] or D [Å²/fs] as a function of z [Å].
using CoordinateFunction = std::function<double(double)>;

/// An interval with F and D at equidistant points, ends included. An end reflects or absorbs.
struct ProfileGrid {
  double low_ang = 0, high_ang = 0;
  bool low_reflects = false, high_reflects = false;
  std::vector<double> free_energy_kt;         ///< [points >= 3]
  std::vector<double> diffusion_ang2_fs;      ///< [points], positive

  std::size_t points() const { return free_energy_kt.size(); }
  double step_ang() const { return (high_ang - low_ang) / static_cast<double>(points() - 1); }
};

ProfileGrid profile_grid(double low_ang, double high_ang, std::size_t points, const CoordinateFunction& free_energy_kt, const CoordinateFunction& diffusion_ang2_fs);

/// For starts at each point of the grid.
struct ExitMoments {
  std::vector<double> above;       ///< probability to leave through the upper end
  std::vector<double> time_fs;     ///< mean exit time
  std::vector<double> time2_fs2;   ///< mean of its square
  double low_slope_fs_ang = 0, high_slope_fs_ang = 0;  ///< of the mean exit time at the ends
};

/// Error O(step²). Throws Error{usage} when both ends reflect, for fewer than three points or an empty interval; Error{numeric} where F is not
/// finite or D not positive.
ExitMoments exit_moments(const ProfileGrid& grid);

/// Value at z by linear interpolation between grid points; z inside the grid.
double at_start(const ProfileGrid& grid, const std::vector<double>& of_points, double z_ang);

/// D from the mean exit times at equidistant starts beside a wall at the first of them: D = −e^F ∫_a^y e^−F / (dT/dy), with central differences.
/// Needs the derivative of what may be noisy. [points], from the second to the last but one; the ends repeat their neighbours.
std::vector<double> diffusion_from_wall_times(const ProfileGrid& grid_with_any_diffusion, const std::vector<double>& time_fs);

// Closed forms, for starts at the centre of [−L, L] unless said; times in fs.

/// Constant drift v [Å/fs]: L/v tanh(vL/2D), L²/2D without drift.
double drift_exit_fs(double half_width_ang, double diffusion_ang2_fs, double drift_ang_fs);
/// Probability of the upper end: 1/(1 + exp(−vL/D)).
double drift_above(double half_width_ang, double diffusion_ang2_fs, double drift_ang_fs);
/// D = D0 + s z, flat F, start z: mean exit time and probability of the upper end. s = 0 is allowed.
struct LinearDiffusionExit {
  double time_fs = 0, above = 0;
};
LinearDiffusionExit linear_diffusion_exit(double half_width_ang, double diffusion_ang2_fs, double slope_ang_fs, double start_ang);
/// Drift −k z [k in 1/fs]: (L²/2D) ₂F₂(1,1; 3/2,2; kL²/2D).
double harmonic_exit_fs(double half_width_ang, double diffusion_ang2_fs, double rate_per_fs);
/// Slab of width W with constant drift, both faces absorbing: mean over uniform starts, and over starts at equilibrium in the potential of the drift.
double slab_exit_uniform_fs(double width_ang, double diffusion_ang2_fs, double drift_ang_fs);
double slab_exit_equilibrium_fs(double width_ang, double diffusion_ang2_fs, double drift_ang_fs);

// Exits that are seen at frames only.

/// Outer edge that continuous motion would need for the same mean exit time: L → sqrt((L + βσ)² + σ²/4), σ² = 2 D dt.
double widened_half_width_ang(double half_width_ang, double diffusion_ang2_fs, double frame_interval_fs);
/// The same for the side of the exit: L + βσ.
double widened_half_width_of_side_ang(double half_width_ang, double diffusion_ang2_fs, double frame_interval_fs);

/// What the coordinate is confined to.
struct CoordinateWalls {
  std::optional<double> low_ang, high_ang;  ///< reflecting
};

/// Of starts at equilibrium within the start bin of a window, seen at frames.
struct FrameExit {
  double time_fs = 0;
  double above = 0;     ///< 0 or 1 where the other side is a wall
  bool one_sided = false;
};

/// Continuous exit of edges moved outward by β sqrt(dt) in ∫ dz/sqrt(2D), with a quarter of a frame added to its mean time. By optional stopping the
/// variance of the overshoot, σ²/4, adds dt/4 (1 + v u'), u the mean time and v the drift at the edge, and the shift of the mean overshoot by drift,
/// v dt/4, takes v u' dt/4 off again: what is left is right to first order in gradients of F and D. For constant D and F this is the mean time of
/// `widened_half_width_ang`. An edge at or beyond a wall reflects. points  of the quadrature. Throws as exit_moments.
FrameExit frame_exit(const ExitWindow& window, const CoordinateFunction& free_energy_kt, const CoordinateFunction& diffusion_ang2_fs, double frame_interval_fs,
                     const CoordinateWalls& walls = {}, std::size_t points = 401);

/// The reference: a Markov chain on cells with P = exp(dt R), killed outside the window at frames only. Starts at equilibrium within the start bin
/// (at the centre for a start half-width of 0). cells_per_window is odd; the error is O(1/cells²).
struct FrameExitModel {
  double time_fs = 0, time2_fs2 = 0;
  double above = 0;
  std::vector<double> survival;  ///< [frames + 1], at 0, dt, 2dt, …
};
FrameExitModel frame_exit_model(const ExitWindow& window, const CoordinateFunction& free_energy_kt, const CoordinateFunction& diffusion_ang2_fs,
                                double frame_interval_fs, const CoordinateWalls& walls = {}, std::size_t frames = 0, std::size_t cells_per_window = 101);

}  // namespace saltus::kinetics
