// What a dear potential adds to a cheap one:  E_dear − E_cheap.
#pragma once

#include "saltus/potentials/potential.hpp"

namespace saltus {

/// Energies of atoms are not given; measures of doubt are the dear one's.
class DifferencePotential final : public Potential {
 public:
  /// Both must outlive this.
  DifferencePotential(const Potential& dear, const Potential& cheap);
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override;
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;

 private:
  const Potential &dear_, &cheap_;
  PotentialInfo info_;
};

}  // namespace saltus
