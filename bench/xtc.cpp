// Reading XTC: frames per second of the file named by SALTUS_BENCH_XTC; bench/xtc_file.py makes one and times
// MDAnalysis on it.
#include <cstdlib>
#include <filesystem>
#include <string>

#include <benchmark/benchmark.h>

#include "saltus/base/files.hpp"
#include "saltus/io/byte_file.hpp"
#include "saltus/io/xtc.hpp"

namespace {

void read_file(benchmark::State& state) {
  const char* path = std::getenv("SALTUS_BENCH_XTC");
  if (!path) return state.SkipWithError("SALTUS_BENCH_XTC names no file");
  saltus::ByteFile file{std::filesystem::path(path)};
  const auto n = static_cast<std::size_t>(saltus::load<std::int32_t>(file.at(4, 4), std::endian::big));
  saltus::ReadOptions options;
  options.topology = std::filesystem::temp_directory_path() / "saltus_bench_names.xyz";
  std::string names = std::to_string(n) + "\n\n";
  for (std::size_t i = 0; i < n; ++i) names += "H 0 0 0\n";
  saltus::write_file_atomically(options.topology, names);
  const auto reader = saltus::open_xtc(path, options);
  std::filesystem::remove(options.topology);
  std::size_t frames = 0;
  saltus::Frame frame;
  for (auto _ : state) {
    reader->seek(0);
    while (reader->read_next(frame)) ++frames;
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * file.size()));
  state.counters["frames"] = benchmark::Counter(static_cast<double>(frames), benchmark::Counter::kIsRate);
}

BENCHMARK(read_file)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
