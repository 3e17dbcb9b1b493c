// q-TIP4P/F with its Ewald sums: forces of all beads of 32 molecules in a cube of 10.26 Å, atoms displaced at random; bench/qtip4pf.py runs
// i-PI's Fortran routine beside this.
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "best_seconds.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/potentials/qtip4pf.hpp"

namespace {

using namespace saltus;

struct Beads {
  Frame frame;
  std::vector<Cell> cell;
  std::vector<Vec3> position_ang;
};

Beads beads_of(std::size_t count, int repeats) {
  Beads beads;
  Frame small;
  open_trajectory(SALTUS_SOURCE_DIR "/examples/path_integrals/water_32.extxyz")->read_next(small);
  beads.frame = repeated(small, {repeats, repeats, repeats});
  beads.cell.assign(count, beads.frame.cell);
  Random random(1, 1);
  for (std::size_t b = 0; b < count; ++b)
    for (const Vec3& r : beads.frame.position_ang) beads.position_ang.push_back(r + 0.05 * Vec3{random.normal(), random.normal(), random.normal()});
  return beads;
}

/// Atoms that move a little at each call, as in a simulation: lists are kept.
struct Calls {
  Beads beads;
  Qtip4pf potential;
  Workspace workspace;
  std::vector<Evaluation> results;
  int calls = 0;

  Calls(std::size_t count, int repeats) : beads(beads_of(count, repeats)), results(count) { workspace.skin_ang = 1; }
  void next(bool virial) {
    const double step = ++calls % 2 ? 1e-3 : -1e-3;
    for (Vec3& r : beads.position_ang) r.x += step;
    potential.evaluate({beads.frame.atoms.get(), beads.cell, beads.position_ang}, {.forces = true, .virial = virial}, workspace, results);
  }
};

void forces(benchmark::State& bench) {
  set_thread_count(static_cast<int>(bench.range(2)));
  Calls calls(static_cast<std::size_t>(bench.range(0)), static_cast<int>(bench.range(1)));
  for (auto _ : bench) calls.next(bench.range(3) != 0);
  set_thread_count(0);
}

BENCHMARK(forces)
    ->ArgNames({"beads", "repeats", "threads", "virial"})
    ->Args({32, 1, 1, 0})
    ->Args({32, 1, 1, 1})
    ->Args({32, 1, 2, 0})
    ->Args({1, 2, 1, 0})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

/// --milliseconds BEADS CALLS: CPU time of one call on one thread, the best of five rounds, and nothing else; for bench/qtip4pf.py.
int main(int count, char** words) {
  if (count == 4 && std::string_view(words[1]) == "--milliseconds") {
    set_thread_count(1);
    Calls calls(std::stoul(words[2]), 1);
    const int each = std::stoi(words[3]);
    calls.next(true);
    const double seconds = best_seconds(5, [&] {
      for (int k = 0; k < each; ++k) calls.next(true);
    });
    std::printf("%.6f\n", 1e3 * seconds / each);
    return 0;
  }
  benchmark::Initialize(&count, words);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
