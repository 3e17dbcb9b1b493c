// What must hold of a frame that was read, or is to be written.
#pragma once

#include <vector>

#include "saltus/atoms/frame.hpp"

namespace saltus {

/// Throws Error{format} that names the first atom whose vector is not finite. `what`: "position", "velocity", "force".
void require_finite(const std::vector<Vec3>& vectors, const char* what);

/// Which arrays of a frame are written beside its positions.
struct WrittenArrays {
  bool velocities = false, forces = false;
};

/// Throws Error{usage} for a frame without atoms, and where atoms, positions or an array that is written differ in number.
void require_writable(const Frame& frame, const WrittenArrays& written = {});

}  // namespace saltus
