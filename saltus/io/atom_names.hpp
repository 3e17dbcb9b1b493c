// Elements from the names that biomolecular programs give to atoms and residues.
//
// What counts of a name are its first letters, behind digits if any: "HB2" → HB, "1HW" → HW, "Na+" → Na. The first rule
// that fits:
//   water           residue SOL, WAT, HOH, TIP3, …: O… is O, H… is H; other sites have no nucleus and are refused
//   ions            residue and atom of one name, or residue ION: the symbol in any case (NA, Cl-, LI; not W, Martini's
//                   water), or CHARMM's SOD, POT, CLA, …
//   biomolecules    amino acids and nucleotides: the first letter, which must be one of H C N O P S (CA is a carbon)
//   symbols         one capital letter (C12), or a capital and a small one (Cl1) as in the periodic table
//   other names     H C N O F P S by their first letter, unless the first two letters are an element as well (CL, CA,
//                   HO, SI); two letters that are an element where the first is none (LI, MG)
// Names that may mean two elements, or none, are refused.
#pragma once

#include <cstdint>
#include <string_view>

namespace saltus {

/// Atomic number of the atom `name` in the residue `residue`, neither padded with blanks. Throws Error{format} where
/// the rule above gives no single element, with the remedy.
std::uint8_t element_of_atom_name(std::string_view name, std::string_view residue);

}  // namespace saltus
