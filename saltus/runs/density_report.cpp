#include "saltus/runs/density_report.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/jackknife.hpp"

namespace saltus::runs {

DensityReport analyze_density(const TrajectoryInput& input, const MeanDensitySettings& settings, std::size_t blocks,
                              const Progress& progress) {
  TrajectorySource source(input, false, progress);
  MeanDensitySettings of_steps = settings;
  of_steps.frames_per_step = std::max<std::size_t>(1, source.beads());
  MeanDensityAnalysis analysis(of_steps);
  Analysis* const analyses[] = {&analysis};
  DensityReport report;
  report.formula = formula(*source.first().atoms);
  std::vector<std::string> notes;
  read_all(source, input, analyses, notes);
  report.density = analysis.finish(blocks);
  report.density.warnings.insert(report.density.warnings.begin(), notes.begin(), notes.end());
  const MeanDensity& density = report.density;
  const Grid& grid = density.grid;
  report.blocks = density.block_atoms_per_slab[0].size();
  for (std::size_t axis = 0; axis < 3; ++axis) {
    DensityProfile& profile = report.along[axis];
    const auto slabs = static_cast<double>(grid.count[axis]);
    const double length_ang = norm(grid.cell.rows_ang()[static_cast<int>(axis)]),
                 slab_ang3 = grid.cell.volume_ang3() / slabs;
    for (std::size_t k = 0; k < density.atoms_per_slab[axis].size(); ++k) {
      const double value = density.atoms_per_slab[axis][k] / slab_ang3, none = std::numeric_limits<double>::quiet_NaN();
      std::vector<double> of_block;
      for (const auto& block : density.block_atoms_per_slab[axis]) of_block.push_back(block[k] / slab_ang3);
      profile.position_ang.push_back((static_cast<double>(k) + 0.5) / slabs * length_ang);
      profile.density_per_ang3.push_back(
          of_block.empty() ? Estimate{value, none, none}
                           : kinetics::jackknife_estimate(value, kinetics::leave_one_out_means(of_block)));
    }
  }
  std::size_t visited = 0;
  for (const double value : density.density_per_ang3) {
    report.largest_per_ang3 = std::max(report.largest_per_ang3, value);
    if (value > 0) ++visited;
  }
  report.visited_fraction = static_cast<double>(visited) / static_cast<double>(grid.size());
  return report;
}

CubeFile cube_of(const DensityReport& report, const MeanDensitySettings& settings) {
  const MeanDensity& density = report.density;
  CubeFile cube;
  cube.title = fmt::format("Number density of {} in 1/bohr^3, mean of {} frames{}; by saltus",
                           symbol_of(settings.species), density.frames,
                           settings.framework ? ", relative to " + std::string(symbol_of(*settings.framework)) : "");
  cube.remark = "Values at the centres of the voxels, lengths in bohr; atoms as in the first frame";
  cube.atoms = density.first;
  cube.count = density.grid.count;
  for (int axis = 0; axis < 3; ++axis) {
    cube.voxel_ang[axis] = density.grid.cell.rows_ang()[axis] / cube.count[static_cast<std::size_t>(axis)];
    cube.origin_ang += 0.5 * cube.voxel_ang[axis];
  }
  const double ang3_per_bohr3 = units::ang_per_bohr * units::ang_per_bohr * units::ang_per_bohr;
  for (const double value : density.density_per_ang3) cube.value.push_back(value * ang3_per_bohr3);
  return cube;
}

}  // namespace saltus::runs
