// First exits from windows, for bench/window_exits.py and alone: bench_window_exits [PARTICLE_FRAMES [WINDOWS [PARTICLES]]] walks particles with D = 0.23 Å²/ps, frames 0.1 ps
// apart, along a period as long as the windows of 1 Å, 1 Å apart, are many, in memory, then counts with all cores. Prints wall seconds and what came out, as JSON.
// bench_window_exits FILE.npy PERIOD counts those of a file instead, on one core.
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/io/coordinate_series.hpp"
#include "saltus/kinetics/exit_counting.hpp"
#include "saltus/kinetics/local_diffusion.hpp"

using namespace saltus;
using namespace saltus::kinetics;

int main(int count, char** argument) {
  const auto number = [&](int k, double otherwise) { return count > k ? std::atof(argument[k]) : otherwise; };
  const bool from_file = count > 1 && std::string(argument[1]).ends_with(".npy");
  const double period = from_file ? number(2, 30) : number(2, 30);
  ExitSettings settings;
  settings.frame_interval_fs = 100;
  settings.period_ang = period;
  for (double centre = 0; centre < period; centre += 1) settings.windows.push_back({centre, 1, 0.1});
  std::vector<float> walk;
  CoordinateFrames frames;
  std::optional<CoordinateSeries> series;
  if (from_file) {
    set_thread_count(1);
    series.emplace(CoordinateSeries::open_npy(argument[1]));
    frames = {series->frames(), series->particles(), {}, [&](std::size_t first, std::size_t n, std::vector<float>& out) { series->read(first, n, out); }};
  } else {
    const auto particles = static_cast<std::size_t>(number(3, 2000));
    frames.particles = particles;
    frames.frames = static_cast<std::size_t>(number(1, 1e8)) / particles;
    walk.resize(frames.frames * particles);
    const double sigma = std::sqrt(2 * 0.23 * 0.1);
    // Steps from a table: what is measured is the counting.
    Random random(1, 0);
    std::vector<float> step(std::size_t{1} << 20);
    for (float& s : step) s = static_cast<float>(sigma * random.normal());
    parallel_chunks(particles, 16, [&](std::size_t first, std::size_t end) {
      for (std::size_t p = first; p < end; ++p) {
        Random own(2, p);
        double z = period * own.uniform();
        for (std::size_t t = 0; t < frames.frames; ++t) {
          walk[t * particles + p] = static_cast<float>(z);
          z += step[own.next_u32() & (step.size() - 1)];
          z += z < 0 ? period : z >= period ? -period : 0.0;
        }
      }
    });
    frames.read = nullptr;
  }
  double seconds = 0;
  const auto begin = std::chrono::steady_clock::now();
  ExitData data;
  if (from_file) {
    data = count_exits(frames, settings);
  } else {
    ExitCounter counter(frames.frames, frames.particles, {}, settings);
    counter.take(walk);
    data = counter.finish();
  }
  seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  ExitSums sum;
  for (const WindowExits& window : data.window)
    for (const ExitSums& unit : window.unit) sum += unit;
  fmt::print("{{\"seconds\": {:.3f}, \"particle_frames\": {}, \"windows\": {}, \"threads\": {}, \"exits\": {:.0f}, \"time\": {:.0f}, \"above\": {:.0f}}}\n", seconds,
             frames.frames * frames.particles, data.window.size(), thread_count(), sum.exits, sum.time, sum.above);
  return 0;
}
