// The paths of all mobile ions over a whole trajectory file: what sites are found in.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "saltus/analysis/paths.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/runs/trajectory_source.hpp"

namespace saltus::runs {

struct WholePaths {
  Paths paths;
  std::string formula;
  std::size_t atoms = 0;
  std::vector<std::string> warnings;  ///< of the reader and of the paths
};

/// fold  repeats of the cell of the sites in that of the trajectory
///
/// Throws what readers and PathAnalysis throw, Error{usage} for a fold that cannot be meant, Error{unsupported} when the paths do not
/// fit into memory; both before the file is read through.
WholePaths read_whole_paths(const TrajectoryInput& input, const PathSettings& settings, const Int3& fold, const Progress& progress);

}  // namespace saltus::runs
