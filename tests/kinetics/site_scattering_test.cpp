#include "saltus/kinetics/site_scattering.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "tests/kinetics/golden_network.hpp"

namespace saltus::kinetics {
namespace {

// One site per cell: each lag multiplies by 1 - sum w (1 - cos k·d).
TEST(LagScattering, BravaisLattice) {
  const JumpNetwork network{{1.0}, {{0, 0, 0.1, {2, 0, 0}}, {0, 0, 0.1, {-2, 0, 0}}, {0, 0, 0.05, {0, 3, 1}}, {0, 0, 0.05, {0, -3, -1}}}};
  const Vec3 k{0.4, -0.2, 0.9};
  const double factor = 1 - 0.2 * (1 - std::cos(0.8)) - 0.1 * (1 - std::cos(-0.6 + 0.9));
  const std::int64_t steps[] = {0, 1, 7, 40};
  const std::vector<double> f = lag_scattering(network, k, steps);
  for (std::size_t n = 0; n < 4; ++n) EXPECT_NEAR(f[n], std::pow(factor, steps[n]), 1e-14);
}

// Small steps of a network of rates: exp(Q t) within the second order of the step.
TEST(LagScattering, MeetsTheNetworkOfRates) {
  const GoldenNetwork golden = read_golden_network("net_triclinic4.dat");
  const Vec3 k{0.3, 0.1, -0.2};
  const double time = 0.1, exact = incoherent_scattering(golden.network, k, time);
  double error[2];
  for (int fine = 0; fine < 2; ++fine) {
    const std::int64_t steps[] = {fine ? 40000 : 20000};
    JumpNetwork network = golden.network;
    for (NetworkMove& move : network.moves) move.weight *= time / static_cast<double>(steps[0]);
    error[fine] = lag_scattering(network, k, steps)[0] - exact;
  }
  EXPECT_LT(std::abs(error[1]), 1e-4);
  EXPECT_NEAR(error[0] / error[1], 2, 1e-2);
}

// Counts that are the same both ways are met by their model exactly at its own lag.
TEST(CountedScattering, IsTheModelAtOneLag) {
  TransitionCounts counts;
  counts.n_states = 2;
  counts.lag_frames = 3;
  counts.entries = {{0, 0, {0, 0, 0}, 400}, {0, 1, {-1, 0, 0}, 20}, {0, 1, {0, 0, 0}, 30}, {1, 0, {0, 0, 0}, 30}, {1, 0, {1, 0, 0}, 20}, {1, 1, {0, 0, 0}, 200},
                    {1, 1, {0, -1, 0}, 5}, {1, 1, {0, 1, 0}, 5}};
  const std::vector<Vec3> site{{0, 0, 0}, {1.3, 0.4, -0.2}};
  const Mat3 cell{Vec3{4, 0, 0}, Vec3{1, 3.5, 0}, Vec3{0.3, -0.4, 5}};
  const ReversibleModel model = estimate_reversible(fold_images(counts));
  const JumpNetwork network = lag_network(counts, model, site, cell);
  const std::int64_t one[] = {1};
  for (const Vec3& k : {Vec3{0.3, 0, 0}, Vec3{-0.5, 1.2, 0.8}})
    EXPECT_NEAR(counted_scattering(counts, site, cell, k), lag_scattering(network, k, one)[0], 1e-12);
  EXPECT_NEAR(counted_scattering(counts, site, cell, {}), 1, 1e-15);
  EXPECT_THROW(counted_scattering({2, 3, {}}, site, cell, {}), Error);
}

}  // namespace
}  // namespace saltus::kinetics
