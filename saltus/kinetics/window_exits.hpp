// First exits from windows of one coordinate, as the sums that every estimator of D(z), and every bootstrap, starts from.
//
// A start is a frame with |z − centre| < start half-width; its exit the first later frame with |z − centre| >= half-width, on either side.
// Starts overlap, so errors come from resampling whole units (particles, or blocks of time), never starts.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace saltus::kinetics {

struct ExitWindow {
  double centre_ang = 0;
  double half_width_ang = 1;
  double start_half_width_ang = 0.1;
};

/// Over the starts of one unit in one window. Times in frames, exit minus start: sums are exact. Displacements: exit minus start position.
struct ExitSums {
  double exits = 0;                  ///< starts whose exit was seen
  double above = 0;                  ///< of them on the side of larger z
  double time = 0, time2 = 0;        ///< Σ T, Σ T²
  double displacement_ang = 0, displacement2_ang2 = 0, displacement_time_ang = 0;  ///< Σ Δz, Σ Δz², Σ Δz T
  double censored = 0;               ///< starts that data or segment ended upon; in no other sum but the next
  double censored_time = 0;          ///< Σ of the times they were followed

  ExitSums& operator+=(const ExitSums& other);
};

struct WindowExits {
  ExitWindow window;
  std::vector<ExitSums> unit;        ///< [units]
};

/// All that is kept of a trajectory: profiles, errors and plots are made again from it without the frames.
struct ExitData {
  double frame_interval_fs = 0;
  double period_ang = 0;                            ///< of the coordinate; 0: none. Positions are then in [0, period)
  std::optional<double> wall_low_ang, wall_high_ang;  ///< reflecting
  double histogram_low_ang = 0, histogram_bin_ang = 0.1;
  std::size_t bins = 0;
  std::vector<WindowExits> window;                  ///< all with the same units
  std::vector<float> histogram;                     ///< [units * bins] frames of each unit in each bin

  std::size_t units() const { return window.empty() ? 0 : window.front().unit.size(); }
};

}  // namespace saltus::kinetics
