// The input of CP2K, from typed settings. Reference: the CP2K input reference, release 2023.1.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "saltus/atoms/frame.hpp"
#include "saltus/engines/cp2k_data.hpp"

namespace saltus {

/// The system as CP2K gets it.
struct Cp2kSystem {
  std::vector<std::string> symbol;  ///< [n]
  Cell cell;                        ///< has vectors, periodic along all axes or none
  std::vector<Vec3> position_ang;   ///< [n]
  std::vector<Cp2kKind> kinds;      ///< one per element
  int electrons = 0;
};

/// Frame and settings → system. A frame without periodicity and without a box gets a cubic one, 5 Å wider on each side than the atoms,
/// and is moved to the middle of it, as is every frame without periodicity.
/// Throws Error{usage} for what cannot be computed so: no atoms, partial periodicity, electrons that do not go with the
/// multiplicity, settings that exclude each other; Error{file} for missing files.
Cp2kSystem cp2k_system(const Frame& frame, const Cp2kSettings& settings, const std::filesystem::path& base_folder);

/// Middle of the atoms' extent → middle of the box: what cp2k_system adds to the positions of a frame without periodicity.
Vec3 to_middle_of_box_ang(std::span<const Vec3> position_ang, const Cell& box);

/// The multiplicity: as set, or the lowest.
std::int64_t multiplicity_of(const Cp2kSettings& settings, int electrons);

/// MD from the system's positions; with `velocity_ang_fs` [n] from these, else CP2K draws them. Project "aimd"; `restart` = from aimd-1.restart.
std::string cp2k_dynamics_input(const Cp2kSystem& system, const Cp2kSettings& settings, const Cp2kDynamicsSettings& dynamics,
                                std::span<const Vec3> velocity_ang_fs, bool restart, int version);

/// Energies and forces of `frames` configurations in frames.xyz (and frames.cell where the system is periodic), one after the other. Project "label".
std::string cp2k_label_input(const Cp2kSystem& system, const Cp2kSettings& settings, std::size_t frames, int version);

}  // namespace saltus
