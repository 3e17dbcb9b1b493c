#include "saltus/kinetics/mean_square_displacement.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kernels/difference_products.hpp"
#include "saltus/kinetics/site_trajectory.hpp"

namespace saltus::kinetics {

namespace {

using kernels::lags_per_pass;

// Frames that are added to the sums at once: enough for several threads, few beside those that the longest lag needs.
std::int64_t frames_at_once(std::int64_t longest_lag) { return std::max<std::int64_t>(64, longest_lag / 4); }

// Frames that are kept as they came until there are enough to write them tile by tile without missing the cache at every number.
constexpr std::size_t frames_sorted_at_once = 16;

// Less than the second-level cache of any processor of the last ten years.
constexpr std::size_t tile_bytes = std::size_t{192} << 10;

Mat3 mean_tensor(const std::array<double, 6>& s, double count) {
  return scaled({{Vec3{s[0], s[3], s[4]}, Vec3{s[3], s[1], s[5]}, Vec3{s[4], s[5], s[2]}}}, 1 / count);
}

}  // namespace

MsdSums::MsdSums(std::size_t n_particles, std::int64_t n_frames, std::span<const std::int64_t> lags, int n_blocks) {
  if (n_particles == 0) throw Error(ErrorKind::usage, "MSD: at least one particle is needed");
  curve_.n_frames = n_frames;
  curve_.n_particles = n_particles;
  curve_.lag_frames.assign(lags.begin(), lags.end());
  curve_.block_bound = block_bounds(n_frames, n_blocks);
  const std::int64_t longest = (n_frames - 1) / n_blocks;
  for (std::size_t l = 0; l < lags.size(); ++l) {
    if (lags[l] < 1 || lags[l] > longest || (l > 0 && lags[l] <= lags[l - 1])) {
      throw Error(ErrorKind::usage, "MSD: lags must ascend from 1 to the length of a time block (" + std::to_string(longest) +
                                        " frames); found " + std::to_string(lags[l]));
    }
  }
  inside_.assign(static_cast<std::size_t>(n_blocks) * lags.size(), {});
  crossing_ = inside_;
}

double MsdSums::memory_bytes(std::size_t n_particles, std::int64_t longest_lag) {
  return static_cast<double>(sizeof(Vec3)) * static_cast<double>(n_particles) *
         static_cast<double>(longest_lag + frames_at_once(longest_lag) + static_cast<std::int64_t>(frames_sorted_at_once));
}

void MsdSums::add(std::span<const Vec3> position) {
  if (position.size() != curve_.n_particles)
    throw Error(ErrorKind::usage, "MSD: every frame must hold " + std::to_string(curve_.n_particles) + " particles; found " +
                                      std::to_string(position.size()));
  if (frames_ == curve_.n_frames)
    throw Error(ErrorKind::usage, "MSD: there are more than " + std::to_string(curve_.n_frames) + " frames");
  if (!std::all_of(position.begin(), position.end(), [](const Vec3& r) { return is_finite(r); }))
    throw Error(ErrorKind::numeric, "MSD: a position is not finite");
  const std::int64_t longest = curve_.lag_frames.empty() ? 0 : curve_.lag_frames.back();
  if (frames_ == 0) {
    const auto room = static_cast<std::size_t>(std::min(curve_.n_frames, longest + frames_at_once(longest)));
    const std::size_t together = std::clamp<std::size_t>(tile_bytes / (sizeof(Vec3) * room), 1, curve_.n_particles);
    for (std::size_t begin = 0; begin < curve_.n_particles; begin += together) {
      Tile& tile = tiles_.emplace_back(Tile{begin, std::min(begin + together, curve_.n_particles), {}});
      for (auto& axis : tile.recent) axis.resize(room * (tile.end - tile.begin));
    }
    waiting_.reserve(frames_sorted_at_once * curve_.n_particles);
  }
  waiting_.insert(waiting_.end(), position.begin(), position.end());
  ++frames_;
  if (waiting_.size() == frames_sorted_at_once * curve_.n_particles) sort_waiting();
  if (frames_ - frames_taken_ == frames_at_once(longest)) take_windows();
}

void MsdSums::sort_waiting() {
  const std::size_t particles = curve_.n_particles, count = waiting_.size() / particles;
  const std::size_t first = static_cast<std::size_t>(frames_ - first_recent_) - count;
  for (Tile& tile : tiles_) {
    const std::size_t n = tile.end - tile.begin;
    for (std::size_t t = 0; t < count; ++t) {
      const Vec3* from = waiting_.data() + t * particles + tile.begin;
      double *x = tile.recent[0].data() + (first + t) * n, *y = tile.recent[1].data() + (first + t) * n, *z = tile.recent[2].data() + (first + t) * n;
      for (std::size_t p = 0; p < n; ++p) {
        x[p] = from[p].x;
        y[p] = from[p].y;
        z[p] = from[p].z;
      }
    }
  }
  waiting_.clear();
}

// Adds the windows that end in frames not seen so far. A window that starts on the last frame of a block, which the next one
// shares, belongs to the next one.
void MsdSums::take_windows() {
  if (frames_taken_ == frames_) return;
  sort_waiting();
  for (const Tile& tile : tiles_)
    parallel_chunks((curve_.lag_frames.size() + lags_per_pass - 1) / lags_per_pass, 1, [&](std::size_t pass, std::size_t) { take_windows(tile, pass * lags_per_pass); });
  frames_taken_ = frames_;
  // Only what later windows reach back to stays.
  const std::int64_t longest = curve_.lag_frames.empty() ? 0 : curve_.lag_frames.back(), out = std::max<std::int64_t>(0, frames_ - longest - first_recent_);
  if (out == 0) return;
  for (Tile& tile : tiles_) {
    const auto n = static_cast<std::ptrdiff_t>(tile.end - tile.begin);
    for (auto& axis : tile.recent) std::copy(axis.begin() + out * n, axis.begin() + (frames_ - first_recent_) * n, axis.begin());
  }
  first_recent_ += out;
}

void MsdSums::take_windows(const Tile& tile, std::size_t first_lag) {
  const std::span lag = std::span(curve_.lag_frames).subspan(first_lag, std::min(lags_per_pass, curve_.lag_frames.size() - first_lag));
  const std::size_t blocks = curve_.block_bound.size() - 1, n = tile.end - tile.begin;
  // Frames lie behind each other, so that windows which end in successive frames are one long array.
  const kernels::Coordinates recent{tile.recent[0], tile.recent[1], tile.recent[2]};
  std::array<std::size_t, lags_per_pass> shift{};
  for (std::size_t l = 0; l < lag.size(); ++l) shift[l] = static_cast<std::size_t>(lag[l]) * n;
  std::array<Six, lags_per_pass> sums{};
  const auto add = [&](std::size_t l, std::size_t lags, std::int64_t begin, std::int64_t end) {
    if (begin < end)
      kernels::add_difference_products(recent, static_cast<std::size_t>(begin - first_recent_) * n, static_cast<std::size_t>(end - begin) * n,
                                       std::span(shift).subspan(l, lags), std::span(sums).subspan(l, lags));
  };
  // Windows of each lag that end in frames from begin to before end: all lags at once where they overlap, the rest lag by lag.
  std::array<std::int64_t, lags_per_pass> begin{}, end{};
  const auto add_all = [&](std::vector<Six>& total, std::size_t block) {
    sums = {};
    std::int64_t shared_begin = 0, shared_end = frames_;
    for (std::size_t l = 0; l < lag.size(); ++l) {
      begin[l] = std::max(begin[l], frames_taken_);
      end[l] = std::min(end[l], frames_);
      shared_begin = std::max(shared_begin, begin[l]);
      shared_end = std::min(shared_end, end[l]);
    }
    add(0, lag.size(), shared_begin, shared_end);
    for (std::size_t l = 0; l < lag.size(); ++l) {
      const bool shared = shared_begin < shared_end;
      add(l, 1, begin[l], shared ? shared_begin : end[l]);
      if (shared) add(l, 1, shared_end, end[l]);
      for (std::size_t k = 0; k < 6; ++k) total[(first_lag + l) * blocks + block][k] += sums[l][k];
    }
  };
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::int64_t start = curve_.block_bound[b], next = b + 1 < blocks ? curve_.block_bound[b + 1] : curve_.n_frames;
    if (next + lag.back() <= frames_taken_ || start >= frames_) continue;
    const auto leaves = [&](std::size_t l) { return std::clamp(curve_.block_bound[b + 1] - lag[l] + 1, start, next) + lag[l]; };
    for (std::size_t l = 0; l < lag.size(); ++l) {
      begin[l] = start + lag[l];
      end[l] = leaves(l);
    }
    add_all(inside_, b);
    for (std::size_t l = 0; l < lag.size(); ++l) {
      begin[l] = leaves(l);
      end[l] = next + lag[l];
    }
    add_all(crossing_, b);
  }
}

MsdCurve MsdSums::curve() {
  if (frames_ != curve_.n_frames)
    throw Error(ErrorKind::usage, "MSD: " + std::to_string(curve_.n_frames) + " frames were announced, " + std::to_string(frames_) +
                                      " came");
  take_windows();
  MsdCurve curve = curve_;
  const std::size_t blocks = curve.block_bound.size() - 1;
  const auto n = static_cast<double>(curve.n_particles);
  curve.block_tensor_ang2.assign(blocks, {});
  for (std::size_t l = 0; l < curve.lag_frames.size(); ++l) {
    const std::int64_t lag = curve.lag_frames[l];
    Six whole{};
    for (std::size_t b = 0; b < blocks; ++b) {
      const Six& within = inside_[l * blocks + b];
      const std::int64_t windows = curve.block_bound[b + 1] + 1 - lag - curve.block_bound[b];
      curve.block_tensor_ang2[b].push_back(mean_tensor(within, static_cast<double>(windows) * n));
      for (std::size_t k = 0; k < 6; ++k) whole[k] += within[k] + crossing_[l * blocks + b][k];
    }
    curve.tensor_ang2.push_back(mean_tensor(whole, static_cast<double>(curve.n_frames - lag) * n));
  }
  return curve;
}

MsdCurve mean_square_displacement(std::span<const Vec3> position, std::size_t n_particles,
                                  std::span<const std::int64_t> lags, int n_blocks) {
  if (n_particles == 0 || position.size() % n_particles != 0) {
    throw Error(ErrorKind::usage, "MSD: positions must be [frame][particle] with at least one particle");
  }
  MsdSums sums(n_particles, static_cast<std::int64_t>(position.size() / n_particles), lags, n_blocks);
  for (std::size_t at = 0; at < position.size(); at += n_particles) sums.add(position.subspan(at, n_particles));
  return sums.curve();
}

std::vector<std::int64_t> log_spaced_lags(std::int64_t max_lag, int per_decade) {
  if (max_lag < 1 || per_decade < 1) throw Error(ErrorKind::usage, "log-spaced lags: need max_lag >= 1, per_decade >= 1");
  std::vector<std::int64_t> lags;
  for (int k = 0;; ++k) {
    const auto lag = static_cast<std::int64_t>(std::llround(std::pow(10.0, static_cast<double>(k) / per_decade)));
    if (lag >= max_lag) break;
    if (lags.empty() || lag > lags.back()) lags.push_back(lag);
  }
  lags.push_back(max_lag);
  return lags;
}

}  // namespace saltus::kinetics
