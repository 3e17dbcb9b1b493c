// Hydrogen bonds of a trajectory: numbers, distances, angles and lifetimes, with intervals. Definitions: analysis/hydrogen_bonds.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "saltus/analysis/hydrogen_bonds.hpp"
#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/runs/trajectory_source.hpp"

namespace saltus::runs {

struct BondedAtom {
  std::string name;             ///< "O17", atoms counted from 1
  std::uint32_t atom = 0;
  Estimate donated, accepted;   ///< mean numbers of bonds
};

struct BondedElements {
  std::string name;             ///< "O-H...N"
  Estimate bonds;               ///< in a frame
};

struct BondLifetime {
  std::optional<Estimate> lifetime_fs;   ///< integral of the correlation to the longest lag; none: see note
  std::string note;
  std::vector<Estimate> correlation;     ///< [lags]
};

struct HydrogenBondReport {
  std::string formula;
  std::size_t frames = 0, steps = 0, beads = 0, blocks = 0;   ///< beads 0: classical frames or centroids
  std::size_t heavy_atoms = 0;                                 ///< donors and acceptors
  Estimate bonds, bonds_per_atom;                              ///< in a frame; of a heavy atom, donated and accepted
  Estimate distance_ang, angle_degrees;                        ///< means of d(D, A) and H–D…A over the bonds
  std::vector<BondedElements> elements;
  std::vector<BondedAtom> atoms;
  std::vector<Estimate> fraction_with;                         ///< of the heavy atoms with 0, 1, … bonds; the last: or more
  std::vector<double> distance_bin_ang, angle_bin_degrees;     ///< centres
  std::vector<Estimate> distance_per_ang, angle_per_degree;    ///< distributions over the bonds
  std::vector<double> lag_fs;                                  ///< empty: frames are beads, or have no times
  BondLifetime continuous, intermittent;
  std::vector<std::string> warnings;
};

/// settings.beads is taken from the trajectory. Throws what readers and HydrogenBondAnalysis throw.
HydrogenBondReport analyze_hydrogen_bonds(const TrajectoryInput& input, HydrogenBondSettings settings, std::size_t blocks = 10, const Progress& progress = {});

}  // namespace saltus::runs
