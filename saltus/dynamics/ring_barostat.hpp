// Constant pressure for ring polymers of atoms: stochastic cell rescaling (cell_rescaling.hpp) of the cell and the centroids,
//   q_j -> q_j + q̄ (e^S - 1),  momenta and the shape of each ring polymer as they are.
// Centroids alone fill the volume, so the density of states is that of classical atoms at the temperature T:
//   V^N exp(-(Ū + pV)/kT) dV,  Ū = (1/P) Σ_j V(q_j);   internal stress times volume  N kT + (1/P) Σ_j [W_j - Σ (q_j - q̄) ⊗ f_j].
// Reference: Martyna, Hughes, Tuckerman, J. Chem. Phys. 110, 3275 (1999), for the virial; those of cell_rescaling.hpp.
#pragma once

#include "saltus/dynamics/cell_rescaling.hpp"
#include "saltus/dynamics/ring_forces.hpp"

namespace saltus {

/// Whether the barostat strains the cell at this step.
bool strains_at(const Barostat& barostat, std::int64_t step);

/// One strain, as of `stride` time steps, accepted or not; forces and virial are current afterwards. The energy it puts in is booked as the
/// thermostats' is. Throws Error{numeric} when the pressure would strain the cell by more than a half at once; what the potential throws.
void strain_cell(const Barostat& barostat, AtomRing& state, double dt_fs, RingForces& forces);

}  // namespace saltus
