// Implied timescales t_m = -lag / ln(lambda_m) of a reversible Markov model, from the eigenvalues mu = 1 - lambda of the
// symmetrised I - T, so that slow processes (lambda near 1) keep their digits.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "saltus/kinetics/reversible_model.hpp"

namespace saltus::kinetics {

/// The `count` slowest processes after the stationary one, in units of `lag`; fewer when there are fewer states. No value
/// where the eigenvalue is not positive: that process has no timescale at this lag.
///
/// transitions  of a reversible, connected chain; the diagonal is not used
///
/// Throws Error{unsupported} beyond 5000 states (the whole matrix is diagonalised).
std::vector<std::optional<double>> implied_timescales(int n_states, std::span<const Transition> transitions, double lag,
                                                      int count);

/// The same from a dense row-stochastic matrix [n*n].
std::vector<Transition> transitions_of(std::span<const double> transition, int n_states);

}  // namespace saltus::kinetics
