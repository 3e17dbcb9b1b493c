// Transition counts at a lag, image resolved: C_ab(R) = number of frames t with the carrier in a at t and in b, R cells
// further, at t + lag (sliding windows).
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "saltus/kinetics/site_trajectory.hpp"

namespace saltus::kinetics {

struct TransitionCount {
  int from = 0, to = 0;
  Int3 image{};  ///< image of `to` minus image of `from`
  std::int64_t count = 0;
  bool operator==(const TransitionCount&) const = default;
};

struct TransitionCounts {
  int n_states = 0;
  std::int64_t lag_frames = 0;
  std::vector<TransitionCount> entries;  ///< sorted by from, to, image; each once, count > 0; staying included
  std::int64_t total() const;
};

/// Frames begin … end − 1.
struct FrameWindow {
  std::int64_t begin = 0;
  std::int64_t end = std::numeric_limits<std::int64_t>::max();
};

/// Counts all pairs (t, t + lag) of one segment that lie in `window` with both ends, so that counts of disjoint windows
/// share no frame pair. Cost: visits × visits within a lag. Throws Error{usage} unless lag_frames > 0.
TransitionCounts count_transitions(const SiteTrajectory& trajectory, std::int64_t lag_frames, FrameWindow window = {});

/// Sum of counts of the same lag and states, without the one at `left_out` (−1: of all).
TransitionCounts sum_counts(std::span<const TransitionCounts> parts, int left_out = -1);

/// A count matrix without images; weights need not be whole numbers. Entries may repeat and are then meant as a sum.
struct CountEntry {
  int from = 0, to = 0;
  double count = 0;
};
struct CountMatrix {
  int n_states = 0;
  std::vector<CountEntry> entries;
};

CountMatrix fold_images(const TransitionCounts& counts);

}  // namespace saltus::kinetics
