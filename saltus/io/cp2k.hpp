// What a CP2K molecular-dynamics run writes, joined by step number into frames:
//   PROJECT-pos-1.xyz positions (Å)   -frc-1.xyz forces (Ha/bohr)   -vel-1.xyz velocities (bohr per atomic time)
//   PROJECT-1.ener energies (Ha)      -1.cell cell vectors (Å)      -1.stress pressure tensor (bar)
// Reference: the CP2K manual (MOTION/PRINT), and files of CP2K 2023.1.
//
// Frames         The steps of the positions file; any other file may be missing, may have a stride of its own, and may end
//                earlier or begin later: such a frame is without that quantity, and source().notes says so.
// Restarts       A run that is continued writes steps again; where the steps of a file go back to s, all that it had from s
//                on is replaced by what follows.
// Energy         E of the comment line, else the potential energy of .ener; where both are there they must agree.
// Virial         .stress is a pressure (positive under compression) with the kinetic part:
//                virial = P·V − Σ m v⊗v. Without velocities, or with velocities whose kinetic energy is not that of .ener
//                (other masses), there is no virial, and source().notes says so.
// Cell           Without .cell a frame is not periodic. A .cell file whose cell never changes holds for every step.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "saltus/io/trajectory.hpp"

namespace saltus {

/// A file of a set by its first bytes: xyz with CP2K's comment line " i = 0, time = 0.000, E = -78.89", .ener, .cell, .stress.
bool recognizes_cp2k(std::string_view first_bytes);
/// Whether a folder holds a file PROJECT-pos-1.xyz.
bool recognizes_cp2k_folder(const std::filesystem::path& folder);

/// The set that a file belongs to, or the one set in a folder. Files compressed with gzip or zstd belong too.
/// Throws Error{usage} when a folder holds several sets; Error{file} when there are no positions; Error{format} naming file and
/// step when a file lacks a step that its stride promises.
std::unique_ptr<TrajectoryReader> open_cp2k(const std::filesystem::path& path, const ReadOptions& options = {});

/// Contents of the files of a set in memory.
struct Cp2kTexts {
  std::string_view positions;
  std::optional<std::string_view> forces, velocities, energies, cells, stresses;
};
/// `name` stands in error messages for the project.
std::unique_ptr<TrajectoryReader> open_cp2k_texts(const Cp2kTexts& texts, const std::string& name, const ReadOptions& options = {});

}  // namespace saltus
