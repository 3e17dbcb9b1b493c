// saltus analyze density
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/runs/density_report.hpp"

namespace saltus::cli {

namespace {

struct DensityOptions {
  std::string species, framework, cube;
  double spacing_ang = 0.2;
};

constexpr const char* vector_name[] = {"a", "b", "c"};

AnalysisOutput output_of(const runs::DensityReport& report, const DensityOptions& own, const AnalysisOptions& options) {
  const MeanDensity& density = report.density;
  const Int3& count = density.grid.count;
  AnalysisOutput output;
  const std::string subject =
      fmt::format("{}: {}, {} frames, {} {}{}", options.path, report.formula, density.frames, density.atoms,
                  own.species, own.framework.empty() ? "" : ", relative to " + own.framework);
  output.document = {
      {"input", options.path},
      {"formula", report.formula},
      {"species", own.species},
      {"framework", own.framework},
      {"frames", density.frames},
      {"atoms", density.atoms},
      {"blocks", report.blocks},
      {"grid", count},
      {"volume_ang3", density.grid.cell.volume_ang3()},
      {"largest_density_per_ang3", report.largest_per_ang3},
      {"visited_fraction", report.visited_fraction},
      {"framework_drift_ang",
       own.framework.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(density.framework_drift_ang)},
      {"cube", own.cube.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(own.cube)},
      {"profiles", nlohmann::ordered_json::array()}};
  const double mean_per_ang3 = static_cast<double>(density.atoms) / density.grid.cell.volume_ang3();
  std::vector<std::string> sentences{
      fmt::format("Mean density {:.6g} 1/Å³, largest {:.4g} 1/Å³ in a voxel; {:.1f} % of the volume was ever visited, "
                  "on a grid of {} × {} × {} voxels.",
                  mean_per_ang3, report.largest_per_ang3, 100 * report.visited_fraction, count[0], count[1], count[2])};
  if (!own.framework.empty())
    sentences.push_back(fmt::format("The framework of {} ends {:.3g} Å from where it began; that is subtracted.",
                                    own.framework, density.framework_drift_ang));
  output.text = subject + "\n";
  for (const std::string& sentence : sentences) output.text += sentence + "\n";
  output.page = {"density", "Number density of " + own.species, subject, sentences, {}, {}, density.warnings};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const runs::DensityProfile& profile = report.along[axis];
    const std::string name = vector_name[axis];
    std::vector<Column> rows{{"position_ang", profile.position_ang}};
    add_columns(rows, "density_per_ang3", profile.density_per_ang3);
    output.document["profiles"].push_back({{"vector", name}, {"profile", rows_of(rows)}});
    output.table.push_back({"position_" + name + "_ang", profile.position_ang});
    add_columns(output.table, "density_" + name + "_per_ang3", profile.density_per_ang3);
    output.page.charts.push_back(
        {"along " + name,
         fmt::format("Density along lattice vector {}, mean over the slabs across it, with its 95 % band.", name),
         "position along " + name + ", Å",
         "density, 1/Å³",
         false,
         {{own.species, profile.position_ang, profile.density_per_ang3}},
         std::nullopt,
         std::nullopt});
  }
  output.text += fmt::format("\n{:>8} {:>14} {:>14} {:>22}\n", "along", "position, Å", "density, 1/Å³", "95 %");
  for (std::size_t axis = 0; axis < 3; ++axis)
    for (std::size_t k = 0; k < report.along[axis].position_ang.size(); ++k) {
      const Estimate& e = report.along[axis].density_per_ang3[k];
      output.text += fmt::format("{:>8} {:>14.3f} {:>14.5f} {:>22}\n", vector_name[axis],
                                 report.along[axis].position_ang[k], e.value, interval(e, 5));
    }
  if (!own.cube.empty()) output.text += fmt::format("\nwritten to {}, in 1/bohr³\n", own.cube);
  return output;
}

}  // namespace

std::function<AnalysisOutput()> set_up_density(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  const auto own = std::make_shared<DensityOptions>();
  kind.add_option("--species", own->species, "element that is counted")->required();
  kind.add_option("--framework", own->framework, "element whose mean displacement is subtracted (default: none)");
  kind.add_option("--spacing-ang", own->spacing_ang, "of the grid, at most, Å (default 0.2)")
      ->check(CLI::PositiveNumber);
  kind.add_option("--out", own->cube, "Gaussian cube file of the density on the grid, 1/bohr³")->type_name("FILE");
  kind.footer(
      "The density times the volume of a voxel, summed over the cell, is the number of atoms. The cube file holds the\n"
      "whole grid; table, JSON and CSV hold the profiles along the lattice vectors.\n"
      "Example:\n  saltus analyze density examples/li15si4/li15si4_900K.extxyz --species Li --out density.cube");
  return [own, options] {
    MeanDensitySettings settings;
    settings.species = element_named(own->species);
    if (!own->framework.empty()) settings.framework = element_named(own->framework);
    settings.spacing_ang = own->spacing_ang;
    if (!own->cube.empty()) refuse_overwriting(options->path, own->cube);
    const runs::DensityReport report =
        runs::analyze_density(options->input, settings, static_cast<std::size_t>(options->blocks), progress_line());
    if (!own->cube.empty()) write_cube(own->cube, runs::cube_of(report, settings));
    return output_of(report, *own, *options);
  };
}

}  // namespace saltus::cli
