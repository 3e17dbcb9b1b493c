#include "saltus/kinetics/posterior_study.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "saltus/kinetics/first_passage.hpp"
#include "saltus/kinetics/free_model.hpp"
#include "saltus/kinetics/reversible_posterior.hpp"
#include "saltus/kinetics/slow_modes.hpp"
#include "saltus/kinetics/stationary_distribution.hpp"

namespace saltus::kinetics {

PosteriorStudy sample_posterior(const CountMatrix& counts, double lag_fs, const PosteriorSettings& settings, std::span<const int> from,
                                std::span<const int> to, const Progress& progress) {
  std::optional<ReversiblePosterior> posterior;
  Random random(settings.seed, 0);
  if (settings.reversible) {
    posterior.emplace(counts, estimate_reversible(counts), random);
    for (int k = 0; k < settings.burn_in_sweeps; ++k) posterior->sweep();
  }
  PosteriorStudy result;
  result.timescale_fs.resize(static_cast<std::size_t>(std::max(0, std::min(settings.n_timescales, counts.n_states - 1))));
  for (int k = 0; k < settings.samples; ++k) {
    std::vector<Transition> transitions;
    std::vector<double> pi;
    if (posterior) {
      for (int sweep = 0; sweep < settings.sweeps_per_sample; ++sweep) posterior->sweep();
      transitions = posterior->transitions();
      pi = posterior->stationary();
      const SlowModes modes = slow_modes(counts.n_states, transitions, pi, settings.n_timescales);
      for (std::size_t m = 0; m < modes.mu.size(); ++m) {
        if (const auto timescale = timescale_of(modes.mu[m], lag_fs)) result.timescale_fs[m].push_back(*timescale);
      }
    } else {
      transitions = sample_free(counts, random);
      const std::vector<double> moduli = eigenvalue_moduli(counts.n_states, transitions, settings.n_timescales);
      for (std::size_t m = 0; m < moduli.size(); ++m) {
        if (moduli[m] > 0 && moduli[m] < 1) result.timescale_fs[m].push_back(-lag_fs / std::log(moduli[m]));
      }
      if (!from.empty()) pi = stationary_distribution(dense_transition_matrix(counts.n_states, transitions), counts.n_states);
    }
    if (!from.empty()) {
      result.rate_per_fs.push_back(reactive_flux({counts.n_states, transitions, pi, settings.reversible}, lag_fs, from, to).rate);
    }
    report_progress(progress, "posterior", k + 1, settings.samples, "samples");
  }
  return result;
}

}  // namespace saltus::kinetics
