#include <cmath>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/lattice_gas.hpp"
#include "tests/kinetics/random_network.hpp"

namespace saltus::kinetics {
namespace {

Tiling simple_cubic(int edge, double rate = 1) {
  Tiling tiling{1, {}, {edge, edge, edge}, {}};
  for (std::size_t x = 0; x < 3; ++x)
    for (const int sign : {1, -1}) {
      Int3 image{};
      image[x] = sign;
      tiling.moves.push_back({0, 0, image, rate, static_cast<int>(tiling.moves.size()) + sign});
    }
  return tiling;
}

std::size_t place_of(const LatticeGas& gas, std::size_t carrier, const Int3& cells) {
  std::size_t place = static_cast<std::size_t>(gas.type_of(carrier));
  for (std::size_t x = 0; x < 3; ++x) {
    const int n = cells[x];
    place = place * static_cast<std::size_t>(n) + static_cast<std::size_t>(((gas.cell_of(carrier)[x] % n) + n) % n);
  }
  return place;
}

TEST(LatticeGas, NeverTwoOnASiteAndRatesStayRight) {
  const SiteNetwork network = random_network(21);
  const ConnectedNetwork connected = connect(network);
  const Int3 cells{3, 4, 3};
  const Tiling tiling = tile(network, connected, cells);
  LatticeGas gas(tiling, 60, connected.network.pi, Random(1, 1));
  for (int k = 1; k <= 200; ++k) {
    gas.run_until(0.1 * k);
    std::set<std::size_t> taken;
    for (std::size_t c = 0; c < gas.carriers(); ++c) taken.insert(place_of(gas, c, cells));
    ASSERT_EQ(taken.size(), 60u);
    // Rate of all moves from the occupations alone.
    double rate = 0;
    for (std::size_t c = 0; c < gas.carriers(); ++c)
      for (const TiledMove& move : tiling.moves) {
        if (move.from != gas.type_of(c)) continue;
        std::size_t target = static_cast<std::size_t>(move.to);
        for (std::size_t x = 0; x < 3; ++x) {
          const int n = cells[x];
          target = target * static_cast<std::size_t>(n) + static_cast<std::size_t>((((gas.cell_of(c)[x] + move.image[x]) % n) + n) % n);
        }
        if (!taken.contains(target)) rate += move.rate;
      }
    ASSERT_NEAR(gas.total_rate(), rate, 1e-9 * rate);
  }
  EXPECT_GT(gas.events(), 1000);
}

// Two carriers on four unequal sites: occupations at the start and in the long run are those of the exact equilibrium.
TEST(LatticeGas, EquilibriumWithExclusion) {
  SiteNetwork network;
  network.n_sites = 2;
  network.cell_rows_ang = Mat3::identity();
  network.position_ang = {{0, 0, 0}, {0.5, 0, 0}};
  const auto path = [&](int a, int b, double forth, double back, Int3 image) {
    network.jumps.push_back({a, b, forth, {double(image[0]) + 0.5 * (b - a), 0, 0}, image, {}});
    network.jumps.push_back({b, a, back, {-double(image[0]) - 0.5 * (b - a), 0, 0}, Int3{-image[0], 0, 0}, {}});
  };
  path(0, 1, 1, 4, {0, 0, 0});
  path(1, 0, 2, 0.5, {1, 0, 0});
  const ConnectedNetwork connected = connect(network);
  ASSERT_NEAR(connected.network.pi[0], 0.8, 1e-14);
  const Tiling tiling = tile(network, connected, {2, 1, 1});
  // Sites A A B B of weights 4 4 1 1: pairs AA 16, AB 4 (four of them), BB 1; mean number on A = (32 + 16) / 33.
  const double expected = (2 * 16 + 4 * 4) / 33.0;
  double start = 0, later = 0;
  const int trials = 4000;
  for (int trial = 0; trial < trials; ++trial) {
    LatticeGas gas(tiling, 2, connected.network.pi, Random(static_cast<std::uint64_t>(trial), 3));
    start += (gas.type_of(0) == 0) + (gas.type_of(1) == 0);
    gas.run_until(5);
    later += (gas.type_of(0) == 0) + (gas.type_of(1) == 0);
  }
  // Variance of the number on A: (4·16 + 16) / 33 − expected².
  const double sigma = std::sqrt((80 / 33.0 - expected * expected) / trials);
  EXPECT_NEAR(start / trials, expected, 4 * sigma);
  EXPECT_NEAR(later / trials, expected, 4 * sigma);
}

// One carrier does what the network says: number of jumps and mean square displacement.
TEST(LatticeGas, OneCarrierIsARandomWalk) {
  const double time = 4;
  double square = 0, fourth = 0, events = 0;
  const int trials = 20000;
  for (int trial = 0; trial < trials; ++trial) {
    LatticeGas gas(simple_cubic(3, 0.5), 1, std::vector<double>{1}, Random(5, static_cast<std::uint64_t>(trial)));
    const Int3 from = gas.cell_of(0);
    gas.run_until(time);
    double r2 = 0;
    for (std::size_t x = 0; x < 3; ++x) r2 += (gas.cell_of(0)[x] - from[x]) * (gas.cell_of(0)[x] - from[x]);
    square += r2;
    fourth += r2 * r2;
    events += static_cast<double>(gas.events());
  }
  square /= trials;
  fourth /= trials;
  EXPECT_NEAR(square, 6 * 0.5 * time, 4 * std::sqrt((fourth - square * square) / trials));
  EXPECT_NEAR(events / trials, 12, 4 * std::sqrt(12.0 / trials));
}

TEST(LatticeGas, SameSeedSameRun) {
  LatticeGas a(simple_cubic(4), 30, std::vector<double>{1}, Random(1, 1)), b(simple_cubic(4), 30, std::vector<double>{1}, Random(1, 1));
  a.run_until(10);
  for (int k = 1; k <= 100; ++k) b.run_until(0.1 * k);  // looking at it changes nothing
  EXPECT_EQ(a.events(), b.events());
  for (std::size_t c = 0; c < 30; ++c) EXPECT_EQ(a.cell_of(c), b.cell_of(c));
}

TEST(LatticeGas, Refusals) {
  const std::vector<double> one{1};
  EXPECT_THROW(LatticeGas(simple_cubic(3), 28, one, Random(1, 1)), Error);
  EXPECT_THROW(LatticeGas(simple_cubic(3), 0, one, Random(1, 1)), Error);
  EXPECT_THROW(LatticeGas(simple_cubic(1), 1, one, Random(1, 1)), Error);  // jumps to itself
  Tiling walls = simple_cubic(3);
  walls.boundary[1] = Boundary::reflecting;
  EXPECT_THROW(LatticeGas(walls, 1, one, Random(1, 1)), Error);
  LatticeGas full(simple_cubic(3), 27, one, Random(1, 1));
  EXPECT_THROW(full.run_until(1), Error);
}

}  // namespace
}  // namespace saltus::kinetics
