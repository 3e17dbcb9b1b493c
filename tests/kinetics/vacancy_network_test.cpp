#include <cmath>
#include <numbers>
#include <sstream>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/lattice_gas.hpp"
#include "saltus/kinetics/lattices.hpp"
#include "saltus/kinetics/vacancy_network.hpp"
#include "tests/kinetics/golden_network.hpp"
#include "tests/kinetics/random_network.hpp"

namespace saltus::kinetics {
namespace {

TracerTransport tracer(const SiteNetwork& network, const Int3& cells) {
  const ConnectedNetwork connected = connect(network);
  return tracer_by_vacancy(tile(network, connected, cells), connected);
}

double extrapolated(const SiteNetwork& network, int smaller, int larger, bool plane = false) {
  const auto cells = [plane](int n) { return Int3{n, n, plane ? 1 : n}; };
  return extrapolated_correlation_factor(tracer(network, cells(smaller)), tracer(network, cells(larger)));
}

TEST(Lattices, NeighboursAndDiffusion) {
  const std::pair<const char*, int> cases[] = {{"chain", 2}, {"square", 4}, {"honeycomb", 3}, {"sc", 6}, {"bcc", 8}, {"fcc", 12}, {"diamond", 4}};
  ASSERT_EQ(lattices().size(), std::size(cases));
  for (const auto& [name, neighbours] : cases) {
    const SiteNetwork network = lattice_network(name, 1.7, 0.3);
    const ConnectedNetwork connected = connect(network);
    EXPECT_EQ(static_cast<int>(network.jumps.size()), neighbours * network.n_sites) << name;
    // D = rate · neighbours · jump² / 2 / dimensions, uncorrelated whether or not the sites are inversion centres.
    const NetworkTransport t = network_transport(network_moments(connected.network));
    EXPECT_NEAR(trace(t.diffusion_ang2), 0.5 * neighbours * 0.3 * 1.7 * 1.7, 1e-13) << name;
    EXPECT_NEAR(trace(t.uncorrelated_diffusion_ang2), trace(t.diffusion_ang2), 1e-13) << name;
  }
  EXPECT_THROW(lattice_network("bbc", 1, 1), Error);
  EXPECT_THROW(lattice_network("bcc", 0, 1), Error);
  EXPECT_THROW(lattice_network("bcc", 1, -1), Error);
}

// Literature values for the dilute vacancy, extrapolated from cells of two sizes as 1 / sites.
TEST(Vacancy, GoldenTracerCorrelationFactors) {
  for (const std::string& line : golden_lines("vacancy/tracer_f.dat")) {
    std::istringstream words(line);
    std::string name;
    double along_x = 0, along_z = 0;
    words >> name >> along_x >> along_z;
    ASSERT_EQ(along_x, along_z);
    EXPECT_NEAR(extrapolated(lattice_network(name, 2.5, 7), 8, 12), along_x, 2e-4) << name;  // of lengths and rates it knows nothing
  }
}

// Known in closed form: square 1 / (pi - 1), honeycomb 1/3, diamond 1/2 (Montet, Phys. Rev. B 7 (1973) 650 and references there).
TEST(Vacancy, ClosedFormsOfOtherLattices) {
  EXPECT_NEAR(extrapolated(lattice_network("square", 1, 1), 20, 30, true), 1 / (std::numbers::pi - 1), 2e-4);
  EXPECT_NEAR(extrapolated(lattice_network("honeycomb", 1, 1), 14, 20, true), 1.0 / 3, 2e-4);
  EXPECT_NEAR(extrapolated(lattice_network("diamond", 1, 1), 5, 8), 0.5, 5e-4);
}

// The vacancy walks against the ions: equal sites give the ion's own D, unequal ones prefer the sites that ions avoid.
TEST(Vacancy, WalkOfTheVacancy) {
  const SiteNetwork equal = random_network(31, true);
  const auto d = [](const SiteNetwork& n) { return network_transport(network_moments(connect(n).network)).diffusion_ang2; };
  expect_tensor(d(vacancy_network(equal, connect(equal))), d(equal), 1e-12);
  const SiteNetwork network = random_network(32);
  const ConnectedNetwork connected = connect(network);
  const ConnectedNetwork vacancy = connect(vacancy_network(network, connected));
  EXPECT_FALSE(vacancy.broken);
  for (std::size_t a = 1; a < 3; ++a)
    EXPECT_NEAR(vacancy.network.pi[a] * connected.network.pi[a], vacancy.network.pi[0] * connected.network.pi[0], 1e-14);
}

// Ion and vacancy swap places: jumps of all ions together are those of the vacancy.
TEST(Vacancy, JumpsOfIonsAreJumpsOfTheVacancy) {
  const SiteNetwork network = random_network(33);
  const ConnectedNetwork connected = connect(network);
  const TracerTransport t = tracer(network, {3, 3, 3});
  const NetworkTransport vacancy = network_transport(network_moments(connect(vacancy_network(network, connected)).network));
  EXPECT_NEAR(trace(t.uncorrelated_diffusion_ang2) * static_cast<double>(t.sites - 1), trace(vacancy.uncorrelated_diffusion_ang2),
              1e-12 * trace(vacancy.uncorrelated_diffusion_ang2));
}

// Kinetic Monte Carlo of the same crystal finds the same tracer diffusion, unequal sites included.
TEST(Vacancy, MonteCarloAgrees) {
  const SiteNetwork network = random_network(34);
  const ConnectedNetwork connected = connect(network);
  const Int3 cells{3, 3, 3};
  const Tiling tiling = tile(network, connected, cells);
  const TracerTransport exact = tracer(network, cells);
  // Independent stretches, each long against the time of one round of the vacancy; all ions count.
  double sum = 0, squares = 0;
  const int stretches = 60;
  const double first = 300, second = 1500;
  for (int k = 0; k < stretches; ++k) {
    LatticeGas gas(tiling, static_cast<std::int64_t>(tiling.n_sites()) - 1, connected.network.pi, Random(77, static_cast<std::uint64_t>(k)));
    const auto place = [&](std::size_t c) {
      const Int3& cell = gas.cell_of(c);
      return network.position_ang[static_cast<std::size_t>(gas.type_of(c))] +
             Vec3{double(cell[0]), double(cell[1]), double(cell[2])} * *network.cell_rows_ang;
    };
    std::vector<Vec3> start;
    for (std::size_t c = 0; c < gas.carriers(); ++c) start.push_back(place(c));
    double msd[2];
    for (int part = 0; part < 2; ++part) {
      gas.run_until(part == 0 ? first : second);
      msd[part] = 0;
      for (std::size_t c = 0; c < gas.carriers(); ++c) msd[part] += norm2(place(c) - start[c]) / static_cast<double>(gas.carriers());
    }
    const double d = (msd[1] - msd[0]) / (2 * (second - first));  // trace
    sum += d;
    squares += d * d;
  }
  const double mean = sum / stretches, sigma = std::sqrt((squares / stretches - mean * mean) / (stretches - 1));
  EXPECT_NEAR(mean, trace(exact.diffusion_ang2), 4 * sigma);
  EXPECT_LT(sigma, 0.03 * mean);  // the test can fail
  EXPECT_LT(exact.correlation_factor, 0.8);  // and correlation matters
}

TEST(Vacancy, Refusals) {
  const SiteNetwork network = lattice_network("sc", 1, 1);
  EXPECT_THROW(tracer(network, {1, 3, 3}), Error);
  EXPECT_THROW(tracer(network, {100, 100, 100}), Error);
  const TracerTransport t = tracer(network, {3, 3, 3});
  EXPECT_THROW(extrapolated_correlation_factor(t, t), Error);
}

}  // namespace
}  // namespace saltus::kinetics
