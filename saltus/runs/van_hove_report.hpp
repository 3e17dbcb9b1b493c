// Van Hove functions and the non-Gaussian parameter of one species of a trajectory file, with intervals.
#pragma once

#include <optional>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/runs/mobile_pass.hpp"

namespace saltus::runs {

struct VanHoveReportSettings : MobileSettings {
  std::vector<double> lag_fs;   ///< to the nearest frame; empty: half a time block, a tenth and a hundredth of it
  double largest_ang = 8, bin_ang = 0.1;
  bool distinct = true;
};

struct VanHoveAtLag {
  double lag_fs = 0;
  std::vector<Estimate> self_per_ang;   ///< [bin] 4 pi r² G_s: integral over r 1, with what lies beyond
  std::vector<Estimate> self_per_ang3;  ///< [bin] G_s
  Estimate beyond;                      ///< share of the displacements beyond the range
  std::vector<Estimate> distinct;       ///< [bin] G_d over the density of the ions; empty: none
};

struct VanHoveReport : MobilePass {
  std::vector<double> r_ang;            ///< bin centres
  std::vector<VanHoveAtLag> lags;
  std::vector<double> moment_lag_fs;
  std::vector<double> msd_ang2;         ///< [moment lag]
  std::vector<Estimate> alpha_2;        ///< [moment lag]
};

/// Throws what readers, PathAnalysis and VanHoveSums throw; Error{usage} for lags beyond half a time block. The distinct part needs
/// a constant cell that is periodic along all three vectors; without one a warning says that it is left out.
VanHoveReport analyze_van_hove(const TrajectoryInput& input, const VanHoveReportSettings& settings, const Progress& progress = {});

}  // namespace saltus::runs
