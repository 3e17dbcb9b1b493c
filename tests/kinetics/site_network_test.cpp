#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kinetics/driven_network.hpp"
#include "saltus/kinetics/network_error.hpp"
#include "saltus/kinetics/network_modes.hpp"
#include "saltus/kinetics/site_network.hpp"
#include "tests/kinetics/golden_network.hpp"

namespace saltus::kinetics {
namespace {

/// A jump and its reverse.
void add_path(SiteNetwork& network, int a, int b, double forth, double back, const Vec3& d) {
  network.jumps.push_back({a, b, forth, d, {}, {}});
  network.jumps.push_back({b, a, back, -d, {}, {}});
}

std::string message_of(const SiteNetwork& network) {
  try {
    connect(network);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(SiteNetwork, GoldenNetworksWithAndWithoutTheirProbabilities) {
  for (const char* name : {"net_sc.dat", "net_bcc.dat", "net_fcc.dat", "net_triclinic4.dat"}) {
    const GoldenNetwork golden = read_golden_network(name);
    for (const bool with : {true, false}) {
      const ConnectedNetwork connected = connect(site_network_of(golden.network, with));
      EXPECT_FALSE(connected.broken);
      EXPECT_EQ(connected.percolating_ang.size(), 3u);
      EXPECT_EQ(connected.dropped_probability, 0.0);
      for (std::size_t a = 0; a < golden.network.pi.size(); ++a)
        EXPECT_NEAR(connected.network.pi[a], golden.network.pi[a], 1e-13 * golden.network.pi[a]);
      expect_tensor(network_transport(network_moments(connected.network)).diffusion_ang2, golden.d, 1e-12);
      // The general form does not know that the network is reversible.
      const NetworkTransport driven = driven_transport(connected.network);
      expect_tensor(driven.diffusion_ang2, golden.d, 1e-12);
      expect_tensor(driven.uncorrelated_diffusion_ang2, golden.d0, 1e-13);
    }
  }
}

// Numbers, order, length and time scale are not what the answer may hang on.
TEST(SiteNetwork, GoldenNetworkPermutedRescaledRotated) {
  const GoldenNetwork golden = read_golden_network("net_triclinic4.dat");
  Random random(11, 1);
  for (int trial = 0; trial < 5; ++trial) {
    std::vector<int> order(4), jumps(golden.network.moves.size());
    std::iota(order.begin(), order.end(), 0);
    std::iota(jumps.begin(), jumps.end(), 0);
    for (auto* list : {&order, &jumps})
      for (std::size_t k = list->size(); k > 1; --k) std::swap((*list)[k - 1], (*list)[random.below(k)]);
    const double time = std::exp(3 * random.normal()), length = std::exp(random.normal());
    const double angle = 6 * random.uniform(), c = std::cos(angle), s = std::sin(angle);
    const Mat3 turn{{Vec3{c, s, 0}, Vec3{-s, c, 0}, Vec3{0, 0, 1}}};
    SiteNetwork network;
    network.n_sites = 4;
    for (const int k : jumps) {
      const NetworkMove& move = golden.network.moves[static_cast<std::size_t>(k)];
      network.jumps.push_back({order[static_cast<std::size_t>(move.from)], order[static_cast<std::size_t>(move.to)],
                               time * move.weight, length * (move.displacement_ang * turn), {}, {}});
    }
    const ConnectedNetwork connected = connect(network);
    const Mat3 expected = scaled(transpose(turn) * (golden.d * turn), time * length * length);
    expect_tensor(network_transport(network_moments(connected.network)).diffusion_ang2, expected, 1e-12);
  }
}

TEST(SiteNetwork, EveryJumpKnowsItsReverse) {
  const GoldenNetwork golden = read_golden_network("net_triclinic4.dat");
  const ConnectedNetwork connected = connect(site_network_of(golden.network, true));
  for (std::size_t k = 0; k < connected.reverse.size(); ++k) {
    const auto r = static_cast<std::size_t>(connected.reverse[k]);
    EXPECT_EQ(connected.reverse[r], static_cast<int>(k));
    EXPECT_NE(r, k);
    EXPECT_EQ(connected.network.moves[r].from, connected.network.moves[k].to);
    EXPECT_LE(norm(connected.network.moves[r].displacement_ang + connected.network.moves[k].displacement_ang), 1e-9);
  }
}

// Two paths between the same sites over the same displacement, another by a neighbouring image.
TEST(SiteNetwork, ParallelJumps) {
  SiteNetwork network;
  network.n_sites = 2;
  add_path(network, 0, 1, 1, 2, {1, 0, 0});
  add_path(network, 0, 1, 3, 6, {1, 0, 0});
  add_path(network, 1, 0, 1, 0.5, {2, 0, 0});
  const ConnectedNetwork connected = connect(network);
  EXPECT_FALSE(connected.broken);
  EXPECT_NEAR(connected.network.pi[0], 2.0 / 3, 1e-15);
  // In series: conductances pi w of 8/3 and 1/3, period 3.
  EXPECT_NEAR(network_transport(network_moments(connected.network)).diffusion_ang2[0].x, 9 / (3.0 / 8 + 3), 1e-14);
  EXPECT_EQ(connected.percolating_ang.size(), 1u);
}

// Alternating rates a, b of a chain with spacings 1 and 2: D = 9 / (2 (1/a + 1/b)), one relaxation of rate 2 (a + b).
TEST(SiteNetwork, ChainWithAlternatingRates) {
  const double a = 5, b = 0.01;
  SiteNetwork network;
  network.n_sites = 2;
  add_path(network, 0, 1, a, a, {1, 0, 0});
  add_path(network, 1, 0, b, b, {2, 0, 0});
  const ConnectedNetwork connected = connect(network);
  const NetworkMoments moments = network_moments(connected.network);
  const NetworkTransport transport = network_transport(moments);
  const double d = 9 / (2 * (1 / a + 1 / b)), d0 = 0.5 * (a + 4 * b);
  EXPECT_NEAR(transport.diffusion_ang2[0].x, d, 1e-13 * d);
  EXPECT_NEAR(transport.uncorrelated_diffusion_ang2[0].x, d0, 1e-14);
  const std::vector<RelaxationMode> modes = relaxation_modes(moments);
  ASSERT_EQ(modes.size(), 1u);
  EXPECT_NEAR(*modes[0].time, 1 / (2 * (a + b)), 1e-14);
  EXPECT_NEAR(modes[0].diffusion_ang2[0].x, d0 - d, 1e-13);
  for (const double share : move_shares_ang2(connected.network, transport, {1, 0, 0})) EXPECT_GE(share, 0);
  // The slow jumps carry what the fast ones do not: shares go with the resistances.
  const auto share = move_shares_ang2(connected.network, transport, {1, 0, 0});
  EXPECT_NEAR(share[0] / share[2], b / a, 1e-12 * b / a);
}

// Two rails with rungs: drift-free, D = (p1 w1 + p2 w2) L² whatever the rungs, and the modes take nothing away.
TEST(SiteNetwork, LadderOfTwoRails) {
  SiteNetwork network;
  network.n_sites = 2;
  add_path(network, 0, 0, 3, 3, {2, 0, 0});
  add_path(network, 1, 1, 0.1, 0.1, {2, 0, 0});
  add_path(network, 0, 1, 0.4, 1.2, {0, 1, 0});
  const ConnectedNetwork connected = connect(network);
  EXPECT_NEAR(connected.network.pi[0], 0.75, 1e-15);
  const NetworkMoments moments = network_moments(connected.network);
  const Mat3 d = network_transport(moments).diffusion_ang2;
  EXPECT_NEAR(d[0].x, 4 * (0.75 * 3 + 0.25 * 0.1), 1e-14);
  EXPECT_NEAR(d[1].y, 0, 1e-15);  // the ladder is one-dimensional
  ASSERT_EQ(connected.percolating_ang.size(), 1u);
  EXPECT_NEAR(std::abs(connected.percolating_ang[0].x), 1, 1e-12);
  // MSD across saturates at 2 p1 p2 · 1².
  const double late[] = {1e3};
  EXPECT_NEAR(network_msd_continuous_ang2(moments, late)[0][1].y, 2 * 0.75 * 0.25, 1e-12);
}

// A ring driven around: w forward, u back on three sites of a period L: V = (w - u) L/3, D = (w + u) (L/3)² / 2.
TEST(SiteNetwork, DrivenRing) {
  const double w = 2, u = 0.5;
  SiteNetwork network;
  network.n_sites = 3;
  for (int k = 0; k < 3; ++k) add_path(network, k, (k + 1) % 3, w, u, {1, 0, 0});
  const ConnectedNetwork connected = connect(network);
  ASSERT_TRUE(connected.broken);
  EXPECT_NEAR(connected.broken->affinity, 3 * std::log(w / u), 1e-12);
  EXPECT_EQ(connected.broken->site.size(), 3u);
  for (const double p : connected.network.pi) EXPECT_NEAR(p, 1.0 / 3, 1e-15);
  const NetworkTransport transport = driven_transport(connected.network);
  EXPECT_NEAR(transport.drift_ang.x, w - u, 1e-14);
  EXPECT_NEAR(transport.diffusion_ang2[0].x, 0.5 * (w + u), 1e-14);
  const double times[] = {0, 0.3, 40};
  const std::vector<Mat3> msd = driven_msd_ang2(connected.network, times);
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(msd[k][0].x, (w + u) * times[k], 1e-10);
  // exp(-(w + u)(1 - cos k) t) cos((w - u) sin k t)
  EXPECT_NEAR(driven_scattering(connected.network, {0.7, 0, 0}, 1.3),
              std::exp(-(w + u) * (1 - std::cos(0.7)) * 1.3) * std::cos((w - u) * std::sin(0.7) * 1.3), 1e-13);
  EXPECT_THROW(network_transport(network_moments(connected.network)), Error);
}

// Alternating rates driven: the known D and V of a period-two ratchet against a long time of the closed MSD, and F at small k.
TEST(SiteNetwork, DrivenFormsAgreeWithEachOther) {
  SiteNetwork network;
  network.n_sites = 4;
  Random random(5, 1);
  for (const auto& [a, b] : {std::pair{0, 1}, {1, 2}, {2, 3}, {3, 0}, {0, 2}})
    add_path(network, a, b, random.uniform(), random.uniform(), {random.normal(), random.normal(), random.normal()});
  const ConnectedNetwork connected = connect(network);
  ASSERT_TRUE(connected.broken);
  const Mat3 d = driven_transport(connected.network).diffusion_ang2;
  const double times[] = {300, 400};
  const std::vector<Mat3> msd = driven_msd_ang2(connected.network, times);
  expect_tensor(scaled(sum(msd[1], msd[0], -1), 1 / 200.0), d, 1e-10);
  // |F| = 1 - k² MSD / 2 + O(k⁴); with the drift in the phase.
  const double k = 1e-3, t = 2, time[] = {t};
  const Vec3 drift = driven_transport(connected.network).drift_ang;
  const double f = driven_scattering(connected.network, {k, 0, 0}, t);
  const double second = driven_msd_ang2(connected.network, time)[0][0].x + drift.x * t * drift.x * t;
  EXPECT_NEAR((1 - f) / (k * k), 0.5 * second, 1e-5);
  // One jump per lag as a lag network.
  JumpNetwork lag = connected.network;
  for (NetworkMove& move : lag.moves) move.weight *= 0.1;
  const std::int64_t steps[] = {3000, 4000};
  const std::vector<Mat3> lag_msd = driven_lag_msd_ang2(lag, steps);
  expect_tensor(scaled(sum(lag_msd[1], lag_msd[0], -1), 1 / 2000.0), driven_transport(lag, true).diffusion_ang2, 1e-10);
}

TEST(SiteNetwork, OneWayCycle) {
  SiteNetwork network;
  network.n_sites = 3;
  for (int k = 0; k < 3; ++k) add_path(network, k, (k + 1) % 3, 1, 0, {1, 0, 0});
  const ConnectedNetwork connected = connect(network);
  ASSERT_TRUE(connected.broken);
  EXPECT_TRUE(std::isinf(connected.broken->affinity));
  EXPECT_EQ(connected.broken->site.size(), 3u);
  EXPECT_NEAR(driven_transport(connected.network).drift_ang.x, 1, 1e-15);
}

TEST(SiteNetwork, LargestPartIsKept) {
  SiteNetwork network;
  network.n_sites = 5;
  network.probability = {0.1, 0.2, 0.2, 0.2, 0.3};
  add_path(network, 0, 4, 3, 1, {1, 0, 0});
  for (int k = 1; k < 4; ++k) add_path(network, k, k % 3 + 1, 1, 1, {1, 0, 0});
  const ConnectedNetwork connected = connect(network);
  EXPECT_EQ(connected.site, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(connected.n_sets, 2);
  EXPECT_EQ(connected.dropped_sites, 2);
  EXPECT_NEAR(*connected.dropped_probability, 0.4, 1e-15);
  EXPECT_EQ(connected.jump.front(), 2);
  network.probability.clear();
  EXPECT_FALSE(connect(network).dropped_probability);
}

// Populations over 30 orders of magnitude keep their digits, whichever way they are found.
TEST(SiteNetwork, ProbabilitiesKeepTheirDigits) {
  for (const int n : {31, 1500}) {
    SiteNetwork network;
    network.n_sites = n;
    const double ratio = std::pow(10.0, -30.0 / (n - 1));
    for (int k = 0; k + 1 < n; ++k) add_path(network, k, k + 1, ratio, 1, {1, 0, 0});
    const std::vector<double> pi = connect(network).network.pi;
    for (int k = 0; k + 1 < n; ++k)
      EXPECT_NEAR(pi[static_cast<std::size_t>(k + 1)] / pi[static_cast<std::size_t>(k)], ratio, 1e-12 * ratio);
    EXPECT_NEAR(pi.back() / pi.front(), 1e-30, n < 100 ? 1e-43 : 1e-41);
  }
}

TEST(SiteNetwork, Refusals) {
  SiteNetwork good;
  good.n_sites = 2;
  add_path(good, 0, 1, 1, 1, {1, 0, 0});
  add_path(good, 1, 0, 1, 1, {1, 0, 0});
  EXPECT_EQ(message_of(good), "accepted");
  const auto with = [&](auto change) {
    SiteNetwork network = good;
    change(network);
    return message_of(network);
  };
  const auto contains = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  contains(with([](SiteNetwork& n) { n.jumps[2].to = 7; }), "jump 2: there is no site 7");
  contains(with([](SiteNetwork& n) { n.jumps[1].weight = -1; }), "jump 1: its rate");
  contains(with([](SiteNetwork& n) { n.jumps[1].weight = std::nan(""); }), "jump 1: its rate");
  contains(with([](SiteNetwork& n) { n.jumps[3].displacement_ang.z = INFINITY; }), "jump 3: its displacement");
  contains(with([](SiteNetwork& n) { n.jumps.pop_back(); }), "reverse");
  contains(with([](SiteNetwork& n) { n.jumps[0].displacement_ang.x = 1.001; }), "reverse");
  contains(with([](SiteNetwork& n) { n.jumps.push_back({0, 0, 1, {}, {}, {}}); }), "moves nothing");
  contains(with([](SiteNetwork& n) { n.jumps.push_back({0, 0, 1, {1, 0, 0}, {}, {}}); }), "reverse");
  contains(with([](SiteNetwork& n) { n.probability = {0.5, 0.4}; }), "sum to 0.9");
  contains(with([](SiteNetwork& n) { n.probability = {1, 0}; }), "must be positive");
  contains(with([](SiteNetwork& n) { n.probability = {0.4, 0.6}; }), "not stationary");
  contains(with([](SiteNetwork& n) { n.lag = 1; }), "more than one");
  contains(with([](SiteNetwork& n) { n.jumps.clear(); }), "no jumps");
  contains(with([](SiteNetwork& n) { n.n_sites = 0; }), "no sites");
}

// Rates from finite runs of a known network: the 95 % interval of D holds the truth 95 times in 100.
TEST(NetworkError, CoverageOfRates) {
  SiteNetwork truth;
  truth.n_sites = 3;
  add_path(truth, 0, 1, 1, 2, {1, 0.3, 0});
  add_path(truth, 1, 2, 0.5, 0.25, {1, -0.3, 0.4});
  add_path(truth, 2, 0, 0.3, 0.3, {1, 0, -0.4});
  add_path(truth, 0, 0, 0.1, 0.1, {0, 1, 0});
  const ConnectedNetwork exact = connect(truth);
  ASSERT_FALSE(exact.broken);
  const double d = trace(network_transport(network_moments(exact.network)).diffusion_ang2) / 3;
  Random random(3, 1);
  const double length = 800;  // about 900 events
  int inside = 0;
  const int trials = 300;
  std::vector<std::vector<int>> out(3);
  for (std::size_t k = 0; k < exact.network.moves.size(); ++k)
    out[static_cast<std::size_t>(exact.network.moves[k].from)].push_back(static_cast<int>(k));
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<double> count(exact.network.moves.size(), 0.0), time(3, 0.0);
    int at = 0;
    for (double t = 0; t < length;) {
      double leaving = 0;
      for (const int k : out[static_cast<std::size_t>(at)]) leaving += exact.network.moves[static_cast<std::size_t>(k)].weight;
      const double stay = std::min(-std::log(random.uniform()) / leaving, length - t);
      time[static_cast<std::size_t>(at)] += stay;
      if ((t += stay) >= length) break;
      double pick = random.uniform() * leaving;
      for (const int k : out[static_cast<std::size_t>(at)]) {
        if ((pick -= exact.network.moves[static_cast<std::size_t>(k)].weight) > 0) continue;
        count[static_cast<std::size_t>(k)] += 1;
        at = exact.network.moves[static_cast<std::size_t>(k)].to;
        break;
      }
    }
    // Reversible maximum likelihood of rates by its fixed point: x_e = S_e / (t_a / pi_a + t_b / pi_b), pi_a ~ t_a sum x_e / c_a.
    JumpNetwork estimate = exact.network;
    std::vector<double> pi(time);
    for (int step = 0; step < 400; ++step) {
      std::vector<double> next(3, 0.0), counted(3, 0.0);
      for (std::size_t k = 0; k < estimate.moves.size(); ++k) {
        const auto a = static_cast<std::size_t>(estimate.moves[k].from), b = static_cast<std::size_t>(estimate.moves[k].to);
        const double x = (count[k] + count[static_cast<std::size_t>(exact.reverse[k])]) / (time[a] / pi[a] + time[b] / pi[b]);
        estimate.moves[k].weight = x;
        next[a] += x * time[a];
        counted[a] += count[k];
      }
      double sum = 0;
      for (std::size_t a = 0; a < 3; ++a) sum += next[a] /= counted[a];
      for (std::size_t a = 0; a < 3; ++a) pi[a] = next[a] / sum;
    }
    for (NetworkMove& move : estimate.moves) move.weight /= pi[static_cast<std::size_t>(move.from)];
    estimate.pi = pi;
    ConnectedNetwork found = exact;
    found.network = estimate;
    const Estimate e = diffusion_error(found, network_transport(network_moments(estimate)), count).mean_ang2;
    inside += e.low <= d && d <= e.high;
  }
  // Binomial: 285 ± 3.8; three standard deviations.
  EXPECT_GE(inside, 273);
  EXPECT_LE(inside, 296);
}

// One path only: D = w L², so that the error of ln D is that of a Poisson count, or of a binomial one per lag.
TEST(NetworkError, OnePath) {
  SiteNetwork network;
  network.n_sites = 1;
  add_path(network, 0, 0, 0.1, 0.1, {2, 0, 0});
  const ConnectedNetwork connected = connect(network);
  const std::vector<double> count{30, 70};
  const NetworkTransport transport = network_transport(network_moments(connected.network));
  const DiffusionError rates = diffusion_error(connected, transport, count);
  EXPECT_NEAR(std::log(rates.mean_ang2.high / rates.mean_ang2.value), 1.959963984540054 / 10, 1e-12);
  EXPECT_NEAR(rates.principal_ang2[2].value, 0.4, 1e-14);
  EXPECT_EQ(rates.principal_ang2[0].high, rates.principal_ang2[0].low);
  // 100 of 500 lags moved: var ln p = (1 - p) / (n p).
  const DiffusionError lag = diffusion_error(connected, transport, count, true);
  EXPECT_NEAR(std::log(lag.mean_ang2.high / lag.mean_ang2.value), 1.959963984540054 * std::sqrt(0.8 / 100), 1e-12);
  EXPECT_THROW(diffusion_error(connected, transport, std::vector<double>{0, 0}), Error);
}

// Rates six orders apart: what is lost is at most the ratio times rounding.
TEST(NetworkModes, SlowModesKeepTheirDigits) {
  SiteNetwork network;
  network.n_sites = 3;
  const double fast = 1e3, slow = 1e-3;
  add_path(network, 0, 1, fast, fast, {1, 0, 0});
  add_path(network, 1, 2, slow, 2 * slow, {1, 0, 0});
  const std::vector<RelaxationMode> modes = relaxation_modes(network_moments(connect(network).network));
  // Roots of l² - (2 f + 3 s) l + 5 f s, the smaller one by the product of both.
  const double sum = 2 * fast + 3 * slow, product = 5 * fast * slow;
  const double larger = 0.5 * (sum + std::sqrt(sum * sum - 4 * product));
  EXPECT_NEAR(*modes[0].time, larger / product, 1e-9 * larger / product);
  EXPECT_NEAR(*modes[1].time, 1 / larger, 1e-13 / larger);
}

}  // namespace
}  // namespace saltus::kinetics
