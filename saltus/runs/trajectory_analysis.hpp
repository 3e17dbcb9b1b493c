// Analyses of a trajectory file on their own: mean-square displacement with a diffusion coefficient, radial distributions.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "saltus/analysis/paths.hpp"
#include "saltus/analysis/rdf.hpp"
#include "saltus/analysis/velocity_correlation.hpp"
#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus::runs {

struct TrajectoryInput {
  std::filesystem::path path;
  ReadOptions read;          ///< `same_atoms` is always asked for
  double time_step_fs = 0;   ///< time between frames; 0: as the file says
  double skip_fs = 0;        ///< frames earlier than this after the first are left out
  std::size_t every = 1;     ///< one frame in so many
};

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
  std::vector<Estimate> msd_ang2;                  ///< 95 %, Student's t over the blocks
  std::optional<Estimate> diffusion_ang2_per_ps;   ///< none: note says why
  std::string diffusion_note;
  double fit_first_fs = 0, fit_last_fs = 0;
  std::vector<std::string> warnings;
};

/// Throws what readers, PathAnalysis and the estimators throw; Error{usage} when the file holds no times and none is given.
MsdReport analyze_msd(const TrajectoryInput& input, const MsdSettings& settings, const Progress& progress = {});

struct RdfReport {
  std::string formula;
  std::size_t frames = 0;
  std::vector<Rdf> rdf;
};

/// settings.stride is replaced by input.every. With no pairs: all pairs of the elements there are.
RdfReport analyze_rdf(const TrajectoryInput& input, RdfSettings settings, const Progress& progress = {});

struct VelocityReport {
  std::string formula;
  std::size_t frames = 0, atoms = 0;
  double frame_spacing_fs = 0;
  std::vector<double> lag_fs;
  std::vector<Estimate> correlation_ang2_fs2;  ///< per atom (of the mean mass where mass-weighted)
  std::vector<double> frequency_per_cm;
  std::vector<Estimate> density_cm;            ///< integral over frequency 1
  std::size_t blocks = 0;                      ///< behind the intervals; 0: too short for any, low and high are not numbers
  std::vector<std::string> warnings;
};

/// Velocity autocorrelation and its spectrum. Throws what readers and VelocityCorrelationAnalysis throw; Error{usage} when
/// the file holds no times and none is given.
VelocityReport analyze_velocities(const TrajectoryInput& input, const VelocityCorrelationSettings& settings,
                                  const Progress& progress = {});

}  // namespace saltus::runs
