// Propagation on tiled networks (time of a step), and events of kinetic Monte Carlo.

#include <benchmark/benchmark.h>

#include "saltus/kinetics/lattice_gas.hpp"
#include "saltus/kinetics/lattices.hpp"
#include "saltus/kinetics/tiled_propagation.hpp"
#include "saltus/kinetics/vacancy_network.hpp"
#include "tests/kinetics/random_network.hpp"

namespace {

using namespace saltus;
using namespace saltus::kinetics;

Tiling lattice(const char* name, int edge) {
  const SiteNetwork network = lattice_network(name, 1, 1);
  return tile(network, connect(network), {edge, edge, edge});
}

// One application of the stencil to 1e7 sites.
void step(benchmark::State& state, const Tiling& tiling, bool exclusion) {
  std::vector<double> p(tiling.n_sites(), 0.5), out(p.size());
  for (auto _ : state) {
    if (exclusion) exclusion_rates(tiling, p, out);
    else apply_stencil(tiling, 0.01, p, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.counters["sites"] = static_cast<double>(p.size());
  state.counters["sites/s"] = benchmark::Counter(static_cast<double>(p.size()) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
void step_sc(benchmark::State& state) { step(state, lattice("sc", 216), false); }
void step_fcc(benchmark::State& state) { step(state, lattice("fcc", 216), false); }
void step_three_sites(benchmark::State& state) {
  const SiteNetwork network = random_network(1);
  step(state, tile(network, connect(network), {150, 150, 150}), false);
}
void step_sc_exclusion(benchmark::State& state) { step(state, lattice("sc", 216), true); }
void step_sc_walls(benchmark::State& state) {
  Tiling tiling = lattice("sc", 216);
  tiling.boundary = {Boundary::reflecting, Boundary::reflecting, Boundary::reflecting};
  step(state, tiling, false);
}
BENCHMARK(step_sc)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(step_sc_walls)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(step_fcc)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(step_three_sites)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(step_sc_exclusion)->Unit(benchmark::kMillisecond)->UseRealTime();

// Carriers at half filling, and one vacancy.
void monte_carlo(benchmark::State& state, const Tiling& tiling, double concentration) {
  const auto carriers = static_cast<std::int64_t>(concentration * static_cast<double>(tiling.n_sites()));
  LatticeGas gas(tiling, carriers, std::vector<double>(static_cast<std::size_t>(tiling.n_types), 1.0), Random(1, 1));
  const double piece = 2e5 / gas.total_rate();
  double time = 0;
  for (auto _ : state) gas.run_until(time += piece);
  state.counters["events/s"] = benchmark::Counter(static_cast<double>(gas.events()), benchmark::Counter::kIsRate);
}
void monte_carlo_sc(benchmark::State& state) { monte_carlo(state, lattice("sc", static_cast<int>(state.range(0))), 0.5); }
void monte_carlo_fcc(benchmark::State& state) { monte_carlo(state, lattice("fcc", static_cast<int>(state.range(0))), 0.5); }
void monte_carlo_vacancy(benchmark::State& state) { monte_carlo(state, lattice("fcc", 10), 0.9995); }
void monte_carlo_three_sites(benchmark::State& state) {
  const SiteNetwork network = random_network(1);
  monte_carlo(state, tile(network, connect(network), {10, 10, 10}), 0.5);
}
BENCHMARK(monte_carlo_sc)->Arg(10)->Arg(100)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(monte_carlo_fcc)->Arg(10)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(monte_carlo_vacancy)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(monte_carlo_three_sites)->Unit(benchmark::kMillisecond)->UseRealTime();

// Tracer correlation factor of a cell with one vacancy: a sparse solve.
void tracer(benchmark::State& state) {
  const SiteNetwork network = lattice_network("fcc", 1, 1);
  const ConnectedNetwork connected = connect(network);
  const int n = static_cast<int>(state.range(0));
  const Tiling tiling = tile(network, connected, {n, n, n});
  for (auto _ : state) benchmark::DoNotOptimize(tracer_by_vacancy(tiling, connected));
}
BENCHMARK(tracer)->Arg(8)->Arg(12)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
