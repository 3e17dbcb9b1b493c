// Reversible maximum-likelihood Markov model: pi_i T_ij = pi_j T_ji, found as the minimum of the convex function
//   f(u) = sum_{i<j} S_ij ln(c_i e^{-u_i} + c_j e^{-u_j}) + sum_i (c_i - C_ii) u_i,   u = ln pi, S = C + Cᵀ, c_i = sum_j C_ij,
// by Newton steps in which no pair is moved farther than its own curve allows, up to a few hundred states from the stationary
// probabilities of the counts as they are. Where that ends short of the maximum, again from counts eased by as many both ways,
// ever fewer, and with exact elimination unless it takes more than some 1e10 multiplications. T_ij = S_ij / (c_i + c_j e^{u_i - u_j}).
// Reference: the likelihood is that of Bowman et al., J. Chem. Phys. 131 (2009) 124101, and Trendelkamp-Schroer et al.,
// J. Chem. Phys. 143 (2015) 174101.
#pragma once

#include <span>
#include <vector>

#include "saltus/kinetics/transition_counts.hpp"

namespace saltus::kinetics {

struct Transition {
  int from = 0, to = 0;
  double probability = 0;
};

struct ReversibleModel {
  int n_states = 0;
  std::vector<double> ln_pi;            ///< [n] ln of the stationary probabilities; may span any range
  std::vector<double> pi;               ///< [n], sums to one
  std::vector<double> row_count;        ///< [n] c_i
  std::vector<Transition> transitions;  ///< non-zero T_ij with the diagonal, sorted by from, to; rows sum to one
  double max_residual = 0;              ///< largest |sum_j T_ij - 1| of the formula above: how well the maximum is met,
                                        ///< at ln pi in extended precision: rounded to double, it moves T by 1e-16 |ln_pi|
  double max_relative_residual = 0;     ///< the same over the probability of leaving the state: stays sharp for slow states
  double max_imbalance = 0;             ///< largest |pi_i T_ij - pi_j T_ji|
  int iterations = 0;
  bool converged = false;               ///< both residuals within their tolerances
};

struct ReversibleSettings {
  double tolerance = 1e-10;  ///< on max_relative_residual; steps go on beyond it as long as they still gain
  double residual_tolerance = 1e-12;  ///< on max_residual
  int max_iterations = 300;  ///< of one search; easing the counts takes some ten more per decade that they span
};

/// counts must be strongly connected (see largest_connected_set), else there may be no maximum.
///
/// start_ln_pi  [n] or empty: where the search begins, e.g. the result for nearly the same counts
///
/// Not converged is reported in the result. Throws Error{usage} on negative or non-finite counts or a state without any,
/// Error{numeric} when the counts are not connected.
ReversibleModel estimate_reversible(const CountMatrix& counts, std::span<const double> start_ln_pi = {},
                                    const ReversibleSettings& settings = {});

}  // namespace saltus::kinetics
