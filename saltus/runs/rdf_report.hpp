// Radial distribution functions and coordination numbers of a trajectory file, with intervals.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "saltus/analysis/rdf.hpp"
#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/runs/trajectory_source.hpp"

namespace saltus::runs {

struct PairRdf {
  int first = 0, second = 0;              ///< atomic numbers; second around first
  std::vector<Estimate> g, coordination;  ///< [bins]; low and high are not numbers where there are no blocks
};

struct RdfReport {
  std::string formula;
  std::size_t frames = 0, blocks = 0;  ///< blocks behind the intervals, 0 with a single frame
  std::vector<double> r_ang;           ///< bin centres
  std::vector<PairRdf> pairs;
  std::vector<std::string> warnings;
};

/// settings.stride is replaced by input.every. With no pairs: all pairs of the elements there are. Throws what readers
/// and RdfAnalysis throw.
RdfReport analyze_rdf(const TrajectoryInput& input, RdfSettings settings, std::size_t blocks = 10,
                      const Progress& progress = {});

}  // namespace saltus::runs
