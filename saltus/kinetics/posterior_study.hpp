// What the posterior of models, reversible or free, says about timescales and rates: samples and how many of them are independent.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/kinetics/markov_model.hpp"

namespace saltus::kinetics {

struct PosteriorSettings {
  int samples = 1000;
  int sweeps_per_sample = 10;
  int burn_in_sweeps = 100;
  std::uint64_t seed = 1;
  int n_timescales = 10;
  bool reversible = true;  ///< false: rows independent; every sample is drawn anew, sweeps do not matter
};

struct PosteriorStudy {
  std::vector<std::vector<double>> timescale_fs;  ///< [timescale][sample]; shorter where a sample had none
  std::vector<double> rate_per_fs;                ///< [sample] of from -> to; empty without them
};

/// counts  within the connected set, independent of each other
/// from, to  states of the set, or both empty
PosteriorStudy sample_posterior(const CountMatrix& counts, double lag_fs, const PosteriorSettings& settings,
                                std::span<const int> from = {}, std::span<const int> to = {}, const Progress& progress = {});

}  // namespace saltus::kinetics
