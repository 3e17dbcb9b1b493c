// H5MD against extXYZ segments, as saltus md writes them: 76 atoms, a frame of positions and energy, 2000 frames.
// bytes_atom: bytes per atom and frame of the file. bytes_per_second counts 24 bytes per atom and frame (a position in double
// precision) whatever the file holds, so that the rates compare.
#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

#include <benchmark/benchmark.h>

#include "saltus/io/trajectory.hpp"

namespace {

namespace fs = std::filesystem;

enum Kind { single_h5md, double_h5md, extxyz_five_decimals };

fs::path path_of(int kind) {
  return fs::temp_directory_path() / ("saltus_bench_" + std::to_string(::getpid()) + "_" + std::to_string(kind) + (kind == extxyz_five_decimals ? ".extxyz" : ".h5md"));
}

// The frames of the example, over and over; the atoms drift, so that some leave the cell.
const std::vector<saltus::Frame>& frames() {
  static const std::vector<saltus::Frame> all = [] {
    const auto some = saltus::read_frames(SALTUS_SOURCE_DIR "/examples/li15si4/li15si4_900K.extxyz");
    std::vector<saltus::Frame> many;
    for (int k = 0; k < 2000; ++k) {
      many.push_back(some[static_cast<std::size_t>(k) % some.size()]);
      for (std::size_t i = 0; i < many.back().size(); ++i) many.back().position_ang[i].x += 1e-3 * k * static_cast<double>(i % 3);
      many.back().step = k;
    }
    return many;
  }();
  return all;
}

double atom_frames() { return static_cast<double>(frames().size() * frames()[0].size()); }

void write_all(int kind) {
  saltus::WriteOptions options;
  options.velocities = options.forces = false;
  options.position_decimals = 5;
  options.single_precision = kind == single_h5md;
  const auto writer = saltus::create_trajectory(path_of(kind), options);
  for (const auto& frame : frames()) writer->write(frame);
  writer->commit();
}

void report(benchmark::State& state, int kind) {
  state.SetBytesProcessed(static_cast<std::int64_t>(static_cast<double>(state.iterations()) * 24 * atom_frames()));
  state.counters["bytes_atom"] = static_cast<double>(fs::file_size(path_of(kind))) / atom_frames();
  fs::remove(path_of(kind));
}

void write_frames(benchmark::State& state) {
  const int kind = static_cast<int>(state.range(0));
  frames();
  for (auto _ : state) write_all(kind);
  report(state, kind);
}

void read_frames(benchmark::State& state) {
  const int kind = static_cast<int>(state.range(0));
  write_all(kind);
  for (auto _ : state) {
    const auto reader = saltus::open_trajectory(path_of(kind));
    for (saltus::Frame frame; reader->read_next(frame);) benchmark::DoNotOptimize(frame.position_ang.data());
  }
  report(state, kind);
}

BENCHMARK(write_frames)->ArgName("kind")->Arg(single_h5md)->Arg(double_h5md)->Arg(extxyz_five_decimals)->Unit(benchmark::kMillisecond);
BENCHMARK(read_frames)->ArgName("kind")->Arg(single_h5md)->Arg(double_h5md)->Arg(extxyz_five_decimals)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
