// LAMMPS data files of one frame: atom_style atomic, units metal. Reference: the LAMMPS manual, "read_data command".
//
// Types         One for each element and mass, numbered in the order in which they come; the section Masses names the elements.
// Cell          Turned so that a lies along x and b in the xy plane, and b and c shortened by lattice vectors where LAMMPS would
//               refuse the tilt; both are said in comment lines, the rotation with its matrix. Positions are not wrapped.
// Not periodic  Along such an axis the box encloses the atoms; the first line says which 'boundary' to set.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "saltus/io/trajectory.hpp"

namespace saltus {

/// A second frame is refused with Error{usage}.
std::unique_ptr<TrajectoryWriter> create_lammps_data(const std::filesystem::path& path, const WriteOptions& options = {});

/// The text of one frame. Throws Error{numeric} for numbers that are not finite; Error{usage} for arrays of unequal length, no
/// atoms, a left-handed cell, or a tilted cell that is not periodic along all axes.
std::string lammps_data_text(const Frame& frame, const WriteOptions& options = {});

}  // namespace saltus
