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

// Frames that are added to the sums at once: enough for several threads, few beside those that the longest lag needs.
std::int64_t frames_at_once(std::int64_t longest_lag) { return std::max<std::int64_t>(64, longest_lag / 4); }

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
         static_cast<double>(longest_lag + frames_at_once(longest_lag));
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
      for (auto& axis : tile.recent) axis.reserve(room * (tile.end - tile.begin));
    }
  }
  for (Tile& tile : tiles_)
    for (int k = 0; k < 3; ++k)
      for (std::size_t p = tile.begin; p < tile.end; ++p) tile.recent[static_cast<std::size_t>(k)].push_back(position[p][k]);
  ++frames_;
  if (frames_ - frames_taken_ < frames_at_once(longest)) return;
  take_windows();
  const std::int64_t out = std::max<std::int64_t>(0, frames_ - longest - first_recent_);
  for (Tile& tile : tiles_)
    for (auto& axis : tile.recent) axis.erase(axis.begin(), axis.begin() + out * static_cast<std::int64_t>(tile.end - tile.begin));
  first_recent_ += out;
}

// Adds the windows that end in frames not seen so far. A window that starts on the last frame of a block, which the next one
// shares, belongs to the next one.
void MsdSums::take_windows() {
  const std::size_t blocks = curve_.block_bound.size() - 1;
  for (const Tile& tile : tiles_) {
    const std::size_t n = tile.end - tile.begin;
    // Frames lie behind each other, so that windows which start in successive frames are one long array.
    const auto frames = [&](std::int64_t first, std::int64_t count) {
      const auto part = [&](const std::vector<double>& axis) {
        return std::span(axis).subspan(static_cast<std::size_t>(first - first_recent_) * n, static_cast<std::size_t>(count) * n);
      };
      return kernels::Coordinates{part(tile.recent[0]), part(tile.recent[1]), part(tile.recent[2])};
    };
    parallel_chunks(curve_.lag_frames.size(), 1, [&](std::size_t l, std::size_t) {
      const std::int64_t lag = curve_.lag_frames[l];
      const std::int64_t begin = std::max<std::int64_t>(0, frames_taken_ - lag), end = frames_ - lag;
      const auto add = [&](Six& sums, std::int64_t first, std::int64_t last) {
        first = std::max(first, begin);
        last = std::min(last, end);
        if (first < last) kernels::add_difference_products(frames(first, last - first), frames(first + lag, last - first), sums);
      };
      for (std::size_t b = 0; b < blocks; ++b) {
        const std::int64_t start = curve_.block_bound[b], next = b + 1 < blocks ? curve_.block_bound[b + 1] : curve_.n_frames;
        const std::int64_t leaves = std::clamp(curve_.block_bound[b + 1] - lag + 1, start, next);
        add(inside_[l * blocks + b], start, leaves);
        add(crossing_[l * blocks + b], leaves, next);
      }
    });
  }
  frames_taken_ = frames_;
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
