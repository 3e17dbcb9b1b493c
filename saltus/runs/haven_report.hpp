// Tracer and collective diffusion of one species of a trajectory file, their Haven ratio, and the conductivity that the latter means.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/runs/msd_report.hpp"

namespace saltus::runs {

struct HavenSettings : MobileSettings {
  std::optional<double> temperature_kelvin = {};
  double charge = 1;                         ///< of an ion, e
};

struct HavenReport : MobilePass {
  std::vector<double> lag_fs;
  std::vector<Estimate> tracer_ang2;         ///< [lag] MSD of one ion
  std::vector<Estimate> collective_ang2;     ///< [lag] |Σ Δr|²/N
  SlopeCoefficient tracer, collective;
  std::optional<Estimate> haven_ratio;
  std::string haven_note;                    ///< why there is none
  std::optional<Estimate> conductivity_s_per_cm;  ///< N q² D_sigma/(V k T); needs a temperature and a periodic cell
};

/// Throws what analyze_msd throws; Error{usage} for frames too few to fit.
HavenReport analyze_haven(const TrajectoryInput& input, const HavenSettings& settings, const Progress& progress = {});

}  // namespace saltus::runs
