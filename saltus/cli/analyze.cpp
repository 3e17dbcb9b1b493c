// saltus analyze KIND TRAJ, saltus analyze KIND RESULTS..., saltus analyze KIND CENTRES...
#include "saltus/cli/commands.hpp"

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/trajectory_options.hpp"

namespace saltus::cli {

std::span<const AnalysisKind> analysis_kinds() {
  static constexpr std::array table{
      AnalysisKind{"msd", "mean-square displacement of one species, and D from its slope", set_up_msd},
      AnalysisKind{"haven", "tracer and collective diffusion of one species, and their ratio", set_up_haven},
      AnalysisKind{"van-hove", "van Hove functions of one species, and the non-Gaussian parameter", set_up_van_hove},
      AnalysisKind{"rdf", "radial distribution functions and coordination numbers", set_up_rdf},
      AnalysisKind{"vacf", "velocity autocorrelation", set_up_vacf},
      AnalysisKind{"vdos", "vibrational density of states", set_up_vdos},
      AnalysisKind{"density", "number density of one species on a grid, as a cube file", set_up_density},
      AnalysisKind{"temperature", "kinetic temperature, and drift of energy and of the centre of mass",
                   set_up_temperature},
      AnalysisKind{"proton", "shared protons of short hydrogen bonds: free energies, spread of beads", set_up_proton},
      AnalysisKind{"hbonds", "hydrogen bonds: numbers, distances, angles, lifetimes", set_up_hbonds},
      AnalysisKind{"wannier", "Wannier centres of bonds, lone pairs and shared protons", set_up_wannier, true},
      AnalysisKind{"dipole", "dipoles from Wannier centres, infrared spectrum", set_up_dipole, true},
      AnalysisKind{"arrhenius", "activation energy, from D that msd gave at several temperatures", set_up_arrhenius, true},
      AnalysisKind{"finite-size", "D of the infinite cell, from D that msd gave in cells of several sizes",
                   set_up_finite_size, true},
      AnalysisKind{"beads", "averages of path integrals over the number of beads, and their limit", set_up_beads, true},
  };
  return table;
}

std::function<int()> set_up_analyze(CLI::App& app) {
  const auto options = std::make_shared<AnalysisOptions>();
  app.require_subcommand(1);
  std::vector<std::pair<CLI::App*, std::function<AnalysisOutput()>>> kinds;
  for (const AnalysisKind& kind : analysis_kinds()) {
    CLI::App* command = app.add_subcommand(kind.name, kind.summary);
    if (kind.own_input) add_output_options(*command, *options);
    else add_analysis_options(*command, *options);
    kinds.emplace_back(command, kind.set_up(*command, options));
  }
  app.footer("Example:\n  saltus analyze rdf examples/li15si4/li15si4_900K.extxyz --pairs Li-Si,Si-Si");
  return [options, kinds] {
    options->input.path = options->path;
    for (const std::string& file : {options->csv, options->page})
      if (!file.empty() && !options->path.empty()) refuse_overwriting(options->path, file);
    for (const auto& [command, run] : kinds)
      if (command->parsed()) deliver(run(), *options);
    return 0;
  };
}

}  // namespace saltus::cli
