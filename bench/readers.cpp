// Reading trajectories: bytes and frames per second of the files named in SALTUS_BENCH_FILES, separated by ':'; their atoms
// are named by the file SALTUS_BENCH_TOPOLOGY. bench/readers.py makes such files and times other programs on them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "saltus/io/trajectory.hpp"

namespace {

void read_file(benchmark::State& state, const std::string& path, const std::string& topology) {
  saltus::ReadOptions options;
  options.topology = topology;
  std::size_t frames = 0;
  for (auto _ : state) {
    const auto reader = saltus::open_trajectory(path, options);
    for (saltus::Frame frame; reader->read_next(frame);) ++frames;
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(std::filesystem::file_size(path)));
  state.counters["frames"] = benchmark::Counter(static_cast<double>(frames), benchmark::Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
  const char* files = std::getenv("SALTUS_BENCH_FILES");
  const char* topology = std::getenv("SALTUS_BENCH_TOPOLOGY");
  std::string rest = files ? files : "";
  while (!rest.empty()) {
    const std::size_t stop = std::min(rest.find(':'), rest.size());
    const std::string path = rest.substr(0, stop);
    rest.erase(0, stop + 1);
    auto* const reading = benchmark::RegisterBenchmark(path.c_str(), read_file, path, std::string(topology ? topology : ""));
    reading->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
