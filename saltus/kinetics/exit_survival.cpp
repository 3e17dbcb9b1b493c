#include "saltus/kinetics/exit_survival.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

double free_survival(double reduced_time, double start) {
  constexpr double pi = std::numbers::pi;
  if (std::abs(start) >= 1) return 0;
  if (reduced_time <= 0) return 1;
  double sum = 0;
  if (reduced_time > 0.2) {
    for (int k = 0; k < 6; ++k) {
      const double n = 2 * k + 1, decay = n * n * pi * pi * reduced_time / 4;
      if (k > 0 && decay > 40) break;
      sum += (k % 2 == 0 ? 1 : -1) / n * (start == 0 ? 1 : std::cos(n * pi * start / 2)) * std::exp(-decay);
    }
    return 4 / pi * sum;
  }
  const double width = std::sqrt(4 * reduced_time);
  for (int k = 0; k < 3; ++k) {
    const double n = 2 * k + 1;
    sum += (k % 2 == 0 ? 1 : -1) * (std::erfc((n - start) / width) + std::erfc((n + start) / width));
  }
  return std::max(0.0, 1 - sum);
}

namespace {

struct Curve {
  std::vector<double> survival;  // [bins] at the end of each
  double mean = 0, tail = 0;     // frames
};

// Of weighted groups. Exits of a bin are taken to be spread evenly over its frames, ends included: S is known at frames and constant between.
std::optional<Curve> curve_of(const ExitData& data, const WindowExits& window, const std::vector<double>& weight) {
  const std::size_t bins = data.time_bin_frames.size() - 1;
  std::vector<double> exits(bins), censored(bins);
  double left = 0, total = 0;
  for (std::size_t g = 0; g < data.groups; ++g)
    for (std::size_t b = 0; b < bins && weight[g] != 0; ++b) {
      exits[b] += weight[g] * window.exits_at[g * bins + b];
      censored[b] += weight[g] * window.censored_at[g * bins + b];
    }
  std::size_t last = 0;
  for (std::size_t b = 0; b < bins; ++b) {
    left += exits[b] + censored[b];
    total += exits[b];
    if (exits[b] > 0) last = b;
  }
  if (total == 0) return {};
  Curve curve;
  curve.survival.assign(bins, 1.0);
  double before = 1, late_exits = 0, late_time = 0, half_time = -1;
  for (std::size_t b = 0; b < bins; ++b) {
    const auto frames = static_cast<double>(data.time_bin_frames[b + 1] - data.time_bin_frames[b]);
    const bool single = frames == 1;
    // In one frame, exits come before what is seen last in it; a wider bin holds both in any order.
    const double at_risk = left - (single ? 0.0 : censored[b] / 2);
    const double after = at_risk > 0 ? before * std::max(0.0, 1 - exits[b] / at_risk) : before;
    const double middle = 0.5 * static_cast<double>(data.time_bin_frames[b] + data.time_bin_frames[b + 1] - 1);
    if (b <= last && b > 0) {  // sum of S over the frames before each exit: E[T] = sum over n >= 0 of S(n)
      const double steps = frames;
      curve.mean += steps * before - (before - after) * (steps - 1) / 2;
    }
    if (half_time < 0 && after < 0.5) half_time = static_cast<double>(data.time_bin_frames[b + 1]) - 1;
    else if (half_time >= 0) {
      late_exits += exits[b];
      late_time += (exits[b] + censored[b]) * (middle - half_time);
    }
    left -= exits[b] + censored[b];
    curve.survival[b] = after;
    before = after;
  }
  const double end = curve.survival[last];
  if (end > 0) {
    // The rate of leaving once half have left, or over the whole curve where that never was.
    double rate_exits = late_exits, rate_time = late_time;
    if (late_exits < 5) {
      rate_exits = total;
      rate_time = 0;
      for (std::size_t b = 0; b < bins; ++b)
        rate_time += (exits[b] + censored[b]) * 0.5 * static_cast<double>(data.time_bin_frames[b] + data.time_bin_frames[b + 1] - 1);
    }
    curve.tail = end * rate_time / rate_exits;
    curve.mean += curve.tail;
  }
  return curve;
}

}  // namespace

SurvivalCurve exit_survival(const ExitData& data, std::size_t window, const SurvivalSettings& settings) {
  if (window >= data.window.size()) throw Error(ErrorKind::usage, fmt::format("window {} of {}", window, data.window.size()));
  if (settings.bootstrap < 20) throw Error(ErrorKind::usage, fmt::format("{} bootstrap draws; take at least 20", settings.bootstrap));
  if (settings.points < 2) throw Error(ErrorKind::usage, "a survival curve needs at least two points");
  const WindowExits& exits = data.window[window];
  SurvivalCurve result;
  if (data.groups == 0) {
    result.mean_time_fs.reason = "the times of exits were not kept";
    return result;
  }
  const auto curve = curve_of(data, exits, std::vector<double>(data.groups, 1.0));
  if (!curve) {
    result.mean_time_fs.reason = "no exits";
    return result;
  }
  std::vector<Curve> drawn;
  std::vector<double> means;
  for (const auto& weight : bootstrap_weights(data.groups, settings.bootstrap, settings.seed))
    if (auto one = curve_of(data, exits, weight)) {
      means.push_back(one->mean * data.frame_interval_fs);
      drawn.push_back(std::move(*one));
    }
  result.mean_time_fs = percentile_estimate(curve->mean * data.frame_interval_fs, means, settings.bootstrap, "no exits");
  result.tail_share = curve->tail / curve->mean;
  // Up to where nobody is left or followed.
  const std::size_t bins = curve->survival.size();
  std::size_t end = bins;
  while (end > 1) {
    bool any = false;
    for (std::size_t g = 0; g < data.groups && !any; ++g) any = exits.exits_at[g * bins + end - 1] > 0 || exits.censored_at[g * bins + end - 1] > 0;
    if (any) break;
    --end;
  }
  std::size_t previous = bins;
  const double longest = static_cast<double>(data.time_bin_frames[end] - 1);
  for (int k = 0; k < settings.points; ++k) {
    const double wanted = std::pow(std::max(1.0, longest), static_cast<double>(k) / (settings.points - 1));
    std::size_t bin = 0;
    while (bin + 1 < end && static_cast<double>(data.time_bin_frames[bin + 1] - 1) < wanted - 0.5) ++bin;
    if (bin == previous) continue;
    previous = bin;
    std::vector<double> values;
    for (const Curve& one : drawn) values.push_back(one.survival[bin]);
    const auto band = percentile_estimate(curve->survival[bin], std::move(values), settings.bootstrap, "no exits");
    if (!band.estimate) continue;
    result.time_fs.push_back(static_cast<double>(data.time_bin_frames[bin + 1] - 1) * data.frame_interval_fs);
    result.survival.push_back(band.estimate->value);
    result.low.push_back(band.estimate->low);
    result.high.push_back(band.estimate->high);
  }
  return result;
}

}  // namespace saltus::kinetics
