// The transition matrix of largest likelihood without detailed balance: T_ij = C_ij / c_i; pi by state reduction.
#pragma once

#include "saltus/kinetics/reversible_model.hpp"

namespace saltus::kinetics {

/// Strongly connected counts. `converged` is true, the residual is the rounding of the row sums, max_imbalance says how far T is
/// from detailed balance. Throws Error{usage} as estimate_reversible, Error{unsupported} beyond 5000 states (the
/// elimination is dense).
ReversibleModel estimate_free(const CountMatrix& counts);

}  // namespace saltus::kinetics
