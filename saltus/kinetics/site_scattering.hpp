// Incoherent intermediate scattering of ions on sites, F_s(k, t) = <cos k·(X(t) - X(0))>, X the site an ion belongs to: as counted,
//   F_s(k, lag) = sum_ab,R C_ab(R) cos k·d_abR / sum C,
// and as a Markov model of one lag foretells it, F_s(k, n lag) = piᵀ T(k)ⁿ 1, T_ab(k) = sum_R T_ab(R) exp(i k·d_abR).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/kinetics/jump_network.hpp"
#include "saltus/kinetics/transition_counts.hpp"

namespace saltus::kinetics {

/// site_ang [n_states] in image 0. Throws Error{usage} when sizes do not fit or there are no counts.
double counted_scattering(const TransitionCounts& counts, std::span<const Vec3> site_ang, const Mat3& lattice_rows_ang,
                          const Vec3& wave_vector_per_ang);

/// After `steps` lags, ascending from zero, of a network whose weights are probabilities per lag. Real for a reversible network, to
/// rounding.
std::vector<double> lag_scattering(const JumpNetwork& network, const Vec3& wave_vector_per_ang, std::span<const std::int64_t> steps);

}  // namespace saltus::kinetics
