// An evaluation from what each atom and each pair of a full neighbour list contribute.
#pragma once

#include <span>
#include <vector>

#include "saltus/atoms/neighbor_list.hpp"
#include "saltus/potentials/potential.hpp"

namespace saltus {

/// Sets forces and virial as wanted, or clears them.  atoms  of the list;  slope_ev_ang  [pairs] as below
void set_forces_from_pairs(const NeighborList& list, std::size_t atoms, std::span<const Vec3> slope_ev_ang, const Want& want, Evaluation& result);

/// Sets energy and, as wanted, atomic energies, forces and virial; clears what is not wanted. Extrapolation is left to the caller.
///
/// atom_energy_ev  [atoms]
/// slope_ev_ang    [pairs] of the energy with the pair's displacement; of no use where neither forces nor virial are wanted
void set_from_pairs(const NeighborList& list, const std::vector<double>& atom_energy_ev, std::span<const Vec3> slope_ev_ang, const Want& want, Evaluation& result);

}  // namespace saltus
