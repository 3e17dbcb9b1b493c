// The table of kinds of synthetic dynamics.
#pragma once

#include <functional>
#include <span>

namespace CLI {
class App;
}

namespace saltus::cli {

/// A kind of `saltus simulate`: what its options are, and what to run.
struct SimulationKind {
  const char* name;
  const char* summary;
  std::function<int()> (*set_up)(CLI::App& kind);
};

std::span<const SimulationKind> simulation_kinds();

std::function<int()> set_up_kmc(CLI::App& kind);
std::function<int()> set_up_lattice_gas(CLI::App& kind);
std::function<int()> set_up_brownian(CLI::App& kind);
std::function<int()> set_up_langevin(CLI::App& kind);

}  // namespace saltus::cli
