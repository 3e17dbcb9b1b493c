// Extended XYZ. Reference: the specification in libAtoms/extxyz (README), and ASE for what labels are called.
//
// A frame: a line with the number of atoms, a comment line of key=value pairs, a line per atom with the columns that
// `Properties` lists (default species:S:1:pos:R:3). Blank lines may follow; a last line without end is noted.
//
// Comment line   Lattice (9 numbers, lattice vectors in rows, or 3: their diagonal), pbc (default: periodic where there
//                is a Lattice), energy, virial or stress, step, time_fs or Time (fs), bead (from 0). Values are bare, or
//                within "", '', {} or []; \ escapes within quotes. Other keys are passed over.
// Plain xyz      A comment line with none of Lattice, Properties, pbc or an energy is free text: not periodic, the first
//                four columns are element and position, further columns are passed over, as the specification says.
// Which energy   The first of energy_names() that the frame has, or the one named by option; likewise forces, virial,
//                stress. Names that say "reference" come first, since `energy` may be any calculator's.
// Columns        species or element or symbols (S), Z or numbers (I); pos; forces; vel or velo (Å/fs), velocities
//                (ASE: Å·sqrt(eV/amu)), momenta (ASE: sqrt(eV·amu)); mass or masses (amu). D and T are H of their own mass.
// Stress         9 numbers or 6 (xx yy zz yz xz xy) in eV/Å³, positive under tension as in ASE: virial = −stress·volume.
//                A virial beside it must agree.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "saltus/io/trajectory.hpp"

namespace saltus {

/// Names under which the energy is looked for, in order of preference.
std::span<const std::string_view> extxyz_energy_names();
/// Names of the column of forces, in order of preference.
std::span<const std::string_view> extxyz_forces_names();

/// The first line is a number of atoms.
bool recognizes_extxyz(std::string_view first_bytes);

std::unique_ptr<TrajectoryReader> open_extxyz(const std::filesystem::path& path, const ReadOptions& options = {});
/// The frames of a text in memory; `name` stands in error messages for the file. `same_atoms` is not looked at.
std::unique_ptr<TrajectoryReader> open_extxyz_text(std::string_view text, const std::string& name,
                                                   const ReadOptions& options = {});

std::unique_ptr<TrajectoryWriter> create_extxyz(const std::filesystem::path& path, const WriteOptions& options = {});

/// Appends one frame as text; only the fields that it has. Throws Error{numeric} for numbers that are not finite,
/// Error{usage} for arrays of unequal length or without atoms.
void append_extxyz(std::string& text, const Frame& frame, const WriteOptions& options = {});

}  // namespace saltus
