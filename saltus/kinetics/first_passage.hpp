// First passage and transition paths of a Markov chain:
//   m_i = lag + sum_j T_ij m_j, m = 0 in the target;     q_i = sum_j T_ij q_j, q = 0 in A, 1 in B.
// By state reduction without subtractions, so that rare events keep their digits; large reversible chains by the Laplacian of
// their fluxes. Reference: Metzner, Schütte, Vanden-Eijnden, Multiscale Model. Simul. 7 (2009) 1192.
#pragma once

#include <span>
#include <vector>

#include "saltus/kinetics/reversible_model.hpp"

namespace saltus::kinetics {

/// Stochastic rows, entries sorted or not, each pair once.
struct Chain {
  int n_states = 0;
  std::span<const Transition> transitions;
  std::span<const double> pi;  ///< [n]; of mean first-passage times and forward committors only needed beyond 1500 states
  bool reversible = true;
};

/// Mean time to reach `target` first, in the unit of `lag`; infinity where it is not reached with certainty. Throws Error{usage}
/// on an empty target or a state out of range, Error{unsupported} for more than 1500 states without detailed balance.
std::vector<double> mean_first_passage(const Chain& chain, double lag, std::span<const int> target);

/// Probability to be in `to` before in `from` next. Throws Error{usage} also when the two overlap, Error{numeric} when a state
/// leads to neither.
std::vector<double> forward_committor(const Chain& chain, std::span<const int> from, std::span<const int> to);

/// x with x_i = sum_j T_ij x_j where not fixed, x_i = value_i where fixed. Every state must lead to a fixed one.
std::vector<double> harmonic_extension(const Chain& chain, const std::vector<char>& fixed, std::vector<double> value);

/// Probability to have been in `from` later than in `to`: the same of the chain reversed in time.
std::vector<double> backward_committor(const Chain& chain, std::span<const int> from, std::span<const int> to);

struct ReactiveFlux {
  std::vector<double> forward, backward;  ///< [n] committors
  std::vector<Transition> gross;          ///< pi_i q-_i T_ij q+_j, i != j, per lag; non-zero
  std::vector<Transition> net;            ///< max(0, f_ij - f_ji)
  double total = 0;                       ///< out of `from`, per lag
  double imbalance = 0;                   ///< largest |in - out| over the states between, and |out of from - into to|
  double rate = 0;                        ///< of from -> to, per unit of `lag`: total / (lag sum_i pi_i q-_i)
};

ReactiveFlux reactive_flux(const Chain& chain, double lag, std::span<const int> from, std::span<const int> to);

struct ReactivePath {
  std::vector<int> states;
  double flux = 0;   ///< per lag: the smallest net flux along the path, less what stronger paths took
  double share = 0;  ///< of the total
};

/// Paths by falling flux until they carry `share` of the total or there are `most`: each time the path with the widest
/// bottleneck, whose flux is then taken off.
std::vector<ReactivePath> pathways(const ReactiveFlux& flux, int n_states, std::span<const int> from, std::span<const int> to,
                                   double share = 0.99, int most = 100);

}  // namespace saltus::kinetics
