// Rows of the least-squares problem of a linear ACE: one of the energy per atom, then three force components per atom.
#pragma once

#include <span>
#include <vector>

#include "saltus/atoms/frame.hpp"
#include "saltus/potentials/ace.hpp"

namespace saltus {

/// Unknowns: per species one constant, then per species its functions.
struct AceUnknowns {
  std::size_t species = 0, functions = 0;
  std::size_t count() const { return species * (1 + functions); }
  std::size_t constant(std::size_t s) const { return s; }
  std::size_t first_function(std::size_t s) const { return species + s * functions; }
};

/// Rows of one frame, row-major [(1 + 3n)·(unknowns + 1)]; the last column is the label less what `base` (a model with
/// coefficients zero: reference energies and repulsion) says. `atom_functions` receives B of each atom, [n·functions].
/// The frame has energy and forces.
void ace_design_rows(const AcePotential& base, const Frame& frame, std::span<double> rows, std::span<double> atom_functions);

}  // namespace saltus
