// Stationary probabilities of a Markov chain by state reduction without subtractions: every pi_i to full relative
// accuracy, however small. Reference: Grassmann, Taksar, Heyman, Oper. Res. 33 (1985) 1107.
#pragma once

#include <span>
#include <vector>

namespace saltus::kinetics {

/// transition  row-stochastic, [n*n] row major, irreducible; the diagonal is not used
///
/// Returns [n], sum one. Throws Error{usage} on a wrong size or negative entries, Error{numeric} when not irreducible.
std::vector<double> stationary_distribution(std::span<const double> transition, int n_states);

}  // namespace saltus::kinetics
