// Path-integral dynamics of a plan: equilibration, production, estimates with intervals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/runs/pimd_plan.hpp"

namespace saltus::runs {

struct PimdReport {
  std::vector<NamedEstimate> estimates;
  std::int64_t samples = 0;
  std::size_t blocks = 0;
  std::size_t stretches = 1;     ///< of time that each group of copies has
};

/// Energies per degree of freedom (mev_per_dof), distances of x (ang); intervals of 95 % by a jackknife over blocks. Blocks are groups
/// of copies, which are independent whatever the correlation time; where copies are fewer than blocks, stretches of time of each.
///
/// Throws what read_ring_gle throws; Error{numeric} with the step where forces are not finite; Interrupted through `progress`.
PimdReport run_path_integral_dynamics(const PimdPlan& plan, const Progress& progress);

}  // namespace saltus::runs
