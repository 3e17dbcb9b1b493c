#include "saltus/runs/haven_report.hpp"

#include <array>
#include <span>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/haven_ratio.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"
#include "saltus/kinetics/tensor.hpp"

namespace saltus::runs {

namespace {

/// e²/(eV Å ps) in S/cm.
constexpr double s_per_cm_per_e2_ev_ang_ps = 1 / units::ev_per_joule / 1e-20;

std::vector<Estimate> with_intervals(const kinetics::MsdCurve& curve) {
  std::vector<Estimate> result;
  for (std::size_t l = 0; l < curve.lag_frames.size(); ++l) {
    std::vector<double> values;
    for (const auto& tensors : curve.block_tensor_ang2) values.push_back(kinetics::trace(tensors[l]));
    result.push_back(kinetics::jackknife_estimate(kinetics::trace(curve.tensor_ang2[l]), kinetics::leave_one_out_means(values)));
  }
  return result;
}

}  // namespace

HavenReport analyze_haven(const TrajectoryInput& input, const HavenSettings& settings, const Progress& progress) {
  TrajectorySource source(input, true, progress);
  HavenReport report;
  std::vector<std::int64_t> lags;
  std::optional<kinetics::MsdSums> one, all;
  const std::size_t ions = indices_of(*source.first().atoms, settings.mobile).size();
  if (ions > 0) {
    const LagRange range = lag_range(source, settings.blocks);
    lags = kinetics::log_spaced_lags(range.longest, 15);
    if (lags.size() < 4)
      throw Error(ErrorKind::usage, "too few lags within half a time block; a longer trajectory or fewer blocks (--blocks) are needed");
    refuse_beyond_memory(ions, lags.back());
    one.emplace(ions, range.frames, lags, settings.blocks);
    all.emplace(1, range.frames, lags, settings.blocks);
  }
  static_cast<MobilePass&>(report) = pass_mobile(source, input, settings, [&](std::span<const Vec3> position_ang) {
    one->add(position_ang);
    all->add(std::array{kinetics::collective_position(position_ang)});
  });
  const kinetics::MsdCurve tracer_curve = one->curve(), collective_curve = all->curve();
  for (const std::int64_t lag : lags) report.lag_fs.push_back(static_cast<double>(lag) * report.frame_spacing_fs);
  report.tracer_ang2 = with_intervals(tracer_curve);
  report.collective_ang2 = with_intervals(collective_curve);
  const kinetics::DiffusionFit tracer = kinetics::fit_diffusion(tracer_curve, report.frame_spacing_fs);
  const kinetics::DiffusionFit collective = kinetics::fit_diffusion(collective_curve, report.frame_spacing_fs);
  report.tracer = coefficient_of_slope(tracer);
  report.collective = coefficient_of_slope(collective);
  if (!report.tracer.ang2_per_ps) report.haven_note = "D of one ion is " + report.tracer.note;
  else if (!report.collective.ang2_per_ps) report.haven_note = "D of all together is " + report.collective.note;
  else if (const auto ratio = kinetics::haven_ratio(tracer, collective)) report.haven_ratio = ratio;
  else report.haven_note = "undetermined: without one of the time blocks D is not positive";
  if (report.collective.ang2_per_ps && settings.temperature_kelvin && report.cell.volume_ang3() > 0) {
    const double factor = s_per_cm_per_e2_ev_ang_ps * settings.charge * settings.charge * static_cast<double>(report.ions) /
                          (report.cell.volume_ang3() * units::boltzmann_ev_per_kelvin * *settings.temperature_kelvin);
    const Estimate& d = *report.collective.ang2_per_ps;
    report.conductivity_s_per_cm = Estimate{factor * d.value, factor * d.low, factor * d.high};
  }
  return report;
}

}  // namespace saltus::runs
