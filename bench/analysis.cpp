// Analysis on the cell of the example: paths and radial distributions per frame, sites, assignment per frame.
#include <cmath>

#include <benchmark/benchmark.h>

#include "saltus/analysis/assignment.hpp"
#include "saltus/analysis/paths.hpp"
#include "saltus/analysis/rdf.hpp"
#include "saltus/analysis/sites.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/random.hpp"

namespace {

using namespace saltus;

// 59 ions vibrating about places of a simple cubic lattice and 16 silicon between them: sizes as in the example.
std::vector<Frame> example_frames(std::size_t count) {
  Random random(1, 0);
  std::vector<std::uint8_t> elements(59, 3);
  elements.resize(75, 14);
  const auto atoms = std::make_shared<const Atoms>(atoms_of(elements));
  const double edge = 10.6;
  std::vector<Frame> frames(count);
  for (std::size_t t = 0; t < count; ++t) {
    Frame& f = frames[t];
    f.atoms = atoms;
    f.cell = Cell(Mat3{{Vec3{edge, 0, 0}, Vec3{0, edge, 0}, Vec3{0, 0, edge}}});
    f.time_fs = 20.0 * static_cast<double>(t);
    for (int i = 0; i < 75; ++i) {
      const int k = i < 59 ? i : i - 59;
      const double shift = i < 59 ? 0 : edge / 8;
      f.position_ang.push_back(Vec3{(k % 4) * edge / 4 + shift, (k / 4 % 4) * edge / 4 + shift, (k / 16) * edge / 4 + shift} +
                               0.25 * Vec3{random.normal(), random.normal(), random.normal()});
    }
  }
  return frames;
}

NextFrame next_of(const std::vector<Frame>& frames) {
  return [&frames, k = std::size_t{0}](Frame& frame) mutable {
    if (k == frames.size()) return false;
    frame = frames[k++];
    return true;
  };
}

Paths paths_of(const std::vector<Frame>& frames) {
  PathAnalysis analysis({3, 14});
  Analysis* const list[] = {&analysis};
  run_analyses(next_of(frames), list);
  return analysis.finish();
}

void bm_paths(benchmark::State& state) {
  const auto frames = example_frames(1000);
  for (auto _ : state) benchmark::DoNotOptimize(paths_of(frames));
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(bm_paths)->Unit(benchmark::kMillisecond);

void bm_rdf(benchmark::State& state) {
  const auto frames = example_frames(200);
  for (auto _ : state) {
    RdfAnalysis analysis({{{3, 3}, {3, 14}, {14, 14}}, static_cast<double>(state.range(0)), 0.05, 1});
    Analysis* const list[] = {&analysis};
    run_analyses(next_of(frames), list);
    benchmark::DoNotOptimize(analysis.finish());
  }
  state.SetItemsProcessed(state.iterations() * 200);
}
BENCHMARK(bm_rdf)->Arg(5)->Arg(8)->Unit(benchmark::kMillisecond);

void bm_sites(benchmark::State& state) {
  const Paths paths = paths_of(example_frames(2000));
  for (auto _ : state) benchmark::DoNotOptimize(find_sites(paths.cell, paths.site_path(), paths.frames, {}));
}
BENCHMARK(bm_sites)->Unit(benchmark::kMillisecond);

void bm_assign(benchmark::State& state) {
  const Paths paths = paths_of(example_frames(2000));
  const Sites sites = find_sites(paths.cell, paths.site_path(), paths.frames, {});
  for (auto _ : state) benchmark::DoNotOptimize(assign_sites(sites, paths.site_path(), paths.frames, paths.frame_spacing_fs));
  state.SetItemsProcessed(state.iterations() * 2000);
}
BENCHMARK(bm_assign)->Unit(benchmark::kMillisecond);

// 192 ions among 1056 sites: one frame per item. The aim is 0.02 ms per frame on one thread.
void bm_assign_many(benchmark::State& state) {
  Random random(1, 0);
  const Cell cell(Mat3{{Vec3{26, 0, 0}, Vec3{0, 26, 0}, Vec3{0, 0, 26}}});
  std::vector<Fractional> places;
  for (int k = 0; k < 1056; ++k) places.push_back({((k / 96) + 0.2 * random.uniform()) / 11, (k / 10 % 10 + 0.2 * random.uniform()) / 10, (k % 10 + 0.2 * random.uniform()) / 10});
  Sites sites;
  sites.cell = cell;
  sites.position = places;
  const std::size_t frames = 10000, ions = 192;
  std::vector<Vec3> path;
  for (std::size_t k = 0; k < frames * ions; ++k)
    path.push_back(cell.to_cartesian(places[(k % ions) * 5]) + 0.3 * Vec3{random.normal(), random.normal(), random.normal()});
  set_thread_count(1);
  for (auto _ : state) benchmark::DoNotOptimize(assign_sites(sites, path, frames, 1));
  set_thread_count(0);
  state.counters["ms_per_frame"] = benchmark::Counter(static_cast<double>(frames) / 1000, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(bm_assign_many)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
