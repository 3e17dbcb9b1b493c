#include "saltus/kinetics/exit_counting.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/frame_correction.hpp"

namespace saltus::kinetics {

namespace {

constexpr std::size_t most_lanes = 64, tile_particles = 16, piece_frames = 256;

// To the nearest multiple of 2^-20, |x| < 2^31: the unit in the last place of 1.5 · 2^32.
double rounded(double x) { return (x + 0x1.8p32) - 0x1.8p32; }

double rounded_edge(double x) { return std::round(x * 0x1p17) * 0x1p-17; }

// The first of `total` things in order that falls into part k of `parts` when thing i falls into part i · parts / total.
std::size_t first_of_part(std::size_t k, std::size_t parts, std::size_t total) { return (k * total + parts - 1) / parts; }

std::int64_t first_time_of_bin(std::size_t bin) {
  if (bin < 64) return static_cast<std::int64_t>(bin);
  const std::size_t octave = (bin - 64) / 32, part = (bin - 64) % 32;
  return static_cast<std::int64_t>((32 + part) << (octave + 1));
}

}  // namespace

std::size_t time_bin(std::int64_t frames) {
  if (frames < 64) return static_cast<std::size_t>(frames);
  const auto time = static_cast<std::uint64_t>(frames);
  const auto power = static_cast<std::size_t>(std::bit_width(time)) - 1;
  return 64 + (power - 6) * 32 + ((time >> (power - 5)) & 31);
}

ExitCounter::ExitCounter(std::size_t frames, std::size_t particles, std::vector<std::size_t> segment_start, ExitSettings settings)
    : settings_(std::move(settings)), frames_(frames), particles_(particles), left_(frames), segment_start_(std::move(segment_start)) {
  const auto fail = [](const std::string& message) { throw Error(ErrorKind::usage, "exits from windows: " + message); };
  if (frames < 2) fail(fmt::format("{} frame{}; at least two are needed", frames, frames == 1 ? "" : "s"));
  if (frames > std::size_t{1} << 40) fail("too many frames");
  if (particles == 0) fail("no particle");
  if (settings_.windows.empty()) fail("no window");
  if (settings_.every_particle == 0 || settings_.most_units == 0) fail("every_particle and most_units must be positive");
  if (!(settings_.frame_interval_fs > 0) || !std::isfinite(settings_.frame_interval_fs)) fail("the time between frames must be positive");
  if (!(settings_.period_ang >= 0) || !std::isfinite(settings_.period_ang)) fail("the period must be positive, or 0 for none");
  if (!settings_.cut_frames.empty() && settings_.cut_frames.size() != settings_.windows.size()) fail("a cut per window is needed, or none");
  if (settings_.time_blocks > frames) fail(fmt::format("{} blocks of time from {} frames", settings_.time_blocks, frames));
  for (std::size_t k = 0; k < segment_start_.size(); ++k)
    if (segment_start_[k] <= (k == 0 ? 0 : segment_start_[k - 1]) || segment_start_[k] >= frames) fail("segments must begin at ascending frames behind the first");
  for (const ExitWindow& w : settings_.windows) {
    if (!std::isfinite(w.centre_ang) || std::abs(w.centre_ang) > 1e9 || !(w.half_width_ang > 0) || !(w.half_width_ang < 1e9))
      fail(fmt::format("a window at {} Å of half-width {} Å", w.centre_ang, w.half_width_ang));
    if (!(w.start_half_width_ang >= 0x1p-16) || !(w.start_half_width_ang <= w.half_width_ang - 0x1p-16))
      fail(fmt::format("the start half-width of {} Å must be positive and smaller than the half-width of {} Å", w.start_half_width_ang, w.half_width_ang));
    if (settings_.period_ang > 0 && 2 * w.half_width_ang >= settings_.period_ang)
      fail(fmt::format("a window of half-width {} Å fills the period of {} Å; take narrower windows", w.half_width_ang, settings_.period_ang));
  }
  if (settings_.period_ang > 0) {
    if (!(settings_.histogram_bin_ang > 0)) fail("the bins of the histogram must have a width");
    const double bins = std::ceil(settings_.period_ang / settings_.histogram_bin_ang - 1e-9);
    if (!(bins <= 1e7)) fail(fmt::format("a histogram of {} bins", bins));
    settings_.bins = static_cast<std::size_t>(std::max(1.0, bins));
    settings_.histogram_low_ang = 0;
    settings_.histogram_bin_ang = settings_.period_ang / static_cast<double>(settings_.bins);
  } else if (settings_.bins > 0 && (!(settings_.histogram_bin_ang > 0) || !std::isfinite(settings_.histogram_low_ang))) {
    fail("the bins of the histogram must have a width and a lower end");
  }
  half_period_ = settings_.period_ang > 0 ? settings_.period_ang / 2 : std::numeric_limits<double>::infinity();
  if (settings_.period_ang > 0) inverse_period_ = 1 / settings_.period_ang;

  const std::size_t windows = settings_.windows.size();
  counted_ = (particles_ + settings_.every_particle - 1) / settings_.every_particle;
  const std::size_t lanes = std::min(counted_, std::min(most_lanes, settings_.most_units));
  slots_ = settings_.time_blocks > 0 ? lanes : std::min(counted_, settings_.most_units);
  const std::size_t units = settings_.time_blocks > 0 ? settings_.time_blocks : slots_;
  const std::size_t time_bins = time_bin(static_cast<std::int64_t>(frames)) + 1;
  lay_intervals();
  particle_.resize(counted_);
  exit_.resize(counted_ * windows);
  sums_.resize(slots_ * windows);
  histogram_.resize(slots_ * settings_.bins);
  for (std::size_t k = 0; k < lanes; ++k) {
    const std::size_t slot = first_of_part(k, lanes, slots_), end = first_of_part(k + 1, lanes, slots_);
    Lane lane{first_of_part(slot, slots_, counted_), first_of_part(end, slots_, counted_), 0, {}, {}, {}};
    lane.steps.resize(windows);
    lane.exits.resize(windows * time_bins);
    lane.censored.resize(windows * time_bins);
    lanes_.push_back(std::move(lane));
  }
  data_.frame_interval_fs = settings_.frame_interval_fs;
  data_.period_ang = settings_.period_ang;
  data_.histogram_low_ang = settings_.histogram_low_ang;
  data_.histogram_bin_ang = settings_.histogram_bin_ang;
  data_.bins = settings_.bins;
  data_.histogram.resize(units * settings_.bins);
  data_.groups = settings_.time_blocks > 0 ? units : lanes;
  for (std::size_t bin = 0; bin <= time_bins; ++bin) data_.time_bin_frames.push_back(first_time_of_bin(bin));
  for (std::size_t w = 0; w < windows; ++w) {
    WindowExits exits;
    exits.window = settings_.windows[w];
    exits.unit.resize(units);
    exits.cut_frames = windows_[w].cut;
    exits.exits_at.resize(data_.groups * time_bins);
    exits.censored_at.resize(data_.groups * time_bins);
    data_.window.push_back(std::move(exits));
  }
}

void ExitCounter::lay_intervals() {
  const double period = settings_.period_ang;
  const auto wrapped = [&](double x) {
    if (period == 0) return x;
    const double y = x - period * std::floor(x / period);
    return y >= period ? 0.0 : y;
  };
  // Positions at a distance of exactly the half-width are outside on both sides.
  const auto lower = [&](double x) { return std::nextafter(wrapped(rounded_edge(x)), std::numeric_limits<double>::infinity()); };
  const auto upper = [&](double x) { return wrapped(rounded_edge(x)); };
  for (const ExitWindow& w : settings_.windows)
    for (const double half : {w.half_width_ang, w.start_half_width_ang}) {
      edge_.push_back(lower(w.centre_ang - half));
      edge_.push_back(upper(w.centre_ang + half));
    }
  std::sort(edge_.begin(), edge_.end());
  edge_.erase(std::unique(edge_.begin(), edge_.end()), edge_.end());
  const auto behind = [&](double edge) { return static_cast<std::int32_t>(std::lower_bound(edge_.begin(), edge_.end(), edge) - edge_.begin()) + 1; };
  const auto range_of = [&](const ExitWindow& w, double half) {
    const double low = lower(w.centre_ang - half), high = upper(w.centre_ang + half);
    Window range{w.centre_ang, w.half_width_ang, behind(low), behind(high), high < low, 0};
    return range;
  };
  std::vector<Window> starts;
  for (std::size_t w = 0; w < settings_.windows.size(); ++w) {
    const ExitWindow& window = settings_.windows[w];
    windows_.push_back(range_of(window, window.half_width_ang));
    windows_.back().centre = wrapped(window.centre_ang);
    if (!settings_.cut_frames.empty()) windows_.back().cut = std::max<std::int64_t>(0, settings_.cut_frames[w]);
    starts.push_back(range_of(window, window.start_half_width_ang));
  }
  inside_first_.push_back(0);
  start_first_.push_back(0);
  for (std::int32_t i = 0; i <= static_cast<std::int32_t>(edge_.size()); ++i) {
    for (std::size_t w = 0; w < windows_.size(); ++w) {
      if (holds(windows_[w], i)) inside_.push_back(static_cast<std::uint32_t>(w));
      if (holds(starts[w], i)) start_.push_back(static_cast<std::uint32_t>(w));
    }
    inside_first_.push_back(static_cast<std::uint32_t>(inside_.size()));
    start_first_.push_back(static_cast<std::uint32_t>(start_.size()));
  }
  const std::size_t cells = std::clamp<std::size_t>(16 * edge_.size(), 64, 65536);
  cell_low_ = edge_.front();
  cells_per_ang_ = static_cast<double>(cells) / std::max(edge_.back() - edge_.front(), 1e-3);
  last_cell_ = static_cast<double>(cells - 1);
  // Edges somewhat below the cell, so that rounding of a position into the next cell does no harm.
  for (std::size_t c = 0; c < cells; ++c) {
    const double low = cell_low_ + (static_cast<double>(c) - 0.01) / cells_per_ang_;
    cell_interval_.push_back(static_cast<std::int32_t>(std::lower_bound(edge_.begin(), edge_.end(), low) - edge_.begin()));
  }
  edge_.push_back(std::numeric_limits<double>::infinity());
}

void ExitCounter::locate(const float* x, std::size_t count, double* position, std::int32_t* interval) const {
  std::array<std::int32_t, piece_frames> cell;
  const double period = settings_.period_ang;
  if (period > 0) {
    for (std::size_t k = 0; k < count; ++k) {
      const double there = std::abs(x[k]) < 1e8f ? double{x[k]} : 0.0, turns = there * inverse_period_;
      double whole = static_cast<double>(static_cast<std::int64_t>(turns));
      whole -= whole > turns ? 1.0 : 0.0;
      double y = there - whole * period;
      y += y < 0 ? period : 0.0;
      position[k] = y >= period ? y - period : y;
    }
  } else {
    for (std::size_t k = 0; k < count; ++k) position[k] = x[k];
  }
  for (std::size_t k = 0; k < count; ++k) {
    const double at = (position[k] - cell_low_) * cells_per_ang_;
    const double low = at > 0 ? at : 0.0;  // NaN too
    cell[k] = static_cast<std::int32_t>(low < last_cell_ ? low : last_cell_);
  }
  for (std::size_t k = 0; k < count; ++k) {
    std::int32_t i = cell_interval_[static_cast<std::size_t>(cell[k])];
    while (position[k] >= edge_[static_cast<std::size_t>(i)]) ++i;
    interval[k] = std::abs(x[k]) < 1e8f ? i : -1;
  }
}

void ExitCounter::walk(Lane& lane, std::size_t first, std::size_t count, const float* rows, std::int64_t segment_last, bool segment_ends) {
  std::array<float, tile_particles * piece_frames> x;
  std::array<double, piece_frames> position;
  std::array<std::int32_t, piece_frames> interval;
  const std::size_t windows = windows_.size(), time_bins = data_.time_bin_frames.size() - 1, bins = settings_.bins;
  const double bins_per_ang = bins > 0 ? 1 / settings_.histogram_bin_ang : 0, low = settings_.histogram_low_ang, most_bin = static_cast<double>(bins);
  double largest = lane.largest_step;
  for (std::size_t tile = lane.first; tile < lane.end; tile += tile_particles) {
    const std::size_t together = std::min(tile_particles, lane.end - tile);
    for (std::size_t k = 0; k < count; ++k) {
      const float* row = rows + k * particles_ + tile * settings_.every_particle;
      for (std::size_t j = 0; j < together; ++j) x[j * piece_frames + k] = row[j * settings_.every_particle];
    }
    for (std::size_t j = 0; j < together; ++j) {
      locate(x.data() + j * piece_frames, count, position.data(), interval.data());
      const std::size_t slot = (tile + j) * slots_ / counted_;
      Particle state = particle_[tile + j];
      if (segment_ends) state.next_interval = -1;
      Exit* exit = exit_.data() + (tile + j) * windows;
      ExitSums* sums = sums_.data() + slot * windows;
      std::uint32_t* histogram = histogram_.data() + slot * bins;
      for (std::size_t k = count; k-- > 0;) {
        const std::int32_t now = interval[k];
        if (now < 0) {
          state.next_interval = -1;
          continue;
        }
        const auto time = static_cast<std::int64_t>(first + k);
        const double z = position[k];
        const bool has_next = state.next_interval >= 0;
        const std::uint32_t *w = inside_.data() + inside_first_[static_cast<std::size_t>(now)], *w_end = inside_.data() + inside_first_[static_cast<std::size_t>(now) + 1];
        double step = 0;
        if (!has_next) {
          state.end_frame = time;
          state.end_position = z;
          for (; w != w_end; ++w) exit[*w].frame = -1;
        } else {
          step = image(state.next_position - z);
          largest = std::abs(step) > largest ? std::abs(step) : largest;
          if (now != state.next_interval)
            for (; w != w_end; ++w)
              if (!holds(windows_[*w], state.next_interval)) exit[*w] = {state.next_position, time + 1};
        }
        if (bins > 0) {
          const double bin = (z - low) * bins_per_ang;
          if (bin >= 0 && bin < most_bin)
            ++histogram[static_cast<std::size_t>(bin)];
          else if (settings_.period_ang > 0)
            ++histogram[bins - 1];
        }
        w = start_.data() + start_first_[static_cast<std::size_t>(now)];
        w_end = start_.data() + start_first_[static_cast<std::size_t>(now) + 1];
        for (; w != w_end; ++w) {
          const Window& window = windows_[*w];
          if (segment_last - time < window.cut) continue;
          const double start = image(z - window.centre);
          if (has_next) {
            StepSums& steps = lane.steps[*w];
            steps.steps += 1;
            steps.long_steps += std::abs(step) > window.half_width ? 1.0 : 0.0;
            steps.step2_ang2 += rounded(step * step);
          }
          ExitSums& s = sums[*w];
          if (exit[*w].frame >= 0) {
            const double displacement = rounded(image(exit[*w].position - window.centre) - start);
            const std::int64_t frames = exit[*w].frame - time;
            const auto t = static_cast<double>(frames);
            s.exits += 1;
            s.above += displacement > 0 ? 1.0 : 0.0;
            s.time += t;
            s.time2 += t * t;
            s.displacement_ang += displacement;
            s.displacement2_ang2 += rounded(displacement * displacement);
            s.displacement_time_ang += displacement * t;
            ++lane.exits[*w * time_bins + time_bin(frames)];
          } else {
            const double displacement = rounded(image(state.end_position - window.centre) - start);
            const std::int64_t frames = state.end_frame - time;
            const auto t = static_cast<double>(frames);
            s.censored += 1;
            s.censored_time += t;
            s.censored_time2 += t * t;
            s.censored_displacement_ang += displacement;
            s.censored_displacement2_ang2 += rounded(displacement * displacement);
            s.censored_displacement_time_ang += displacement * t;
            ++lane.censored[*w * time_bins + time_bin(frames)];
          }
        }
        state.next_position = z;
        state.next_interval = now;
      }
      particle_[tile + j] = state;
    }
  }
  lane.largest_step = largest;
}

void ExitCounter::take(std::span<const float> rows) {
  if (rows.size() % particles_ != 0 || rows.size() / particles_ > left_)
    throw Error(ErrorKind::usage, fmt::format("exits from windows: a block of {} numbers for {} particles and {} frames that are left", rows.size(), particles_, left_));
  const std::size_t begin = left_ - rows.size() / particles_;
  while (left_ > begin) {
    // Down to the beginning of the block of time, which all lanes reach before its sums are put away.
    const std::size_t blocks = settings_.time_blocks, block = blocks > 0 ? (left_ - 1) * blocks / frames_ : 0;
    const std::size_t block_begin = blocks > 0 ? first_of_part(block, blocks, frames_) : 0, until = std::max(begin, block_begin);
    parallel_chunks(lanes_.size(), 1, [&](std::size_t lane, std::size_t) {
      std::size_t end = left_;
      auto next = std::upper_bound(segment_start_.begin(), segment_start_.end(), end - 1);
      while (end > until) {
        while (next != segment_start_.begin() && *std::prev(next) >= end) --next;
        const std::size_t segment_begin = next == segment_start_.begin() ? 0 : *std::prev(next), segment_end = next == segment_start_.end() ? frames_ : *next;
        const std::size_t first = std::max({until, segment_begin, end > piece_frames ? end - piece_frames : 0});
        walk(lanes_[lane], first, end - first, rows.data() + (first - begin) * particles_, static_cast<std::int64_t>(segment_end) - 1, end == segment_end);
        end = first;
      }
    });
    left_ = until;
    if (blocks > 0 && left_ == block_begin) flush(block);
  }
}

// Puts away what was counted in a block of time.
void ExitCounter::flush(std::size_t block) {
  const std::size_t windows = windows_.size(), bins = settings_.bins, time_bins = data_.time_bin_frames.size() - 1;
  for (std::size_t slot = 0; slot < slots_; ++slot) {
    for (std::size_t w = 0; w < windows; ++w) data_.window[w].unit[block] += sums_[slot * windows + w];
    for (std::size_t b = 0; b < bins; ++b) data_.histogram[block * bins + b] += static_cast<float>(histogram_[slot * bins + b]);
  }
  for (Lane& lane : lanes_) {
    for (std::size_t w = 0; w < windows; ++w)
      for (std::size_t b = 0; b < time_bins; ++b) {
        data_.window[w].exits_at[block * time_bins + b] += lane.exits[w * time_bins + b];
        data_.window[w].censored_at[block * time_bins + b] += lane.censored[w * time_bins + b];
      }
    std::fill(lane.exits.begin(), lane.exits.end(), 0);
    std::fill(lane.censored.begin(), lane.censored.end(), 0);
  }
  std::fill(sums_.begin(), sums_.end(), ExitSums{});
  std::fill(histogram_.begin(), histogram_.end(), 0);
}

ExitData ExitCounter::finish() {
  if (left_ > 0) throw Error(ErrorKind::usage, fmt::format("exits from windows: {} frames were not taken", left_));
  const std::size_t windows = windows_.size(), time_bins = data_.time_bin_frames.size() - 1;
  for (std::size_t k = 0; k < lanes_.size(); ++k) {
    const Lane& lane = lanes_[k];
    data_.largest_step_ang = std::max(data_.largest_step_ang, lane.largest_step);
    for (std::size_t w = 0; w < windows; ++w) {
      WindowExits& exits = data_.window[w];
      exits.steps += lane.steps[w].steps;
      exits.long_steps += lane.steps[w].long_steps;
      exits.step2_ang2 += lane.steps[w].step2_ang2;
      if (settings_.time_blocks > 0) continue;
      std::copy_n(lane.exits.begin() + static_cast<std::ptrdiff_t>(w * time_bins), time_bins, exits.exits_at.begin() + static_cast<std::ptrdiff_t>(k * time_bins));
      std::copy_n(lane.censored.begin() + static_cast<std::ptrdiff_t>(w * time_bins), time_bins, exits.censored_at.begin() + static_cast<std::ptrdiff_t>(k * time_bins));
    }
  }
  if (settings_.period_ang > 0)
    for (const WindowExits& exits : data_.window)
      if (exits.window.half_width_ang + data_.largest_step_ang >= half_period_)
        throw Error(ErrorKind::unsupported,
                    fmt::format("exits from windows: a particle moves {:.4g} Å between two frames; with the half-width of {:.4g} Å this reaches half the period of {:.4g} Å, so that the "
                                "side of an exit cannot be told: take narrower windows, frames closer in time or a larger cell",
                                data_.largest_step_ang, exits.window.half_width_ang, settings_.period_ang));
  if (settings_.time_blocks == 0) {
    for (std::size_t slot = 0; slot < slots_; ++slot)
      for (std::size_t w = 0; w < windows; ++w) data_.window[w].unit[slot] = sums_[slot * windows + w];
    for (std::size_t k = 0; k < histogram_.size(); ++k) data_.histogram[k] = static_cast<float>(histogram_[k]);
  }
  return std::move(data_);
}

ExitData count_exits(const CoordinateFrames& frames, const ExitSettings& settings) {
  ExitCounter counter(frames.frames, frames.particles, frames.segment_start, settings);
  const std::size_t together = std::max<std::size_t>(1, (std::size_t{1} << 22) / frames.particles);
  std::vector<float> rows;
  for (std::size_t end = frames.frames; end > 0;) {
    const std::size_t first = end > together ? end - together : 0;
    frames.read(first, end - first, rows);
    counter.take(rows);
    end = first;
  }
  return counter.finish();
}

std::vector<std::int64_t> censoring_cuts(const ExitData& data, std::int64_t most_frames) {
  std::vector<std::int64_t> cuts;
  for (const WindowExits& exits : data.window) {
    ExitSums sum;
    for (const ExitSums& unit : exits.unit) sum += unit;
    if (sum.exits < 10) {
      cuts.push_back(0);
      continue;
    }
    const double mean = (sum.time + sum.censored_time) / sum.exits, half = exits.window.half_width_ang;
    const double diffusion = corrected_diffusion(mean, sum.above / sum.exits, exits.window, 1).value_or(half * half / (2 * mean));
    cuts.push_back(std::min(most_frames, static_cast<std::int64_t>(std::ceil(std::min(9e15, std::max(3 * half * half / diffusion, 2 * mean))))));
  }
  return cuts;
}

ExitData count_exits_with_cuts(const CoordinateFrames& frames, ExitSettings settings) {
  std::size_t longest = 0, begin = 0;
  for (const std::size_t start : frames.segment_start) {
    longest = std::max(longest, start - begin);
    begin = start;
  }
  longest = std::max(longest, frames.frames - begin);
  ExitSettings few = settings;
  few.cut_frames.clear();
  few.time_blocks = 0;
  few.every_particle = std::max<std::size_t>(1, frames.particles / 200) * settings.every_particle;
  settings.cut_frames = censoring_cuts(count_exits(frames, few), static_cast<std::int64_t>(longest / 2));
  return count_exits(frames, settings);
}

}  // namespace saltus::kinetics
