// CHARMM DCD, as CHARMM, NAMD, LAMMPS, OpenMM, CP2K and X-PLOR write it. Reference: CHARMM documentation (dynamc,
// "trajectory"), VMD's plugin page on DCD; LAMMPS dump_dcd.cpp and CP2K motion_utils.F for what they put into the
// header.
//
// Fortran records, each between two copies of its length (32 or 64 bits), of either byte order: 84 bytes of header,
// titles, number of atoms; for each frame the cell if the header says so, then all x, all y, all z as 32-bit floats
// (Å).
//
// Cell           A, γ, B, β, α, C, where the angles are cosines (NAMD, LAMMPS, OpenMM) if all three lie in −1…1, else
//                degrees (CP2K, older programs) if all three lie in 1…180; else the six numbers are the lower triangle
//                of CHARMM's symmetric matrix, if it is positive definite. A cell of lengths and angles is put with a
//                along x and b in the xy plane: positions in a skewed cell are right only where the program has it so
//                too.
// Time           step · time step, where the header has it. Its unit is CHARMM's (48.88821 fs) unless the titles name
//                CP2K (fs) or LAMMPS (of ReadOptions::lammps_units: metal, the default, ps; real fs).
//                ReadOptions::time_step_fs is used instead if given.
// Frames         as many as the file has bytes for; the number in the header is often wrong.
// Refused        fixed atoms, velocities and forces in DCD.
// Elements       not in the file: ReadOptions::topology must name them.
//
// Written: CHARMM's variant, little endian, 32-bit record marks, cosines, CHARMM's unit of time. Positions become
// 32-bit floats; velocities, forces and energies are left out. Steps and times are kept where they are evenly spaced,
// else left out, and the time of the first frame where it is its step times the time step.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "saltus/io/topology.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus {

/// A record of 84 bytes that starts with CORD, or what CHARMM and CP2K write there for velocities and forces.
bool recognizes_dcd(std::string_view first_bytes);

/// Throws Error{usage} without a topology.
std::unique_ptr<TrajectoryReader> open_dcd(const std::filesystem::path& path, const ReadOptions& options = {});
/// The frames of bytes in memory; `name` stands in error messages for the file. The topology of `options` is not looked
/// at.
std::unique_ptr<TrajectoryReader> open_dcd_bytes(std::string_view bytes, const std::string& name, Topology topology,
                                                 const ReadOptions& options = {});

/// write() throws Error{usage} for a number of atoms that changes, a cell that is there in some frames only, periodic
/// along one or two vectors only, or not with a along x and b in the xy plane; Error{numeric} for positions that no
/// 32-bit float holds.
std::unique_ptr<TrajectoryWriter> create_dcd(const std::filesystem::path& path, const WriteOptions& options = {});

}  // namespace saltus
