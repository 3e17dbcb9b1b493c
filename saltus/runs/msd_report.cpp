#include "saltus/runs/msd_report.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"
#include "saltus/kinetics/tensor.hpp"

namespace saltus::runs {

namespace {

std::int64_t frames_of(double time_fs, double spacing_fs) { return std::llround(time_fs / spacing_fs); }

}  // namespace

SlopeCoefficient coefficient_of_slope(const kinetics::DiffusionFit& fit) {
  const Estimate d = per_ps(fit.diffusion_ang2_fs);
  if (!fit.linear_regime_found)
    return {std::nullopt,
            "undetermined: the slope still changes within the lags that can be seen, half a time block: not yet diffusive"};
  if (!(d.low > 0))
    return {std::nullopt, fmt::format("undetermined: the 95 % interval of the slope holds zero, D is below {:.3g} Å²/ps", std::max(d.high, 0.0))};
  return {d, ""};
}

std::string error_warning(const kinetics::DiffusionFit& fit, std::size_t particles) {
  if (!fit.errors_differ()) return "";
  if (fit.block_error_ang2_fs > fit.model_error_ang2_fs)
    return fmt::format("the time blocks scatter {:.1f} times as much as {} independent particles would, as {:.2g} of them: they move together, or "
                       "seldom; the interval is that of the blocks",
                       fit.block_error_ang2_fs / fit.model_error_ang2_fs, particles, fit.independent_particles);
  return fmt::format("the time blocks scatter only {:.2f} times as much as {} independent particles would: too few blocks, or motion that is "
                     "confined; the interval is that of the blocks",
                     fit.block_error_ang2_fs / fit.model_error_ang2_fs, particles);
}

MsdReport analyze_msd(const TrajectoryInput& input, const MsdSettings& settings, const Progress& progress) {
  TrajectorySource source(input, true, progress);
  MsdReport report;
  std::vector<std::int64_t> lags;
  std::optional<kinetics::MsdSums> sums;
  const std::size_t ions = indices_of(*source.first().atoms, settings.mobile).size();
  if (ions > 0) {
    const LagRange range = lag_range(source, settings.blocks);
    lags = kinetics::log_spaced_lags(range.longest, 15);
    refuse_beyond_memory(ions, lags.back());
    sums.emplace(ions, range.frames, lags, settings.blocks);
  }
  static_cast<MobilePass&>(report) = pass_mobile(source, input, settings, [&](std::span<const Vec3> position_ang) { sums->add(position_ang); });
  const double spacing_fs = report.frame_spacing_fs;

  const kinetics::MsdCurve curve = sums->curve();
  for (std::size_t k = 0; k < lags.size(); ++k) {
    std::vector<double> values;
    for (const auto& tensors : curve.block_tensor_ang2) values.push_back(kinetics::trace(tensors[k]));
    report.lag_fs.push_back(static_cast<double>(lags[k]) * spacing_fs);
    report.msd_ang2.push_back(
        kinetics::jackknife_estimate(kinetics::trace(curve.tensor_ang2[k]), kinetics::leave_one_out_means(values)));
  }
  if (lags.size() < 4) {
    report.diffusion_note =
        "undetermined: too few lags within half a time block; a longer trajectory or fewer blocks are needed";
    return report;
  }
  kinetics::DiffusionFitSettings fit_settings;
  fit_settings.start = settings.start;
  if (settings.fit_first_fs) fit_settings.first_lag_frames = std::max<std::int64_t>(1, frames_of(*settings.fit_first_fs, spacing_fs));
  if (settings.fit_last_fs) {
    fit_settings.last_lag_frames = frames_of(*settings.fit_last_fs, spacing_fs);
    if (*fit_settings.last_lag_frames > lags.back())
      throw Error(ErrorKind::usage, fmt::format("lags up to {:.6g} ps are asked for, but half a time block is {:.6g} ps: fewer blocks (--blocks) reach further",
                                                *settings.fit_last_fs / units::fs_per_ps, report.lag_fs.back() / units::fs_per_ps));
  }
  report.fit = kinetics::fit_diffusion(curve, spacing_fs, fit_settings);
  report.fit_first_fs = static_cast<double>(report.fit->first_lag_frames) * spacing_fs;
  report.fit_last_fs = static_cast<double>(report.fit->last_lag_frames) * spacing_fs;
  const SlopeCoefficient d = coefficient_of_slope(*report.fit);
  report.diffusion_ang2_per_ps = d.ang2_per_ps;
  report.diffusion_note = d.note;
  if (settings.fit_first_fs && report.fit->chi2_probability < 0.05)
    report.warnings.push_back(fmt::format("the MSD deviates from a line within the lags given by more than Brownian motion would (p = {:.2g}): D is then that of the window, not of long times",
                                          report.fit->chi2_probability));
  if (report.diffusion_ang2_per_ps)
    if (const std::string warning = error_warning(*report.fit, report.ions); !warning.empty()) report.warnings.push_back(warning);
  return report;
}

}  // namespace saltus::runs
