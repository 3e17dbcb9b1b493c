// The orientation of a cell that LAMMPS and PDB ask for: a along x, b in the xy plane, c with positive z.
// Reference: the LAMMPS manual, "Howto triclinic".
#pragma once

#include "saltus/base/vec3.hpp"

namespace saltus {

struct RestrictedCell {
  Mat3 rows_ang;     ///< lower triangular, diagonal positive
  Mat3 rotation;     ///< row vectors turn into v·rotation: positions, velocities, forces
  bool is_rotated;   ///< false: the rows are as they were, and the rotation is the identity
};

/// Throws Error{usage} for a left-handed or singular cell, which no rotation brings into this form.
RestrictedCell restricted_cell(const Mat3& rows_ang);

}  // namespace saltus
