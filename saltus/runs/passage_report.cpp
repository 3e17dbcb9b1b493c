#include "saltus/runs/passage_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/exit_counting.hpp"

namespace saltus::runs {

namespace {

constexpr std::size_t least_windows = 20, least_units = 20, most_bins = 200000;
constexpr double outside_share = 0.002;  // of positions, on each side, where no window is laid
constexpr std::size_t positions_looked_at = 500000;
constexpr std::size_t most_survival_frames = 4000;
constexpr int survival_draws = 200, side_bootstrap = 40;
constexpr std::size_t markov_groups = 10;
constexpr double markov_bin_ang = 0.5;
constexpr double unbounded = std::numeric_limits<double>::infinity();

struct Range {
  double low = 0, high = 0;
};

/// Positions of frames spread evenly over the series, ascending.
std::vector<float> some_positions(const CoordinateSeries& series) {
  const std::size_t wanted = std::max<std::size_t>(2, positions_looked_at / series.particles()), every = std::max<std::size_t>(1, series.frames() / wanted);
  std::vector<float> all, row;
  for (std::size_t frame = 0; frame < series.frames(); frame += every) {
    series.read(frame, 1, row);
    for (const float z : row)
      if (std::isfinite(z)) all.push_back(z);
  }
  std::sort(all.begin(), all.end());
  return all;
}

/// Where the windows go.
Range range_of(const PassageCoordinates& coordinates, const PassageSettings& settings) {
  if (settings.range_ang) return {settings.range_ang->first, settings.range_ang->second};
  if (coordinates.period_ang > 0) return {0, coordinates.period_ang};
  if (settings.wall_low_ang && settings.wall_high_ang) return {*settings.wall_low_ang, *settings.wall_high_ang};
  const std::vector<float> positions = some_positions(coordinates.series);
  if (positions.empty()) throw Error(ErrorKind::usage, "there is no position in any frame");
  const auto quantile = [&](double share) { return static_cast<double>(positions[static_cast<std::size_t>(share * static_cast<double>(positions.size() - 1))]); };
  return {settings.wall_low_ang.value_or(quantile(outside_share)), settings.wall_high_ang.value_or(quantile(1 - outside_share))};
}

std::vector<double> centres_of(const PassageCoordinates& coordinates, const PassageSettings& settings) {
  if (!settings.centres_ang.empty()) {
    std::vector<double> centres = settings.centres_ang;
    std::sort(centres.begin(), centres.end());
    return centres;
  }
  const auto [low, high] = range_of(coordinates, settings);
  if (!(high > low)) throw Error(ErrorKind::usage, fmt::format("windows need a range: from {:.6g} to {:.6g} Å there is none", low, high));
  const double most = std::ceil((high - low) / settings.spacing_ang - 1e-9);
  if (most > 10000) throw Error(ErrorKind::usage, fmt::format("from {:.6g} to {:.6g} Å there would be {:.0f} windows {:.6g} Å apart: 10000 at most; a particle that left far away? give the range", low, high, most, settings.spacing_ang));
  const std::size_t count = std::max(least_windows, static_cast<std::size_t>(most));
  std::vector<double> centres;
  for (std::size_t k = 0; k < count; ++k) centres.push_back(low + (static_cast<double>(k) + 0.5) * (high - low) / static_cast<double>(count));
  return centres;
}

void check(const PassageSettings& settings) {
  const auto positive = [](double value, const char* what) {
    if (!(value > 0) || !std::isfinite(value)) throw Error(ErrorKind::usage, fmt::format("{} must be positive, {:.6g} is not", what, value));
  };
  if (settings.half_widths_ang.empty()) throw Error(ErrorKind::usage, "windows need a half-width");
  for (const double width : settings.half_widths_ang) positive(width, "a half-width of windows");
  positive(settings.start_half_width_ang, "the half-width of starts");
  positive(settings.spacing_ang, "the spacing of windows");
  positive(settings.histogram_bin_ang, "a bin of the histogram");
  if (settings.wall_low_ang && settings.wall_high_ang && !(*settings.wall_low_ang < *settings.wall_high_ang))
    throw Error(ErrorKind::usage, fmt::format("walls at {:.6g} and {:.6g} Å: the first must lie below the second", *settings.wall_low_ang, *settings.wall_high_ang));
}

kinetics::ExitSettings exit_settings(const PassageCoordinates& coordinates, const PassageSettings& settings) {
  kinetics::ExitSettings own;
  own.frame_interval_fs = coordinates.frame_interval_fs;
  own.period_ang = coordinates.period_ang;
  for (const double width : settings.half_widths_ang) {
    const double start = std::min(settings.start_half_width_ang, width / 4);
    for (const double centre : centres_of(coordinates, settings)) own.windows.push_back({centre, width, start});
  }
  own.time_blocks = settings.time_blocks;
  if (own.time_blocks == 0 && coordinates.series.particles() < least_units) own.time_blocks = least_units;
  own.histogram_bin_ang = settings.histogram_bin_ang;
  if (coordinates.period_ang == 0) {
    const double bin = settings.histogram_bin_ang;
    own.histogram_low_ang = settings.wall_low_ang.value_or(std::floor(coordinates.series.lowest_ang() / bin) * bin);
    const double bins = std::ceil((settings.wall_high_ang.value_or(coordinates.series.highest_ang()) - own.histogram_low_ang) / bin + 1e-6);
    if (!(bins < most_bins)) throw Error(ErrorKind::usage, fmt::format("positions from {:.6g} to {:.6g} Å need {:.0f} bins of {:.6g} Å: {} at most", coordinates.series.lowest_ang(), coordinates.series.highest_ang(), bins, bin, most_bins));
    own.bins = static_cast<std::size_t>(std::max(1.0, bins));
  }
  return own;
}

/// Transitions between bins at lags of 1, 2, 4, … ps or so, each long against the time within a bin and short against the series.
void add_markov_model(const PassageCoordinates& coordinates, const PassageSettings& settings, PassageReport& report) {
  const auto [low, high] = range_of(coordinates, settings);
  const bool whole_period = coordinates.period_ang > 0 && high - low > coordinates.period_ang * (1 - 1e-9);
  kinetics::CoordinateBins bins{low, markov_bin_ang, 0, whole_period ? coordinates.period_ang : 0};
  bins.count = static_cast<std::size_t>(std::max(3.0, std::floor((high - low) / markov_bin_ang)));
  if (bins.count > 200) bins.count = 200;
  bins.width_ang = (high - low) / static_cast<double>(bins.count);
  double typical = 0;
  for (const kinetics::ProfilePoint& point : report.profile.points) typical += point.diffusion_ang2_fs.value / static_cast<double>(report.profile.points.size());
  const double within_fs = bins.width_ang * bins.width_ang / (12 * typical);
  std::vector<int> lags;
  for (const double times : {5.0, 10.0, 20.0}) {
    const double frames = std::max(1.0, std::round(times * within_fs / coordinates.frame_interval_fs));
    if (frames < static_cast<double>(report.frames) / 10 && (lags.empty() || static_cast<int>(frames) > lags.back())) lags.push_back(static_cast<int>(frames));
  }
  if (lags.empty()) return;
  kinetics::PositionCounter counter(bins, lags, report.particles, std::min(markov_groups, report.particles));
  const std::size_t frames_at_once = std::max<std::size_t>(1, (std::size_t{4} << 20) / report.particles);
  std::vector<float> rows;
  const std::vector<std::size_t>& breaks = coordinates.series.segment_start();
  std::size_t next_break = 0;
  for (std::size_t at = 0; at < report.frames;) {
    std::size_t end = std::min(report.frames, at + frames_at_once);
    if (next_break < breaks.size() && breaks[next_break] == at) {
      counter.end_segment();
      ++next_break;
    }
    if (next_break < breaks.size()) end = std::min(end, breaks[next_break]);
    coordinates.series.read(at, end - at, rows);
    if (coordinates.period_ang > 0)
      for (float& z : rows) z = static_cast<float>(low + (z - low) - coordinates.period_ang * std::floor((z - low) / coordinates.period_ang));
    counter.add(rows);
    at = end;
  }
  report.markov = kinetics::binned_diffusion_profile(counter.counts(), coordinates.frame_interval_fs);
  report.kramers_moyal = kinetics::kramers_moyal_profile(counter.counts(), coordinates.frame_interval_fs);
}

double curvature_at(const kinetics::FittedProfile& fitted, double z, double half_width) {
  const double h = half_width / 2;
  return (fitted.free_energy_kt(z + h) - 2 * fitted.free_energy_kt(z) + fitted.free_energy_kt(z - h)) / (h * h);
}

/// The model's survival at the curve's times.
std::vector<double> at_times(const std::vector<double>& survival, const kinetics::SurvivalCurve& curve, double interval_fs) {
  std::vector<double> values;
  for (const double time : curve.time_fs) {
    const auto frame = static_cast<std::size_t>(std::llround(time / interval_fs));
    values.push_back(frame < survival.size() ? survival[frame] : 0);
  }
  return values;
}

/// Measured exits of a window, in the bins of time that the model's survival covers, beside it.
kinetics::SurvivalCheck check_survival_of(const kinetics::ExitData& data, const kinetics::WindowExits& exits, const std::vector<double>& survival, std::uint64_t seed) {
  const std::size_t bins = data.time_bin_frames.size() - 1;
  std::vector<double> of_model;
  for (std::size_t b = 0; b < bins && static_cast<std::size_t>(data.time_bin_frames[b + 1] - 1) < survival.size(); ++b)
    of_model.push_back(survival[static_cast<std::size_t>(data.time_bin_frames[b + 1] - 1)]);
  std::vector<float> counts;
  for (std::size_t g = 0; g < data.groups; ++g)
    for (std::size_t b = 0; b < of_model.size(); ++b) counts.push_back(static_cast<float>(exits.exits_at[g * bins + b]));
  kinetics::SurvivalCheck check = kinetics::check_survival(counts, data.groups, of_model, survival_draws, seed);
  check.centre_ang = exits.window.centre_ang;
  return check;
}

}  // namespace

PassageReport study_passage(PassageCoordinates coordinates, const PassageSettings& settings, const Progress& progress) {
  check(settings);
  PassageReport report;
  report.subject = std::move(coordinates.subject);
  report.warnings = std::move(coordinates.warnings);
  report.frames = coordinates.series.frames();
  report.particles = coordinates.series.particles();
  report.frame_interval_fs = coordinates.frame_interval_fs;
  report.period_ang = coordinates.period_ang;
  const kinetics::ExitSettings counting = exit_settings(coordinates, settings);
  const auto count = [&](std::size_t first, std::size_t frames) {
    kinetics::ExitData data = kinetics::count_exits_with_cuts(frames_of(coordinates.series, first, frames), counting);
    data.wall_low_ang = settings.wall_low_ang;
    data.wall_high_ang = settings.wall_high_ang;
    return data;
  };
  report_progress(progress, "first exits", 0, 4);
  report.data = count(0, report.frames);
  const double half_width = settings.half_widths_ang.front();
  kinetics::DiffusionProfileSettings fit;
  fit.knot_spacing_ang = settings.knot_spacing_ang;
  fit.penalty_sigma = settings.penalty_sigma;
  fit.bootstrap = settings.bootstrap;
  fit.seed = settings.seed;
  report_progress(progress, "D(z)", 1, 4);
  const kinetics::ExitData main_data = kinetics::with_half_width(report.data, half_width);
  report.profile = kinetics::fit_diffusion_profile(main_data, fit);
  report_progress(progress, "each window", 2, 4);
  kinetics::LocalSettings local;
  local.seed = settings.seed;
  for (const kinetics::WindowExits& exits : report.data.window) local.curvature_kt_per_ang2.push_back(curvature_at(report.profile.fitted, exits.window.centre_ang, exits.window.half_width_ang));
  const std::vector<kinetics::LocalDiffusion> locals = kinetics::local_diffusion(report.data, local);
  const std::vector<kinetics::MilneDiffusion> milne = settings.half_widths_ang.size() > 1 ? kinetics::milne_diffusion(report.data, local) : std::vector<kinetics::MilneDiffusion>{};
  std::vector<kinetics::SurvivalCheck> survival_checks;
  double steps = 0, long_steps = 0;
  for (std::size_t w = 0; w < report.data.window.size(); ++w) {
    const kinetics::ExitWindow& window = report.data.window[w].window;
    if (window.half_width_ang != half_width) continue;
    PassageWindow row{w, {}, locals[w], {}, kinetics::exit_survival(report.data, w, {.seed = settings.seed}), {}, locals[w].flags};
    const double middle = (std::max(window.centre_ang - window.half_width_ang, settings.wall_low_ang.value_or(-unbounded)) + std::min(window.centre_ang + window.half_width_ang, settings.wall_high_ang.value_or(unbounded))) / 2;
    for (std::size_t p = 0; p < report.profile.points.size(); ++p)
      if (std::abs(report.profile.points[p].z_ang - middle) < 1e-6) row.point = p;
    if (row.point && report.profile.points[*row.point].unresolved) row.flags.push_back("the exits say little of D here: it is drawn out from the neighbours");
    for (const kinetics::MilneDiffusion& one : milne)
      if (std::find(one.windows.begin(), one.windows.end(), w) != one.windows.end()) row.milne = one;
    if (row.point && !row.survival.time_fs.empty()) {
      const auto last = static_cast<std::size_t>(row.survival.time_fs.back() / report.frame_interval_fs);
      const std::vector<double> survival = kinetics::model_survival(main_data, report.profile, report.windows.size(), std::min(last + 2, most_survival_frames));
      row.model_survival = at_times(survival, row.survival, report.frame_interval_fs);
      survival_checks.push_back(check_survival_of(report.data, report.data.window[w], survival, settings.seed));
    }
    steps += report.data.window[w].steps;
    long_steps += report.data.window[w].long_steps;
    report.windows.push_back(std::move(row));
  }
  add_markov_model(coordinates, settings, report);
  report_progress(progress, "verdict", 3, 4);
  kinetics::DiffusionEvidence evidence;
  evidence.profile = &report.profile;
  evidence.data = &main_data;
  report.checks = kinetics::check_windows(main_data, report.profile);
  evidence.windows = report.checks;
  fit.bootstrap = std::min(settings.bootstrap, side_bootstrap);
  if (settings.half_widths_ang.size() > 1) {
    report.over_half_width = kinetics::profiles_over_half_width(report.data, fit);
    report.plateau = evidence.plateau = kinetics::check_plateau(report.over_half_width);
  }
  if (report.frames >= 4 && fit.bootstrap > 0) {
    try {
      const auto half = [&](std::size_t first, std::size_t frames) { return kinetics::fit_diffusion_profile(kinetics::with_half_width(count(first, frames), half_width), fit); };
      report.halves = evidence.halves = kinetics::compare_profiles(half(0, report.frames / 2), half(report.frames / 2, report.frames - report.frames / 2));
    } catch (const Error& error) {
      report.warnings.push_back(fmt::format("the halves of the data cannot be compared: {}", error.what()));
    }
  }
  report.survival_checks = std::move(survival_checks);
  evidence.survival = report.survival_checks;
  if (steps > 0) evidence.steps_beyond_half_width = long_steps / steps;
  report.verdict = kinetics::judge_diffusion(evidence);
  report_progress(progress, "verdict", 4, 4);
  return report;
}

}  // namespace saltus::runs
