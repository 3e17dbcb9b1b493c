// Paths relative to the framework as it stands at each moment: r' = r - u(r, t), so that sites at rest follow their surroundings. u is the
// displacement of the framework atoms from their mean places, interpolated: weights exp(-d² / 2s²), d the distance to the mean place, s half of
// the mean distance of nearest framework atoms. Where all atoms move alike u is their displacement exactly; what varies over less than s is lost.
#pragma once

#include <vector>

#include "saltus/analysis/paths.hpp"

namespace saltus {

/// Site paths of the mobile ions [frame][ion] less the displacement field. Needs the framework at every frame (PathSettings::framework_frames 0).
/// Throws Error{usage} without a framework, with frames left out, or in a cell that is not periodic along all vectors.
std::vector<Vec3> following_path_ang(const Paths& paths);

}  // namespace saltus
