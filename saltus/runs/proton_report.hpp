// Short hydrogen bonds of a trajectory: proton coordinate nu, distance R, free energies F = −kB T ln P, spread of ring polymers; with
// intervals from blocks of time. Definitions: analysis/proton_bonds.hpp, analysis/proton_transfer.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "saltus/analysis/proton_transfer.hpp"
#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/runs/rocking_report.hpp"
#include "saltus/runs/trajectory_source.hpp"

namespace saltus::runs {

struct ProtonReportSettings {
  double temperature_kelvin = 300;
  std::vector<ProtonBond> bonds;        ///< none: found
  std::vector<int> elements{8, 7};      ///< of donors and acceptors that are looked for
  double largest_mean_ang = 2.5;        ///< of D…A
  double bin_ang = 0.025;
  bool symmetric = false;               ///< D and A are equivalent: nu and −nu are counted as one
  int group_element = 0;                ///< centres of the groups whose rocking is followed; 0: none
  std::size_t blocks = 10;
};

/// Of beads (or classical frames) or of centroids. Low and high are not numbers where there are no blocks, or a block holds all there is.
struct ProtonDistribution {
  Estimate nu_ang, nu_deviation_ang, r_ang, r_deviation_ang;   ///< means and standard deviations
  std::vector<Estimate> density_per_ang;                       ///< P(nu), [bins of nu]
  std::vector<Estimate> free_energy_ev;                        ///< [bins of nu], above the least of all; not a number where nothing was
  std::optional<Estimate> barrier_ev;                          ///< F(0) − min F of a smooth ln P; none: undetermined
  std::string barrier_note;                                    ///< "" or why it is none, or that none is resolved
};

struct RingSpread {
  Estimate along_ang, across_ang;   ///< root mean square distance of the beads of H from their centroid: along D→A, and per direction across
  Estimate delocalised;             ///< fraction of ring polymers with beads on both sides of nu = 0; no interval where blocks agree on it
};

struct ProtonBondReport {
  std::string name;                              ///< "O1-H3...O2", atoms counted from 1; or "all"
  std::optional<ProtonBond> bond;                ///< none: all bonds together
  std::optional<std::size_t> sign_changes;       ///< of nu, from frame to frame; none for beads
  ProtonDistribution values;
  std::optional<ProtonDistribution> centroid;    ///< of ring polymers
  std::optional<RingSpread> spread;
};

struct ProtonReport {
  std::string formula;
  std::size_t frames = 0, steps = 0, beads = 0, blocks = 0;   ///< beads 0: classical frames or centroids
  double hydrogen_amu = 0;                                     ///< of the shared hydrogen, mean
  std::vector<double> nu_ang, joint_nu_ang, joint_r_ang;       ///< bin centres
  std::vector<ProtonBondReport> bonds;                         ///< the last: all together
  std::vector<Estimate> joint_ev, joint_centroid_ev;           ///< F(nu, R) of all, [joint nu * joint R], as free_energy_ev
  std::vector<Estimate> r_given_nu_ang;                        ///< mean R at nu, [joint nu]; not a number where nothing was
  std::optional<RockingReport> rocking;                        ///< where group_element asks for it
  std::vector<std::string> warnings;
};

/// Two passes over the trajectory where the bonds are to be found. Throws what readers throw, Error{usage} where there is no bond.
ProtonReport analyze_proton(const TrajectoryInput& input, const ProtonReportSettings& settings, const Progress& progress = {});

/// Of all bonds together, with what they are of: "frames" or "beads", and "centroids" where there are any.
std::vector<std::pair<std::string, const ProtonDistribution*>> distributions_of(const ProtonReport& report);

/// The range of nu, around 0, where any of these is above a ten-thousandth of its largest density, Å.
std::pair<double, double> visited_range_ang(const ProtonReport& report);

/// a − b of independent trajectories: half widths add in squares.
Estimate difference(const Estimate& a, const Estimate& b);

/// The same of two barriers, eV; both must be there. Their intervals end at zero: the half above is that of the error.
Estimate barrier_difference_ev(const ProtonDistribution& a, const ProtonDistribution& b);

}  // namespace saltus::runs
