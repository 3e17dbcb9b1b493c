#include "saltus/kinetics/transition_counts.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

namespace {

struct Key {
  int from, to;
  Int3 image;
  bool operator==(const Key&) const = default;
};

struct KeyHash {
  std::size_t operator()(const Key& key) const {
    std::uint64_t hash = 0;
    for (const int part : {key.from, key.to, key.image[0], key.image[1], key.image[2]}) {
      hash = (hash ^ static_cast<std::uint32_t>(part)) * 0x9e3779b97f4a7c15ull;
      hash ^= hash >> 29;
    }
    return static_cast<std::size_t>(hash);
  }
};

bool before(const TransitionCount& a, const TransitionCount& b) {
  return std::tie(a.from, a.to, a.image) < std::tie(b.from, b.to, b.image);
}

}  // namespace

std::int64_t TransitionCounts::total() const {
  std::int64_t sum = 0;
  for (const TransitionCount& entry : entries) sum += entry.count;
  return sum;
}

TransitionCounts count_transitions(const SiteTrajectory& trajectory, std::int64_t lag, FrameWindow window) {
  if (lag <= 0) throw Error(ErrorKind::usage, "the lag of a count must be at least one frame");
  std::unordered_map<Key, std::int64_t, KeyHash> counts;
  const std::int64_t last_start = std::min(window.end, trajectory.n_frames) - lag;  // one past the last t
  for (const SiteSegment& segment : trajectory.segments) {
    std::size_t first_partner = 0;
    for (const SiteVisit& a : segment.visits) {
      const std::int64_t begin = std::max(a.begin_frame, window.begin);
      const std::int64_t end = std::min(a.end_frame, last_start);
      if (begin >= end) continue;
      while (first_partner < segment.visits.size() && segment.visits[first_partner].end_frame - lag <= begin) {
        ++first_partner;
      }
      for (std::size_t k = first_partner; k < segment.visits.size(); ++k) {
        const SiteVisit& b = segment.visits[k];
        const std::int64_t pairs = std::min(end, b.end_frame - lag) - std::max(begin, b.begin_frame - lag);
        if (pairs <= 0) break;
        counts[{a.state, b.state, {b.image[0] - a.image[0], b.image[1] - a.image[1], b.image[2] - a.image[2]}}] += pairs;
      }
    }
  }
  TransitionCounts result{trajectory.n_states, lag, {}};
  result.entries.reserve(counts.size());
  for (const auto& [key, count] : counts) result.entries.push_back({key.from, key.to, key.image, count});
  std::sort(result.entries.begin(), result.entries.end(), before);
  return result;
}

TransitionCounts sum_counts(std::span<const TransitionCounts> parts, int left_out) {
  if (parts.empty()) throw Error(ErrorKind::usage, "no transition counts to add");
  TransitionCounts result{parts.front().n_states, parts.front().lag_frames, {}};
  std::vector<TransitionCount> all;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    if (parts[p].n_states != result.n_states || parts[p].lag_frames != result.lag_frames) {
      throw Error(ErrorKind::usage, "only transition counts of the same states and lag can be added");
    }
    if (static_cast<int>(p) != left_out) all.insert(all.end(), parts[p].entries.begin(), parts[p].entries.end());
  }
  std::sort(all.begin(), all.end(), before);
  for (const TransitionCount& entry : all) {
    if (!result.entries.empty() && !before(result.entries.back(), entry)) {
      result.entries.back().count += entry.count;
    } else {
      result.entries.push_back(entry);
    }
  }
  return result;
}

CountMatrix fold_images(const TransitionCounts& counts) {
  CountMatrix result{counts.n_states, {}};
  for (const TransitionCount& entry : counts.entries) {
    const auto count = static_cast<double>(entry.count);
    if (!result.entries.empty() && result.entries.back().from == entry.from && result.entries.back().to == entry.to) {
      result.entries.back().count += count;
    } else {
      result.entries.push_back({entry.from, entry.to, count});
    }
  }
  return result;
}

}  // namespace saltus::kinetics
