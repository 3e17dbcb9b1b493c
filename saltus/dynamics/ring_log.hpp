// What is logged of ring polymers of atoms: one row of numbers per measurement, from which all averages are made afterwards.
//   kinetic energy, primitive and centroid virial, and spread of each species (dynamics/ring_estimators.hpp), their tensors
//     virial tensor     T_ab = kB T/2 δ_ab − (1/4P) Σ_j [(q_j − q̄)_a f_j,b + (q_j − q̄)_b f_j,a]        gyration tensor (1/P) Σ_j (q_j − q̄)_a (q_j − q̄)_b
//   pressure            (1/3V) [2 K_virial + (1/P) Σ_j W_j], W_j the trace of −dV/d(strain) of bead j
//   isotope m → m'      (1/P) Σ_j [V(q̄ + √(m/m') (q_j − q̄)) − V(q_j)], the scaled atom one of its species in turn
//   momentum            displaced paths of one atom of a species in turn (dynamics/displaced_path.hpp)
// Under a fourth-order factorisation energies and spread are those of ring_fourth_order.hpp; the pressure is not measured then, nor momenta, and V of the isotopes is what the beads have.
// References: as ring_estimators.hpp; Ceriotti, Markland, J. Chem. Phys. 138, 014112 (2013), of the isotopes.
#pragma once

#include <string>
#include <vector>

#include "saltus/dynamics/displaced_path.hpp"

namespace saltus {

/// One atom of a species in turn takes another mass.
struct IsotopeChange {
  std::string species;               ///< name as above
  std::string name;                  ///< of what it becomes, for the column
  double mass_amu = 0;
};

struct RingLogSettings {
  bool tensors = false;
  std::vector<IsotopeChange> isotopes;
  std::vector<std::string> momentum;            ///< species whose momenta are measured
  std::vector<double> momentum_displacements_ang;  ///< ascending; empty: of each species default_displacements_ang
};

std::vector<double> displacements_ang_of(const RingLogSettings& settings, const RingSpecies& species);
/// momentum_x_ev_H_0.1
std::string momentum_column(const RingSpecies& species, int axis, double displacement_ang);

/// Names of the columns:
///   step time_fs potential_ev conserved_ev ring_temperature_kelvin max_extrapolation max_force_spread_ev_ang volume_ang3 pressure_gpa,
///   then of each species S   kinetic_virial_ev_S kinetic_primitive_ev_S gyration2_ang2_S, sums over its atoms,
///   with tensors             kinetic_virial_xx_ev_S … gyration_xx_ang2_S … (xx yy zz xy xz yz), of each change isotope_ev_S_NAME,
///   of each species of momentum momentum_x_ev_S_DISPLACEMENT … momentum_z_ev_S_DISPLACEMENT.
std::vector<std::string> ring_log_columns(const std::vector<RingSpecies>& species, const RingLogSettings& settings);

/// A row of them, NaN where something was not measured. The forces of the state must be current.
/// `measurement` numbers the rows: it says whose turn it is. Throws Error{usage} for a species that is not there, and what the potential throws.
std::vector<double> ring_log_row(const AtomRing& state, RingForces& forces, const std::vector<RingSpecies>& species, const RingLogSettings& settings,
                                 std::int64_t measurement);

}  // namespace saltus
