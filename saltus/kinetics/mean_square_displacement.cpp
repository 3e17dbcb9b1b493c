#include "saltus/kinetics/mean_square_displacement.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/site_trajectory.hpp"

namespace saltus::kinetics {

namespace {

using Six = std::array<double, 6>;  // xx, yy, zz, xy, xz, yz

// Sum of dx_i dx_j over the windows that start in frames begin … end - 1.
Six window_sum(std::span<const Vec3> position, std::size_t n_particles, std::int64_t lag, std::int64_t begin,
               std::int64_t end) {
  Six total{};
  for (std::int64_t t = begin; t < end; ++t) {
    const Vec3* now = position.data() + static_cast<std::size_t>(t) * n_particles;
    const Vec3* then = now + static_cast<std::size_t>(lag) * n_particles;
    Six frame{};
    for (std::size_t p = 0; p < n_particles; ++p) {
      const Vec3 d = then[p] - now[p];
      frame[0] += d.x * d.x;
      frame[1] += d.y * d.y;
      frame[2] += d.z * d.z;
      frame[3] += d.x * d.y;
      frame[4] += d.x * d.z;
      frame[5] += d.y * d.z;
    }
    for (std::size_t k = 0; k < 6; ++k) total[k] += frame[k];
  }
  return total;
}

Mat3 mean_tensor(const Six& s, double count) {
  return scaled({{Vec3{s[0], s[3], s[4]}, Vec3{s[3], s[1], s[5]}, Vec3{s[4], s[5], s[2]}}}, 1 / count);
}

}  // namespace

MsdCurve mean_square_displacement(std::span<const Vec3> position, std::size_t n_particles,
                                  std::span<const std::int64_t> lags, int n_blocks) {
  if (n_particles == 0 || position.size() % n_particles != 0) {
    throw Error(ErrorKind::usage, "MSD: positions must be [frame][particle] with at least one particle");
  }
  MsdCurve curve;
  curve.n_frames = static_cast<std::int64_t>(position.size() / n_particles);
  curve.n_particles = n_particles;
  curve.lag_frames.assign(lags.begin(), lags.end());
  curve.block_bound = block_bounds(curve.n_frames, n_blocks);
  const std::int64_t longest = (curve.n_frames - 1) / n_blocks;
  for (std::size_t l = 0; l < lags.size(); ++l) {
    if (lags[l] < 1 || lags[l] > longest || (l > 0 && lags[l] <= lags[l - 1])) {
      throw Error(ErrorKind::usage, "MSD: lags must ascend from 1 to the length of a time block (" + std::to_string(longest) +
                                        " frames); found " + std::to_string(lags[l]));
    }
  }
  if (!std::all_of(position.begin(), position.end(), [](const Vec3& r) { return is_finite(r); })) {
    throw Error(ErrorKind::numeric, "MSD: a position is not finite");
  }
  // One piece per block and lag, and what its windows reach into the next block apart.
  const auto blocks = static_cast<std::size_t>(n_blocks);
  std::vector<Six> inside(blocks * lags.size()), crossing(blocks * lags.size());
  parallel_chunks(inside.size(), 1, [&](std::size_t piece, std::size_t) {
    const std::int64_t lag = lags[piece / blocks];
    const std::size_t b = piece % blocks;
    const std::int64_t begin = curve.block_bound[b], end = curve.block_bound[b + 1];
    // A window that starts on the shared last frame of the block belongs to the next one.
    inside[piece] = window_sum(position, n_particles, lag, begin, end + 1 - lag);
    crossing[piece] = window_sum(position, n_particles, lag, end + 1 - lag, std::min(end, curve.n_frames - lag));
  });
  curve.block_tensor_ang2.assign(blocks, {});
  for (std::size_t l = 0; l < lags.size(); ++l) {
    Six whole{};
    for (std::size_t b = 0; b < blocks; ++b) {
      const Six& within = inside[l * blocks + b];
      const std::int64_t windows = curve.block_bound[b + 1] + 1 - lags[l] - curve.block_bound[b];
      curve.block_tensor_ang2[b].push_back(
          mean_tensor(within, static_cast<double>(windows) * static_cast<double>(n_particles)));
      for (std::size_t k = 0; k < 6; ++k) whole[k] += within[k] + crossing[l * blocks + b][k];
    }
    curve.tensor_ang2.push_back(
        mean_tensor(whole, static_cast<double>(curve.n_frames - lags[l]) * static_cast<double>(n_particles)));
  }
  return curve;
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
