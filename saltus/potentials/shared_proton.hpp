// A model of protons shared by two oxygens, for tests and teaching: units O H O of a double Morse function and a repulsion of the oxygens,
//   V = D Σ_{k=1,2} (1 − exp(−a (r_k − r₀)))² + A exp(−b (R − R₀)),   r_k = |H − O_k|, R = |O_1 − O_2|
// With H on the line at fixed R it is one well while R ≤ R_c = 2 r₀ + 2 ln 2 / a, beyond which a barrier of D (1 − 2 exp(−a (R/2 − r₀)))² stands in the
// middle. A makes R₀ the distance of least energy. It is a model: no particular molecule, no electrostatics, units do not see each other.
// Reference for the form: Matsushita and Matsubara, Prog. Theor. Phys. 67, 1 (1982).
#pragma once

#include "saltus/potentials/potential.hpp"

namespace saltus {

struct SharedProtonParameters {
  double depth_ev = 3.5;             ///< D
  double bond_ang = 0.96;            ///< r₀
  double critical_ang = 2.45;        ///< R_c, from which a follows
  double repulsion_per_ang = 5;      ///< b
  double oxygen_distance_ang = 2.5;  ///< R₀

  double morse_per_ang() const;      ///< a
  double repulsion_ev() const;       ///< A
  /// Height of the barrier at a fixed distance of the oxygens.
  double barrier_ev(double oxygens_ang) const;
};

class SharedProton final : public Potential {
 public:
  explicit SharedProton(SharedProtonParameters parameters);
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 4; }
  /// Atoms are O H O, one unit after the other. Throws Error{unsupported} for another order, or an H farther than 2 Å from an O of its unit.
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;

 private:
  SharedProtonParameters parameters_;
  PotentialInfo info_;
};

}  // namespace saltus
