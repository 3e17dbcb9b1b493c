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
constexpr double farthest_ang = 1e5;     // float32 keeps 0.01 Å there
constexpr double wall_tolerance_ang = 0.05, most_beyond_walls = 0.001;
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

std::vector<double> half_widths_of(const PassageCoordinates& coordinates, const PassageSettings& settings) {
  if (!settings.half_widths_ang.empty()) {
    std::vector<double> widths;
    for (const double width : settings.half_widths_ang)
      if (std::find(widths.begin(), widths.end(), width) == widths.end()) widths.push_back(width);
    return widths;
  }
  const CoordinateSeries& series = coordinates.series;
  const double length = coordinates.period_ang > 0 ? coordinates.period_ang : settings.wall_high_ang.value_or(series.highest_ang()) - settings.wall_low_ang.value_or(series.lowest_ang());
  std::vector<double> widths{1, 1.5, 2, 3};
  std::erase_if(widths, [&](double width) { return width > 1 && width > length / 4; });
  return widths;
}

/// What no estimate can be made of.
void check(const PassageCoordinates& coordinates) {
  const CoordinateSeries& series = coordinates.series;
  if (series.frames() < 2) throw Error(ErrorKind::usage, fmt::format("{}: {} frame{}; exits need at least two, and many more to be of use", coordinates.subject, series.frames(), series.frames() == 1 ? "" : "s"));
  const double far = std::max(std::abs(series.lowest_ang()), std::abs(series.highest_ang()));
  if (far > farthest_ang)
    throw Error(ErrorKind::usage, fmt::format("{}: positions reach from {:.6g} to {:.6g} Å; beyond ± {:.0g} Å they are not known well enough (float32): subtract an offset, or check the unit", coordinates.subject,
                                              series.lowest_ang(), series.highest_ang(), farthest_ang));
  if (!(series.highest_ang() > series.lowest_ang()))
    throw Error(ErrorKind::usage, fmt::format("{}: the coordinate is {:.6g} Å in all {} frames: nothing moves", coordinates.subject, series.lowest_ang(), series.frames()));
}

/// Positions beyond walls, and steps of a periodic coordinate through them: few are told of, many are an error.
void check_walls(const PassageCoordinates& coordinates, const PassageSettings& settings, std::vector<std::string>& warnings) {
  if (!settings.wall_low_ang && !settings.wall_high_ang) return;
  const CoordinateSeries& series = coordinates.series;
  const double low = settings.wall_low_ang.value_or(-unbounded) - wall_tolerance_ang, high = settings.wall_high_ang.value_or(unbounded) + wall_tolerance_ang, period = coordinates.period_ang;
  std::vector<float> rows;
  std::vector<double> before(series.particles(), std::numeric_limits<double>::quiet_NaN());
  std::uint64_t beyond = 0, positions = 0;
  double lowest = unbounded, highest = -unbounded;
  const std::size_t at_once = std::max<std::size_t>(1, (std::size_t{4} << 20) / series.particles());
  for (std::size_t at = 0; at < series.frames(); at += at_once) {
    series.read(at, std::min(at_once, series.frames() - at), rows);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      if (!std::isfinite(rows[k])) continue;
      double z = rows[k];
      bool through = false;
      if (period > 0) {
        z -= period * std::floor(z / period);
        double& last = before[k % series.particles()];
        const double from_last = last + (z - last - period * std::round((z - last) / period));
        through = from_last < low || from_last > high;
        last = z;
      }
      ++positions;
      if (z >= low && z <= high && !through) continue;
      ++beyond;
      lowest = std::min(lowest, z);
      highest = std::max(highest, z);
    }
  }
  if (beyond == 0) return;
  const double share = static_cast<double>(beyond) / static_cast<double>(std::max<std::uint64_t>(1, positions));
  const std::string found = fmt::format("{} of {} positions ({:.3g} %) lie beyond the walls or were reached through them, from {:.6g} to {:.6g} Å", beyond, positions, 100 * share, lowest, highest);
  if (share > most_beyond_walls) throw Error(ErrorKind::usage, fmt::format("{}: {}: the walls are elsewhere, or none{}", coordinates.subject, found, period > 0 ? fmt::format(" (the coordinate repeats: it is from 0 to {:.6g} Å)", period) : ""));
  warnings.push_back(found + ": walls are taken to reflect all");
}

/// Where the windows go.
Range range_of(const PassageCoordinates& coordinates, const PassageSettings& settings) {
  if (settings.range_ang) {
    const auto [low, high] = *settings.range_ang;
    if (coordinates.period_ang > 0 && high - low > coordinates.period_ang * (1 + 1e-6))
      throw Error(ErrorKind::usage, fmt::format("windows from {:.6g} to {:.6g} Å are more than the period of {:.6g} Å", low, high, coordinates.period_ang));
    return {low, high};
  }
  if (coordinates.period_ang > 0) return {0, coordinates.period_ang};
  if (settings.wall_low_ang && settings.wall_high_ang) return {*settings.wall_low_ang, *settings.wall_high_ang};
  const std::vector<float> positions = some_positions(coordinates.series);
  if (positions.empty()) throw Error(ErrorKind::usage, "there is no position in any frame");
  const auto quantile = [&](double share) { return static_cast<double>(positions[static_cast<std::size_t>(share * static_cast<double>(positions.size() - 1))]); };
  return {settings.wall_low_ang.value_or(quantile(outside_share)), settings.wall_high_ang.value_or(quantile(1 - outside_share))};
}

std::vector<double> centres_of(const PassageCoordinates& coordinates, const PassageSettings& settings) {
  // in [0, period), ascending, each once
  const auto in_order = [&](std::vector<double> centres) {
    if (const double period = coordinates.period_ang; period > 0)
      for (double& z : centres) {
        z -= period * std::floor(z / period);
        if (z >= period) z = 0;
      }
    std::sort(centres.begin(), centres.end());
    centres.erase(std::unique(centres.begin(), centres.end(), [](double a, double b) { return b - a < 1e-6; }), centres.end());
    return centres;
  };
  if (!settings.centres_ang.empty()) return in_order(settings.centres_ang);
  const auto [low, high] = range_of(coordinates, settings);
  if (!(high > low)) throw Error(ErrorKind::usage, fmt::format("windows need a range: from {:.6g} to {:.6g} Å there is none", low, high));
  const double most = std::ceil((high - low) / settings.spacing_ang - 1e-9);
  if (most > 10000) throw Error(ErrorKind::usage, fmt::format("from {:.6g} to {:.6g} Å there would be {:.0f} windows {:.6g} Å apart: 10000 at most; a particle that left far away? give the range", low, high, most, settings.spacing_ang));
  const std::size_t count = std::max(least_windows, static_cast<std::size_t>(most));
  std::vector<double> centres;
  for (std::size_t k = 0; k < count; ++k) centres.push_back(low + (static_cast<double>(k) + 0.5) * (high - low) / static_cast<double>(count));
  return in_order(std::move(centres));
}

void check(const PassageSettings& settings) {
  const auto positive = [](double value, const char* what) {
    if (!(value > 0) || !std::isfinite(value)) throw Error(ErrorKind::usage, fmt::format("{} must be positive, {:.6g} is not", what, value));
  };
  for (const double width : settings.half_widths_ang) positive(width, "a half-width of windows");
  positive(settings.start_half_width_ang, "the half-width of starts");
  positive(settings.spacing_ang, "the spacing of windows");
  positive(settings.histogram_bin_ang, "a bin of the histogram");
  if (settings.wall_low_ang && settings.wall_high_ang && !(*settings.wall_low_ang < *settings.wall_high_ang))
    throw Error(ErrorKind::usage, fmt::format("walls at {:.6g} and {:.6g} Å: the first must lie below the second", *settings.wall_low_ang, *settings.wall_high_ang));
}

/// Where the user names no wall, the outermost positions of all frames are one: nothing was seen beyond. Where F rises towards them, it makes no difference.
kinetics::CoordinateWalls walls_of(const PassageCoordinates& coordinates, const PassageSettings& settings) {
  if (coordinates.period_ang > 0) return {settings.wall_low_ang, settings.wall_high_ang};
  return {settings.wall_low_ang.value_or(coordinates.series.lowest_ang()), settings.wall_high_ang.value_or(coordinates.series.highest_ang())};
}

kinetics::ExitSettings exit_settings(const PassageCoordinates& coordinates, const PassageSettings& settings, const std::vector<double>& half_widths_ang) {
  kinetics::ExitSettings own;
  own.frame_interval_fs = coordinates.frame_interval_fs;
  own.period_ang = coordinates.period_ang;
  for (const double width : half_widths_ang) {
    const double start = std::min(settings.start_half_width_ang, width / 4);
    for (const double centre : centres_of(coordinates, settings)) own.windows.push_back({centre, width, start});
  }
  own.time_blocks = settings.time_blocks;
  if (own.time_blocks == 0 && coordinates.series.particles() < least_units) own.time_blocks = std::min(least_units, coordinates.series.frames());
  own.histogram_bin_ang = settings.histogram_bin_ang;
  if (coordinates.period_ang == 0) {
    const double bin = settings.histogram_bin_ang;
    own.histogram_low_ang = settings.wall_low_ang.value_or(std::floor(coordinates.series.lowest_ang() / bin) * bin);
    const double bins = settings.wall_high_ang ? std::ceil((*settings.wall_high_ang - own.histogram_low_ang) / bin - 1e-6) : std::ceil((coordinates.series.highest_ang() - own.histogram_low_ang) / bin + 1e-6);
    if (!(bins < most_bins)) throw Error(ErrorKind::usage, fmt::format("positions from {:.6g} to {:.6g} Å need {:.0f} bins of {:.6g} Å: {} at most", coordinates.series.lowest_ang(), coordinates.series.highest_ang(), bins, bin, most_bins));
    own.bins = static_cast<std::size_t>(std::max(1.0, bins));
  }
  return own;
}

/// Transitions between bins at lags of 1, 2, 4, … ps or so, each long against the time within a bin and short against the series.
void add_markov_model(const PassageCoordinates& coordinates, const PassageSettings& settings, PassageReport& report) {
  const auto [low, high] = coordinates.period_ang > 0 ? Range{0, coordinates.period_ang} : range_of(coordinates, settings);
  kinetics::CoordinateBins bins{low, markov_bin_ang, 0, coordinates.period_ang};
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
  check(coordinates);
  PassageReport report;
  report.subject = coordinates.subject;
  report.warnings = std::move(coordinates.warnings);
  check_walls(coordinates, settings, report.warnings);
  report.frames = coordinates.series.frames();
  report.particles = coordinates.series.particles();
  report.frame_interval_fs = coordinates.frame_interval_fs;
  report.period_ang = coordinates.period_ang;
  report.half_widths_ang = half_widths_of(coordinates, settings);
  const kinetics::ExitSettings counting = exit_settings(coordinates, settings, report.half_widths_ang);
  report.time_blocks = counting.time_blocks > 0;
  const kinetics::CoordinateWalls walls = walls_of(coordinates, settings);
  const auto count = [&](std::size_t first, std::size_t frames) {
    kinetics::ExitData data = kinetics::count_exits_with_cuts(frames_of(coordinates.series, first, frames), counting);
    data.wall_low_ang = walls.low_ang;
    data.wall_high_ang = walls.high_ang;
    return data;
  };
  report_progress(progress, "first exits", 0, 4);
  report.data = count(0, report.frames);
  const double half_width = report.half_widths_ang.front();
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
  for (const kinetics::WindowExits& exits : report.data.window) {
    const kinetics::MeanWithError curvature = kinetics::free_energy_curvature(report.data, report.profile.fitted, exits.window);
    local.curvature_kt_per_ang2.push_back(curvature.value);
    local.curvature_error.push_back(curvature.error);
  }
  const std::vector<kinetics::LocalDiffusion> locals = kinetics::local_diffusion(report.data, local);
  const std::vector<kinetics::MilneDiffusion> milne = report.half_widths_ang.size() > 1 ? kinetics::milne_diffusion(report.data, local) : std::vector<kinetics::MilneDiffusion>{};
  std::vector<kinetics::SurvivalCheck> survival_checks;
  double steps = 0, long_steps = 0;
  for (std::size_t w = 0; w < report.data.window.size(); ++w) {
    const kinetics::ExitWindow& window = report.data.window[w].window;
    if (window.half_width_ang != half_width) continue;
    PassageWindow row{w, {}, locals[w], {}, kinetics::exit_survival(report.data, w, {.seed = settings.seed}), {}, locals[w].flags};
    const double middle = (std::max(window.centre_ang - window.half_width_ang, walls.low_ang.value_or(-unbounded)) + std::min(window.centre_ang + window.half_width_ang, walls.high_ang.value_or(unbounded))) / 2;
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
  try {
    add_markov_model(coordinates, settings, report);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::usage && error.kind() != ErrorKind::numeric) throw;
    report.warnings.push_back(fmt::format("no Markov model of bins beside it: {}", error.what()));
  }
  report_progress(progress, "verdict", 3, 4);
  kinetics::DiffusionEvidence evidence;
  evidence.profile = &report.profile;
  evidence.data = &main_data;
  report.checks = kinetics::check_windows(main_data, report.profile);
  evidence.windows = report.checks;
  fit.bootstrap = std::min(settings.bootstrap, side_bootstrap);
  if (report.half_widths_ang.size() > 1) {
    report.over_half_width = kinetics::profiles_over_half_width(report.data, fit);
    report.plateau = evidence.plateau = kinetics::check_plateau(report.over_half_width);
    for (const kinetics::HalfWidthProfile& one : report.over_half_width)
      if (one.censored > kinetics::most_censored && one.half_width_ang != half_width)
        report.warnings.push_back(fmt::format("windows of ± {:.3g} Å: {:.1f} % of the starts end with the data, so that D of this width is not compared; longer data would show it", one.half_width_ang, 100 * one.censored));
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
