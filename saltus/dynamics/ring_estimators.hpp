// What ring polymers say of quantum averages, per degree of freedom; any group of them is a sum.
//   potential        (1/P) Σ_j V(q_j)
//   kinetic          primitive: P kB T/2 − (1/P) Σ_j ½ m w_P² (q_j − q_{j+1})²;  centroid virial: kB T/2 − (1/2P) Σ_j (q_j − q̄) f_j
//   gyration         (1/P) Σ_j (q_j − q̄)²
// Reference: Herman, Bruskin, Berne, J. Chem. Phys. 76, 5150 (1982); Tuckerman, Statistical Mechanics (2010), chapter 12.
#pragma once

#include <vector>

#include "saltus/dynamics/ring_polymer.hpp"

namespace saltus {

/// [n] each. The state's forces must be current.
struct RingMeasures {
  std::vector<double> kinetic_primitive_ev;
  std::vector<double> kinetic_virial_ev;
  std::vector<double> gyration2_ang2;
  std::vector<double> centroid_ang;
  std::vector<double> ring_temperature_kelvin;  ///< of the momenta, over beads: T where they are canonical, which BAOAB leaves to the limit dt → 0
};

/// Reuses the vectors. Throws Error{internal} when the forces are not current.
void measure(const RingState& state, RingMeasures& measures);

/// (1/P) Σ_j V(q_j), of all degrees of freedom.
double potential_energy_ev(const RingState& state);

/// Kinetic, spring and potential energy of the ring polymer minus what the thermostats put in.
double conserved_energy_ev(const RingState& state);

}  // namespace saltus
