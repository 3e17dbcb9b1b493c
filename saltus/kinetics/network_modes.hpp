// Relaxations of a network and how much of D each takes away: with -Q psi_m = l_m psi_m, c_m = sum pi_a v_a psi_m(a),
//   D = s2 / 2 - sum_m c_m c_mᵀ / l_m.
#pragma once

#include <optional>
#include <vector>

#include "saltus/kinetics/jump_network.hpp"

namespace saltus::kinetics {

struct RelaxationMode {
  std::optional<double> time;  ///< in the unit of the rates, or of the lag; none: eigenvalue of T not positive, no timescale
  Mat3 diffusion_ang2;         ///< what the mode takes from D0, per unit of time or per lag; of degenerate modes only the sum has a meaning
  std::vector<double> right;   ///< [n] psi_m: where positive and where negative it exchanges
};

/// All modes of a reversible, connected network but the stationary one, slowest first. `lag_form`: weights are probabilities
/// per lag. Throws Error{unsupported} beyond 3000 sites (the whole matrix is diagonalised).
std::vector<RelaxationMode> relaxation_modes(const NetworkMoments& moments, bool lag_form = false);

/// Times -1 / Re(eigenvalue of Q), or -1 / ln|eigenvalue of T|, of any network, slowest first. Dense.
std::vector<double> driven_relaxation_times(const NetworkMoments& moments, bool lag_form = false);

}  // namespace saltus::kinetics
