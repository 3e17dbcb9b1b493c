// Trajectories of ring polymers: the frames of a step are its beads 0 … P−1, one after another, with equal step and time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "saltus/io/trajectory.hpp"

namespace saltus {

/// Beads of the first step: frames from the first on until a bead comes again or the trajectory ends; 0 where the first frame is none.
/// The next frame read is the first.
std::size_t beads_of(TrajectoryReader& reader);

/// The frames of one bead; `name` is that of the file, for errors. Frames are counted as they are passed on: one for each step.
///
/// Throws Error{usage} where the frames are not beads or the first step has no such bead; read_next() throws Error{format} where
/// a step has other beads than the first, or has them in another order.
std::unique_ptr<TrajectoryReader> only_bead(std::unique_ptr<TrajectoryReader> reader, std::int32_t bead, const std::string& name);

}  // namespace saltus
