// Velocity autocorrelation and vibrational density of states of a trajectory file, with intervals.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "saltus/analysis/velocity_correlation.hpp"
#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/runs/trajectory_source.hpp"

namespace saltus::runs {

struct VelocityReport {
  std::string formula;
  std::size_t frames = 0, atoms = 0;
  double frame_spacing_fs = 0;
  std::vector<double> lag_fs;
  std::vector<Estimate> correlation_ang2_fs2;  ///< per atom (of the mean mass where mass-weighted)
  std::vector<double> frequency_per_cm;
  std::vector<Estimate> density_cm;  ///< integral over frequency 1
  std::size_t blocks = 0;            ///< behind the intervals; 0: too short for any, low and high are not numbers
  std::vector<std::string> warnings;
};

/// Velocity autocorrelation and its spectrum. Throws what readers and VelocityCorrelationAnalysis throw; Error{usage}
/// when the file holds no times and none is given.
VelocityReport analyze_velocities(const TrajectoryInput& input, const VelocityCorrelationSettings& settings,
                                  std::size_t blocks = 10, const Progress& progress = {});

}  // namespace saltus::runs
