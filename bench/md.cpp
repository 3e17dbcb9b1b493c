// What a step of molecular dynamics costs beside its potential (a potential that is free, 75 atoms), and all of it with
// Lennard-Jones.
#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "saltus/base/threads.hpp"
#include "saltus/dynamics/loop.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/potentials/lennard_jones.hpp"

namespace {

using namespace saltus;

class NoForces final : public Potential {
 public:
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  void evaluate(const Batch& batch, Want, Workspace&, std::span<Evaluation> results) const override {
    for (Evaluation& result : results) result.force_ev_ang.assign(batch.atoms->size(), Vec3{});
  }

 private:
  PotentialInfo info_;
};

// Simple cubic argon, spacing 3.75 Å.
State argon(const Int3& repeats) {
  Frame cube;
  cube.cell = Cell(Mat3{{Vec3{3.75, 0, 0}, Vec3{0, 3.75, 0}, Vec3{0, 0, 3.75}}});
  cube.position_ang = {{0, 0, 0}};
  cube.atoms = std::make_shared<const Atoms>(atoms_of({18}));
  State state = state_of(repeated(cube, repeats), Random(1, 1));
  Random velocities(1, 2);
  draw_velocities(state, 100, velocities);
  return state;
}

Thermostat thermostat(std::int64_t kind) {
  if (kind == 0) return NoThermostat{};
  if (kind == 1) return Langevin{100, 0.01};
  return VelocityRescaling{100, 200};
}

void run_steps(benchmark::State& bench, const Potential& potential, State state, std::int64_t kind) {
  LoopSettings settings;
  settings.thermostat = thermostat(kind);
  settings.steps = 0;
  std::string text;
  LoopSinks sinks;
  sinks.frame = [&](const Frame& frame) { append_extxyz(text, frame); };
  sinks.log = [&](const LogRow& row) { benchmark::DoNotOptimize(row); };
  sinks.checkpoint = [&](const State&) { text.clear(); };
  begin_dynamics(state, settings);
  run_dynamics(state, potential, settings, sinks);
  for (auto _ : bench) {
    settings.steps += 5000;
    run_dynamics(state, potential, settings, sinks);
  }
  bench.counters["s_per_step"] = benchmark::Counter(5000.0 * static_cast<double>(bench.iterations()),
                                                    benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  bench.SetLabel(kind == 0 ? "velocity Verlet" : kind == 1 ? "BAOAB" : "velocity rescaling");
}

void overhead(benchmark::State& bench) {
  set_thread_count(1);
  run_steps(bench, NoForces{}, argon({5, 5, 3}), bench.range(0));
}
BENCHMARK(overhead)->DenseRange(0, 2)->Unit(benchmark::kMillisecond);

void lennard_jones(benchmark::State& bench) {
  set_thread_count(static_cast<int>(bench.range(1)));
  const int side = static_cast<int>(bench.range(0));
  run_steps(bench, LennardJones(lennard_jones_argon()), argon({side, side, side}), 1);
}
BENCHMARK(lennard_jones)->ArgsProduct({{5, 8}, {1, 2}})->ArgNames({"side", "threads"})->Unit(benchmark::kMillisecond)->Iterations(1)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
