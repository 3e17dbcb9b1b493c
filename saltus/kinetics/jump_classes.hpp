// Jumps that symmetry makes equivalent: an operation takes state a to a' and jump (a, b, R) to (a', b', R' = n_b + W R - n_a). Their
// events are pooled when chi² does not tell them apart: sum over members of (n - w t)² / (w t), w = events / exposure of all.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/kinetics/transition_counts.hpp"

namespace saltus::kinetics {

/// What an operation does to the states of one cell.
struct StateMap {
  std::array<Int3, 3> rotation{};  ///< of images, rows
  std::vector<int> target;         ///< [n_states]
  std::vector<Int3> cell;          ///< [n_states] cell that the state is taken to, from cell 0
};

struct JumpMember {
  int from = 0, to = 0;
  Int3 image{};
  std::int64_t events = 0;
};

struct JumpClass {
  std::vector<JumpMember> members;  ///< those that were never seen too; the first is the one seen most
  std::int64_t events = 0;
  double exposure_frames = 0;       ///< of all members: frames in `from`, summed
  Estimate rate_per_frame;          ///< of each member; exact Poisson interval
  double p_value = 1;               ///< of the members being one; of a single one 1
};

struct JumpClasses {
  std::vector<JumpClass> classes;   ///< by falling number of events
  std::int64_t tested = 0;          ///< classes of several members, with two events or more
  double smallest_p = 1;
  /// Whether members of some class differ: smallest p below 1 % shared among the tests (Bonferroni).
  bool differ() const { return tested > 0 && smallest_p < 0.01 / static_cast<double>(tested); }
};

/// All jumps that were seen, those between which a map leads in one class; no maps: each on its own.
///
/// step_counts  at a lag of one frame
/// maps         a whole group
/// dispersion   how many events come together: chi² is divided by it, intervals widened
///
/// P values come from chi², or where a member expects fewer than five events from 999 seeded drawings. Throws Error{usage} where a map
/// does not fit the states.
JumpClasses jump_classes(const TransitionCounts& step_counts, std::span<const StateMap> maps, double dispersion);

/// Sum of the counts as all maps see them: maps.size() times the average, and symmetric. Throws Error{usage} for no maps or such that do
/// not fit.
TransitionCounts summed_over(const TransitionCounts& counts, std::span<const StateMap> maps);

}  // namespace saltus::kinetics
