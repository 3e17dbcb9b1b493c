// A Markov state model from counts: the largest strongly connected set, and on it the transition matrix of largest likelihood,
// reversible (T_ij from pi_i T_ij = pi_j T_ji) or free (T_ij = C_ij / c_i).
#pragma once

#include <span>
#include <vector>

#include "saltus/kinetics/connected_set.hpp"
#include "saltus/kinetics/reversible_model.hpp"

namespace saltus::kinetics {

struct MarkovModel {
  ConnectedSet set;
  CountMatrix counts;     ///< within the set, states renumbered
  ReversibleModel model;  ///< of the states of the set; not reversible when the settings say so
  bool reversible = true;
};

struct MarkovModelSettings {
  bool reversible = true;
  /// [n_states] prescribed stationary probabilities of all states, > 0 on the set, or empty: estimated. They are normalised
  /// on the set.
  std::vector<double> stationary;
  ReversibleSettings search;
};

/// start  a model of nearly the same counts, or null: where the search begins
///
/// Throws Error{usage} without any counts, or on what largest_connected_set and the estimators refuse.
MarkovModel estimate_markov_model(const CountMatrix& counts, const MarkovModelSettings& settings = {},
                                  const MarkovModel* start = nullptr);

/// T as a dense matrix [n*n], row major.
std::vector<double> dense_transition_matrix(int n_states, std::span<const Transition> transitions);

}  // namespace saltus::kinetics
