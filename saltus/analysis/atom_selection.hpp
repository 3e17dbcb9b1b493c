// A small language that names groups of atoms, shared by the analyses:
//
//   element O            elements by symbol; a bare list of symbols (O or Li,Na) is short for it
//   name OW HW*          names of atoms as the file has them; * stands for any letters, ? for one
//   residue SOL          names of residues, likewise
//   resid 1-20,25        numbers of residues in the file
//   index 0-99,120       numbers of atoms, counted from 0
//   molecule H2O         atoms of molecules (connected by covalent bonds) of a formula, its elements in any order
//   all                  all atoms
//   not A, A and B, A or B, (A)          binding in this order
//
// Words of a list are separated by blanks or commas. Names and residues need a file that has them (gro, extxyz with such columns, LAMMPS
// dumps with molecule numbers, or one of these as topology). A selection is evaluated once, on the first frame, and names the same
// atoms from then on. A word that matches no atom is refused, like a selection that matches none: a slip of the pen is no empty group.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/atoms/frame.hpp"

namespace saltus {

/// A selection as read: steps of a stack machine, operands first.
struct AtomSelection {
  enum class Operation { all, element, name, residue, resid, index, molecule, negate, both, either };
  struct Step {
    Operation operation = Operation::all;
    std::vector<std::string> words;  ///< of a list
    std::string text;                ///< as it was written, for messages
  };
  std::string text;
  std::vector<Step> steps;
};

/// Throws Error{usage} that names the character, counted from 1, and what was expected there. Parentheses and "not" may be nested
/// 100 deep.
AtomSelection parse_selection(std::string_view text);

/// Indices of the atoms, ascending, at least one. Throws Error{usage} for a word or a selection that matches no atom, listing what there
/// is, and for names where the file has none.
std::vector<std::uint32_t> selected_atoms(const AtomSelection& selection, const Frame& first);

/// Both in one.
std::vector<std::uint32_t> select_atoms(std::string_view text, const Frame& first);

}  // namespace saltus
