// NumPy .npy arrays of positions. Reference: NumPy documentation, numpy.lib.format, versions 1.0 to 3.0.
//
// Magic, version, a Python dictionary as text (descr, fortran_order, shape), then the numbers: floats of 32 or 64 bits
// of either byte order, in C order, of the shape (frames, atoms, 3), in Å.
//
// Elements, cell  not in the file: those of the first frame of ReadOptions::topology, the cell for all frames.
// Time            frame · ReadOptions::time_step_fs, if given; a frame's step is its number from 0.
// Refused         Fortran order, other shapes and types, with what to call in NumPy.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "saltus/io/topology.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus {

/// The magic bytes.
bool recognizes_npy(std::string_view first_bytes);

/// Throws Error{usage} without a topology.
std::unique_ptr<TrajectoryReader> open_npy(const std::filesystem::path& path, const ReadOptions& options = {});
/// The frames of bytes in memory; `name` stands in error messages for the file. The topology of `options` is not looked
/// at.
std::unique_ptr<TrajectoryReader> open_npy_bytes(std::string_view bytes, const std::string& name, Topology topology,
                                                 const ReadOptions& options = {});

}  // namespace saltus
