// Brownian particles in given F(z) and D(z), and a plain counter of their first exits from windows: data with a known answer for the inversion.
// Milstein: dz = (D' − D F') h + sqrt(2 D h) ξ + ½ D' h (ξ² − 1), h = dt/10; walls reflect. Lengths in Å, times in fs.
#pragma once

#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/window_exits.hpp"

namespace saltus::kinetics {

struct Synthetic {
  std::string name;
  double length_ang = 40;
  bool periodic = true;  ///< else walls at 0 and length
  std::function<double(double)> free_energy_kt, diffusion_ang2_fs;
};

/// [particles][frames]
inline std::vector<std::vector<float>> brownian_paths(const Synthetic& system, std::size_t particles, std::size_t frames, double frame_interval_fs, std::uint64_t seed) {
  // F', D, D' in a table
  constexpr std::size_t table = 8000;
  const double cell = system.length_ang / table;
  std::vector<double> d(table + 1), slope(table + 1), drift(table + 1), density(table + 1);
  double most = 0;
  for (std::size_t k = 0; k <= table; ++k) {
    const double z = cell * static_cast<double>(k), e = 1e-4;
    d[k] = system.diffusion_ang2_fs(z);
    slope[k] = (system.diffusion_ang2_fs(z + e) - system.diffusion_ang2_fs(z - e)) / (2 * e);
    drift[k] = slope[k] - d[k] * (system.free_energy_kt(z + e) - system.free_energy_kt(z - e)) / (2 * e);
    density[k] = std::exp(-system.free_energy_kt(z));
    most = std::max(most, density[k]);
  }
  std::vector<std::vector<float>> path(particles, std::vector<float>(frames));
  parallel_chunks(particles, 16, [&](std::size_t first, std::size_t last) {
    for (std::size_t p = first; p < last; ++p) {
      Random random(seed, p);
      double z = 0;
      do z = system.length_ang * random.uniform();
      while (random.uniform() * most > density[static_cast<std::size_t>(z / cell)]);
      constexpr int steps = 10;
      const double h = frame_interval_fs / steps;
      for (std::size_t t = 0; t < frames; ++t) {
        path[p][t] = static_cast<float>(z);
        for (int s = 0; s < steps; ++s) {
          const auto k = static_cast<std::size_t>(z / cell + 0.5);
          const double xi = random.normal();
          z += drift[k] * h + std::sqrt(2 * d[k] * h) * xi + 0.5 * slope[k] * h * (xi * xi - 1);
          if (system.periodic) z -= system.length_ang * std::floor(z / system.length_ang);
          else z = z < 0 ? -z : z > system.length_ang ? 2 * system.length_ang - z : z;
        }
      }
    }
  });
  return path;
}

/// Windows at 0, spacing, … of the half-widths; particles are the units. Starts within 6 mean exit times of the end are not admitted.
inline ExitData count_exits(const Synthetic& system, const std::vector<std::vector<float>>& path, double frame_interval_fs, const std::vector<double>& half_widths,
                            double spacing_ang = 1) {
  ExitData data;
  data.frame_interval_fs = frame_interval_fs;
  if (system.periodic) data.period_ang = system.length_ang;
  else {
    data.wall_low_ang = 0;
    data.wall_high_ang = system.length_ang;
  }
  data.bins = static_cast<std::size_t>(std::lround(system.length_ang / 0.1));
  data.histogram.assign(path.size() * data.bins, 0);
  for (std::size_t p = 0; p < path.size(); ++p)
    for (const float z : path[p]) ++data.histogram[p * data.bins + std::min(data.bins - 1, static_cast<std::size_t>(static_cast<double>(z) / 0.1))];
  const auto centres = static_cast<std::size_t>(std::lround(system.length_ang / spacing_ang)) + (system.periodic ? 0 : 1);
  for (const double half : half_widths)
    for (std::size_t c = 0; c < centres; ++c) data.window.push_back({{static_cast<double>(c) * spacing_ang, half, 0.1}, {}});
  parallel_chunks(data.window.size(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t w = first; w < last; ++w) {
      const ExitWindow window = data.window[w].window;
      const auto scan = [&](std::size_t latest) {
        std::vector<ExitSums> unit(path.size());
        for (std::size_t p = 0; p < path.size(); ++p) {
          const std::vector<float>& z = path[p];
          std::size_t exit = 0;
          double exit_x = 0;
          for (std::size_t t = z.size(); t-- > 0;) {
            double x = static_cast<double>(z[t]) - window.centre_ang;
            if (system.periodic) x -= system.length_ang * std::round(x / system.length_ang);
            if (std::abs(x) >= window.half_width_ang) {
              exit = t;
              exit_x = x;
            } else if (std::abs(x) < window.start_half_width_ang && t < latest) {
              ExitSums& s = unit[p];
              if (exit == 0) {
                ++s.censored;
                s.censored_time += static_cast<double>(z.size() - 1 - t);
                continue;
              }
              const auto time = static_cast<double>(exit - t);
              ++s.exits;
              s.above += exit_x > 0;
              s.time += time;
              s.time2 += time * time;
              s.displacement_ang += exit_x - x;
              s.displacement2_ang2 += (exit_x - x) * (exit_x - x);
              s.displacement_time_ang += (exit_x - x) * time;
            }
          }
        }
        return unit;
      };
      data.window[w].unit = scan(path.front().size());
      double exits = 0, time = 0;
      for (const ExitSums& s : data.window[w].unit) {
        exits += s.exits;
        time += s.time;
      }
      const double cut = exits > 0 ? 6 * time / exits : 0;
      data.window[w].unit = scan(cut < static_cast<double>(path.front().size()) ? path.front().size() - static_cast<std::size_t>(cut) : 1);
    }
  });
  return data;
}

/// Shapes that water has: layers of F, slow water at surfaces; D in Å²/fs.
inline std::vector<Synthetic> synthetic_systems() {
  constexpr double pi = 3.141592653589793, unit = 1e-3;
  const auto no_force = [](double) { return 0.0; };
  const auto from_wall = [](double z) { return std::min(std::abs(z), std::abs(40 - z)); };
  const auto layered = [](double z) { return 0.6 * std::cos(2 * pi * z / 5); };
  const auto wave = [](double z) { return unit * (0.15 + 0.08 * std::sin(4 * pi * z / 40)); };
  const auto wall_layers = [=](double z) { return 1.2 * std::exp(-from_wall(z) / 2.5) * std::cos(2 * pi * from_wall(z) / 3); };
  const auto twofold = [=](double z) { return unit * (0.23 - 0.115 * std::exp(-from_wall(z) / 3)); };
  const auto threefold = [=](double z) { return unit * (0.23 - 0.155 * std::exp(-from_wall(z) / 3)); };
  const auto step = [](double z) { return unit * (0.05 + 0.09 * (std::tanh((z - 12) / 2.5) - std::tanh((z - 30) / 2.5))); };
  return {{"flat F, constant D, periodic", 40, true, no_force, [](double) { return 0.23 * unit; }},
          {"layered F, constant D, periodic", 40, true, layered, [](double) { return 0.23 * unit; }},
          {"flat F, varying D, periodic", 40, true, no_force, wave},
          {"layered F, varying D, periodic", 40, true, layered, wave},
          {"flat F, steps of D, periodic", 40, true, no_force, step},
          {"layered slit, constant D", 40, false, wall_layers, [](double) { return 0.23 * unit; }},
          {"flat slit, twofold slower at walls", 40, false, no_force, twofold},
          {"layered slit, twofold slower", 40, false, wall_layers, twofold},
          {"layered slit, threefold slower", 40, false, wall_layers, threefold}};
}

}  // namespace saltus::kinetics
