// Mean positions of the framework in a cell that it may be folded into.
#pragma once

#include <vector>

#include "saltus/analysis/paths.hpp"

namespace saltus {

/// cell  of the sites: that of the paths, or one that it is repeats of
///
/// Atoms whose mean positions are folded onto each other (nearer than 0.8 Å: below any bond length, above the spread of mean positions)
/// are one, at the mean of theirs. Empty without a framework.
std::vector<Vec3> mean_framework_ang(const Cell& cell, const Paths& paths);

}  // namespace saltus
