// Counting transitions from events, reversible estimation, MSD, and the whole estimate.

#include <array>
#include <cmath>

#include <benchmark/benchmark.h>

#include "saltus/kinetics/connected_set.hpp"
#include "saltus/kinetics/kinetics_estimate.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"
#include "saltus/kinetics/reversible_model.hpp"
#include "saltus/kinetics/transition_counts.hpp"
#include "tests/kinetics/one_vacancy.hpp"

namespace {

using namespace saltus;
using namespace saltus::kinetics;

// 1000 states, 100 carriers, stays of 100 frames on average: 1e8 frames in 1e6 events.
SiteTrajectory long_trajectory() {
  SiteTrajectory trajectory{1000, 100, 1000000, {}};
  Random random(1, 1);
  for (int c = 0; c < trajectory.n_carriers; ++c) {
    trajectory.segments.push_back({c, {}});
    int state = static_cast<int>(random.below(1000));
    for (std::int64_t t = 0; t < trajectory.n_frames;) {
      const std::int64_t end = std::min<std::int64_t>(trajectory.n_frames, t + 1 + static_cast<std::int64_t>(random.below(199)));
      trajectory.segments.back().visits.push_back({t, end, state, {}});
      state = (state + (random.uniform() < 0.5 ? 1 : 999)) % 1000;
      t = end;
    }
  }
  return trajectory;
}

void count(benchmark::State& state) {
  static const SiteTrajectory trajectory = long_trajectory();
  for (auto _ : state) benchmark::DoNotOptimize(count_transitions(trajectory, state.range(0)));
  state.counters["frames/s"] = benchmark::Counter(
      static_cast<double>(trajectory.n_frames) * trajectory.n_carriers * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate);
}
BENCHMARK(count)->Arg(1)->Arg(10)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);

// Simple cubic lattice of edge³ states with random counts on each bond.
void reversible(benchmark::State& state) {
  const CubicLattice lattice{static_cast<int>(state.range(0))};
  Random random(2, 1);
  CountMatrix counts{lattice.sites(), {}};
  for (int site = 0; site < lattice.sites(); ++site) {
    counts.entries.push_back({site, site, 1000.0});
    const Int3 r = lattice.coordinates(site);
    for (const auto& e : neighbour_offsets) {
      counts.entries.push_back({site, lattice.index(r[0] + e[0], r[1] + e[1], r[2] + e[2]),
                                static_cast<double>(1 + random.below(20))});
    }
  }
  double iterations = 0, residual = 0;
  for (auto _ : state) {
    const ReversibleModel model = estimate_reversible(counts);
    iterations = model.iterations;
    residual = model.max_relative_residual;
  }
  state.counters["states"] = lattice.sites();
  state.counters["iterations"] = iterations;
  state.counters["residual"] = residual;
}
BENCHMARK(reversible)->Arg(4)->Arg(8)->Arg(16)->Unit(benchmark::kMillisecond);

void report(benchmark::State& state, const CountMatrix& counts) {
  ReversibleModel model;
  for (auto _ : state) model = estimate_reversible(counts);
  state.counters["states"] = counts.n_states;
  state.counters["nonzeros"] = static_cast<double>(counts.entries.size());
  state.counters["iterations"] = model.iterations;
  state.counters["residual"] = model.max_residual;
  state.counters["relative"] = model.max_relative_residual;
  state.counters["converged"] = model.converged;
}

// 97 336 states of a 3D network, ten neighbours each: 1.07e6 non-zeros. Counts log-uniform over so many decades.
void reversible_network(benchmark::State& state) {
  const CubicLattice lattice{46};
  Random random(2, 2);
  CountMatrix counts{lattice.sites(), {}};
  constexpr std::array<Int3, 10> offsets{{{1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}, {0, 0, 1}, {0, 0, -1}, {1, 1, 0}, {-1, -1, 0}, {0, 1, 1}, {0, -1, -1}}};
  const auto drawn = [&] { return std::ceil(std::pow(10.0, static_cast<double>(state.range(0)) * random.uniform()) * (1 + random.uniform())); };
  for (int site = 0; site < lattice.sites(); ++site) {
    counts.entries.push_back({site, site, 1000.0});
    const Int3 r = lattice.coordinates(site);
    for (const auto& e : offsets) {
      counts.entries.push_back({site, lattice.index((r[0] + e[0] + 46) % 46, (r[1] + e[1] + 46) % 46, (r[2] + e[2] + 46) % 46), drawn()});
    }
  }
  report(state, counts);
}
BENCHMARK(reversible_network)->Arg(1)->Arg(3)->Arg(6)->Unit(benchmark::kMillisecond)->Iterations(1);

// A random graph: 1e5 states, on average ten neighbours.
void reversible_random_graph(benchmark::State& state) {
  const int n = 100000;
  Random random(3, 2);
  CountMatrix counts{n, {}};
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < 5; ++k) {
      const int j = k == 0 ? (i + 1) % n : static_cast<int>(random.below(n));
      if (j == i) continue;
      counts.entries.push_back({i, j, static_cast<double>(1 + random.below(20))});
      counts.entries.push_back({j, i, static_cast<double>(1 + random.below(20))});
    }
  }
  report(state, counts);
}
BENCHMARK(reversible_random_graph)->Unit(benchmark::kMillisecond)->Iterations(1);

void msd(benchmark::State& state) {
  const auto particles = static_cast<std::size_t>(state.range(0));
  const std::size_t frames = 5000;
  Random random(3, 1);
  std::vector<Vec3> position(frames * particles);
  for (Vec3& r : position) r = {random.normal(), random.normal(), random.normal()};
  const std::vector<std::int64_t> lags = log_spaced_lags(250, 12);
  for (auto _ : state) benchmark::DoNotOptimize(mean_square_displacement(position, particles, lags, 10));
  state.counters["windows/s"] =
      benchmark::Counter(static_cast<double>(frames * particles * lags.size()) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}
BENCHMARK(msd)->Arg(59)->Arg(472)->Unit(benchmark::kMillisecond)->UseRealTime();

void estimate(benchmark::State& state) {
  const KineticsInput input = simulate_one_vacancy({static_cast<int>(state.range(0))}, 5000, 0.1, 0.05, 4);
  for (auto _ : state) benchmark::DoNotOptimize(estimate_kinetics(input));
}
BENCHMARK(estimate)->Arg(4)->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
