// What the analyses of Wannier centres share: the files, how their frames are told apart, the cell.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "saltus/cli/analysis_output.hpp"
#include "saltus/runs/wannier_series.hpp"

namespace saltus::cli {

struct WannierOptions {
  std::vector<std::string> centres, spreads, valence;
  std::string trajectory;
  std::vector<double> cell_ang;
  bool isolated = false;
  int blocks = 10;
  double largest_excess_ang = 0.3;
  runs::WannierInput input;  // filled by input_of, but for what the parser writes into it
};

/// Adds CENTRES and the options of WannierOptions.
void add_wannier_options(CLI::App& kind, WannierOptions& options);

/// What the options say. `written`: files that the command is to write, none of which may be one that is read.
/// Throws Error{usage} for options that contradict each other or cannot be understood.
runs::WannierInput input_of(const WannierOptions& options, const std::vector<std::string>& written);

/// "HOMO_centers.xyz: H5O2, 232 frames", with beads.
std::string subject_of(const WannierOptions& options, const std::string& formula, std::size_t frames, std::size_t steps, std::size_t beads);

/// The name of a column of a group, "low_O-H_bond_density_per_ang" for "low_density_per_ang" of "O-H bond".
std::string column_of(std::string group, const std::string& column);

}  // namespace saltus::cli
