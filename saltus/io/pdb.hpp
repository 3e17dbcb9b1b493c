// PDB files for viewers: one MODEL per frame, elements, cells as CRYST1. Reference: wwPDB file format 3.30.
//
// The format keeps 0.001 Å and 0.01°, and no velocities, forces or energies. CRYST1 holds lengths and angles only, so that a
// cell is turned with its atoms: a along x, b in the xy plane. Serial numbers start over at 0 after 99999, as is usual. The
// record END is left out: readers that take it for the end of a model (ASE) would see an empty one behind the last.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "saltus/io/trajectory.hpp"

namespace saltus {

std::unique_ptr<TrajectoryWriter> create_pdb(const std::filesystem::path& path, const WriteOptions& options = {});

/// Appends one frame as MODEL number `model`. Throws Error{numeric} for numbers that are not finite; Error{usage} for arrays of
/// unequal length, no atoms, a left-handed cell, or coordinates that do not fit into eight columns (−999.999 to 9999.999 Å).
void append_pdb(std::string& text, const Frame& frame, std::size_t model);

}  // namespace saltus
