// Transport on a periodic jump network: D, MSD and the incoherent scattering function of a walker that moves a -> b with
// weight w (a rate, or the probability of a Markov model per lag) and displacement d.
//   v_a = sum w d,  s2 = sum pi_a w d dᵀ,  D = s2 / 2 - <v, g>_pi,  (I - T) g = v  (or -Q g = v)   per unit of time.
// Reference: Trinkle, Phil. Mag. 96 (2016) 2714.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/kinetics/reversible_model.hpp"
#include "saltus/kinetics/tensor.hpp"
#include "saltus/kinetics/transition_counts.hpp"

namespace saltus::kinetics {

struct NetworkMove {
  int from = 0, to = 0;
  double weight = 0;      ///< rate in 1/time, or probability per lag
  Vec3 displacement_ang;  ///< of the walker; periodic images make from == to possible
};

/// Moves that displace nothing and end where they start may be left out.
struct JumpNetwork {
  std::vector<double> pi;  ///< [n], sums to one
  std::vector<NetworkMove> moves;
};

/// All that transport needs to know of a network.
struct NetworkMoments {
  std::vector<double> pi;
  std::vector<Transition> transitions;  ///< moves between different states; may repeat
  std::vector<Vec3> mean_ang;           ///< [n] v_a, per unit of time or per lag
  Mat3 square_ang2;                     ///< s2
};

NetworkMoments network_moments(const JumpNetwork& network);

struct NetworkTransport {
  Mat3 diffusion_ang2;               ///< D per unit of time of the weights (per lag for probabilities)
  Mat3 uncorrelated_diffusion_ang2;  ///< s2 / 2
  Vec3 drift_ang;                    ///< sum pi_a v_a: zero for a reversible network, up to rounding
  std::vector<Vec3> corrector_ang;   ///< [n] g_a, up to a constant
};

/// The network must be reversible and connected. Throws Error{usage} when pi_a w_ab and pi_b w_ba differ by more than 1e-6 of
/// the largest flux, Error{numeric} when it is not connected.
NetworkTransport network_transport(const NetworkMoments& moments);

/// Share of each move in D along unit vector `direction`: pi_a w (n·d + g_b - g_a)² / 2, summing to D_nn. Both directions of
/// an undirected path carry the same share.
std::vector<double> move_shares_ang2(const JumpNetwork& network, const NetworkTransport& transport, const Vec3& direction);

/// MSD of the lag form after `steps` lags, ascending: n s2 - 2 sum_{m=1}^{n-1} (n - m) <v, T^{m-1} v>.
std::vector<Mat3> network_msd_ang2(const NetworkMoments& moments, std::span<const std::int64_t> steps);

/// MSD of the generator form at times >= 0, from the eigenpairs of Q. Dense: for small networks.
std::vector<Mat3> network_msd_continuous_ang2(const NetworkMoments& moments, std::span<const double> times);

/// Incoherent intermediate scattering function F_s(k, t) = piᵀ exp(Q(k) t) 1 of the generator form. Dense.
std::vector<double> incoherent_scattering(const JumpNetwork& network, const Vec3& wave_vector_per_ang, std::span<const double> times);
double incoherent_scattering(const JumpNetwork& network, const Vec3& wave_vector_per_ang, double time);

/// The network of a reversible model at its lag: T_ab(R) = S_ab(R) / (c_a + c_b pi_a / pi_b), S_ab(R) = C_ab(R) + C_ba(-R).
///
/// counts          those the model was made from
/// site_ang        [n] positions of the states in image 0
/// lattice_rows    lattice vectors (Å) of the images
JumpNetwork lag_network(const TransitionCounts& counts, const ReversibleModel& model, std::span<const Vec3> site_ang,
                        const Mat3& lattice_rows);

}  // namespace saltus::kinetics
