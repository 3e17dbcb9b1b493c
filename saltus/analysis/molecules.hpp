// Molecules: which atoms belong together in the first frame, and where each molecule is in every frame.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "saltus/atoms/frame.hpp"

namespace saltus {

/// What makes atoms one molecule: covalent bonds (covalent_bonds.hpp), neighbouring lines of the file with the same number and name of the
/// residue, or nothing: each atom stands for itself.
enum class MoleculeRule { bonds, residues, atoms };

/// Number of the molecule of each atom [n], from 0 in the order of their first atoms. Throws Error{usage} for residues where the file
/// names none, Error{numeric} for positions that are not finite.
std::vector<std::uint32_t> molecule_of_each_atom(const Frame& frame, MoleculeRule rule);

/// Formula of each molecule, elements by atomic number as in formula(): "H2O".
std::vector<std::string> molecule_formulas(const Atoms& atoms, std::span<const std::uint32_t> molecule_of_atom);

/// The selected atoms of each molecule that has some. The point of a molecule is the centre of mass of these atoms: select whole molecules
/// for their centres of mass, one atom of each for a named site.
struct MoleculeGroups {
  std::vector<std::uint32_t> first;   ///< [molecules + 1]: the atoms of molecule m are those at first[m] … first[m+1]−1
  std::vector<std::uint32_t> atom;    ///< index in the frame
  std::vector<std::uint32_t> from;    ///< place in `atom` of one before it, near it along bonds; of the first of a molecule: its own
  std::vector<double> weight;         ///< fraction of the mass of the selected atoms of the molecule

  std::size_t size() const { return first.empty() ? 0 : first.size() - 1; }
};

/// selected  indices of atoms, ascending. Errors as molecule_of_each_atom; Error{usage} for an index beyond the atoms.
MoleculeGroups molecules_of(const Frame& first, std::span<const std::uint32_t> selected, MoleculeRule rule);

/// Centre of mass of each molecule [molecules], made whole across boundaries: each atom lies at the minimum image from the one it
/// hangs on. Right for any cell as long as neighbours along bonds are closer than its inscribed radius.
std::vector<Vec3> molecule_points(const MoleculeGroups& molecules, const Cell& cell, std::span<const Vec3> position_ang);

/// Which directions of a molecule are followed: each bond X–H, or one of each X from X to the middle of its H (of water: its dipole).
enum class AxisRule { bonds_to_hydrogen, bisector };

struct MolecularAxis {
  std::uint32_t molecule = 0, origin = 0;
  std::vector<std::uint32_t> towards;  ///< hydrogens
};

/// Axes of the atoms of the molecules that carry hydrogens in the first frame, whether these are selected or not. Throws Error{usage}
/// when there are none.
std::vector<MolecularAxis> hydrogen_axes(const Frame& first, const MoleculeGroups& molecules, AxisRule rule);

/// Unit vectors [axes]. Throws Error{numeric} where one has no direction.
std::vector<Vec3> axis_directions(std::span<const MolecularAxis> axes, const Cell& cell, std::span<const Vec3> position_ang);

}  // namespace saltus
