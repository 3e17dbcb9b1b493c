// The largest strongly connected set of states of a count matrix: where a reversible model has a maximum likelihood.
// Reference: Tarjan, SIAM J. Comput. 1 (1972) 146.
#pragma once

#include <cstdint>
#include <vector>

#include "saltus/kinetics/transition_counts.hpp"

namespace saltus::kinetics {

struct ConnectedSet {
  std::vector<int> states;      ///< members, ascending
  std::vector<int> index_of;    ///< [n_states] place in `states`, or −1
  int n_visited_states = 0;     ///< states with any count
  int n_sets = 0;               ///< strongly connected sets among the visited states
  std::int64_t dropped_counts = 0;  ///< transitions that start or end outside; of a CountMatrix rounded
  double dropped_weight = 0;        ///< the same, not rounded
  double dropped_population = 0;    ///< share of all transitions that start outside
};

/// Images are ignored. The set with most states; among equals the one with most counts, then with the lowest state.
/// No counts at all: an empty set.
ConnectedSet largest_connected_set(const TransitionCounts& counts);

/// Counts within the set, states renumbered 0 … states.size() − 1.
TransitionCounts restrict_to(const TransitionCounts& counts, const ConnectedSet& set);

/// The same of weights; entries of weight zero connect nothing. Throws Error{usage} on a negative or not finite weight and on
/// a state out of range.
ConnectedSet largest_connected_set(const CountMatrix& counts);
CountMatrix restrict_to(const CountMatrix& counts, const ConnectedSet& set);

}  // namespace saltus::kinetics
