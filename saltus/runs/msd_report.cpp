#include "saltus/runs/msd_report.hpp"

#include <algorithm>

#include "saltus/analysis/framework.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/diffusion_fit.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"
#include "saltus/kinetics/site_trajectory.hpp"
#include "saltus/kinetics/tensor.hpp"

namespace saltus::runs {

MsdReport analyze_msd(const TrajectoryInput& input, const MsdSettings& settings, const Progress& progress) {
  TrajectorySource source(input, true, progress);
  PathAnalysis analysis({settings.mobile, settings.framework});
  Analysis* const analyses[] = {&analysis};
  MsdReport report;
  report.formula = formula(*source.first().atoms);
  report.frames = read_all(source, input, analyses, report.warnings);
  const Paths paths = analysis.finish();
  report.ions = paths.mobile.size();
  report.frame_spacing_fs = paths.frame_spacing_fs;
  report.steps = paths.steps;
  report.warnings.insert(report.warnings.end(), paths.warnings.begin(), paths.warnings.end());
  const auto& periodic = paths.cell.periodic();
  if (settings.framework && paths.frames >= 30 && periodic[0] && periodic[1] && periodic[2])
    if (const FrameworkCheck check =
            check_framework(paths.cell, paths.framework_site_path(), paths.frames, paths.frame_spacing_fs);
        !check.crystalline)
      report.warnings.push_back("the framework does not stay crystalline: " + check.reason);

  const auto bounds = kinetics::block_bounds(static_cast<std::int64_t>(paths.frames), settings.blocks);
  const std::int64_t block = bounds[1] - bounds[0];
  const std::vector<std::int64_t> lags = kinetics::log_spaced_lags(std::max<std::int64_t>(1, block / 2), 15);
  const kinetics::MsdCurve curve =
      kinetics::mean_square_displacement(paths.mobile_ang, report.ions, lags, settings.blocks);
  for (std::size_t k = 0; k < lags.size(); ++k) {
    std::vector<double> values;
    for (const auto& tensors : curve.block_tensor_ang2) values.push_back(kinetics::trace(tensors[k]));
    report.lag_fs.push_back(static_cast<double>(lags[k]) * paths.frame_spacing_fs);
    report.msd_ang2.push_back(
        kinetics::jackknife_estimate(kinetics::trace(curve.tensor_ang2[k]), kinetics::leave_one_out_means(values)));
  }
  if (lags.size() < 4) {
    report.diffusion_note =
        "undetermined: too few lags within half a time block; a longer trajectory or fewer blocks are needed";
    return report;
  }
  const kinetics::DiffusionFit fit = kinetics::fit_diffusion(curve, paths.frame_spacing_fs);
  report.fit_first_fs = static_cast<double>(fit.first_lag_frames) * paths.frame_spacing_fs;
  report.fit_last_fs = static_cast<double>(fit.last_lag_frames) * paths.frame_spacing_fs;
  const Estimate& d = fit.diffusion_ang2_fs;
  if (!fit.linear_regime_found)
    report.diffusion_note =
        "undetermined: the slope still changes within the lags that can be seen, half a time block: not yet diffusive";
  else if (!(d.low > 0))
    report.diffusion_note = "undetermined: the 95 % interval of the slope holds zero";
  else
    report.diffusion_ang2_per_ps =
        Estimate{units::fs_per_ps * d.value, units::fs_per_ps * d.low, units::fs_per_ps * d.high};
  return report;
}

}  // namespace saltus::runs
