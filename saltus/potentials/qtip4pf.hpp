// The flexible water model q-TIP4P/F, made for path integrals:
//   V_intra = Σ_OH D (x² − x³ + 7/12 x⁴) + ½ k (θ − θ₀)²,  x = a (r − r₀)     a Morse function to fourth order, and the angle H–O–H
//   V_inter = Σ_{pairs of O} 4ε ((σ/R)¹² − (σ/R)⁶) + Σ_{sites of different molecules} q q / r
// Charges sit on the hydrogens and on M, r_M = γ r_O + ½ (1 − γ)(r_H1 + r_H2), whose force goes to the three atoms by the same factors.
// Reference: Habershon, Markland, Manolopoulos, J. Chem. Phys. 131, 024501 (2009), table I; digits beyond those of its table as in the authors' program.
#pragma once

#include "saltus/potentials/potential.hpp"

namespace saltus {

struct Qtip4pfParameters {
  double stretch_ev, stretch_per_ang, bond_ang;             // D, a, r₀
  double bend_ev_rad2, angle_rad;                           // k, θ₀
  double epsilon_ev, sigma_ang;
  double charge_m, gamma;                                   // −2 q_H, share of O in M
};
Qtip4pfParameters qtip4pf_parameters();

/// Water molecules as atoms O H H, one after the other. In cells periodic along all three vectors, of any shape, the Coulomb energy is an Ewald sum
/// (conducting surroundings): real space up to an O–O distance of 9 Å with α = 0.54/Å, waves up to 4.6/Å; errors of forces are below 1e-6 of their root mean
/// square. What a pair of molecules has in real space, Lennard-Jones included, goes to zero between 8 and 9 Å of O–O; the Lennard-Jones energy beyond is
/// added as that of a uniform liquid, and with it its pressure. Without periodicity all pairs count in full.
/// Positions may be wrapped atom by atom. Results depend neither on threads nor on when lists were built; configurations of a batch run in parallel.
class Qtip4pf final : public Potential {
 public:
  Qtip4pf();
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 9; }
  /// Throws Error{unsupported} for atoms in another order, an H farther than 1.8 Å from its O, or a cell that is periodic along one or two
  /// vectors or has vectors whose lengths multiply to more than 5·10⁶ Å³.
  void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override;

 private:
  PotentialInfo info_;
};

}  // namespace saltus
