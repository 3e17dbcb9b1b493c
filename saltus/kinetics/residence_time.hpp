// How long particles stay in a region of one coordinate: the survival probability of those found in it, from all origins t0.
//   continuous     C(t) = sum N(in at t0 and ever since until t0 + t) / sum N(in at t0), excursions of at most t* counted as if they had not been
//   intermittent   C(t) = sum N(in at t0 and at t0 + t) / sum N(in at t0)
// over the t0 whose t0 + t lies in the same segment. Reference: Impey, Madden, McDonald, J. Phys. Chem. 87 (1983) 5071; Laage, Hynes, J. Phys. Chem. B 112 (2008) 7697.
// MDAnalysis' SurvivalProbability is the continuous form, its `intermittency` the t* in frames; it takes the mean of the ratio at each t0, here sums are divided.
#pragma once

#include <cstdint>
#include <vector>

#include "saltus/kinetics/exit_counting.hpp"
#include "saltus/kinetics/local_diffusion.hpp"

namespace saltus::kinetics {

struct ResidenceSettings {
  double low_ang = 0, high_ang = 0;  ///< the region: low <= z < high; of a periodic coordinate any images of them
  double period_ang = 0;             ///< 0: none
  double frame_interval_fs = 0;
  std::int64_t longest_lag_frames = 0;  ///< 0: a quarter of the frames. Memory grows with it: a bit per particle and frame
  std::int64_t gap_frames = 0;       ///< t*: frames that a particle may be outside and still stays
  int points = 60;                   ///< lags, log-spaced from one frame; 0 is always there
  int bootstrap = 200;
  std::uint64_t seed = 1;
};

struct ResidenceCorrelation {
  std::vector<double> time_fs;
  std::vector<double> continuous, continuous_low, continuous_high;        ///< 95 % bands, point by point
  std::vector<double> intermittent, intermittent_low, intermittent_high;
  LocalEstimate residence_time_fs;   ///< integral of the continuous form, all lags; none where more than 5 % are left at the longest
  double visits = 0;                 ///< those cut by the ends of the data included
  double mean_particles = 0;         ///< in the region per frame
};

/// Intervals from draws of groups of consecutive particles, at most 64. Throws Error{usage} for a region without width or as wide as the period, lags that do not fit, or
/// when no particle was ever in the region.
ResidenceCorrelation residence_correlation(const CoordinateFrames& frames, const ResidenceSettings& settings);

}  // namespace saltus::kinetics
