// AMBER NetCDF trajectories and restarts. Reference: AMBER NetCDF Trajectory/Restart Convention, version 1.0
// (ambermd.org/netcdf).
//
// A classic netCDF file (netcdf_classic.hpp) with Conventions AMBER or AMBERRESTART and the variables
// coordinates(frame, atom, spatial), and optionally time(frame), velocities, forces, cell_lengths(frame, cell_spatial),
// cell_angles(frame, cell_angular), float or double, each times its attribute scale_factor. A restart has no frame
// dimension.
//
// Units          coordinates Å, time ps → fs, velocities Å/ps → Å/fs, forces kcal/mol/Å → eV/Å, lengths Å, angles
//                degrees; a file that states others is refused. No cell, or lengths of zero: not periodic. a lies along
//                x, b in the xy plane.
// Time           of the file, else frame · ReadOptions::time_step_fs. There are no step numbers: a frame's step is its
//                number from 0.
// Elements       not in the file: ReadOptions::topology must name them.
// Refused        netCDF-4 (HDF5), with the command that converts it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "saltus/io/topology.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus {

/// A classic netCDF file.
bool recognizes_amber_netcdf(std::string_view first_bytes);

/// Throws Error{usage} without a topology.
std::unique_ptr<TrajectoryReader> open_amber_netcdf(const std::filesystem::path& path, const ReadOptions& options = {});
/// The frames of bytes in memory; `name` stands in error messages for the file. The topology of `options` is not looked
/// at.
std::unique_ptr<TrajectoryReader> open_amber_netcdf_bytes(std::string_view bytes, const std::string& name,
                                                          Topology topology, const ReadOptions& options = {});

}  // namespace saltus
