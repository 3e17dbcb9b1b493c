#include "saltus/kinetics/local_diffusion.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/exit_survival.hpp"
#include "saltus/kinetics/frame_correction.hpp"

namespace saltus::kinetics {

namespace {

using Value = std::optional<double>;

ExitSums weighted_sum(const std::vector<ExitSums>& unit, const std::vector<double>& weight) {
  ExitSums sum;
  for (std::size_t u = 0; u < unit.size(); ++u) {
    const double w = weight[u];
    const ExitSums& s = unit[u];
    if (w == 0 || (s.exits == 0 && s.censored == 0)) continue;
    sum.exits += w * s.exits;
    sum.above += w * s.above;
    sum.time += w * s.time;
    sum.time2 += w * s.time2;
    sum.displacement_ang += w * s.displacement_ang;
    sum.displacement2_ang2 += w * s.displacement2_ang2;
    sum.displacement_time_ang += w * s.displacement_time_ang;
    sum.censored += w * s.censored;
    sum.censored_time += w * s.censored_time;
    sum.censored_time2 += w * s.censored_time2;
    sum.censored_displacement_ang += w * s.censored_displacement_ang;
    sum.censored_displacement2_ang2 += w * s.censored_displacement2_ang2;
    sum.censored_displacement_time_ang += w * s.censored_displacement_time_ang;
  }
  return sum;
}

ExitSums total_of(const std::vector<ExitSums>& unit) {
  ExitSums sum;
  for (const ExitSums& u : unit) sum += u;
  return sum;
}

// Below, times in frames and D in Å² per frame.

Value mean_time(const ExitSums& s) {
  if (s.exits <= 0) return {};
  return (s.time + s.censored_time) / s.exits;
}

Value p_plus(const ExitSums& s) {
  if (s.exits <= 0) return {};
  return s.above / s.exits;
}

Value cv2(const ExitSums& s) {
  if (s.exits < 2) return {};
  const double mean = s.time / s.exits;
  return s.time2 / s.exits / (mean * mean) - 1;
}

Value naive(const ExitSums& s, const ExitWindow& w) {
  if (s.exits <= 0 || s.above <= 0 || s.above >= s.exits) return {};
  return drift_factor(s.above / s.exits) * w.half_width_ang * w.half_width_ang / (2 * *mean_time(s));
}

Value corrected(const ExitSums& s, const ExitWindow& w, bool unfolded) {
  if (s.exits <= 0) return {};
  return corrected_diffusion(*mean_time(s), unfolded ? 0.5 : s.above / s.exits, w, 1);
}

/// Of a window with one wall inside, the motion unfolded at the wall: it leaves a window around the wall as wide as the way from there to the edge, and starts u from its middle, which
/// stands for <u²> = start²/3. Nothing for windows without a wall, or between two.
std::optional<ExitWindow> unfolded_at_wall(const ExitData& data, const ExitWindow& w) {
  const bool low = data.wall_low_ang && *data.wall_low_ang >= w.centre_ang - w.half_width_ang, high = data.wall_high_ang && *data.wall_high_ang <= w.centre_ang + w.half_width_ang;
  if (low == high) return {};
  const double wall = low ? *data.wall_low_ang : *data.wall_high_ang, away = std::abs(w.centre_ang - wall);
  if (low != (wall < w.centre_ang)) return {};
  return ExitWindow{wall, away + w.half_width_ang, std::sqrt(w.start_half_width_ang * w.start_half_width_ang + 3 * away * away)};
}

// Over all starts, unfinished ones stopped where they were seen last: the identities hold for them as well.
Value wald(const ExitSums& s) {
  const double time = s.time + s.censored_time;
  if (s.exits <= 0 || time <= 0) return {};
  const double v = (s.displacement_ang + s.censored_displacement_ang) / time;
  const double square = s.displacement2_ang2 + s.censored_displacement2_ang2 - 2 * v * (s.displacement_time_ang + s.censored_displacement_time_ang);
  return (square + v * v * (s.time2 + s.censored_time2)) / (2 * time);
}

// Numbers of exits and of unfinished starts per bin of time, of weighted groups.
struct Counts {
  std::vector<double> exits, censored;
};

Counts counts_of(const ExitData& data, const WindowExits& window, const std::vector<double>& weight) {
  const std::size_t bins = data.time_bin_frames.size() - 1;
  Counts counts{std::vector<double>(bins), std::vector<double>(bins)};
  for (std::size_t g = 0; g < data.groups; ++g)
    for (std::size_t b = 0; b < bins && weight[g] != 0; ++b) {
      counts.exits[b] += weight[g] * window.exits_at[g * bins + b];
      counts.censored[b] += weight[g] * window.censored_at[g * bins + b];
    }
  return counts;
}

double middle_of(const ExitData& data, std::size_t bin) { return 0.5 * static_cast<double>(data.time_bin_frames[bin] + data.time_bin_frames[bin + 1] - 1); }

// The chance per frame to leave, of starts that stayed until fewer than half were left: lambda = −ln(1 − chance).
Value tail(const ExitData& data, const Counts& counts, double half_width) {
  const std::size_t bins = counts.exits.size();
  double left = 0;
  for (std::size_t b = 0; b < bins; ++b) left += counts.exits[b] + counts.censored[b];
  std::size_t from = 0;
  for (double survival = 1; from < bins && survival >= 0.5; ++from) {
    const double at_risk = left - counts.censored[from] / 2;
    survival *= at_risk > 0 ? 1 - counts.exits[from] / at_risk : 1;
    left -= counts.exits[from] + counts.censored[from];
  }
  if (from >= bins) return {};
  const double begin = static_cast<double>(data.time_bin_frames[from] - 1);
  double exits = 0, at_risk = 0;
  for (std::size_t b = from; b < bins; ++b) {
    exits += counts.exits[b];
    at_risk += (counts.exits[b] + counts.censored[b]) * (middle_of(data, b) - begin);
  }
  if (exits < 5 || exits >= at_risk) return {};
  const double r = std::sqrt(-8 * std::log1p(-exits / at_risk)) / std::numbers::pi, divisor = 1 - r * frame_shift;
  if (!(divisor > 0)) return {};
  const double s = r * half_width / divisor;
  return s * s / 2;
}

// ln of the likelihood over a grid of ln D. Frames see an exit from ± (L + beta sigma) a quarter of a frame late (the sigma²/4 of the mean time), so that a time of
// n frames stands for (n − 3/4, n + 1/4), of one frame for (0, 5/4).
class Likelihood {
 public:
  Likelihood(const ExitData& data, const ExitWindow& window, double first, double spacing, std::size_t count)
      : first_(first), spacing_(spacing), count_(count), bins_(data.time_bin_frames.size() - 1), exit_(count * bins_), survive_(count * bins_) {
    for (std::size_t k = 0; k < count; ++k) {
      const double d = std::exp(first + spacing * static_cast<double>(k)), sigma = std::sqrt(2 * d), edge = window.half_width_ang + frame_shift * sigma;
      const double half = std::sqrt(edge * edge - window.start_half_width_ang * window.start_half_width_ang / 3);
      const auto survival = [&](double t) { return t <= 0 ? 1.0 : free_survival(d * t / (half * half)); };
      double before = 1;
      for (std::size_t b = 1; b < bins_; ++b) {
        const double after = survival(static_cast<double>(data.time_bin_frames[b + 1]) - 0.75);
        exit_[k * bins_ + b] = std::log(std::max(before - after, 1e-300));
        survive_[k * bins_ + b] = std::log(std::max(survival(middle_of(data, b) - 0.25), 1e-300));
        before = after;
      }
    }
  }

  /// Where it is largest, by a parabola through three points; nothing at an end of the grid.
  Value maximum(const Counts& counts) const {
    std::vector<double> value(count_);
    std::vector<std::size_t> used;
    for (std::size_t b = 0; b < bins_; ++b)
      if (counts.exits[b] > 0 || counts.censored[b] > 0) used.push_back(b);
    for (std::size_t k = 0; k < count_; ++k)
      for (const std::size_t b : used) value[k] += counts.exits[b] * exit_[k * bins_ + b] + counts.censored[b] * survive_[k * bins_ + b];
    const auto best = static_cast<std::size_t>(std::max_element(value.begin(), value.end()) - value.begin());
    if (best == 0 || best + 1 == count_) return {};
    const double slope = value[best + 1] - value[best - 1], bend = 2 * value[best] - value[best + 1] - value[best - 1];
    return first_ + spacing_ * (static_cast<double>(best) + (bend > 0 ? slope / (2 * bend) : 0));
  }

 private:
  double first_, spacing_;
  std::size_t count_, bins_;
  std::vector<double> exit_, survive_;
};

constexpr double grid_reach = 0.8;

void check(const ExitData& data, const LocalSettings& settings) {
  if (settings.bootstrap < 20) throw Error(ErrorKind::usage, fmt::format("{} bootstrap draws; take at least 20", settings.bootstrap));
  if (!settings.curvature_kt_per_ang2.empty() && settings.curvature_kt_per_ang2.size() != data.window.size())
    throw Error(ErrorKind::usage, fmt::format("{} curvatures for {} windows", settings.curvature_kt_per_ang2.size(), data.window.size()));
  if (!settings.curvature_error.empty() && settings.curvature_error.size() != settings.curvature_kt_per_ang2.size())
    throw Error(ErrorKind::usage, fmt::format("{} errors of {} curvatures", settings.curvature_error.size(), settings.curvature_kt_per_ang2.size()));
  if (!(data.frame_interval_fs > 0)) throw Error(ErrorKind::usage, "the time between frames must be positive");
}

struct Draws {
  std::vector<double> value;
  void add(const Value& drawn, double unit) {
    if (drawn && std::isfinite(*drawn)) value.push_back(*drawn * unit);
  }
};

void flag_window(LocalDiffusion& result, const WindowExits& window, bool curved, bool wall) {
  const double half = window.window.half_width_ang, starts = result.sum.exits + result.sum.censored;
  if (starts == 0) {
    result.flags.push_back(window.cut_frames > 0 ? fmt::format("no start: no particle came by {} frames or more before the end", window.cut_frames) : "no start: no particle came by");
    return;
  }
  if (result.sum.exits == 0) {
    result.flags.push_back(fmt::format("no exit: none of {:.0f} starts left before the data end", starts));
    return;
  }
  if (half < 2 * result.sigma_ang)
    result.flags.push_back(fmt::format("frames too far apart: the half-width of {:.3g} Å is less than twice the {:.3g} Å that a particle moves between two", half, result.sigma_ang));
  if (result.long_steps > 1e-3) result.flags.push_back(fmt::format("{:.2g} % of the steps between frames are longer than the half-width", 100 * result.long_steps));
  if (result.censored_fraction > 0.01) result.flags.push_back(fmt::format("{:.2g} % of the starts had not left when the data ended", 100 * result.censored_fraction));
  if (wall) result.flags.push_back("a wall lies within the window: local D is of motion that it reflects, without forces");
  else if (result.sum.above == 0 || result.sum.above == result.sum.exits) result.flags.push_back("all exits are on one side");
  if (result.contributing_units < 5) result.flags.push_back(fmt::format("exits of {:.0f} unit{} only: intervals mean little", result.contributing_units, result.contributing_units == 1 ? "" : "s"));
  if (curved && result.curvature_bias && std::abs(*result.curvature_bias) > 0.2 / 6)
    result.flags.push_back(fmt::format("F is curved: local D is expected to be off by {:+.0f} %", 100 * *result.curvature_bias));
}

}  // namespace

std::vector<std::vector<double>> bootstrap_weights(std::size_t items, int draws, std::uint64_t seed) {
  std::vector<std::vector<double>> weight;
  for (int d = 0; d < draws; ++d) {
    Random random(seed, static_cast<std::uint64_t>(d));
    weight.emplace_back(items, 0.0);
    for (std::size_t k = 0; k < items; ++k) weight.back()[random.below(items)] += 1;
  }
  return weight;
}

LocalEstimate percentile_estimate(std::optional<double> value, std::vector<double> drawn, int draws, const std::string& reason) {
  if (!value || !std::isfinite(*value)) return {{}, reason};
  if (drawn.empty() || static_cast<double>(drawn.size()) < 0.95 * draws) return {{}, "too few data: " + reason + " in more than one resampling in twenty"};
  std::sort(drawn.begin(), drawn.end());
  const auto quantile = [&](double q) {
    const double at = q * static_cast<double>(drawn.size() - 1);
    const auto k = static_cast<std::size_t>(at);
    const double rest = at - static_cast<double>(k);
    return k + 1 < drawn.size() ? drawn[k] * (1 - rest) + drawn[k + 1] * rest : drawn[k];
  };
  return {Estimate{*value, quantile(0.025), quantile(0.975)}, {}};
}

std::vector<LocalDiffusion> local_diffusion(const ExitData& data, const LocalSettings& settings) {
  check(data, settings);
  const auto weights = bootstrap_weights(data.units(), settings.bootstrap, settings.seed);
  const auto group_weights = bootstrap_weights(data.groups, settings.bootstrap, settings.seed);
  const double dt = data.frame_interval_fs;
  const std::vector<double> once(data.groups, 1.0);
  std::vector<LocalDiffusion> results(data.window.size());
  parallel_chunks(data.window.size(), 1, [&](std::size_t w, std::size_t) {
    const WindowExits& exits = data.window[w];
    const ExitWindow& window = exits.window;
    LocalDiffusion& result = results[w];
    result.sum = total_of(exits.unit);
    for (const ExitSums& unit : exits.unit) result.contributing_units += unit.exits > 0 ? 1 : 0;
    const double starts = result.sum.exits + result.sum.censored;
    result.censored_fraction = starts > 0 ? result.sum.censored / starts : 0;
    result.long_steps = exits.steps > 0 ? exits.long_steps / exits.steps : 0;
    if (!settings.curvature_kt_per_ang2.empty()) result.curvature_bias = -settings.curvature_kt_per_ang2[w] * window.half_width_ang * window.half_width_ang / 6;

    const std::optional<ExitWindow> unfolded = unfolded_at_wall(data, window);
    const ExitWindow& free = unfolded ? *unfolded : window;
    Draws time, p, spread, plain, shifted, stopped, slow, likely;
    for (const auto& weight : weights) {
      const ExitSums s = weighted_sum(exits.unit, weight);
      time.add(mean_time(s), dt);
      p.add(p_plus(s), 1);
      spread.add(cv2(s), 1);
      plain.add(naive(s, window), 1 / dt);
      shifted.add(corrected(s, free, unfolded.has_value()), 1 / dt);
      stopped.add(unfolded ? Value{} : wald(s), 1 / dt);
    }
    const std::string none = starts == 0 ? "no starts" : "no exits", one_side = result.sum.exits > 0 ? "all exits are on one side" : none;
    const ExitSums& all = result.sum;
    const auto in = [](const Value& value, double unit) { return value ? Value(*value * unit) : value; };
    result.mean_exit_time_fs = percentile_estimate(in(mean_time(all), dt), time.value, settings.bootstrap, none);
    result.p_plus = percentile_estimate(p_plus(all), p.value, settings.bootstrap, none);
    result.cv2 = percentile_estimate(cv2(all), spread.value, settings.bootstrap, all.exits == 1 ? "a single exit" : none);
    result.naive_ang2_fs = percentile_estimate(in(naive(all, window), 1 / dt), plain.value, settings.bootstrap, one_side);
    const Value best = corrected(all, free, unfolded.has_value());
    result.corrected_ang2_fs = percentile_estimate(in(best, 1 / dt), shifted.value, settings.bootstrap,
                                                   all.exits > 0 && (unfolded || (all.above > 0 && all.above < all.exits)) ? "exit times are no longer than a frame" : one_side);
    result.wald_ang2_fs = percentile_estimate(in(unfolded ? Value{} : wald(all), 1 / dt), stopped.value, settings.bootstrap, unfolded ? "a wall lies within the window" : none);
    result.sigma_ang = best ? std::sqrt(2 * *best) : exits.steps > 0 ? std::sqrt(exits.step2_ang2 / exits.steps) : 0;

    if (all.exits > 0 && data.groups > 0) {
      const Counts counts = counts_of(data, exits, once);
      // Around the value that the mean time gives, then around the maximum.
      const double guess = std::log(window.half_width_ang * window.half_width_ang / (2 * std::max(*mean_time(all), 0.5)));
      const Value rough = unfolded ? Value{} : Likelihood(data, window, guess - 3, 0.1, 61).maximum(counts);
      const Likelihood fine(data, window, rough.value_or(guess) - grid_reach, grid_reach / 20, 41);
      for (const auto& weight : group_weights) {
        const Counts drawn = counts_of(data, exits, weight);
        slow.add(tail(data, drawn, free.half_width_ang), 1 / dt);
        if (const Value peak = rough ? fine.maximum(drawn) : rough) likely.add(std::exp(*peak), 1 / dt);
      }
      const Value peak = rough ? fine.maximum(counts) : rough;
      result.tail_ang2_fs = percentile_estimate(in(tail(data, counts, free.half_width_ang), 1 / dt), slow.value, settings.bootstrap, "fewer than five exits in the tail, or a tail of a frame");
      result.censored_mle_ang2_fs = percentile_estimate(peak ? Value(std::exp(*peak) / dt) : peak, likely.value, settings.bootstrap, unfolded ? "a wall lies within the window" : "the likelihood has no maximum");
    } else {
      result.tail_ang2_fs.reason = result.censored_mle_ang2_fs.reason = all.exits > 0 ? "the times of exits were not kept" : none;
    }
    flag_window(result, exits, settings.curvature_error.empty() || std::abs(settings.curvature_kt_per_ang2[w]) > 3 * settings.curvature_error[w], unfolded.has_value());
  });
  return results;
}

std::vector<MilneDiffusion> milne_diffusion(const ExitData& data, const LocalSettings& settings) {
  check(data, settings);
  std::map<double, std::vector<std::size_t>> places;
  for (std::size_t w = 0; w < data.window.size(); ++w) places[data.window[w].window.centre_ang].push_back(w);
  const auto weights = bootstrap_weights(data.units(), settings.bootstrap, settings.seed);
  std::vector<MilneDiffusion> results;
  for (auto& [centre, windows] : places) {
    const auto half = [&](std::size_t w) { return data.window[w].window.half_width_ang; };
    std::sort(windows.begin(), windows.end(), [&](std::size_t a, std::size_t b) { return half(a) < half(b); });
    if (half(windows.front()) == half(windows.back())) continue;
    MilneDiffusion result;
    result.centre_ang = centre;
    result.windows = windows;
    // Slope and intercept/slope of sqrt(T/g + delta²/3 · slope²) against L; delta is small, the term that it adds is found again from the slope.
    const auto fit = [&](const auto& sums_of) -> std::optional<std::pair<double, double>> {
      double slope2 = 0, intercept = 0, slope = 0;
      for (int round = 0; round < 8; ++round) {
        double n = 0, x = 0, y = 0, xx = 0, xy = 0;
        for (const std::size_t w : windows) {
          const ExitSums s = sums_of(w);
          if (s.exits <= 0 || s.above <= 0 || s.above >= s.exits) return {};
          const double start = data.window[w].window.start_half_width_ang, l = half(w);
          const double root = std::sqrt(*mean_time(s) / drift_factor(s.above / s.exits) + start * start / 3 * slope2);
          n += 1;
          x += l;
          y += root;
          xx += l * l;
          xy += l * root;
        }
        slope = (n * xy - x * y) / (n * xx - x * x);
        intercept = (y - slope * x) / n;
        if (!(slope > 0)) return {};
        slope2 = slope * slope;
      }
      return std::pair{1 / (2 * slope * slope), intercept / slope};
    };
    Draws diffusion, length;
    for (const auto& weight : weights)
      if (const auto drawn = fit([&](std::size_t w) { return weighted_sum(data.window[w].unit, weight); })) {
        diffusion.add(drawn->first, 1 / data.frame_interval_fs);
        length.add(drawn->second, 1);
      }
    const auto all = fit([&](std::size_t w) { return total_of(data.window[w].unit); });
    const std::string reason = "a window without exits on both sides, or times that do not grow with the width";
    result.diffusion_ang2_fs = percentile_estimate(all ? Value(all->first / data.frame_interval_fs) : Value{}, diffusion.value, settings.bootstrap, reason);
    result.extrapolation_length_ang = percentile_estimate(all ? Value(all->second) : Value{}, length.value, settings.bootstrap, reason);
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace saltus::kinetics
