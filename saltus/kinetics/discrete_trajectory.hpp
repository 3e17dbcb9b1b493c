// States of carriers in time, and their transition counts at any lag: from runs of equal states (all lags from one list, cost ~
// number of runs), or frame by frame where states change nearly every frame.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/kinetics/transition_counts.hpp"

namespace saltus::kinetics {

/// How pairs (t, t + lag) of an unbroken stretch are taken.
enum class Counting {
  sliding,    ///< every t
  strided,    ///< t = 0, lag, 2 lag, … of each stretch: for a Markov chain independent
  effective,  ///< sliding, those from each state over the statistical inefficiency of where it leads: as many as are independent
};

/// A stretch holds no frame without a state; pairs never reach across its ends.
struct StateStretch {
  int carrier = 0;
  std::int64_t begin_frame = 0, end_frame = 0;  ///< of the carrier
  std::size_t begin_run = 0, end_run = 0;       ///< in the list of runs, if there is one
};

class DiscreteTrajectory {
 public:
  /// state  [carriers][frames]; below zero: no state. Throws Error{usage} when there is no state at all.
  explicit DiscreteTrajectory(std::vector<std::vector<std::int32_t>> state);

  int n_states() const { return n_states_; }            ///< largest state + 1
  int n_carriers() const { return static_cast<int>(state_.size()); }
  std::int64_t n_frames() const { return n_frames_; }   ///< of the longest carrier
  std::int64_t n_assigned() const { return n_assigned_; }  ///< frames with a state, all carriers
  std::int64_t n_runs() const { return n_runs_; }       ///< stretches of equal states, those without one included
  std::span<const StateStretch> stretches() const { return stretches_; }

  /// Pairs whose first frame lies in `window`. No pair fits: an empty matrix. Throws Error{usage} unless lag > 0.
  CountMatrix count(std::int64_t lag, Counting counting = Counting::sliding, FrameWindow window = {}) const;

 private:
  template <typename Take>
  void sweep(std::int64_t lag, FrameWindow window, const Take& take) const;
  CountMatrix effective(std::int64_t lag, FrameWindow window) const;

  int n_states_ = 0;
  std::int64_t n_frames_ = 0, n_assigned_ = 0, n_runs_ = 0;
  bool by_runs_ = false;
  std::vector<std::vector<std::int32_t>> state_;
  std::vector<StateStretch> stretches_;
  std::vector<std::int32_t> run_state_;
  std::vector<std::int64_t> run_end_;
};

/// Statistical inefficiency 1 + 2 sum_k (1 - k/n) rho_k >= 1 of a series of zeros and ones, summed until rho_k is no longer
/// positive. `ones` are the ascending, disjoint intervals [begin, end) of its ones, n its length.
double statistical_inefficiency(std::span<const std::pair<std::int64_t, std::int64_t>> ones, std::int64_t n);

}  // namespace saltus::kinetics
