// Atoms that do not see each other, for tests of thermostats and barostats: an isotropic harmonic well about the origin, V = ½ m w² |r|², or nothing.
#pragma once

#include "saltus/potentials/potential.hpp"

namespace saltus {

class IndependentAtoms final : public Potential {
 public:
  /// A well of that wavenumber (2 π c ν̃ = w) for each atom, whatever its mass; 0: no forces, an ideal gas.
  explicit IndependentAtoms(double wavenumber_per_cm);
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  /// Positions count as they are, in periodic cells too.
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;

 private:
  double angular_frequency_per_fs_;
  PotentialInfo info_;
};

}  // namespace saltus
