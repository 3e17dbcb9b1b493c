#include "saltus/kinetics/site_trajectory.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

namespace {

[[noreturn]] void refuse(std::size_t segment, std::size_t visit, const std::string& what) {
  throw Error(ErrorKind::usage,
              "site trajectory, segment " + std::to_string(segment) + ", visit " + std::to_string(visit) + ": " + what);
}

}  // namespace

void check(const SiteTrajectory& trajectory) {
  std::vector<std::vector<std::pair<std::int64_t, std::int64_t>>> span_of(
      static_cast<std::size_t>(std::max(trajectory.n_carriers, 0)));
  for (std::size_t s = 0; s < trajectory.segments.size(); ++s) {
    const SiteSegment& segment = trajectory.segments[s];
    if (segment.carrier < 0 || segment.carrier >= trajectory.n_carriers) refuse(s, 0, "carrier out of range");
    for (std::size_t v = 0; v < segment.visits.size(); ++v) {
      const SiteVisit& visit = segment.visits[v];
      if (visit.state < 0 || visit.state >= trajectory.n_states) refuse(s, v, "state out of range");
      if (visit.begin_frame < 0 || visit.end_frame > trajectory.n_frames) refuse(s, v, "frames out of range");
      if (visit.begin_frame >= visit.end_frame) refuse(s, v, "holds no frame");
      if (v > 0 && visit.begin_frame != segment.visits[v - 1].end_frame) {
        refuse(s, v, "does not begin where the one before ends; start a new segment at a break");
      }
    }
    if (!segment.visits.empty()) {
      span_of[static_cast<std::size_t>(segment.carrier)].emplace_back(segment.visits.front().begin_frame,
                                                                      segment.visits.back().end_frame);
    }
  }
  for (std::size_t c = 0; c < span_of.size(); ++c) {
    std::sort(span_of[c].begin(), span_of[c].end());
    for (std::size_t k = 1; k < span_of[c].size(); ++k) {
      if (span_of[c][k].first < span_of[c][k - 1].second) {
        throw Error(ErrorKind::usage, "site trajectory: segments of carrier " + std::to_string(c) + " overlap in time");
      }
    }
  }
}

void append_states(SiteTrajectory& trajectory, int carrier, std::span<const int> state, std::span<const Int3> image) {
  if (static_cast<std::int64_t>(state.size()) != trajectory.n_frames || (!image.empty() && image.size() != state.size())) {
    throw Error(ErrorKind::usage, "site trajectory: one state (and image) per frame is needed");
  }
  bool open = false;
  for (std::size_t t = 0; t < state.size(); ++t) {
    if (state[t] >= trajectory.n_states) {
      throw Error(ErrorKind::usage, "site trajectory, frame " + std::to_string(t) + ": state out of range");
    }
    if (state[t] < 0) {
      open = false;
      continue;
    }
    const Int3 where = image.empty() ? Int3{} : image[t];
    const auto frame = static_cast<std::int64_t>(t);
    if (!open) trajectory.segments.push_back({carrier, {}});
    std::vector<SiteVisit>& visits = trajectory.segments.back().visits;
    if (open && visits.back().state == state[t] && visits.back().image == where) {
      visits.back().end_frame = frame + 1;
    } else {
      visits.push_back({frame, frame + 1, state[t], where});
    }
    open = true;
  }
  trajectory.n_carriers = std::max(trajectory.n_carriers, carrier + 1);
}

JumpStatistics jump_statistics(const SiteTrajectory& trajectory) {
  const auto n = static_cast<std::size_t>(trajectory.n_states);
  JumpStatistics result;
  result.departures.assign(n, 0);
  result.frames_in_state.assign(n, 0);
  for (const SiteSegment& segment : trajectory.segments) {
    for (std::size_t v = 0; v < segment.visits.size(); ++v) {
      const SiteVisit& visit = segment.visits[v];
      const auto state = static_cast<std::size_t>(visit.state);
      result.frames_in_state[state] += visit.end_frame - visit.begin_frame;
      if (v + 1 == segment.visits.size()) continue;
      const SiteVisit& next = segment.visits[v + 1];
      if (next.state == visit.state && next.image == visit.image) continue;
      ++result.departures[state];
      ++result.n_jumps;
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    result.mean_residence_frames.push_back(result.departures[i] > 0 ? static_cast<double>(result.frames_in_state[i]) /
                                                                          static_cast<double>(result.departures[i])
                                                                    : std::numeric_limits<double>::infinity());
  }
  return result;
}

std::vector<std::int64_t> block_bounds(std::int64_t n_frames, int n_blocks) {
  if (n_blocks < 2 || n_blocks > (n_frames - 1) / 2) {
    throw Error(ErrorKind::usage, "cannot cut " + std::to_string(n_frames) + " frames into " + std::to_string(n_blocks) +
                                      " time blocks; at least 2 blocks of 2 steps are needed");
  }
  std::vector<std::int64_t> bounds;
  for (int b = 0; b <= n_blocks; ++b) bounds.push_back(b * (n_frames - 1) / n_blocks);
  return bounds;
}

}  // namespace saltus::kinetics
