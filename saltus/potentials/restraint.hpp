// A potential with harmonic restraints of distances between atoms:  E + Σ ½ k (|r_b − r_a| − d)², minimum image.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "saltus/potentials/potential.hpp"

namespace saltus {

struct DistanceRestraint {
  std::size_t first = 0, second = 0;  ///< atoms, from 0
  double distance_ang = 0;
  double stiffness_ev_ang2 = 0;
};

/// Energies, forces and virials are those of the potential plus the restraints; its measures of doubt are the potential's.
class RestrainedPotential final : public Potential {
 public:
  /// `potential` must outlive this. Throws Error{usage} for an atom with itself, a distance or stiffness that is not positive.
  RestrainedPotential(const Potential& potential, std::vector<DistanceRestraint> restraints);
  const PotentialInfo& info() const override { return potential_.info(); }
  double cutoff_ang() const override { return potential_.cutoff_ang(); }
  /// Throws Error{usage} for an atom that is not there, besides what the potential throws.
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;

 private:
  const Potential& potential_;
  std::vector<DistanceRestraint> restraints_;
};

}  // namespace saltus
