// Fourth-order factorisations of ring polymers: each bead has the potential  w_j V + d_j Σ_i f_i²/(m_i w_P²),  f = −∇V, w_P = P kB T/ħ, so that
// total energies (and the traces below) err by P⁻⁴ in place of P⁻².
//   Takahashi–Imada   w = 1, d = 1/24
//   Suzuki–Chin       even beads  w = 2/3, d = alpha/9;  odd beads  w = 4/3, d = (1 − alpha)/9;  P even
// Means are derivatives of ln Z of P beads: of an observable O(q) by V → V + λ O, of the kinetic energy by the mass, at fixed q_j or q_j − q̄,
//   O         (1/P) Σ_j [w_j O(q_j) − 2 d_j Σ_i f_i ∂_i O/(m_i w_P²)]       so  V:  (1/P) Σ_j [w_j V + 2 d_j Σ_i f_i²/(m_i w_P²)]
//   isotopes  the energy of the beads with the other mass at scaled positions
//   kinetic   primitive or centroid virial, with the forces of what the beads have, plus (1/P) Σ_j d_j f_i²/(m_i w_P²)
// The force of the second term needs a Hessian times f/m: the change of f along f/m, one more force evaluation of the beads with d_j > 0.
// References: Takahashi, Imada, J. Phys. Soc. Japan 53, 3765 (1984); Chin, Phys. Lett. A 226, 344 (1997); Jang, Jang, Voth, J. Chem. Phys. 115,
// 7832 (2001); Kapil, Behler, Ceriotti, J. Chem. Phys. 145, 234103 (2016).
#pragma once

#include <span>

#include "saltus/dynamics/ring_estimators.hpp"
#include "saltus/dynamics/ring_polymer.hpp"

namespace saltus {

enum class Factorization { primitive, takahashi_imada, suzuki_chin };

struct RingFactorization {
  Factorization kind = Factorization::primitive;
  double alpha = 0;  ///< of suzuki_chin: how much of the correction is on the even beads

  bool primitive() const { return kind == Factorization::primitive; }
  double weight(std::size_t bead) const;      ///< w_j
  double correction(std::size_t bead) const;  ///< d_j
  double scale(const RingModes& modes, std::size_t bead) const;  ///< d_j Σ f²/(m w_P²) is this times Σ f²/m: eV⁻¹ Å² amu
  /// Whether the positions of a bead have the quantum distribution to the order of the factorisation: even beads of suzuki_chin.
  /// Of the others all beads count, those of takahashi_imada to second order only.
  bool represents(std::size_t bead) const { return kind != Factorization::suzuki_chin || bead % 2 == 0; }
};

/// Throws Error{usage} for an odd number of beads under suzuki_chin and an alpha beyond 0 … 1, or where it means nothing.
void require_factorization(const RingFactorization& factorization, std::size_t beads);

/// From energies and forces of V to those that the beads have, in place.
///
/// position_ang  [beads · n]
/// displaced     forces of V at other positions, of all beads with d_j > 0 in turn
void make_fourth_order(const RingFactorization& factorization, const RingModes& modes, std::span<const double> mass_amu, std::span<const double> position_ang,
                       const BeadForces& displaced, std::span<double> energy_ev, std::span<double> force_ev_ang);

/// What is measured of the ring, whose own energies and forces are those of the factorisation; energies [beads] and forces [beads · n] of V beside it.
struct FourthOrderRing {
  const RingFactorization& factorization;
  const RingState& ring;
  std::span<const double> energy_ev, force_ev_ang;

  double potential_energy_ev() const;
  /// (1/P) Σ_j d_j f_a f_b/(m w_P²), of degrees of freedom a and b of one atom: what the kinetic energy (or half its tensor) gains.
  double kinetic_gain_ev(std::size_t a, std::size_t b) const;
  /// Of the path about its centroid q̄ as an observable:  ⟨q_a q_b⟩ − ⟨q̄_a q̄_b⟩, both by the derivatives above.
  double gyration_ang2(std::size_t a, std::size_t b) const;
};

/// Kinetic energies and spread as they are under the factorisation.
void correct(const FourthOrderRing& ring, RingMeasures& measures);

}  // namespace saltus
