#include "saltus/runs/trajectory_analysis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "saltus/analysis/framework.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/kinetics/diffusion_fit.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"
#include "saltus/kinetics/site_trajectory.hpp"
#include "saltus/kinetics/tensor.hpp"

namespace saltus::runs {

namespace {

// Frames of the input as asked for: timed, without the beginning, thinned out.
class Source {
 public:
  Source(const TrajectoryInput& input, bool needs_time, const Progress& progress)
      : input_(input), needs_time_(needs_time || input.skip_fs > 0), progress_(progress) {
    if (input.every == 0) throw Error(ErrorKind::usage, "one frame in 0 cannot be meant");
    ReadOptions options = input.read;
    options.same_atoms = true;
    reader_ = open_trajectory(input.path, options);
    count_ = reader_->count();
  }

  bool next(Frame& frame) {
    while (true) {
      if (read_ % input_.every) reader_->seek(read_ = std::min(count_, (read_ / input_.every + 1) * input_.every));
      if (!reader_->read_next(frame)) return false;
      const double index = static_cast<double>(read_++);
      if (input_.time_step_fs > 0) frame.time_fs = input_.time_step_fs * index;
      else if (needs_time_ && reader_->source().time.empty())
        throw Error(ErrorKind::usage, fmt::format("{}: frame {} carries no time: the time between frames must be given",
                                                  input_.path.string(), read_));
      if (read_ == 1) first_time_fs_ = frame.time_fs;
      if (input_.skip_fs > 0 && frame.time_fs - first_time_fs_ < input_.skip_fs) continue;
      if (formula.empty()) formula = saltus::formula(*frame.atoms);
      report_progress(progress_, "trajectory", static_cast<double>(read_), static_cast<double>(count_), "frames");
      return true;
    }
  }

  std::string formula;

 private:
  TrajectoryInput input_;
  bool needs_time_;
  Progress progress_;
  std::unique_ptr<TrajectoryReader> reader_;
  std::size_t count_ = 0, read_ = 0;
  double first_time_fs_ = 0;
};

std::size_t read_all(Source& source, const TrajectoryInput& input, Analysis& analysis) {
  Analysis* const analyses[] = {&analysis};
  std::size_t frames = 0;
  try {
    frames = run_analyses([&](Frame& frame) { return source.next(frame); }, analyses);
  } catch (const Error& error) {
    const std::string place = input.path.string();
    if (std::string(error.what()).rfind(place, 0) == 0) throw;  // the reader has said where
    throw with_place(error, place);
  }
  if (frames == 0) throw Error(ErrorKind::usage, fmt::format("{}: no frame is left", input.path.string()));
  return frames;
}

}  // namespace

MsdReport analyze_msd(const TrajectoryInput& input, const MsdSettings& settings, const Progress& progress) {
  Source source(input, true, progress);
  PathAnalysis analysis({settings.mobile, settings.framework});
  MsdReport report;
  report.frames = read_all(source, input, analysis);
  report.formula = source.formula;
  const Paths paths = analysis.finish();
  report.ions = paths.mobile.size();
  report.frame_spacing_fs = paths.frame_spacing_fs;
  report.steps = paths.steps;
  report.warnings = paths.warnings;
  if (settings.framework && paths.frames >= 30)
    if (const FrameworkCheck check = check_framework(paths.cell, paths.framework_site_path(), paths.frames, paths.frame_spacing_fs); !check.crystalline)
      report.warnings.push_back("the framework does not stay crystalline: " + check.reason);

  const auto bounds = kinetics::block_bounds(static_cast<std::int64_t>(paths.frames), settings.blocks);
  const std::int64_t block = bounds[1] - bounds[0];
  const std::vector<std::int64_t> lags = kinetics::log_spaced_lags(std::max<std::int64_t>(1, block / 2), 15);
  const kinetics::MsdCurve curve = kinetics::mean_square_displacement(paths.mobile_ang, report.ions, lags, settings.blocks);
  for (std::size_t k = 0; k < lags.size(); ++k) {
    std::vector<double> values;
    for (const auto& tensors : curve.block_tensor_ang2) values.push_back(kinetics::trace(tensors[k]));
    report.lag_fs.push_back(static_cast<double>(lags[k]) * paths.frame_spacing_fs);
    report.msd_ang2.push_back(kinetics::jackknife_estimate(kinetics::trace(curve.tensor_ang2[k]), kinetics::leave_one_out_means(values)));
  }
  if (lags.size() < 4) {
    report.diffusion_note = "undetermined: too few lags within half a time block; a longer trajectory or fewer blocks are needed";
    return report;
  }
  const kinetics::DiffusionFit fit = kinetics::fit_diffusion(curve, paths.frame_spacing_fs);
  report.fit_first_fs = static_cast<double>(fit.first_lag_frames) * paths.frame_spacing_fs;
  report.fit_last_fs = static_cast<double>(fit.last_lag_frames) * paths.frame_spacing_fs;
  const Estimate& d = fit.diffusion_ang2_fs;
  if (!fit.linear_regime_found) report.diffusion_note = "undetermined: the slope still changes within the lags that can be seen, half a time block: not yet diffusive";
  else if (!(d.low > 0)) report.diffusion_note = "undetermined: the 95 % interval of the slope holds zero";
  else report.diffusion_ang2_per_ps = Estimate{units::fs_per_ps * d.value, units::fs_per_ps * d.low, units::fs_per_ps * d.high};
  return report;
}

VelocityReport analyze_velocities(const TrajectoryInput& input, const VelocityCorrelationSettings& settings,
                                  const Progress& progress) {
  Source source(input, true, progress);
  VelocityCorrelationAnalysis analysis(settings);
  VelocityReport report;
  report.frames = read_all(source, input, analysis);
  report.formula = source.formula;
  const VelocityCorrelation correlation = analysis.finish();
  report.atoms = correlation.atoms;
  report.frame_spacing_fs = correlation.frame_spacing_fs;
  const auto& blocks = correlation.block_ang2_fs2;
  report.blocks = blocks.size();
  const std::size_t lags = correlation.value_ang2_fs2.size();
  const double spacing_fs = correlation.frame_spacing_fs;
  const double nyquist_per_cm = 0.5 / (spacing_fs * units::light_cm_per_fs);
  if (nyquist_per_cm < 4500)
    report.warnings.push_back(fmt::format("frames {} fs apart show frequencies up to {:.0f}/cm; faster motion appears below that",
                                          spacing_fs, nyquist_per_cm));
  if (static_cast<double>(lags - 1) * spacing_fs < settings.longest_lag_fs - spacing_fs)
    report.warnings.push_back("the trajectory is shorter than the longest lag asked for");
  if (blocks.empty())
    report.warnings.push_back("no intervals: the trajectory is shorter than two blocks of twice the longest lag");

  // Of each lag or frequency: the value of all frames, and the replicates without one block.
  const auto estimate = [&](double value, std::vector<double> replicates) {
    const double none = std::numeric_limits<double>::quiet_NaN();
    return replicates.empty() ? Estimate{value, none, none} : kinetics::jackknife_estimate(value, replicates);
  };
  std::vector<std::vector<double>> without(blocks.size(), std::vector<double>(lags));
  for (std::size_t lag = 0; lag < lags; ++lag) {
    std::vector<double> values;
    for (const auto& block : blocks) values.push_back(block[lag]);
    std::vector<double> replicates;
    if (!blocks.empty()) replicates = kinetics::leave_one_out_means(values);
    for (std::size_t b = 0; b < blocks.size(); ++b) without[b][lag] = replicates[b];
    report.lag_fs.push_back(static_cast<double>(lag) * spacing_fs);
    report.correlation_ang2_fs2.push_back(estimate(correlation.value_ang2_fs2[lag], std::move(replicates)));
  }
  const Spectrum spectrum = spectrum_of(correlation.value_ang2_fs2, spacing_fs);
  std::vector<Spectrum> spectra;
  for (const auto& replicate : without) spectra.push_back(spectrum_of(replicate, spacing_fs));
  for (std::size_t k = 0; k < spectrum.density_fs.size(); ++k) {
    std::vector<double> replicates;
    for (const Spectrum& s : spectra) replicates.push_back(s.density_fs[k] * units::light_cm_per_fs);
    report.frequency_per_cm.push_back(spectrum.frequency_per_fs[k] / units::light_cm_per_fs);
    report.density_cm.push_back(estimate(spectrum.density_fs[k] * units::light_cm_per_fs, std::move(replicates)));
  }
  return report;
}

RdfReport analyze_rdf(const TrajectoryInput& input, RdfSettings settings, const Progress& progress) {
  settings.stride = 1;
  if (settings.pairs.empty()) {
    Source first(input, false, {});
    Frame frame;
    if (!first.next(frame)) throw Error(ErrorKind::usage, fmt::format("{}: no frame is left", input.path.string()));
    const std::set<int> elements(frame.atoms->atomic_number.begin(), frame.atoms->atomic_number.end());
    for (const int a : elements)
      for (const int b : elements)
        if (a <= b) settings.pairs.emplace_back(a, b);
  }
  Source source(input, false, progress);
  RdfAnalysis analysis(settings);
  RdfReport report;
  report.frames = read_all(source, input, analysis);
  report.formula = source.formula;
  report.rdf = analysis.finish();
  return report;
}

}  // namespace saltus::runs
