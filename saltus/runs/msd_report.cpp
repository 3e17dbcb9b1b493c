#include "saltus/runs/msd_report.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "saltus/analysis/framework.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/memory.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/diffusion_fit.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"
#include "saltus/kinetics/site_trajectory.hpp"
#include "saltus/kinetics/tensor.hpp"

namespace saltus::runs {

namespace {

constexpr std::size_t most_framework_frames = 4096;  // enough to tell whether it is a crystal

void refuse_beyond_memory(std::size_t ions, std::int64_t longest_lag) {
  const double needed = kinetics::MsdSums::memory_bytes(ions, longest_lag), there = static_cast<double>(memory_bytes());
  if (needed < 0.8 * there) return;
  throw Error(ErrorKind::unsupported,
              fmt::format("the positions of {} ions over the longest lag, {} frames, take {:.1f} GB of the {:.1f} GB of memory: read "
                          "fewer frames (--every) or use more, shorter time blocks (--blocks)",
                          ions, longest_lag, needed / 1e9, there / 1e9));
}

}  // namespace

MsdReport analyze_msd(const TrajectoryInput& input, const MsdSettings& settings, const Progress& progress) {
  TrajectorySource source(input, true, progress);
  MsdReport report;
  report.formula = formula(*source.first().atoms);
  std::vector<std::int64_t> lags;
  std::optional<kinetics::MsdSums> sums;
  PathSettings path_settings{settings.mobile, settings.framework};
  path_settings.framework_frames = most_framework_frames;
  path_settings.take_mobile = [&](std::span<const Vec3> position_ang) { sums->add(position_ang); };
  PathAnalysis analysis(path_settings);
  const auto frames = static_cast<std::int64_t>(source.left());
  const std::size_t ions = indices_of(*source.first().atoms, settings.mobile).size();
  if (ions > 0) {
    const auto bounds = kinetics::block_bounds(frames, settings.blocks);
    lags = kinetics::log_spaced_lags(std::max<std::int64_t>(1, (bounds[1] - bounds[0]) / 2), 15);
    refuse_beyond_memory(ions, lags.back());
    sums.emplace(ions, frames, lags, settings.blocks);
  }
  Analysis* const analyses[] = {&analysis};
  report.frames = read_all(source, input, analyses, report.warnings);
  const Paths paths = analysis.finish();
  report.ions = paths.mobile.size();
  report.frame_spacing_fs = paths.frame_spacing_fs;
  report.steps = paths.steps;
  report.warnings.insert(report.warnings.end(), paths.warnings.begin(), paths.warnings.end());
  const auto& periodic = paths.cell.periodic();
  if (settings.framework && paths.frames >= 30 && periodic[0] && periodic[1] && periodic[2])
    if (const FrameworkCheck check =
            check_framework(paths.cell, paths.framework_site_path(), paths.framework_site_path().size() / paths.framework.size(),
                            static_cast<double>(paths.framework_every) * paths.frame_spacing_fs);
        !check.crystalline)
      report.warnings.push_back("the framework does not stay crystalline: " + check.reason);

  const kinetics::MsdCurve curve = sums->curve();
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
