// LAMMPS text dumps (dump atom, dump custom). Reference: the LAMMPS manual, "dump command" and "Howto triclinic".
//
// Positions   The first of xu yu zu, xsu ysu zsu, x y z, xs ys zs that is there; wrapped ones are unwrapped where ix iy iz are
//             there. The box corner is subtracted, so that the cell begins at the origin, in each frame its own.
// Order       By id where there is one, whatever the order in the file.
// Elements    ReadOptions::type_elements, else ReadOptions::topology, else the column element. Masses: the column mass, else
//             those of the topology, else standard.
// Units       ITEM: UNITS, else ReadOptions::lammps_units, else metal: one of metal, real, electron, si.
// Time        ITEM: TIME, else step times ReadOptions::time_step_fs, else none.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "saltus/io/trajectory.hpp"

namespace saltus {

bool recognizes_lammps_dump(std::string_view first_bytes);

/// Throws Error{usage} where the elements are not known or given for fewer types than there are, or units contradict the file.
std::unique_ptr<TrajectoryReader> open_lammps_dump(const std::filesystem::path& path, const ReadOptions& options = {});
/// The frames of a text in memory; `name` stands in error messages for the file.
std::unique_ptr<TrajectoryReader> open_lammps_dump_text(std::string_view text, const std::string& name, const ReadOptions& options = {});

}  // namespace saltus
