#include "saltus/analysis/van_hove.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

namespace {

std::int64_t frames_at_once(std::int64_t longest_lag) { return std::max<std::int64_t>(64, longest_lag / 4); }

void check_lags(std::span<const std::int64_t> lags, std::int64_t least, std::int64_t n_frames, int blocks) {
  for (std::size_t l = 0; l < lags.size(); ++l)
    if (lags[l] < least || lags[l] > n_frames - blocks || (l > 0 && lags[l] <= lags[l - 1]))
      throw Error(ErrorKind::usage, fmt::format("van Hove functions: lags must ascend from {} to {} frames; found {}", least, n_frames - blocks, lags[l]));
}

}  // namespace

VanHoveSums::VanHoveSums(std::size_t n_particles, std::int64_t n_frames, const VanHoveSettings& settings)
    : settings_(settings), n_particles_(n_particles), n_frames_(n_frames) {
  if (n_particles == 0) throw Error(ErrorKind::usage, "van Hove functions: at least one particle is needed");
  if (settings.blocks < 2 || n_frames < settings.blocks)
    throw Error(ErrorKind::usage, fmt::format("van Hove functions: {} frames are too few for {} time blocks", n_frames, settings.blocks));
  if (!(settings.bin_ang > 0) || !(settings.largest_ang > 0) || !(settings.largest_ang / settings.bin_ang <= 1e5))
    throw Error(ErrorKind::usage, "van Hove functions: range and bin must be positive, and the bins at most 100000");
  if (settings.distinct_windows < 1) throw Error(ErrorKind::usage, "van Hove functions: at least one window is needed for the distinct part");
  check_lags(settings.lag_frames, 0, n_frames, settings.blocks);
  check_lags(settings.moment_lag_frames, 1, n_frames, settings.blocks);
  for (const auto* lags : {&settings.lag_frames, &settings.moment_lag_frames})
    if (!lags->empty()) longest_ = std::max(longest_, lags->back());
  const auto bins = static_cast<std::size_t>(std::max(1.0, std::ceil(settings.largest_ang / settings.bin_ang - 1e-9)));
  const auto blocks = static_cast<std::size_t>(settings.blocks);
  const std::size_t lags = settings.lag_frames.size();
  counts_.bin_ang = settings.bin_ang;
  counts_.self.assign(lags, std::vector<std::vector<std::int64_t>>(blocks, std::vector<std::int64_t>(bins + 1, 0)));
  counts_.displacements.assign(lags, std::vector<std::int64_t>(blocks, 0));
  PairHistogram none;
  none.bin_ang = settings.bin_ang;
  none.count.assign(bins, 0);
  if (settings.cell) counts_.distinct.assign(lags, std::vector<PairHistogram>(blocks, none));
  counts_.moments.assign(settings.moment_lag_frames.size(), std::vector<std::array<double, 3>>(blocks, {0, 0, 0}));
}

void VanHoveSums::add(std::span<const Vec3> position) {
  if (position.size() != n_particles_)
    throw Error(ErrorKind::usage, fmt::format("van Hove functions: every frame must hold {} particles; found {}", n_particles_, position.size()));
  if (frames_ == n_frames_) throw Error(ErrorKind::usage, fmt::format("van Hove functions: there are more than {} frames", n_frames_));
  if (!std::all_of(position.begin(), position.end(), [](const Vec3& r) { return is_finite(r); }))
    throw Error(ErrorKind::numeric, "van Hove functions: a position is not finite");
  recent_.insert(recent_.end(), position.begin(), position.end());
  ++frames_;
  if (frames_ - frames_taken_ < frames_at_once(longest_)) return;
  take_windows();
  const std::int64_t out = std::max<std::int64_t>(0, frames_ - longest_ - first_recent_);
  recent_.erase(recent_.begin(), recent_.begin() + out * static_cast<std::int64_t>(n_particles_));
  first_recent_ += out;
}

std::size_t VanHoveSums::block_of(std::int64_t start, std::int64_t lag) const {
  return static_cast<std::size_t>(start * settings_.blocks / (n_frames_ - lag));
}

void VanHoveSums::take_windows() {
  const std::size_t lags = settings_.lag_frames.size(), moments = settings_.moment_lag_frames.size();
  const auto frame = [&](std::int64_t t) {
    return std::span<const Vec3>(recent_).subspan(static_cast<std::size_t>(t - first_recent_) * n_particles_, n_particles_);
  };
  const auto self = [&](std::size_t l) {
    const std::int64_t lag = settings_.lag_frames[l];
    for (std::int64_t t = std::max<std::int64_t>(0, frames_taken_ - lag); t + lag < frames_; ++t) {
      const std::size_t b = block_of(t, lag);
      std::vector<std::int64_t>& bins = counts_.self[l][b];
      const auto then = frame(t), now = frame(t + lag);
      for (std::size_t i = 0; i < n_particles_; ++i) {
        const double bin = norm(now[i] - then[i]) / settings_.bin_ang;
        ++bins[bin < static_cast<double>(bins.size() - 1) ? static_cast<std::size_t>(bin) : bins.size() - 1];
      }
      counts_.displacements[l][b] += static_cast<std::int64_t>(n_particles_);
    }
  };
  const auto distinct = [&](std::size_t l) {
    const std::int64_t lag = settings_.lag_frames[l];
    const std::int64_t every = std::max<std::int64_t>(1, (n_frames_ - lag + settings_.distinct_windows - 1) / settings_.distinct_windows);
    std::int64_t t = std::max<std::int64_t>(0, frames_taken_ - lag);
    for (t = (t + every - 1) / every * every; t + lag < frames_; t += every) {
      PairHistogram& histogram = counts_.distinct[l][block_of(t, lag)];
      if (lag == 0) add_pairs(histogram, *settings_.cell, frame(t), frame(t));
      else add_distinct_pairs(histogram, *settings_.cell, frame(t), frame(t + lag));
    }
  };
  const auto moment = [&](std::size_t l) {
    const std::int64_t lag = settings_.moment_lag_frames[l];
    for (std::int64_t t = std::max<std::int64_t>(0, frames_taken_ - lag); t + lag < frames_; ++t) {
      const auto then = frame(t), now = frame(t + lag);
      double second = 0, fourth = 0;
      for (std::size_t i = 0; i < n_particles_; ++i) {
        const double square = norm2(now[i] - then[i]);
        second += square;
        fourth += square * square;
      }
      auto& sums = counts_.moments[l][block_of(t, lag)];
      sums[0] += static_cast<double>(n_particles_);
      sums[1] += second;
      sums[2] += fourth;
    }
  };
  const std::size_t pairs = counts_.distinct.size();
  parallel_chunks(lags + pairs + moments, 1, [&](std::size_t k, std::size_t) {
    if (k < pairs) distinct(k);
    else if (k < pairs + lags) self(k - pairs);
    else moment(k - pairs - lags);
  });
  frames_taken_ = frames_;
}

VanHoveCounts VanHoveSums::counts() {
  if (frames_ != n_frames_)
    throw Error(ErrorKind::usage, fmt::format("van Hove functions: {} frames were announced, {} came", n_frames_, frames_));
  take_windows();
  return counts_;
}

double non_gaussian_parameter(const std::array<double, 3>& m) { return m[1] > 0 ? 3 * m[0] * m[2] / (5 * m[1] * m[1]) - 1 : 0; }

}  // namespace saltus
