// First exits from windows of one coordinate, as the sums that every estimator of D(z), and every bootstrap, starts from.
//
// A start is a frame with |z − centre| < start half-width; its exit the first later frame with |z − centre| >= half-width, on either side.
// Starts overlap, so errors come from resampling whole units (particles, or blocks of time), never starts.
#pragma once

#include <cstddef>
#include <cstdint>
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
  double censored = 0;               ///< starts that data or segment ended upon; in no other sum but those that follow
  double censored_time = 0, censored_time2 = 0;  ///< Σ c, Σ c² of the times they were followed
  double censored_displacement_ang = 0, censored_displacement2_ang2 = 0, censored_displacement_time_ang = 0;  ///< Σ Δz, Σ Δz², Σ Δz c up to where they were seen last

  ExitSums& operator+=(const ExitSums& other);
};

struct WindowExits {
  ExitWindow window;
  std::vector<ExitSums> unit;        ///< [units]
  std::int64_t cut_frames = 0;       ///< starts closer than this to the end of their segment were not admitted
  double steps = 0, long_steps = 0, step2_ang2 = 0;  ///< one-frame displacements from starts: how many, how many longer than half_width_ang, Σ of their squares
  std::vector<std::uint32_t> exits_at = {}, censored_at = {};  ///< [groups * time bins] how many starts exited, or were seen last, after a time in that bin
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
  std::size_t groups = 0;                           ///< of units, behind intervals of survival curves: consecutive particles, or the time blocks
  std::vector<std::int64_t> time_bin_frames;        ///< [time bins + 1] bin b holds times from [b] to [b + 1] − 1 frames
  double largest_step_ang = 0;                      ///< of any particle between two frames

  std::size_t units() const { return window.empty() ? 0 : window.front().unit.size(); }
};

}  // namespace saltus::kinetics
