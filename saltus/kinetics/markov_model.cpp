#include "saltus/kinetics/markov_model.hpp"

#include "saltus/base/error.hpp"
#include "saltus/kinetics/free_model.hpp"
#include "saltus/kinetics/fixed_stationary_model.hpp"

namespace saltus::kinetics {

MarkovModel estimate_markov_model(const CountMatrix& counts, const MarkovModelSettings& settings, const MarkovModel* start) {
  MarkovModel result;
  result.reversible = settings.reversible;
  result.set = largest_connected_set(counts);
  if (result.set.states.empty()) throw Error(ErrorKind::usage, "count matrix: there are no counts");
  result.counts = restrict_to(counts, result.set);
  if (!settings.stationary.empty()) {
    if (settings.stationary.size() != static_cast<std::size_t>(counts.n_states)) {
      throw Error(ErrorKind::usage, "stationary probabilities: one per state is needed");
    }
    std::vector<double> stationary;
    for (const int state : result.set.states) stationary.push_back(settings.stationary[static_cast<std::size_t>(state)]);
    result.model = estimate_with_stationary(result.counts, stationary, settings.search);
    return result;
  }
  if (!settings.reversible) {
    result.model = estimate_free(result.counts);
    return result;
  }
  std::vector<double> start_ln_pi;
  if (start) {
    for (const int state : result.set.states) {
      const int known = start->set.index_of[static_cast<std::size_t>(state)];
      if (known < 0) break;
      start_ln_pi.push_back(start->model.ln_pi[static_cast<std::size_t>(known)]);
    }
    if (start_ln_pi.size() != result.set.states.size()) start_ln_pi.clear();
  }
  result.model = estimate_reversible(result.counts, start_ln_pi, settings.search);
  return result;
}

std::vector<double> dense_transition_matrix(int n_states, std::span<const Transition> transitions) {
  const auto n = static_cast<std::size_t>(n_states);
  std::vector<double> dense(n * n, 0.0);
  for (const Transition& t : transitions) {
    dense[static_cast<std::size_t>(t.from) * n + static_cast<std::size_t>(t.to)] += t.probability;
  }
  return dense;
}

}  // namespace saltus::kinetics
