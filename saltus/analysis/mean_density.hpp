// Mean number density of one species on a grid of the cell, and its profiles along the lattice vectors:
//   n(r) = <number of atoms in the voxel around r> / volume of the voxel,   Σ n · voxel = mean number of atoms.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "saltus/analysis/analysis.hpp"
#include "saltus/analysis/density.hpp"
#include "saltus/analysis/stretch_sums.hpp"
#include "saltus/analysis/unwrap.hpp"

namespace saltus {

struct MeanDensitySettings {
  int species = 0;               ///< atomic number
  std::optional<int> framework;  ///< its mean displacement since the first frame is subtracted; none: nothing is
  double spacing_ang = 0.2;      ///< voxels are no longer than this along each vector of the first cell
  std::size_t frames_per_step = 1;  ///< beads of ring polymers, which blocks of time keep together
};

struct MeanDensity {
  Grid grid;                            ///< over the mean cell
  std::size_t frames = 0, atoms = 0;    ///< of the species
  std::vector<double> density_per_ang3; ///< [grid points]
  Frame first;                          ///< where all atoms were to begin with, in the mean cell
  /// Along vector 0, 1, 2: atoms per slab, [grid points along it], mean over all frames and over each time block.
  std::array<std::vector<double>, 3> atoms_per_slab;
  std::array<std::vector<std::vector<double>>, 3> block_atoms_per_slab;  ///< none: fewer than two frames
  std::size_t frames_per_block = 0;
  double framework_drift_ang = 0;       ///< length of what was subtracted at the end
  std::vector<std::string> warnings;
};

/// One pass; memory is the grid, whatever the length of the trajectory. Where the cell changes, atoms are counted at their
/// fractional coordinates, and the density is that of the mean cell.
/// Throws Error{usage} without atoms of a species, or for the same one twice, Error{unsupported} unless periodic along all
/// three vectors, Error{numeric} when steps of the framework between frames are too long for their image to be determined.
class MeanDensityAnalysis : public Analysis {
 public:
  explicit MeanDensityAnalysis(const MeanDensitySettings& settings);
  std::unique_ptr<Record> map(const Frame& frame) const override;
  void fold(std::unique_ptr<Record> record) override;
  MeanDensity finish(std::size_t blocks = 10) const;

 private:
  MeanDensitySettings settings_;
  Grid grid_;
  Unwrapper framework_;
  std::vector<Vec3> framework_start_;  // fractions
  Vec3 drift_;                         // in fractions, of the last frame
  Mat3 cell_sum_;
  bool constant_cell_ = true;
  std::size_t frames_ = 0, atoms_ = 0;
  std::vector<std::uint64_t> counts_;  // [grid points]
  StretchSums slabs_;                  // [slabs along vector 0, 1, 2]
  Frame first_;
};

}  // namespace saltus
