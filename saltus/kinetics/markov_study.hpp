// What a Markov state model says, with 95 % intervals: timescales at one lag or many, stationary probabilities, and whether the model
// of one lag foretells those of longer ones (Chapman-Kolmogorov). Intervals come from leaving out blocks of time, or, where there are
// only counts, from the curvature of the likelihood.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/base/progress.hpp"
#include "saltus/kinetics/discrete_trajectory.hpp"
#include "saltus/kinetics/kinetics_estimate.hpp"
#include "saltus/kinetics/markov_model.hpp"
#include "saltus/kinetics/metastable_sets.hpp"
#include "saltus/kinetics/slow_modes.hpp"

namespace saltus::kinetics {

struct MarkovStudySettings {
  MarkovModelSettings model;
  Counting counting = Counting::sliding;
  int n_timescales = 10;
  int n_blocks = 10;  ///< of time, behind the intervals
};

struct MarkovStudy {
  std::int64_t lag_frames = 1;
  double lag_fs = 1;
  double n_counts = 0;           ///< all, also those outside the connected set
  MarkovModel model;
  SlowModes modes;               ///< empty without detailed balance
  std::vector<Timescale> timescales;            ///< slowest first
  std::vector<std::optional<Estimate>> stationary;  ///< [states of the model]
  std::string interval_method;   ///< of timescales and stationary: what the intervals come from, or why there are none
  std::vector<MarkovModel> replicates;          ///< [n_blocks] without one block each; empty without blocks
};

/// From counts alone, taken as independent.
MarkovStudy study_counts(const CountMatrix& counts, double lag_fs, const MarkovStudySettings& settings);

/// From states in time. Throws Error{usage} when no pair of frames is a lag apart.
MarkovStudy study_trajectory(const DiscreteTrajectory& trajectory, std::int64_t lag_frames, double frame_spacing_fs,
                             const MarkovStudySettings& settings);

/// Counts as if they were independent: sliding ones over the lag.
CountMatrix independent_counts(const MarkovStudy& study, Counting counting);

struct ForetoldProbability {
  int from_set = 0, to_set = 0;
  int steps = 1;                    ///< lags
  Estimate foretold, estimated;     ///< by T(lag)^steps; by T(steps · lag)
  double difference_sigmas = 0;     ///< of the difference, by its own jackknife error
};

struct ChapmanKolmogorov {
  std::vector<ForetoldProbability> probabilities;
  double largest_sigmas = 0, largest_difference = 0;  ///< over steps > 1
  double allowed_sigmas = 0;  ///< Student's t at 95 % for all comparisons together (Bonferroni)
  bool passed = false;
  std::string note;           ///< why a comparison could not be made
};

/// P(in set b after k lags | started in set a by the stationary probabilities of the model), k = 1 … most_steps, for memberships
/// [states of the model * n_sets]. Throws Error{usage} when the longest lag leaves no counts or the study has no replicates.
ChapmanKolmogorov test_chapman_kolmogorov(const DiscreteTrajectory& trajectory, const MarkovStudy& study, const MetastableSets& sets,
                                          int most_steps, double frame_spacing_fs, const MarkovStudySettings& settings,
                                          const Progress& progress = {});

}  // namespace saltus::kinetics
