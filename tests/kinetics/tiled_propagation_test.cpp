#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/tiled_propagation.hpp"
#include "tests/kinetics/random_network.hpp"

namespace saltus::kinetics {
namespace {

using std::numbers::pi;

Tiling chain(int n, double rate, Boundary boundary, int axis = 2) {
  Int3 cells{1, 1, 1}, image{0, 0, 0};
  cells[static_cast<std::size_t>(axis)] = n;
  image[static_cast<std::size_t>(axis)] = 1;
  const Int3 back{-image[0], -image[1], -image[2]};
  return {1, {{0, 0, image, rate, 1}, {0, 0, back, rate, 0}}, cells, {boundary, boundary, boundary}};
}

// A wave over the tiles decays as the self-scattering function of the network says, whatever is inside the cell.
TEST(TiledPropagation, WavesDecayAsTheScatteringFunction) {
  for (const bool short_last_axis : {false, true}) {
    const SiteNetwork network = random_network(7);
    const ConnectedNetwork connected = connect(network);
    const Int3 cells = short_last_axis ? Int3{7, 5, 1} : Int3{3, 5, 11};
    const Tiling tiling = tile(network, connected, cells);
    const Mat3 reciprocal = transpose(inverse(*network.cell_rows_ang));
    const Int3 q = short_last_axis ? Int3{2, 1, 0} : Int3{1, 2, -3};
    const Vec3 k = 2 * pi * (Vec3{double(q[0]) / cells[0], double(q[1]) / cells[1], double(q[2]) / cells[2]} * reciprocal);
    std::vector<double> p(tiling.n_sites()), phase(tiling.n_sites());
    for (int a = 0; a < 3; ++a)
      for (int x = 0; x < cells[0]; ++x)
        for (int y = 0; y < cells[1]; ++y)
          for (int z = 0; z < cells[2]; ++z) {
            const std::size_t s = tiling.index(a, {x, y, z});
            phase[s] = dot(k, network.position_ang[static_cast<std::size_t>(a)] +
                                  Vec3{double(x), double(y), double(z)} * *network.cell_rows_ang);
            p[s] = connected.network.pi[static_cast<std::size_t>(a)] * (1 + std::cos(phase[s])) / static_cast<double>(tiling.n_cells());
          }
    const double time = 0.37;
    propagate(tiling, time, p);
    double wave = 0;
    for (std::size_t s = 0; s < p.size(); ++s) wave += 2 * p[s] * std::cos(phase[s]);
    EXPECT_NEAR(wave, incoherent_scattering(connected.network, k, time), 1e-13);
    EXPECT_NEAR(total(p), 1, 1e-13);
    for (const double value : p) EXPECT_GT(value, 0);
  }
}

// Chains with walls: exact modes. The rows of the last axis go through blocks, those of the first cell by cell.
TEST(TiledPropagation, WallsOfAChain) {
  const double w = 1.7, time = 30;
  for (const int axis : {0, 2}) {
    const int n = 40;
    std::vector<double> p, start;
    const auto run = [&](Boundary boundary, auto mode, double decay) {
      p.clear();
      for (int i = 0; i < n; ++i) p.push_back(mode(i));
      start = p;
      propagate(chain(n, w, boundary, axis), time, p);
      for (int i = 0; i < n; ++i) EXPECT_NEAR(p[static_cast<std::size_t>(i)], start[static_cast<std::size_t>(i)] * std::exp(-decay * time), 1e-12);
    };
    run(Boundary::reflecting, [&](int i) { return std::cos(3 * pi * (i + 0.5) / n); }, 2 * w * (1 - std::cos(3 * pi / n)));
    run(Boundary::absorbing, [&](int i) { return std::sin(2 * pi * (i + 1) / (n + 1)); }, 2 * w * (1 - std::cos(2 * pi / (n + 1))));
    run(Boundary::periodic, [&](int i) { return std::cos(2 * pi * 5 * i / n); }, 2 * w * (1 - std::cos(2 * pi * 5 / n)));
  }
}

TEST(TiledPropagation, LongTimesInPieces) {
  // 2 w t = 2400 jumps of a point: mean square displacement 2 w t, all mass kept.
  const double w = 2, time = 600;
  std::vector<double> p(2001, 0.0);
  p[1000] = 1;
  const PropagationCost cost = propagate(chain(2001, w, Boundary::reflecting), time, p);
  double square = 0;
  for (int i = 0; i < 2001; ++i) square += p[static_cast<std::size_t>(i)] * (i - 1000.0) * (i - 1000.0);
  EXPECT_NEAR(square, 2 * w * time, 1e-9 * 2400);
  EXPECT_NEAR(total(p), 1, 1e-12);
  EXPECT_LT(cost.applications, 3300);
  EXPECT_LT(cost.tail, 1e-11);
}

TEST(TiledPropagation, EquilibriumStandsStillBetweenWalls) {
  const SiteNetwork network = random_network(3);
  const ConnectedNetwork connected = connect(network);
  const Tiling tiling = tile(network, connected, {4, 5, 6}, {Boundary::reflecting, Boundary::periodic, Boundary::reflecting});
  std::vector<double> p(tiling.n_sites());
  for (std::size_t s = 0; s < p.size(); ++s) p[s] = connected.network.pi[s / tiling.n_cells()];
  const std::vector<double> start = p;
  propagate(tiling, 3, p);
  for (std::size_t s = 0; s < p.size(); ++s) EXPECT_NEAR(p[s], start[s], 1e-13);
}

// With equal sites the products cancel: exclusion changes nothing in the mean.
TEST(TiledPropagation, ExclusionOnEqualSitesIsLinear) {
  const SiteNetwork network = random_network(5, true);
  const Tiling tiling = tile(network, connect(network), {3, 4, 9}, {Boundary::reflecting, Boundary::periodic, Boundary::absorbing});
  std::vector<double> free(tiling.n_sites());
  Random random(1, 1);
  for (double& value : free) value = random.uniform();
  std::vector<double> excluding = free;
  propagate(tiling, 0.5, free);
  propagate_excluding(tiling, 0.5, excluding);
  for (std::size_t s = 0; s < free.size(); ++s) EXPECT_NEAR(excluding[s], free[s], 2e-4);  // steps of half an exit
  // Without the error of the steps:
  std::vector<double> rates(free.size()), stencil(free.size());
  exclusion_rates(tiling, free, rates);
  apply_stencil(tiling, 1e-3, free, stencil);
  for (std::size_t s = 0; s < free.size(); ++s) EXPECT_NEAR(rates[s], (stencil[s] - free[s]) / 1e-3, 1e-11);
}

// p / (1 - p) = z pi stands still with exclusion, and what is far from it goes there, at constant number.
TEST(TiledPropagation, ExclusionEndsInFermiOccupations) {
  const SiteNetwork network = random_network(9);
  const ConnectedNetwork connected = connect(network);
  const Tiling tiling = tile(network, connected, {3, 3, 5});
  std::vector<double> p(tiling.n_sites()), rates(p.size());
  for (std::size_t s = 0; s < p.size(); ++s) {
    const double x = 2.5 * connected.network.pi[s / tiling.n_cells()];
    p[s] = x / (1 + x);
  }
  exclusion_rates(tiling, p, rates);
  for (const double rate : rates) EXPECT_NEAR(rate, 0, 1e-14);
  Random random(4, 1);
  for (double& value : p) value = random.uniform();
  const double number = total(p);
  propagate_excluding(tiling, 60, p);
  EXPECT_NEAR(total(p), number, 1e-11 * number);
  const double z = p[0] / (1 - p[0]) / connected.network.pi[0];
  for (std::size_t s = 0; s < p.size(); ++s)
    EXPECT_NEAR(p[s] / (1 - p[s]) / connected.network.pi[s / tiling.n_cells()], z, 1e-6 * z);
}

TEST(TiledPropagation, Refusals) {
  SiteNetwork network = random_network(1);
  const ConnectedNetwork connected = connect(network);
  EXPECT_THROW(tile(network, connected, {0, 1, 1}), Error);
  Tiling tiling = tile(network, connected, {2, 2, 2});
  std::vector<double> p(tiling.n_sites(), 0.5), few(3);
  EXPECT_THROW(propagate(tiling, 1, few), Error);
  EXPECT_THROW(propagate(tiling, -1, p), Error);
  EXPECT_THROW(propagate(tiling, std::nan(""), p), Error);
  p[3] = 1.5;
  EXPECT_THROW(propagate_excluding(tiling, 1, p), Error);
  tiling.moves[0].reverse = 0;
  EXPECT_THROW(check(tiling), Error);
  network.jumps[0].image.reset();
  EXPECT_THROW(tile(network, connected, {2, 2, 2}), Error);
  network = random_network(1);
  network.lag = 1;
  EXPECT_THROW(tile(network, connected, {2, 2, 2}), Error);
}

}  // namespace
}  // namespace saltus::kinetics
