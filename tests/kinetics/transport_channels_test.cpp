#include "saltus/kinetics/transport_channels.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/kinetics/golden_network.hpp"

namespace saltus::kinetics {
namespace {

void join(JumpNetwork& network, int a, int b, double flux, const Vec3& displacement) {
  network.moves.push_back({a, b, flux / network.pi[static_cast<std::size_t>(a)], displacement});
  network.moves.push_back({b, a, flux / network.pi[static_cast<std::size_t>(b)], -1.0 * displacement});
}

// Along x from site 0 to its image, cell length 2: over site 1 (both steps of flux p), over site 2 (q then 3 q), and directly (r). Fluxes
// in series add as conductors do: D = L² (p / 2 + 3 q / 4 + r), shares in that ratio.
TEST(TransportChannels, ParallelWaysShareAsConductors) {
  const double p = 0.01, q = 0.004, r = 0.001, cell = 2;
  JumpNetwork network{{0.5, 0.3, 0.2}, {}};
  join(network, 0, 1, p, {0.6, 0.5, 0});
  join(network, 1, 0, p, {cell - 0.6, -0.5, 0});
  join(network, 0, 2, q, {1.1, 0, 0.3});
  join(network, 2, 0, 3 * q, {cell - 1.1, 0, -0.3});
  join(network, 0, 0, r, {cell, 0, 0});
  const NetworkTransport transport = network_transport(network_moments(network));
  const double conductance = p / 2 + 3 * q / 4 + r;
  EXPECT_NEAR(transport.diffusion_ang2[0].x, cell * cell * conductance, 1e-14);

  const auto channels = transport_channels(network, transport, {1, 0, 0}, 1);
  ASSERT_EQ(channels.size(), 3u);
  const double expected[] = {p / 2, 3 * q / 4, r};
  const std::size_t length[] = {2, 2, 1};
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_NEAR(channels[k].share, expected[k] / conductance, 1e-13);
    EXPECT_EQ(channels[k].moves.size(), length[k]);
    EXPECT_NEAR(channels[k].displacement_ang.x, cell, 1e-14);
    EXPECT_NEAR(norm(channels[k].displacement_ang), cell, 1e-14);
  }
  EXPECT_TRUE(transport_channels(network, transport, {0, 0, 1}).empty());  // nothing percolates along z
  EXPECT_EQ(transport_channels(network, transport, {1, 0, 0}, 0.5).size(), 1u);
  EXPECT_EQ(transport_channels(network, transport, {1, 0, 0}, 1, 2).size(), 2u);
}

// In any network all channels together carry D along the direction, each walk is closed and goes ahead, and the current is
// conserved at every site.
TEST(TransportChannels, AddUpToD) {
  const GoldenNetwork golden = read_golden_network("net_triclinic4.dat");
  const NetworkTransport transport = network_transport(network_moments(golden.network));
  for (Vec3 n : {Vec3{1, 0, 0}, Vec3{0, 0, 1}, Vec3{0.6, -0.64, 0.48}}) {
    n = (1 / norm(n)) * n;
    const std::vector<double> current = move_currents(golden.network, transport, n);
    std::vector<double> gain(golden.network.pi.size(), 0.0);
    for (std::size_t m = 0; m < current.size(); ++m) {
      gain[static_cast<std::size_t>(golden.network.moves[m].to)] += current[m];
      gain[static_cast<std::size_t>(golden.network.moves[m].from)] -= current[m];
    }
    for (const double g : gain) EXPECT_NEAR(g, 0, 1e-11);
    double share = 0;
    for (const TransportChannel& channel : transport_channels(golden.network, transport, n, 1, 1000)) {
      share += channel.share;
      EXPECT_GT(channel.share, 0);
      for (std::size_t k = 0; k < channel.moves.size(); ++k) {
        const NetworkMove &move = golden.network.moves[channel.moves[k]], &next = golden.network.moves[channel.moves[(k + 1) % channel.moves.size()]];
        EXPECT_EQ(move.to, next.from);
      }
    }
    EXPECT_NEAR(share, 1, 1e-8);
  }
}

}  // namespace
}  // namespace saltus::kinetics
