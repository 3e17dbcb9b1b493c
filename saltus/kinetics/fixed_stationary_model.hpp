// Reversible maximum-likelihood Markov model with prescribed stationary probabilities: T_ij = S_ij / (pi_i (w_i + w_j)),
// w the minimum over w >= 0 of the convex function
//   g(w) = sum_i pi_i w_i - sum_{i<j} S_ij ln(w_i + w_j) - sum_i C_ii ln w_i,   S = C + Cᵀ,
// by projected Newton steps; what the rows lack is staying. Reference: Trendelkamp-Schroer et al., J. Chem. Phys. 143 (2015)
// 174101 (w_i = lambda_i / pi_i); Bertsekas, SIAM J. Control Optim. 20 (1982) 221.
#pragma once

#include <span>

#include "saltus/kinetics/reversible_model.hpp"

namespace saltus::kinetics {

/// counts      connected
/// stationary  [n], > 0; normalised here
///
/// max_residual is the largest violation of the conditions of the minimum: |row sum - 1| where w_i > 0, what the row sum has
/// above one where w_i = 0. Not converged is reported. Throws Error{usage} as estimate_reversible, or on a probability that is
/// not positive and finite.
ReversibleModel estimate_with_stationary(const CountMatrix& counts, std::span<const double> stationary,
                                         const ReversibleSettings& settings = {});

}  // namespace saltus::kinetics
