// What a step of ring polymers costs by itself: forces at no cost, BAOAB with PILE-L. i-PI 3.3.0 in one process took 3.9 ms for 96 atoms × 32
// beads and 14.2 ms for 648 × 32; bench/ring_polymer.py runs it beside this.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "best_seconds.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/dynamics/ring_polymer.hpp"

namespace {

using namespace saltus;

constexpr double timestep_fs = 0.25;

/// Water, by mass.
RingState start_of(std::size_t atoms, std::size_t beads) {
  std::vector<double> mass;
  for (std::size_t atom = 0; atom < atoms; ++atom) mass.insert(mass.end(), 3, atom % 3 ? 1.008 : 15.999);
  return thermal_ring_state(ring_modes(beads, 300), mass, std::vector<double>(3 * atoms), Random(1, 1));
}

void no_forces(std::span<const double>, std::span<double> energy, std::span<double> force) {
  std::fill(energy.begin(), energy.end(), 0.0);
  std::fill(force.begin(), force.end(), 0.0);
}

void ring_step(benchmark::State& bench) {
  set_thread_count(static_cast<int>(bench.range(3)));
  RingState state = start_of(static_cast<std::size_t>(bench.range(0)), static_cast<std::size_t>(bench.range(1)));
  const RingThermostat thermostat = bench.range(2) ? RingThermostat(PileGlobal{}) : RingThermostat(PileLocal{});
  const RingIntegrator list = ring_integrator(Splitting::baoab, thermostat, state.modes);
  for (auto _ : bench) apply(list, state, timestep_fs, no_forces);
  set_thread_count(0);
}

BENCHMARK(ring_step)
    ->ArgNames({"atoms", "beads", "pile_g", "threads"})
    ->ArgsProduct({{96, 648}, {1, 8, 32, 64}, {0}, {1}})
    ->Args({96, 32, 1, 1})
    ->Args({648, 32, 0, 2})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

/// --milliseconds ATOMS BEADS STEPS: CPU time of one step on one thread, the best of three rounds, and nothing else; for bench/ring_polymer.py.
int main(int count, char** words) {
  if (count == 5 && std::string_view(words[1]) == "--milliseconds") {
    set_thread_count(1);
    RingState state = start_of(std::stoul(words[2]), std::stoul(words[3]));
    const int steps = std::atoi(words[4]);
    const RingIntegrator list = ring_integrator(Splitting::baoab, PileLocal{}, state.modes);
    const double seconds = best_seconds(3, [&] {
      for (int k = 0; k < steps; ++k) apply(list, state, timestep_fs, no_forces);
    });
    std::printf("%.6f\n", 1e3 * seconds / steps);
    return 0;
  }
  benchmark::Initialize(&count, words);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
