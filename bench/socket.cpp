// What the socket costs a step: 96 atoms × 32 configurations computed at no cost by clients in threads of this program (i-PI 3.3.0 as the
// server of one such client: 19 to 29 ms on two cores).
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "saltus/engines/socket_client.hpp"
#include "saltus/engines/socket_potential.hpp"

namespace {

using namespace saltus;

class NoForces final : public Potential {
 public:
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  void evaluate(const Batch& batch, Want, Workspace&, std::span<Evaluation> results) const override {
    for (Evaluation& result : results) {
      result.force_ev_ang.assign(batch.atoms->size(), Vec3{});
      result.virial_ev = Mat3{};
    }
  }

 private:
  PotentialInfo info_;
};

void socket_step(benchmark::State& bench) {
  const std::size_t atoms = 96, configurations = 32;
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of(std::vector<std::uint8_t>(atoms, 8)));
  frame.cell = Cell(Mat3{{Vec3{10, 0, 0}, Vec3{0, 10, 0}, Vec3{0, 0, 10}}});
  frame.position_ang.resize(atoms);
  const std::vector<Cell> cells(configurations, frame.cell);
  const std::vector<Vec3> positions(atoms * configurations);
  const bool tcp = bench.range(1) != 0;
  SocketSettings server;
  server.address = tcp ? tcp_address("127.0.0.1", 31417) : unix_address("bench_" + std::to_string(::getpid()));
  const NoForces potential;
  std::vector<std::future<ServeSummary>> clients;
  {
    const SocketPotential remote(server);
    for (int k = 0; k < bench.range(0); ++k)
      clients.push_back(std::async(std::launch::async, [&] {
        ServeSettings own;
        own.address = server.address;
        return serve(potential, frame, own);
      }));
    std::vector<Evaluation> results(configurations);
    Workspace workspace;
    while (remote.clients() < clients.size()) remote.evaluate({frame.atoms.get(), cells, positions}, {}, workspace, results);
    for (auto _ : bench) remote.evaluate({frame.atoms.get(), cells, positions}, {}, workspace, results);
  }
}

BENCHMARK(socket_step)->ArgNames({"clients", "tcp"})->Args({1, 0})->Args({2, 0})->Args({4, 0})->Args({1, 1})->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
