// H5MD 1.1 trajectories: HDF5 files of positions, velocities, forces and observables.
// Reference: P. de Buyl, P. H. Colberg, F. Höfling, Comput. Phys. Commun. 185, 1546 (2014); nongnu.org/h5md.
//
// Reading        The particle group "all", or the only one with positions. /particles/GROUP/{box, position, image, velocity,
//                force, species, mass}, and energy, virial and bead from /observables/GROUP or /observables. step and time explicit
//                or in fixed increments. Positions are unwrapped: position + image · cell. Elements sampled at other steps
//                than the positions give their values to the frames of equal step; box and image must have every step.
// Units          `unit` attributes as products of powers ("kJ mol-1 nm-1"), converted; without the attribute Å, fs, eV, amu
//                are assumed, which FrameSource::columns tells.
// Elements       species as an enumeration of symbols, or as integers where the masses show that these are atomic numbers;
//                else from ReadOptions (type_elements, topology).
// Refused        What would open another file (external links, external or virtual storage), and filters other than
//                deflate, shuffle and fletcher32. An HDF5 file that was cut off cannot be read at all. What HDF5 itself does with
//                a file made to harm it is in the hands of the installed HDF5.
// Writing        Group "all"; lattice vectors, step and time per frame; species as an enumeration of atomic numbers; observables
//                potential_energy, virial and, where the frames are beads, bead (int32). Single precision: positions wrapped, with int32 images; a float of 30 Å is good to
//                2e-6 Å; forces in kJ mol-1 Å-1, since MDAnalysis opens no file with eV Å-1. Double precision: positions as they
//                are, no images, forces in eV Å-1, so that all reads back to the same doubles. What a frame lacks and another
//                has is NaN, and absent when read. No times of writing: equal frames give equal files.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "saltus/io/trajectory.hpp"

namespace saltus {

/// Of the HDF5 library that is linked: "1.10.8".
std::string hdf5_version();

/// The HDF5 signature, at the start or behind a user block.
bool recognizes_h5md(std::string_view first_bytes);

std::unique_ptr<TrajectoryReader> open_h5md(const std::filesystem::path& path, const ReadOptions& options = {});
/// The frames of a file in memory, which is copied; `name` stands in error messages for the file. `same_atoms` is not looked at.
std::unique_ptr<TrajectoryReader> open_h5md_bytes(std::string_view bytes, const std::string& name, const ReadOptions& options = {});

/// All frames must have the atoms, the periodic axes and the presence of lattice vectors and bead of the first: else write throws
/// Error{usage}. Decimals in the options are not looked at; `single_precision` and `step_and_time` are those of the first frame.
std::unique_ptr<TrajectoryWriter> create_h5md(const std::filesystem::path& path, const WriteOptions& options = {});

}  // namespace saltus
