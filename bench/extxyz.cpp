// Reading and writing extXYZ: bytes per second on the example's data.
#include <filesystem>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "saltus/base/files.hpp"
#include "saltus/io/extxyz.hpp"

namespace {

const std::string path = SALTUS_SOURCE_DIR "/examples/li15si4/li15si4_900K.extxyz";

void read_file(benchmark::State& state) {
  std::size_t frames = 0;
  for (auto _ : state) {
    const auto reader = saltus::open_extxyz(path);
    for (saltus::Frame frame; reader->read_next(frame);) ++frames;
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * std::filesystem::file_size(path)));
  state.counters["frames"] = benchmark::Counter(static_cast<double>(frames), benchmark::Counter::kIsRate);
}

void count_frames(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(saltus::open_extxyz(path)->count());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * std::filesystem::file_size(path)));
}

// Six decimals as in the segments of saltus md, or the shortest text that reads back to the same number.
void write_frames(benchmark::State& state) {
  const std::vector<saltus::Frame> frames = saltus::read_frames(path);
  saltus::WriteOptions options;
  if (state.range(0) > 0) options.position_decimals = options.velocity_decimals = options.force_decimals = static_cast<int>(state.range(0));
  std::string text;
  std::size_t bytes = 0;
  for (auto _ : state)
    for (const auto& frame : frames) {
      text.clear();
      saltus::append_extxyz(text, frame, options);
      bytes += text.size();
    }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

BENCHMARK(read_file)->Unit(benchmark::kMillisecond);
BENCHMARK(count_frames)->Unit(benchmark::kMillisecond);
BENCHMARK(write_frames)->Arg(0)->Arg(6)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
