#include <cmath>
#include <sstream>

#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/jump_network.hpp"
#include "tests/kinetics/golden_network.hpp"
#include "tests/kinetics/one_vacancy.hpp"

namespace saltus::kinetics {
namespace {

TEST(JumpNetwork, CubicLattices) {
  for (const char* name : {"net_sc.dat", "net_bcc.dat", "net_fcc.dat"}) {
    const GoldenNetwork golden = read_golden_network(name);
    const NetworkTransport transport = network_transport(network_moments(golden.network));
    expect_tensor(transport.diffusion_ang2, Mat3::identity(), 1e-14);
    expect_tensor(transport.uncorrelated_diffusion_ang2, Mat3::identity(), 1e-14);
    EXPECT_LE(norm(transport.drift_ang), 1e-14);
  }
}

TEST(JumpNetwork, TriclinicTransport) {
  const GoldenNetwork golden = read_golden_network("net_triclinic4.dat");
  const NetworkTransport transport = network_transport(network_moments(golden.network));
  expect_tensor(transport.diffusion_ang2, golden.d, 1e-12);
  expect_tensor(transport.uncorrelated_diffusion_ang2, golden.d0, 1e-13);
  EXPECT_LE(norm(transport.drift_ang), 1e-12);
  const std::vector<double> share = move_shares_ang2(golden.network, transport, {1, 0, 0});
  double sum = 0;
  for (const double s : share) sum += s;
  EXPECT_NEAR(sum, golden.d[0].x, 1e-12 * golden.d[0].x);
  EXPECT_NEAR(share[2] + share[3], 0.5222846678460665, 1e-12);
}

// D must not know where in its cell a site is drawn; v and s2 do.
TEST(JumpNetwork, ShiftOfOneSiteLeavesDiffusion) {
  GoldenNetwork golden = read_golden_network("net_triclinic4.dat");
  for (const Vec3 shift : {Vec3{0.7, -1.3, 0.2}, Vec3{-20, 11, 5}}) {
    JumpNetwork shifted = golden.network;
    for (NetworkMove& move : shifted.moves) {
      if (move.to == 1) move.displacement_ang += shift;
      if (move.from == 1) move.displacement_ang -= shift;
    }
    const NetworkTransport transport = network_transport(network_moments(shifted));
    expect_tensor(transport.diffusion_ang2, golden.d, 1e-12 * (1 + norm2(shift)));  // D0 grows by the square of the shift
    EXPECT_GT(std::abs(transport.uncorrelated_diffusion_ang2[0].x - golden.d0[0].x), 1);
  }
}

TEST(JumpNetwork, PermutedAndRescaled) {
  const GoldenNetwork golden = read_golden_network("net_triclinic4.dat");
  const std::vector<int> order{2, 0, 3, 1};
  JumpNetwork other{std::vector<double>(4), {}};
  for (std::size_t i = 0; i < 4; ++i) other.pi[static_cast<std::size_t>(order[i])] = golden.network.pi[i];
  for (auto move = golden.network.moves.rbegin(); move != golden.network.moves.rend(); ++move) {
    other.moves.push_back({order[static_cast<std::size_t>(move->from)], order[static_cast<std::size_t>(move->to)],
                           7 * move->weight, 3 * move->displacement_ang});
  }
  expect_tensor(network_transport(network_moments(other)).diffusion_ang2, scaled(golden.d, 63), 1e-12);
}

TEST(JumpNetwork, ContinuousMsdAndScattering) {
  const GoldenNetwork golden = read_golden_network("net_triclinic4.dat");
  const NetworkMoments moments = network_moments(golden.network);
  const std::vector<double> msd = golden_numbers("networks/net_triclinic4_msd.dat");
  for (std::size_t row = 0; row < msd.size() / 4; ++row) {
    const double time[] = {msd[4 * row]};
    const Mat3 found = network_msd_continuous_ang2(moments, time)[0];
    for (int x = 0; x < 3; ++x) {
      const double expected = msd[4 * row + 1 + static_cast<std::size_t>(x)];
      EXPECT_NEAR(found[x][x], expected, 5e-8 * expected);
    }
    if (time[0] == 10) {
      EXPECT_NEAR(found[2].z, 339.68092475835, 1e-11);
    }
  }
  const std::vector<double> scattering = golden_numbers("networks/net_triclinic4_Fs.dat");
  for (std::size_t row = 0; row < scattering.size() / 5; ++row) {
    const double* g = scattering.data() + 5 * row;
    EXPECT_NEAR(incoherent_scattering(golden.network, {g[0], g[1], g[2]}, g[3]), g[4],
                std::max(1e-12 * g[4], 1e-18));
  }
}

// The exact T(tau) of a generator gives the same D at any lag, and its MSD at whole lags.
TEST(JumpNetwork, LagFormOfGenerator) {
  const GoldenNetwork golden = read_golden_network("net_triclinic4.dat");
  const NetworkMoments rates = network_moments(golden.network);
  const double tau = 0.3;
  Eigen::Matrix4d q = Eigen::Matrix4d::Zero();
  for (const Transition& t : rates.transitions) {
    const double scale = std::sqrt(rates.pi[static_cast<std::size_t>(t.from)] / rates.pi[static_cast<std::size_t>(t.to)]);
    q(t.from, t.from) -= t.probability;
    q(t.from, t.to) += scale * t.probability;
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix4d> solver(0.5 * (q + q.transpose()));
  NetworkMoments lag;
  lag.pi = rates.pi;
  lag.mean_ang.assign(4, Vec3{});
  for (int a = 0; a < 4; ++a) {
    for (int b = 0; b < 4; ++b) {
      double power = 0, integral = 0;
      for (int m = 0; m < 4; ++m) {
        const double rate = solver.eigenvalues()(m), overlap = solver.eigenvectors()(a, m) * solver.eigenvectors()(b, m);
        power += overlap * std::exp(rate * tau);
        integral += overlap * (m == 3 ? tau : std::expm1(rate * tau) / rate);
      }
      const double scale = std::sqrt(rates.pi[static_cast<std::size_t>(b)] / rates.pi[static_cast<std::size_t>(a)]);
      if (a != b) lag.transitions.push_back({a, b, scale * power});
      lag.mean_ang[static_cast<std::size_t>(a)] += scale * integral * rates.mean_ang[static_cast<std::size_t>(b)];
    }
  }
  const double times[] = {tau, 5 * tau};
  const std::vector<Mat3> msd = network_msd_continuous_ang2(rates, times);
  lag.square_ang2 = msd[0];
  expect_tensor(scaled(network_transport(lag).diffusion_ang2, 1 / tau), golden.d, 1e-10);
  const std::int64_t steps[] = {0, 1, 5};
  const std::vector<Mat3> found = network_msd_ang2(lag, steps);
  EXPECT_EQ(found[0], Mat3{});
  expect_tensor(found[1], msd[0], 1e-14);
  expect_tensor(found[2], msd[1], 1e-10);
  EXPECT_NEAR(found[2][0].x, 99.290875477, 1e-8);
  EXPECT_NEAR(found[2][1].y, 236.660295958, 1e-8);
  EXPECT_NEAR(found[2][2].z, 54.251173971, 1e-8);
}

TEST(JumpNetwork, ChainWithOnePathIsASeriesOfResistances) {
  // D = L² / sum 1 / (pi_i w_{i,i+1}), L the period.
  const std::vector<double> pi{0.5, 0.2, 0.3}, flux{0.01, 0.2, 1e-6};
  JumpNetwork network{pi, {}};
  double resistance = 0;
  for (int i = 0; i < 3; ++i) {
    const int j = (i + 1) % 3;
    const auto a = static_cast<std::size_t>(i), b = static_cast<std::size_t>(j);
    const Vec3 d{0.5 + i, 0, 0};  // period 4.5
    network.moves.push_back({i, j, flux[a] / pi[a], d});
    network.moves.push_back({j, i, flux[a] / pi[b], -d});
    resistance += 1 / flux[a];
  }
  const double expected = 4.5 * 4.5 / resistance;
  EXPECT_NEAR(network_transport(network_moments(network)).diffusion_ang2[0].x, expected, 1e-10 * 0.2);
}

TEST(JumpNetwork, RefusesIrreversibleAndDisconnected) {
  EXPECT_THROW(network_transport(network_moments({{0.5, 0.5}, {{0, 1, 1, {1, 0, 0}}, {1, 0, 2, {-1, 0, 0}}}})), Error);
  EXPECT_THROW(network_transport(network_moments({{0.5, 0.5}, {{0, 0, 1, {1, 0, 0}}, {1, 1, 1, {-1, 0, 0}}}})), Error);
}

// A tagged atom beside one vacancy in a periodic cell of N sites: D / D0 goes to the dilute-vacancy factor as 1 / N.
TEST(JumpNetwork, VacancyCorrelationFactor) {
  const auto factor = [](int edge) {
    const NetworkTransport t = network_transport(network_moments(tagged_atom_network({edge})));
    return trace(t.diffusion_ang2) / trace(t.uncorrelated_diffusion_ang2);
  };
  const double f8 = factor(8), f12 = factor(12), n8 = 512, n12 = 1728;
  const double extrapolated = (n12 * f12 - n8 * f8) / (n12 - n8);
  std::istringstream line(golden_lines("vacancy/tracer_f.dat")[0]);
  std::string name;
  double golden = 0;
  line >> name >> golden;
  ASSERT_EQ(name, "sc");
  EXPECT_NEAR(extrapolated, golden, 1e-4);
  EXPECT_GT(f8, f12);
}

}  // namespace
}  // namespace saltus::kinetics
