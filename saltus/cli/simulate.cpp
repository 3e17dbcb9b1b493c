// saltus simulate KIND: synthetic dynamics, for tests and planning.
#include "saltus/cli/commands.hpp"

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "saltus/cli/simulation_kinds.hpp"

namespace saltus::cli {

std::span<const SimulationKind> simulation_kinds() {
  static constexpr std::array table{
      SimulationKind{"kmc", "kinetic Monte Carlo of carriers on a network, one on a site at most", set_up_kmc},
      SimulationKind{"lattice-gas", "the same on a lattice with equal jumps: sc, bcc, fcc, …", set_up_lattice_gas},
      SimulationKind{"brownian", "particles on a line with given D(z), F(z); time for a wished error", set_up_brownian},
      SimulationKind{"langevin", "the same with inertia", set_up_langevin},
  };
  return table;
}

std::function<int()> set_up_simulate(CLI::App& app) {
  app.require_subcommand(1);
  std::vector<std::pair<CLI::App*, std::function<int()>>> kinds;
  for (const SimulationKind& kind : simulation_kinds()) {
    CLI::App* command = app.add_subcommand(kind.name, kind.summary);
    kinds.emplace_back(command, kind.set_up(*command));
  }
  app.footer("Example:\n  saltus simulate lattice-gas sc --cells 6,6,6 --concentration 0.5 --time-ps 200");
  return [kinds] {
    for (const auto& [command, run] : kinds)
      if (command->parsed()) return run();
    return 0;
  };
}

}  // namespace saltus::cli
