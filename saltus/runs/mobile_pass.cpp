#include "saltus/runs/mobile_pass.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "saltus/analysis/framework.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/memory.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"
#include "saltus/kinetics/site_trajectory.hpp"

namespace saltus::runs {

namespace {

constexpr std::size_t most_framework_frames = 4096;  // enough to tell whether it is a crystal

}  // namespace

LagRange lag_range(TrajectorySource& source, int blocks) {
  source.first();
  const auto frames = static_cast<std::int64_t>(source.left());
  const auto bounds = kinetics::block_bounds(frames, blocks);
  return {frames, std::max<std::int64_t>(1, (bounds[1] - bounds[0]) / 2)};
}

void refuse_beyond_memory(std::size_t ions, std::int64_t longest_lag) {
  const double needed = kinetics::MsdSums::memory_bytes(ions, longest_lag), there = static_cast<double>(memory_bytes());
  if (needed < 0.8 * there) return;
  throw Error(ErrorKind::unsupported,
              fmt::format("the positions of {} ions over the longest lag, {} frames, take {:.1f} GB of the {:.1f} GB of memory: read "
                          "fewer frames (--every) or use more, shorter time blocks (--blocks)",
                          ions, longest_lag, needed / 1e9, there / 1e9));
}

MobilePass pass_mobile(TrajectorySource& source, const TrajectoryInput& input, const MobileSettings& settings,
                       const std::function<void(std::span<const Vec3>)>& take) {
  MobilePass pass;
  pass.formula = formula(*source.first().atoms);
  pass.atoms = source.first().atoms->size();
  PathSettings path_settings{settings.mobile, settings.framework};
  path_settings.framework_frames = most_framework_frames;
  path_settings.take_mobile = take;
  PathAnalysis analysis(path_settings);
  Analysis* const analyses[] = {&analysis};
  pass.frames = read_all(source, input, analyses, pass.warnings);
  const Paths paths = analysis.finish();
  pass.ions = paths.mobile.size();
  pass.frame_spacing_fs = paths.frame_spacing_fs;
  pass.cell = paths.cell;
  pass.constant_cell = paths.constant_cell;
  pass.steps = paths.steps;
  pass.warnings.insert(pass.warnings.end(), paths.warnings.begin(), paths.warnings.end());
  const auto& periodic = paths.cell.periodic();
  if (settings.framework && paths.frames >= 30 && periodic[0] && periodic[1] && periodic[2])
    if (const FrameworkCheck check =
            check_framework(paths.cell, paths.framework_site_path(), paths.framework_site_path().size() / paths.framework.size(),
                            static_cast<double>(paths.framework_every) * paths.frame_spacing_fs);
        !check.crystalline)
      pass.warnings.push_back("the framework does not stay crystalline: " + check.reason);
  return pass;
}

Estimate in_ps(const Estimate& e) { return {e.value / units::fs_per_ps, e.low / units::fs_per_ps, e.high / units::fs_per_ps}; }

Estimate per_ps(const Estimate& e) { return {units::fs_per_ps * e.value, units::fs_per_ps * e.low, units::fs_per_ps * e.high}; }

}  // namespace saltus::runs
