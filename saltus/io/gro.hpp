// GROMACS GRO: atoms in fixed columns. Reference: GROMACS manual, "gro".
//
// A frame: a title, which may end in "t= TIME step= STEP" (ps); the number of atoms; a line per atom: residue number (5
// columns), residue name (5), atom name (5), atom number (5), position (nm), velocity (nm/ps, all atoms or none); the
// box (nm): three lengths, or nine numbers v1x v2y v3z v1y v1z v2x v2z v3x v3y. Columns of numbers are as wide as the
// first two decimal points of the first atom are apart. Blank lines may follow the last frame.
//
// Units          nm → Å, ps → fs. A box of zeros is not periodic.
// Elements       by ReadOptions::topology, else by the names of atoms and residues (atom_names.hpp); ambiguous names
//                are refused.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "saltus/io/topology.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus {

/// A number of atoms in the second line, and in the third columns as the format has them.
bool recognizes_gro(std::string_view first_bytes);

std::unique_ptr<TrajectoryReader> open_gro(const std::filesystem::path& path, const ReadOptions& options = {});
/// The frames of a text in memory; `name` stands in error messages for the file.
std::unique_ptr<TrajectoryReader> open_gro_text(std::string_view text, const std::string& name,
                                                std::optional<Topology> topology = std::nullopt);

}  // namespace saltus
