// Reading beside analysis: the example's AIMD, played forwards and backwards until the file is large, through four analyses
// in one pass: radial distributions, velocity correlation, density on a grid, temperature and drifts.
//   read      the file alone          analyse   frames from memory          both   the queue
// With two threads, `both` should take hardly longer than the longer of the two; peak_mb should not grow with the file.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "saltus/analysis/mean_density.hpp"
#include "saltus/analysis/motion_series.hpp"
#include "saltus/analysis/rdf.hpp"
#include "saltus/analysis/velocity_correlation.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/io/trajectory.hpp"

namespace {

using namespace saltus;
namespace fs = std::filesystem;

const std::vector<Frame>& example() {
  static const std::vector<Frame> frames = read_frames(std::string(SALTUS_SOURCE_DIR) + "/examples/li15si4/li15si4_vacancy_1200K.extxyz");
  return frames;
}

// Frame `k` of the example played to and fro: positions go on from frame to frame.
Frame played(std::size_t k) {
  const std::size_t last = example().size() - 1, turn = k % (2 * last);
  const bool back = turn > last;
  Frame frame = example()[back ? 2 * last - turn : turn];
  if (back)
    for (Vec3& v : frame.velocity_ang_fs) v = -v;
  frame.step = static_cast<std::int64_t>(k);
  frame.time_fs = 2.0 * static_cast<double>(k);
  return frame;
}

struct LargeFile {
  fs::path path;
  std::size_t frames = 0;
};

struct Files {
  std::map<std::int64_t, LargeFile> of_megabytes;
  ~Files() {
    for (const auto& [size, file] : of_megabytes) fs::remove(file.path);
  }
};

const LargeFile& file_of(std::int64_t megabytes) {
  static Files files;
  LargeFile& file = files.of_megabytes[megabytes];
  if (!file.path.empty()) return file;
  file.path = fs::temp_directory_path() / ("saltus-bench-" + std::to_string(getpid()) + "-" + std::to_string(megabytes) + ".extxyz");
  WriteOptions options;
  options.position_decimals = options.velocity_decimals = options.force_decimals = 8;
  const auto write = [&](std::size_t frames) {
    const auto writer = create_trajectory(file.path, options);
    for (std::size_t k = 0; k < frames; ++k) writer->write(played(k));
    writer->commit();
    file.frames = frames;
  };
  write(100);  // tells how large a frame is
  write(static_cast<std::size_t>(megabytes) * 100'000'000 / fs::file_size(file.path));
  return file;
}

double peak_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      double kb = 0;
      status >> kb;
      return kb / 1024;
    }
  return 0;
}

void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

void analyse(const NextFrame& next) {
  RdfAnalysis rdf({{{3, 3}, {3, 14}, {14, 14}}, 5, 0.05, 1, 0});
  VelocityCorrelationAnalysis velocities({std::nullopt, 200, true});
  MeanDensityAnalysis density({3, 14, 0.2});
  MotionSeriesAnalysis motion({14});
  Analysis* const analyses[] = {&rdf, &velocities, &density, &motion};
  run_analyses(next, analyses);
  benchmark::DoNotOptimize(rdf.finish());
}

NextFrame from_file(TrajectoryReader& reader) {
  return [&reader](Frame& frame) { return reader.read_next(frame); };
}

// Arguments: megabytes, threads.
template <class Pass>
void bm(benchmark::State& state, Pass pass) {
  const LargeFile& file = file_of(state.range(0));
  set_thread_count(static_cast<int>(state.range(1)));
  reset_peak();
  for (auto _ : state) pass(file);
  const auto passes = static_cast<std::int64_t>(state.iterations());
  state.SetItemsProcessed(passes * static_cast<std::int64_t>(file.frames));
  state.counters["peak_mb"] = peak_mb();
}

void read(const LargeFile& file) {
  const auto reader = open_trajectory(file.path);
  for (Frame frame; reader->read_next(frame);) benchmark::DoNotOptimize(frame.position_ang.data());
}

void analyse_memory(const LargeFile& file) {
  analyse([&file, k = std::size_t{0}](Frame& frame) mutable {
    if (k == file.frames) return false;
    frame = played(k++);
    return true;
  });
}

void both(const LargeFile& file) {
  const auto reader = open_trajectory(file.path);
  analyse(from_file(*reader));
}

void sizes(benchmark::internal::Benchmark* b) {
  for (const int threads : {1, 2}) b->Args({200, threads});
  b->Unit(benchmark::kSecond)->UseRealTime()->Iterations(1);
}

BENCHMARK_CAPTURE(bm, read, read)->Args({200, 1})->Unit(benchmark::kSecond)->UseRealTime()->Iterations(1);
BENCHMARK_CAPTURE(bm, analyse, analyse_memory)->Apply(sizes);
BENCHMARK_CAPTURE(bm, both, both)->Apply(sizes)->Args({50, 2})->Args({400, 2});

}  // namespace

BENCHMARK_MAIN();
