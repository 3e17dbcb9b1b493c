// First exits from windows of 1 Å, 1 Å apart along a period (starts within 0.125 Å), as JSON: seconds (CPU and wall) and what came out.
//   bench_window_exits [PARTICLE_FRAMES [WINDOWS [PARTICLES]]]  walks with D = 0.23 Å²/ps and frames 0.1 ps apart, made in memory; all cores. Default: 1e8 30 2000.
//   bench_window_exits FILE.npy PERIOD                          an array [frames, particles] on disk, reading included; one core, for bench/window_exits.py.
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/io/coordinate_series.hpp"
#include "saltus/kinetics/exit_counting.hpp"

using namespace saltus;
using namespace saltus::kinetics;

namespace {

// Steps from a table of Gaussian ones: what is measured is the counting.
std::vector<float> walk_of(std::size_t frames, std::size_t particles, double period) {
  std::vector<float> walk(frames * particles), step(std::size_t{1} << 20);
  Random random(1, 0);
  for (float& s : step) s = static_cast<float>(std::sqrt(2 * 0.23 * 0.1) * random.normal());
  parallel_chunks(particles, 16, [&](std::size_t first, std::size_t end) {
    for (std::size_t p = first; p < end; ++p) {
      Random own(2, p);
      double z = period * own.uniform();
      for (std::size_t t = 0; t < frames; ++t) {
        walk[t * particles + p] = static_cast<float>(z);
        z += step[own.next_u32() & (step.size() - 1)];
        z += z < 0 ? period : z >= period ? -period : 0.0;
      }
    }
  });
  return walk;
}

}  // namespace

int main(int count, char** argument) {
  const auto number = [&](int k, double otherwise) { return count > k ? std::atof(argument[k]) : otherwise; };
  const bool from_file = count > 1 && std::string(argument[1]).ends_with(".npy");
  ExitSettings settings;
  settings.frame_interval_fs = 100;
  settings.period_ang = number(2, 30);
  for (double centre = 0; centre < settings.period_ang; centre += 1) settings.windows.push_back({centre, 1, 0.125});
  std::vector<float> walk;
  CoordinateFrames frames;
  if (from_file) {
    set_thread_count(1);
  } else {
    frames.particles = static_cast<std::size_t>(number(3, 2000));
    frames.frames = static_cast<std::size_t>(number(1, 1e8)) / frames.particles;
    walk = walk_of(frames.frames, frames.particles, settings.period_ang);
  }
  const auto begin = std::chrono::steady_clock::now();
  const std::clock_t cpu_begin = std::clock();
  ExitData data;
  if (from_file) {
    const CoordinateSeries series = CoordinateSeries::open_npy(argument[1]);
    frames = {series.frames(), series.particles(), {}, [&](std::size_t first, std::size_t n, std::vector<float>& out) { series.read(first, n, out); }};
    data = count_exits(frames, settings);
  } else {
    ExitCounter counter(frames.frames, frames.particles, {}, settings);
    counter.take(walk);
    data = counter.finish();
  }
  const double cpu = static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC, wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  ExitSums sum;
  for (const WindowExits& window : data.window)
    for (const ExitSums& unit : window.unit) sum += unit;
  fmt::print("{{\"seconds\": {:.3f}, \"wall_seconds\": {:.3f}, \"threads\": {}, \"particle_frames\": {}, \"windows\": {}, \"exits\": {:.0f}, \"time\": {:.0f}, \"above\": {:.0f}}}\n", cpu,
             wall, thread_count(), frames.frames * frames.particles, data.window.size(), sum.exits, sum.time, sum.above);
  return 0;
}
