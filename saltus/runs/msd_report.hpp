// Mean-square displacement of one species of a trajectory file, and the diffusion coefficient that its slope gives.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/kinetics/diffusion_fit.hpp"
#include "saltus/runs/mobile_pass.hpp"

namespace saltus::runs {

struct MsdSettings : MobileSettings {
  std::optional<double> fit_first_fs = {}, fit_last_fs = {};  ///< none: chosen, see kinetics::DiffusionFitSettings
  kinetics::WindowStart start = kinetics::WindowStart::plateau;
};

struct MsdReport : MobilePass {
  std::vector<double> lag_fs;
  std::vector<Estimate> msd_ang2;                 ///< 95 %, Student's t over the blocks
  std::optional<Estimate> diffusion_ang2_per_ps;  ///< none: note says why
  std::string diffusion_note;
  double fit_first_fs = 0, fit_last_fs = 0;
  std::optional<kinetics::DiffusionFit> fit;      ///< none: too few lags
};

/// Å²/ps, or why there is none: no linear regime, or an interval that holds zero.
struct SlopeCoefficient {
  std::optional<Estimate> ang2_per_ps;
  std::string note;
};
SlopeCoefficient coefficient_of_slope(const kinetics::DiffusionFit& fit);

/// What to warn of when the errors of independent particles and of the blocks differ by more than a factor of two; else empty.
std::string error_warning(const kinetics::DiffusionFit& fit, std::size_t particles);

/// Throws what readers, PathAnalysis and the estimators throw; Error{usage} when the file holds no times and none is
/// given.
MsdReport analyze_msd(const TrajectoryInput& input, const MsdSettings& settings, const Progress& progress = {});

}  // namespace saltus::runs
