// The transition matrix of largest likelihood without detailed balance: T_ij = C_ij / c_i; pi by state reduction.
#pragma once

#include <span>
#include <vector>

#include "saltus/base/random.hpp"
#include "saltus/kinetics/reversible_model.hpp"

namespace saltus::kinetics {

/// Strongly connected counts. `converged` is true, the residual is the rounding of the row sums, max_imbalance says how far T is
/// from detailed balance. Throws Error{usage} as estimate_reversible, Error{unsupported} beyond 5000 states (the
/// elimination is dense).
ReversibleModel estimate_free(const CountMatrix& counts);

/// Transitions drawn from the posterior of counts with prior 1/T: rows are independent Dirichlet variates of their counts. Sorted.
std::vector<Transition> sample_free(const CountMatrix& counts, Random& random);

/// Covariance [n*n] of a Dirichlet variate with parameters alpha [n] > 0: of the probabilities of one row.
std::vector<double> dirichlet_covariance(std::span<const double> alpha);

}  // namespace saltus::kinetics
