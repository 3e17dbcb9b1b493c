// Mean number density of one species of a trajectory file: on a grid, and along the lattice vectors with intervals.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "saltus/analysis/mean_density.hpp"
#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/io/cube.hpp"
#include "saltus/runs/trajectory_source.hpp"

namespace saltus::runs {

struct DensityProfile {
  std::vector<double> position_ang;        ///< along the lattice vector, centres of the slabs
  std::vector<Estimate> density_per_ang3;  ///< mean over the slab; 95 %, Student's t over the time blocks
};

struct DensityReport {
  std::string formula;
  MeanDensity density;
  std::size_t blocks = 0;               ///< behind the intervals; 0 with a single frame: low and high are not numbers
  std::array<DensityProfile, 3> along;  ///< vectors a, b, c
  double largest_per_ang3 = 0;          ///< of any voxel
  double visited_fraction = 0;          ///< of the volume: voxels that ever held an atom
};

/// Throws what readers and MeanDensityAnalysis throw.
DensityReport analyze_density(const TrajectoryInput& input, const MeanDensitySettings& settings,
                              std::size_t blocks = 10, const Progress& progress = {});

/// The density as a cube file holds it: 1/bohr³, with the atoms of the first frame.
CubeFile cube_of(const DensityReport& report, const MeanDensitySettings& settings);

}  // namespace saltus::runs
