#include "saltus/kinetics/jump_rates.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

#include <unsupported/Eigen/SpecialFunctions>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/connected_set.hpp"
#include "saltus/kinetics/reversible_model.hpp"

namespace saltus::kinetics {

namespace {

/// x with P(shape, x) = probability of the regularised incomplete gamma function, by bisection.
double gamma_quantile(double shape, double probability) {
  double low = 0, high = shape + 1;
  while (Eigen::numext::igamma(shape, high) < probability) high *= 2;
  for (int step = 0; step < 200 && high - low > 1e-13 * high; ++step) {
    const double middle = 0.5 * (low + high);
    (Eigen::numext::igamma(shape, middle) < probability ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

using Key = std::tuple<int, int, Int3>;

Key reverse_of(const Key& key) {
  const auto& [from, to, image] = key;
  return {to, from, Int3{-image[0], -image[1], -image[2]}};
}

bool moves(const TransitionCount& entry) { return entry.from != entry.to || entry.image != Int3{}; }

/// Every jump that was seen and its reverse.
std::map<Key, std::int64_t> jumps_of(const TransitionCounts& counts) {
  std::map<Key, std::int64_t> jumps;
  for (const TransitionCount& entry : counts.entries) {
    if (!moves(entry)) continue;
    const Key key{entry.from, entry.to, entry.image};
    jumps[key] += entry.count;
    jumps.try_emplace(reverse_of(key), 0);
  }
  return jumps;
}

}  // namespace

Estimate event_rate(double events, double exposure, double dispersion) {
  if (!(events >= 0) || !(exposure > 0) || !(dispersion >= 1))
    throw Error(ErrorKind::usage, "rates need events >= 0, a positive exposure and a dispersion of at least 1");
  const double independent = events / dispersion, unit = dispersion / exposure;
  return {events / exposure, independent > 0 ? unit * gamma_quantile(independent, 0.025) : 0, unit * gamma_quantile(independent + 1, 0.975)};
}

Estimate event_time(double events, double exposure, double dispersion) {
  const Estimate rate = event_rate(events, exposure, dispersion);
  const double never = std::numeric_limits<double>::infinity();
  return {events > 0 ? 1 / rate.value : never, 1 / rate.high, rate.low > 0 ? 1 / rate.low : never};
}

double jump_dispersion(std::span<const TransitionCounts> block_step_counts) {
  if (block_step_counts.size() < 2) return 1;
  const TransitionCounts all = sum_counts(block_step_counts);
  const std::vector<double> exposure = exposure_frames(all);
  std::vector<double> departures(exposure.size(), 0);
  for (const TransitionCount& entry : all.entries)
    if (moves(entry)) departures[static_cast<std::size_t>(entry.from)] += static_cast<double>(entry.count);
  double sum = 0, blocks = 0;
  for (const TransitionCounts& block : block_step_counts) {
    double seen = 0, expected = 0;
    for (const TransitionCount& entry : block.entries) {
      const auto from = static_cast<std::size_t>(entry.from);
      expected += static_cast<double>(entry.count) * departures[from] / exposure[from];
      if (moves(entry)) seen += static_cast<double>(entry.count);
    }
    if (!(expected > 0)) continue;
    sum += (seen - expected) * (seen - expected) / expected;
    blocks += 1;
  }
  return blocks > 1 ? std::max(1.0, sum / (blocks - 1)) : 1;
}

std::vector<double> exposure_frames(const TransitionCounts& step_counts) {
  std::vector<double> frames(static_cast<std::size_t>(step_counts.n_states), 0);
  for (const TransitionCount& entry : step_counts.entries) frames[static_cast<std::size_t>(entry.from)] += static_cast<double>(entry.count);
  return frames;
}

ImbalanceTest imbalance_of(const TransitionCounts& step_counts) {
  ImbalanceTest test;
  const std::map<Key, std::int64_t> jumps = jumps_of(step_counts);
  for (const auto& [key, count] : jumps) {
    const Key back = reverse_of(key);
    if (back < key) continue;
    const auto n = static_cast<double>(count), m = static_cast<double>(jumps.at(back));
    if (n + m < 10) continue;
    test.chi2 += (n - m) * (n - m) / (n + m);
    ++test.pairs;
  }
  return test;
}

SiteNetwork rate_network(const TransitionCounts& step_counts, double events_per_count, std::span<const Vec3> site_ang,
                         const Mat3& lattice_rows_ang, double frame_spacing) {
  if (site_ang.size() != static_cast<std::size_t>(step_counts.n_states) || !(frame_spacing > 0) || step_counts.lag_frames != 1)
    throw Error(ErrorKind::usage, "rate network: counts at a lag of one frame, a position for each state and a positive frame spacing are needed");
  const std::map<Key, std::int64_t> jumps = jumps_of(step_counts);
  if (jumps.empty()) throw Error(ErrorKind::usage, "there are no jumps to make a network of");
  const std::vector<double> exposure = exposure_frames(step_counts);
  const ConnectedSet set = largest_connected_set(step_counts);
  std::vector<double> ln_pi;
  if (set.states.size() > 1) ln_pi = estimate_reversible(fold_images(restrict_to(step_counts, set))).ln_pi;

  SiteNetwork network;
  network.n_sites = step_counts.n_states;
  network.cell_rows_ang = lattice_rows_ang;
  network.position_ang.assign(site_ang.begin(), site_ang.end());
  for (const auto& [key, count] : jumps) {
    const auto& [from, to, image] = key;
    const auto a = static_cast<std::size_t>(from), b = static_cast<std::size_t>(to);
    const int inside_a = set.index_of[a], inside_b = set.index_of[b];
    const auto n = static_cast<double>(count);
    double rate = 0;
    if (inside_a >= 0 && inside_b >= 0) {
      const double ratio = ln_pi.empty() ? 1 : std::exp(ln_pi[static_cast<std::size_t>(inside_a)] - ln_pi[static_cast<std::size_t>(inside_b)]);
      rate = (n + static_cast<double>(jumps.at(reverse_of(key)))) / (exposure[a] + exposure[b] * ratio) / frame_spacing;
    } else if (n > 0) {
      rate = n / exposure[a] / frame_spacing;
    }
    const Vec3 shift = Vec3{double(image[0]), double(image[1]), double(image[2])} * lattice_rows_ang;
    network.jumps.push_back({from, to, rate, site_ang[b] - site_ang[a] + shift, image, n * events_per_count});
  }
  return network;
}

}  // namespace saltus::kinetics
