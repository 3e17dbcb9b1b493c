// Mean-square displacement of one species of a trajectory file, and the diffusion coefficient that its slope gives.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "saltus/analysis/paths.hpp"
#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/runs/trajectory_source.hpp"

namespace saltus::runs {

struct MsdSettings {
  int mobile = 0;                ///< atomic number
  std::optional<int> framework;  ///< its mean displacement is subtracted
  int blocks = 10;               ///< time blocks behind the intervals
};

struct MsdReport {
  std::string formula;
  std::size_t frames = 0, ions = 0;
  double frame_spacing_fs = 0;
  StepCheck steps;
  std::vector<double> lag_fs;
  std::vector<Estimate> msd_ang2;                 ///< 95 %, Student's t over the blocks
  std::optional<Estimate> diffusion_ang2_per_ps;  ///< none: note says why
  std::string diffusion_note;
  double fit_first_fs = 0, fit_last_fs = 0;
  std::vector<std::string> warnings;
};

/// Throws what readers, PathAnalysis and the estimators throw; Error{usage} when the file holds no times and none is
/// given.
MsdReport analyze_msd(const TrajectoryInput& input, const MsdSettings& settings, const Progress& progress = {});

}  // namespace saltus::runs
