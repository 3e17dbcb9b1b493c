// Dipoles from Wannier centres: the charges of the ions, valence electrons Z outside the core, and −2e at each centre:
//   μ = e [Σ_i Z_i r_i − 2 Σ_k X_k − Q R],   Q = Σ_i Z_i − 2 n_X
// R is the centre of mass; it counts for ions only, since the dipole of a charge depends on the point it refers to.
// Reference: Silvestrelli and Parrinello, Phys. Rev. Lett. 82, 3308 (1999).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/analysis/wannier_centres.hpp"

namespace saltus {

struct MolecularDipole {
  std::vector<std::uint32_t> atoms;  ///< ascending
  int charge = 0;                    ///< e
  bool whole = true;                 ///< false: bonded to its own periodic image; it has no dipole of its own
  Vec3 dipole_e_ang;                 ///< about the centre of mass
};

/// Of each set of atoms that covalent bonds join, in the order of their first atoms.
/// electrons [atoms] valence electrons. Throws Error{usage} for sizes that differ.
std::vector<MolecularDipole> molecular_dipoles(const Cell& cell, const Atoms& atoms, std::span<const Vec3> position_ang,
                                               std::span<const AssignedCentre> centres, std::span<const int> electrons);

/// The atoms at the images that lie closest together: each beside the nearest of those placed before it. Cost n².
std::vector<Vec3> gathered(const Cell& cell, std::span<const Vec3> position_ang);

/// The dipole of all atoms about their centre of mass, e·Å. It goes on smoothly where the positions do, up to jumps by 2e times
/// lattice vectors when a centre goes from one atom to another.
/// position_ang  followed through cell boundaries; centres go with their heavy atoms
Vec3 total_dipole_e_ang(const Atoms& atoms, std::span<const Vec3> position_ang, std::span<const AssignedCentre> centres, std::span<const int> electrons);

}  // namespace saltus
