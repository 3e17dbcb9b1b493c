// Cost of the ACE potential: microseconds per atom and step by basis, neighbours and threads, on the Li15Si4 cell.
// "peer_scalar" evaluates the same functions one by one without SIMD or adjoints, energies only.
#include <memory>

#include <benchmark/benchmark.h>

#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/potentials/ace.hpp"

namespace {

using namespace saltus;

AceParameters model(const AceBasisSettings& basis) {
  AceParameters p;
  p.basis = basis;
  p.elements = {3, 14};
  p.reference_energy_ev = {0, 0};
  for (int k = 0; k < 4; ++k) {
    p.radial.push_back(default_radial_pair(basis.cutoff_ang, 2.0));
    p.repulsion_end_ang.push_back(3.5);
  }
  Random random(1, 0);
  const std::size_t functions = make_ace_basis(basis, 2).size();
  for (int s = 0; s < 2; ++s) {
    p.coefficient_ev.emplace_back(functions);
    for (double& c : p.coefficient_ev.back()) c = 1e-3 * random.normal();
  }
  return p;
}

Frame cell(int repeats) {
  Frame frame;
  open_trajectory(SALTUS_SOURCE_DIR "/examples/li15si4/li15si4_vacancy_1200K.extxyz")->read_next(frame);
  return repeated(frame, {repeats, repeats, repeats});
}

void energy_and_forces(benchmark::State& state, const AceBasisSettings& basis) {
  set_thread_count(static_cast<int>(state.range(0)));
  const AcePotential potential(model(basis));
  const Frame frame = cell(static_cast<int>(state.range(1)));
  Workspace workspace;
  workspace.skin_ang = 0.5;
  Evaluation result = evaluate_one(potential, frame, {}, workspace);
  const NeighborList list = build_neighbor_list(frame.cell, frame.position_ang, basis.cutoff_ang);
  for (auto _ : state) potential.evaluate({frame.atoms.get(), {&frame.cell, 1}, frame.position_ang}, {}, workspace, {&result, 1});
  state.counters["us_per_atom"] = benchmark::Counter(static_cast<double>(frame.size()) * 1e-6,
                                                     benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["functions"] = static_cast<double>(potential.basis().size());
  state.counters["neighbors"] = static_cast<double>(list.pairs()) / static_cast<double>(frame.size());
}

void peer_scalar(benchmark::State& state) {
  const AceBasisSettings basis;
  const AcePotential potential(model(basis));
  const Frame frame = cell(1);
  const NeighborList list = build_neighbor_list(frame.cell, frame.position_ang, basis.cutoff_ang);
  std::vector<int> species;
  for (const auto z : frame.atoms->atomic_number) species.push_back(z == 14);
  kernels::AceNeighbors neighbors;
  std::vector<std::uint32_t> pair;
  std::vector<double> density(2 * static_cast<std::size_t>(potential.basis().shape.features())), value(potential.basis().size());
  for (auto _ : state)
    for (std::size_t i = 0; i < frame.size(); ++i) {
      gather_neighbors(list, i, species, 2, potential.parameters().radial, neighbors, pair);
      kernels::ace_densities(potential.model(), species[i], neighbors, density, {});
      evaluate_functions(potential.basis(), density, value);
      benchmark::DoNotOptimize(value.data());
    }
  state.counters["us_per_atom"] = benchmark::Counter(static_cast<double>(frame.size()) * 1e-6,
                                                     benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

const AceBasisSettings example_basis{.degree_four_body = 6};
const AceBasisSettings three_body{.body_order = 3};
const AceBasisSettings large{.degree_three_body = 12, .l_max_three_body = 5, .degree_four_body = 7};

BENCHMARK_CAPTURE(energy_and_forces, example, example_basis)->ArgsProduct({{1, 2}, {1, 2}})->ArgNames({"threads", "cells"})->UseRealTime();
BENCHMARK_CAPTURE(energy_and_forces, three_body, three_body)->ArgsProduct({{1, 2}, {1}})->ArgNames({"threads", "cells"})->UseRealTime();
BENCHMARK_CAPTURE(energy_and_forces, large, large)->ArgsProduct({{1, 2}, {1}})->ArgNames({"threads", "cells"})->UseRealTime();
BENCHMARK(peer_scalar);

}  // namespace

BENCHMARK_MAIN();
