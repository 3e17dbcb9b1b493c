// How the rocking of groups goes with the proton coordinate: Pearson's correlation, mutual information, mean rocking at a coordinate, with
// intervals from blocks of time. Coordinates: analysis/group_rotation.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "saltus/analysis/group_rotation.hpp"
#include "saltus/base/estimate.hpp"

namespace saltus::runs {

struct RockingCorrelation {
  Estimate mean, deviation;            ///< of the coordinate: degrees or Å
  Estimate pearson;                    ///< with nu
  Estimate mutual_information_nat;     ///< with nu, of counts in bins, less the bias that leaving out blocks shows; low and high not numbers for single bonds
  std::vector<Estimate> given_nu;      ///< mean of the coordinate at nu, [bins of nu]; empty for single bonds
};

struct RockingReport {
  std::vector<double> nu_ang;               ///< bin centres
  std::vector<std::string> groups;          ///< of the bonds, "N5"
  /// [kind: beads (or frames), centroids][bonds, and then all together][coordinate]
  std::vector<std::vector<std::array<RockingCorrelation, rocking_coordinates>>> kinds;
};

RockingReport rocking_report(const RockingAnalysis& analysis, const Atoms& atoms, std::size_t blocks);

}  // namespace saltus::runs
