// GROMACS TRR: positions, velocities and forces in full precision. Reference: GROMACS manual, "trr", and
// src/gromacs/fileio/trrio.h.
//
// A frame, in XDR (big endian): magic 1993, the text "GMX_trn_file", thirteen integers (bytes of each block, atoms,
// step), time (ps) and lambda, then the blocks: box, virial, pressure, positions (nm), velocities (nm/ps), forces
// (kJ/mol/nm), each in single or double precision as the sizes say.
//
// Units          nm → Å, ps → fs, kJ/mol/nm → eV/Å. A box of zeros is not periodic. Lambda, virial and pressure are
//                passed over.
// Elements       not in the file: ReadOptions::topology must name them.
// Frames         without positions (only velocities or forces, written more often) are passed over and not counted.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "saltus/io/topology.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus {

/// The magic number and the text behind it.
bool recognizes_trr(std::string_view first_bytes);

/// Throws Error{usage} without a topology.
std::unique_ptr<TrajectoryReader> open_trr(const std::filesystem::path& path, const ReadOptions& options = {});
/// The frames of bytes in memory; `name` stands in error messages for the file.
std::unique_ptr<TrajectoryReader> open_trr_bytes(std::string_view bytes, const std::string& name, Topology topology);

}  // namespace saltus
