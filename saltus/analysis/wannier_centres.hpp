// Wannier centres of a closed shell (two electrons each): which bond or lone pair each one is, and how the two oxygens of a short
// hydrogen bond D–H…A share the electrons beside its proton:
//   λ_W = d(D, X_DH) − d(A, X_AH)   ν = d(D, H) − d(A, H)
// with X_DH and X_AH the centres of D and of A nearest to H. Distances are those of minimum images.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "saltus/analysis/covalent_bonds.hpp"
#include "saltus/analysis/proton_bonds.hpp"
#include "saltus/atoms/frame.hpp"

namespace saltus {

/// A centre belongs to `heavy`, an atom heavier than hydrogen. `partner` is the other atom of its bond, no_atom for a lone pair.
struct AssignedCentre {
  std::uint32_t heavy = no_atom, partner = no_atom;
  Vec3 from_heavy_ang;  ///< minimum image of the centre less that of `heavy`
};

/// Each centre X becomes the bond A–B of least excess d(A,X) + d(X,B) − d(A,B) below `largest_excess_ang` among the covalent
/// bonds; a bond of hydrogen takes one centre, that of least excess. The others are lone pairs of the nearest heavy atom.
/// Of a bond between two heavy atoms `heavy` is the one of larger atomic number, the nearer one where they are equal.
/// Returns [centres]. Throws Error{unsupported} for atoms none of which is heavier than hydrogen, Error{usage} for sizes that differ.
std::vector<AssignedCentre> assign_wannier_centres(const Cell& cell, const Atoms& atoms, std::span<const Vec3> position_ang,
                                                   std::span<const Vec3> centre_ang, double largest_excess_ang = 0.3);

/// Centres around each atom, those of a bond between heavy atoms at both: 4 around O, N, C, F of a closed shell. [atoms]
std::vector<int> centres_around(std::size_t atoms, std::span<const AssignedCentre> centres);

/// Electrons outside the core in the pseudopotentials of Goedecker, Teter and Hutter (H 1, C 4, N 5, O 6, …); where there are
/// several in use (Mg, Ru, Pd, Ag, …) one of them. Nothing beyond xenon. Reference: GTH_POTENTIALS (PBE) of CP2K 2023.1.
std::optional<int> gth_valence_electrons(int atomic_number);

struct ProtonSharing {
  double nu_ang = 0, donor_acceptor_ang = 0;
  double donor_centre_ang = 0, acceptor_centre_ang = 0;  ///< d(D, X_DH), d(A, X_AH)
  double lambda_ang() const { return donor_centre_ang - acceptor_centre_ang; }
};

/// Nothing where one of the two heavy atoms has no centre.
std::optional<ProtonSharing> proton_sharing(const Frame& frame, std::span<const AssignedCentre> centres, const ProtonBond& bond);

}  // namespace saltus
