// Walks along one coordinate for tests, and frames of them as the counters read them.
#pragma once

#include <cmath>
#include <vector>

#include "saltus/base/random.hpp"
#include "saltus/kinetics/exit_counting.hpp"

namespace saltus::kinetics {

struct Walk {
  std::size_t frames = 0, particles = 0;
  std::vector<float> z;  // [frames * particles]

  float& at(std::size_t frame, std::size_t particle) { return z[frame * particles + particle]; }
  float at(std::size_t frame, std::size_t particle) const { return z[frame * particles + particle]; }

  CoordinateFrames source(std::vector<std::size_t> segment_start = {}) const {
    return {frames, particles, std::move(segment_start), [this](std::size_t first, std::size_t count, std::vector<float>& out) {
              out.assign(z.begin() + static_cast<std::ptrdiff_t>(first * particles), z.begin() + static_cast<std::ptrdiff_t>((first + count) * particles));
            }};
  }
};

/// Independent Gaussian steps of deviation sigma and mean drift, from positions uniform in [0, period); not wrapped.
inline Walk random_walk(std::size_t frames, std::size_t particles, double sigma, double period, std::uint64_t seed, double drift = 0) {
  Walk walk{frames, particles, std::vector<float>(frames * particles)};
  for (std::size_t p = 0; p < particles; ++p) {
    Random random(seed, p);
    double z = period * random.uniform();
    for (std::size_t t = 0; t < frames; ++t, z += drift + sigma * random.normal()) walk.at(t, p) = static_cast<float>(z);
  }
  return walk;
}

/// Every `stride`-th frame.
inline Walk every(const Walk& walk, std::size_t stride) {
  Walk result{(walk.frames + stride - 1) / stride, walk.particles, {}};
  for (std::size_t t = 0; t < walk.frames; t += stride)
    result.z.insert(result.z.end(), walk.z.begin() + static_cast<std::ptrdiff_t>(t * walk.particles), walk.z.begin() + static_cast<std::ptrdiff_t>((t + 1) * walk.particles));
  return result;
}

inline ExitSums total(const WindowExits& window) {
  ExitSums sum;
  for (const ExitSums& unit : window.unit) sum += unit;
  return sum;
}

}  // namespace saltus::kinetics
