// GROMACS XTC: positions compressed to a precision. Reference: GROMACS manual, "xtc"; Lindahl, Hess, van der Spoel, J.
// Mol. Model. 7, 306 (2001) for the library; the coding is described in xtc_coding.hpp.
//
// A frame, in XDR (big endian): magic 1995, or 2023 with a 64-bit length of the compressed data; atoms, step, time
// (ps), lattice vectors in rows (nm), positions (nm): floats for up to nine atoms, else compressed.
//
// Units          nm → Å, ps → fs. A box of zeros is not periodic; a lattice vector of zeros is not periodic along it.
// Elements       not in the file: ReadOptions::topology must name them.
// Positions      as in the file: whole or wrapped as the program wrote them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "saltus/io/topology.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus {

/// The magic number and a number of atoms.
bool recognizes_xtc(std::string_view first_bytes);

/// Throws Error{usage} without a topology.
std::unique_ptr<TrajectoryReader> open_xtc(const std::filesystem::path& path, const ReadOptions& options = {});
/// The frames of bytes in memory; `name` stands in error messages for the file.
std::unique_ptr<TrajectoryReader> open_xtc_bytes(std::string_view bytes, const std::string& name, Topology topology);

}  // namespace saltus
