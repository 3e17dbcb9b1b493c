// Which ways a reversible network's transport takes in a direction n: under a small force along n the current through a move is
//   J_ab = pi_a w_ab (n·d_ab + n·g_b - n·g_a),    D_nn = 1/2 sum J_ab n·d_ab,
// g the corrector of network_transport(); n·(r_a + g_a) rises along every current and is, between two distant planes across n,
// the committor up to scale. The current is conserved at every site, and so falls into closed walks; each adds its strength
// times its displacement along n to D_nn. The walks are taken by the widest bottleneck.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "saltus/kinetics/jump_network.hpp"

namespace saltus::kinetics {

/// [moves] J along unit vector `direction`, positive where the walker goes ahead; a move and its reverse have opposite signs.
std::vector<double> move_currents(const JumpNetwork& network, const NetworkTransport& transport, const Vec3& direction);

/// A closed walk on the periodic network.
struct TransportChannel {
  std::vector<std::size_t> moves;  ///< in order; each begins where the one before ends, the first where the last ends
  Vec3 displacement_ang;           ///< from the start to its periodic image at the end
  double current = 0;              ///< through the narrowest move, less what wider channels took
  double share = 0;                ///< of D_nn
};

/// Channels by falling width until they carry `share` of D_nn or there are `most`. None where D_nn vanishes.
std::vector<TransportChannel> transport_channels(const JumpNetwork& network, const NetworkTransport& transport, const Vec3& direction,
                                                 double share = 0.95, std::size_t most = 50);

}  // namespace saltus::kinetics
