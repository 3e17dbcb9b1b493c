#include "saltus/kinetics/jump_classes.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kinetics/distributions.hpp"
#include "saltus/kinetics/jump_rates.hpp"

namespace saltus::kinetics {

namespace {

constexpr std::uint64_t drawing_seed = 20250101;
constexpr int drawings = 999;
constexpr double least_expected = 5;  // the usual bound below which chi² is no longer distributed as its name says

using Key = std::tuple<int, int, Int3>;

Key moved(const StateMap& map, const Key& key) {
  const auto& [from, to, image] = key;
  const auto a = static_cast<std::size_t>(from), b = static_cast<std::size_t>(to);
  Int3 result{};
  for (std::size_t i = 0; i < 3; ++i) {
    result[i] = map.cell[b][i] - map.cell[a][i];
    for (std::size_t j = 0; j < 3; ++j) result[i] += map.rotation[i][j] * image[j];
  }
  return {map.target[a], map.target[b], result};
}

void check_maps(int n_states, std::span<const StateMap> maps) {
  for (const StateMap& map : maps) {
    bool fits = map.target.size() == static_cast<std::size_t>(n_states) && map.cell.size() == map.target.size();
    for (const int target : map.target) fits = fits && target >= 0 && target < n_states;
    if (!fits) throw Error(ErrorKind::usage, "jump classes: a map does not fit the states");
  }
}

double chi_square(std::span<const double> events, std::span<const double> expected) {
  double sum = 0;
  for (std::size_t k = 0; k < events.size(); ++k) sum += (events[k] - expected[k]) * (events[k] - expected[k]) / expected[k];
  return sum;
}

/// P(chi² as large) for events that are all alike.
double p_value(const JumpClass& found, std::span<const double> exposure, double dispersion, std::uint64_t stream) {
  std::vector<double> events, expected, upto;
  double sum = 0;
  for (const JumpMember& member : found.members) {
    const double t = exposure[static_cast<std::size_t>(member.from)];
    if (!(t > 0)) continue;  // never there: nothing to compare
    events.push_back(static_cast<double>(member.events));
    expected.push_back(static_cast<double>(found.events) * t / found.exposure_frames);
    upto.push_back(sum += t);
  }
  if (events.size() < 2) return 1;
  const double chi2 = chi_square(events, expected) / dispersion;
  if (*std::min_element(expected.begin(), expected.end()) >= least_expected) return chi_squared_tail(chi2, static_cast<int>(events.size()) - 1);
  Random random(drawing_seed, stream);
  int as_large = 0;
  std::vector<double> drawn(events.size());
  for (int k = 0; k < drawings; ++k) {
    std::fill(drawn.begin(), drawn.end(), 0.0);
    for (std::int64_t n = 0; n < found.events; ++n)
      drawn[static_cast<std::size_t>(std::upper_bound(upto.begin(), upto.end() - 1, random.uniform() * sum) - upto.begin())] += 1;
    as_large += chi_square(drawn, expected) >= chi2 * (1 - 1e-12);
  }
  return (1.0 + as_large) / (1 + drawings);
}

}  // namespace

JumpClasses jump_classes(const TransitionCounts& step_counts, std::span<const StateMap> maps, double dispersion) {
  check_maps(step_counts.n_states, maps);
  const std::vector<double> exposure = exposure_frames(step_counts);
  std::map<Key, std::int64_t> left;
  for (const TransitionCount& entry : step_counts.entries)
    if (entry.from != entry.to || entry.image != Int3{}) left[{entry.from, entry.to, entry.image}] += entry.count;
  JumpClasses result;
  while (!left.empty()) {
    std::vector<Key> keys{left.begin()->first};
    for (const StateMap& map : maps) keys.push_back(moved(map, left.begin()->first));
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    JumpClass found;
    for (const Key& key : keys) {
      const auto seen = left.find(key);
      const std::int64_t events = seen == left.end() ? 0 : seen->second;
      if (seen != left.end()) left.erase(seen);
      found.members.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), events});
      found.events += events;
      found.exposure_frames += exposure[static_cast<std::size_t>(std::get<0>(key))];
    }
    std::stable_sort(found.members.begin(), found.members.end(), [](const JumpMember& a, const JumpMember& b) { return a.events > b.events; });
    found.rate_per_frame = event_rate(static_cast<double>(found.events), found.exposure_frames, dispersion);
    if (found.members.size() > 1 && found.events > 1) {
      found.p_value = p_value(found, exposure, dispersion, result.classes.size());
      ++result.tested;
      result.smallest_p = std::min(result.smallest_p, found.p_value);
    }
    result.classes.push_back(std::move(found));
  }
  std::stable_sort(result.classes.begin(), result.classes.end(), [](const JumpClass& a, const JumpClass& b) { return a.events > b.events; });
  return result;
}

TransitionCounts summed_over(const TransitionCounts& counts, std::span<const StateMap> maps) {
  if (maps.empty()) throw Error(ErrorKind::usage, "jump classes: no maps");
  check_maps(counts.n_states, maps);
  std::map<Key, std::int64_t> sum;
  for (const TransitionCount& entry : counts.entries)
    for (const StateMap& map : maps) sum[moved(map, {entry.from, entry.to, entry.image})] += entry.count;
  TransitionCounts result{counts.n_states, counts.lag_frames, {}};
  for (const auto& [key, count] : sum) result.entries.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), count});
  return result;
}

}  // namespace saltus::kinetics
