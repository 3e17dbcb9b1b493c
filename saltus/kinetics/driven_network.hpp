// Transport on a network that need not be reversible: with u_b = sum_a pi_a w_ab d what arrives and v_a = sum_b w_ab d what
// leaves,  MSD(t) = s2 t + 2 sym int_0^t (t - s) uᵀ e^{Qs} v ds,  D = s2 / 2 + sym uᵀ (-Q)^# v,  all displacements about the mean
// drift V = piᵀ v. Dense, for small networks.
#pragma once

#include <span>
#include <vector>

#include "saltus/kinetics/jump_network.hpp"

namespace saltus::kinetics {

/// D, D0, drift; corrector_ang as for reversible networks. `lag_form`: the weights are probabilities per lag, and the result
/// is per lag. Throws Error{numeric} when the network is not connected.
NetworkTransport driven_transport(const JumpNetwork& network, bool lag_form = false);

/// MSD about the drift, rates, at times >= 0.
std::vector<Mat3> driven_msd_ang2(const JumpNetwork& network, std::span<const double> times);

/// The same with probabilities, after `steps` lags, ascending.
std::vector<Mat3> driven_lag_msd_ang2(const JumpNetwork& network, std::span<const std::int64_t> steps);

/// Re F_s(k, t), drift included; rates.
double driven_scattering(const JumpNetwork& network, const Vec3& wave_vector_per_ang, double time);

}  // namespace saltus::kinetics
