// Rates of jumps from events and exposure, w_ab(R) = n_ab(R) / (time in a), with exact Poisson intervals, and the reversible
// network of largest likelihood, w_ab = (n_ab + n_ba) / (t_a + t_b pi_a / pi_b), t_a the time in a.
// Reference: Garwood, Biometrika 28 (1936) 437 (intervals); the likelihood is that of reversible_model.hpp at a lag of one frame.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/kinetics/site_network.hpp"
#include "saltus/kinetics/transition_counts.hpp"

namespace saltus::kinetics {

/// Rate of a Poisson process that showed `events` during `exposure`, with the exact central 95 % interval. Events need not be
/// whole: those that come in bursts are divided by their dispersion. Without an event low is 0 and high the rate that would
/// have shown one with probability 97.5 %. Throws Error{usage} unless events >= 0 and exposure > 0.
Estimate event_rate(double events, double exposure, double dispersion = 1);

/// The same for the mean time between events; value and high are infinite without an event.
Estimate event_time(double events, double exposure, double dispersion = 1);

/// How many jumps come together, as where one vacancy moves many ions in a row: sum over blocks of (N_b - E_b)² / E_b, over one less than
/// their number, at least 1. E_b is what block b expects from the time spent in each state and the rates of the whole.
///
/// block_step_counts  [blocks] counts at a lag of one frame, of equal n_states
double jump_dispersion(std::span<const TransitionCounts> block_step_counts);

/// [n_states] frames during which a jump from the state would have been seen, from counts at a lag of one frame.
std::vector<double> exposure_frames(const TransitionCounts& step_counts);

/// How unequal jumps are to their reverses: sum of (n - m)² / (n + m) over the pairs with at least 10 jumps, and their number.
struct ImbalanceTest {
  double chi2 = 0;
  std::int64_t pairs = 0;
};
ImbalanceTest imbalance_of(const TransitionCounts& step_counts);

/// The reversible network behind counts at a lag of one frame; every jump that was seen, and its reverse.
///
/// events_per_count   what one count is worth in independent events (for the "count" of the jumps)
/// site_ang           [n_states] positions in image 0; images count the lattice vectors `lattice_rows_ang`
/// frame_spacing      in the unit of time of the rates
///
/// Between states that are not connected both ways the rates are plain events over exposure. Throws Error{usage} for sizes that
/// do not fit or when there is no jump.
SiteNetwork rate_network(const TransitionCounts& step_counts, double events_per_count, std::span<const Vec3> site_ang,
                         const Mat3& lattice_rows_ang, double frame_spacing);

}  // namespace saltus::kinetics
