#include "saltus/kinetics/posterior_study.hpp"

#include "saltus/kinetics/first_passage.hpp"
#include "saltus/kinetics/reversible_posterior.hpp"
#include "saltus/kinetics/slow_modes.hpp"

namespace saltus::kinetics {

PosteriorStudy sample_posterior(const CountMatrix& counts, double lag_fs, const PosteriorSettings& settings, std::span<const int> from,
                                std::span<const int> to, const Progress& progress) {
  ReversiblePosterior posterior(counts, estimate_reversible(counts), Random(settings.seed, 0));
  for (int k = 0; k < settings.burn_in_sweeps; ++k) posterior.sweep();
  PosteriorStudy result;
  for (int k = 0; k < settings.samples; ++k) {
    for (int sweep = 0; sweep < settings.sweeps_per_sample; ++sweep) posterior.sweep();
    const std::vector<Transition> transitions = posterior.transitions();
    const std::vector<double> pi = posterior.stationary();
    const SlowModes modes = slow_modes(counts.n_states, transitions, pi, settings.n_timescales);
    result.timescale_fs.resize(modes.mu.size());
    for (std::size_t m = 0; m < modes.mu.size(); ++m) {
      if (const auto timescale = timescale_of(modes.mu[m], lag_fs)) result.timescale_fs[m].push_back(*timescale);
    }
    if (!from.empty()) {
      result.rate_per_fs.push_back(reactive_flux({counts.n_states, transitions, pi, true}, lag_fs, from, to).rate);
    }
    report_progress(progress, "posterior", k + 1, settings.samples, "samples");
  }
  return result;
}

}  // namespace saltus::kinetics
