// The slowest eigenmodes of a reversible chain: (I - T) psi = mu psi, psi orthonormal in pi. With x_ij = pi_i T_ij,
//   mu = 1/2 sum_ij x_ij (psi_i - psi_j)^2,
// a sum of positive terms, so that mu keeps its digits however near to 1 the eigenvalue lambda = 1 - mu is. Small chains are
// diagonalised; of large ones the largest eigenvalues of the inverse are found by Lanczos' method.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "saltus/base/estimate.hpp"
#include "saltus/kinetics/reversible_model.hpp"

namespace saltus::kinetics {

struct SlowModes {
  std::vector<double> mu;                ///< [count] ascending
  std::vector<std::vector<double>> psi;  ///< [count][n], right eigenvectors; the largest entry in size is positive
  bool converged = true;
};

/// The `count` slowest modes after the stationary one, fewer when there are fewer states.
///
/// transitions  of a reversible, connected chain with stationary probabilities pi [n]
///
/// Not converged is reported; Throws Error{numeric} when the chain is not connected.
SlowModes slow_modes(int n_states, std::span<const Transition> transitions, std::span<const double> pi, int count);

/// -lag / ln(1 - mu), or nothing where 1 - mu is not positive.
std::optional<double> timescale_of(double mu, double lag);

/// Moduli of the eigenvalues of any transition matrix but the largest, descending, dense. Throws Error{unsupported} beyond 2000
/// states.
std::vector<double> eigenvalue_moduli(int n_states, std::span<const Transition> transitions, int count);

}  // namespace saltus::kinetics
