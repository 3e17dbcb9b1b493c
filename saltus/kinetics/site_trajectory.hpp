// Discrete trajectories as run-length lists: which site (state) a carrier held, from which frame to which, in which
// periodic image. Cost and memory follow the number of events, not of frames.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/base/vec3.hpp"

namespace saltus::kinetics {

/// One stay: frames begin_frame … end_frame − 1 in `state`. `image` says in which periodic copy of the state the carrier
/// is, along its unwrapped path: its site stands at site_ang[state] + image · (lattice vectors).
struct SiteVisit {
  std::int64_t begin_frame = 0;
  std::int64_t end_frame = 0;  ///< one past the last frame
  int state = 0;
  Int3 image{};
  bool operator==(const SiteVisit&) const = default;
};

/// An unbroken stretch of one carrier: each visit begins where the one before ends. A break of the trajectory or an
/// undefined stretch (before the first core is entered) ends a segment; nothing is counted across.
struct SiteSegment {
  int carrier = 0;
  std::vector<SiteVisit> visits;
};

struct SiteTrajectory {
  int n_states = 0;
  int n_carriers = 0;
  std::int64_t n_frames = 0;  ///< frames of all segments are counted on one axis, 0 … n_frames − 1
  std::vector<SiteSegment> segments;
};

/// Throws Error{usage} naming segment and visit when a state, carrier or frame is out of range, a visit is empty, visits
/// of a segment do not follow each other without a gap, or segments of one carrier overlap.
void check(const SiteTrajectory& trajectory);

/// Appends one carrier's frame-by-frame states to `trajectory` as segments; a negative state is undefined and breaks.
///
/// state   [n_frames of the trajectory]
/// image   [the same] or empty: all in image 0
///
/// Throws Error{usage} on a wrong length or a state out of range.
void append_states(SiteTrajectory& trajectory, int carrier, std::span<const int> state,
                   std::span<const Int3> image = {});

/// What the visits say without a model.
struct JumpStatistics {
  std::int64_t n_jumps = 0;                   ///< changes of state or image within a segment: completed moves
  std::vector<std::int64_t> departures;       ///< [n_states]
  std::vector<std::int64_t> frames_in_state;  ///< [n_states], all carriers
  std::vector<double> mean_residence_frames;  ///< [n_states] frames_in_state / departures; infinite without a departure
};

/// Residence times count stays cut by the ends of segments rightly (exposure over number of events).
JumpStatistics jump_statistics(const SiteTrajectory& trajectory);

/// Ends of n_blocks time blocks of equal length: block b holds frames bounds[b] … bounds[b + 1]; neighbours share one frame.
/// Throws Error{usage} unless 2 <= n_blocks <= (n_frames − 1) / 2.
std::vector<std::int64_t> block_bounds(std::int64_t n_frames, int n_blocks);

}  // namespace saltus::kinetics
