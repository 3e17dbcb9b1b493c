#include <algorithm>
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/lattices.hpp"
#include "saltus/runs/lattice_gas_report.hpp"
#include "saltus/runs/network_report.hpp"
#include "saltus/runs/propagation_report.hpp"
#include "tests/kinetics/random_network.hpp"

namespace saltus::runs {
namespace {

using kinetics::Boundary;

// A long wave over unequal sites: what is left to the diffusion equation is the fourth order in k, which falls with the cells.
TEST(Propagation, LongWavesObeyTheDiffusionEquation) {
  const kinetics::SiteNetwork network = kinetics::random_network(41);
  double before = 0;
  for (const int n : {8, 16, 32}) {
    PropagationSettings s;
    s.cells = {1, n, 2};
    s.axis = 1;
    s.start = StartProfile::wave;
    const double spacing = 1 / norm(transpose(inverse(*network.cell_rows_ang))[1]);
    s.times_ps = {0, 0};
    const PropagationReport probe = propagate_network(network, "n", s);
    EXPECT_NEAR(probe.spacing_ang, spacing, 1e-12);
    const double k = 2 * std::numbers::pi / (n * spacing);
    s.times_ps = {0, 1 / (probe.diffusion_ang2_per_ps * k * k)};  // decayed to 1/e
    const PropagationReport report = propagate_network(network, "n", s);
    EXPECT_LE(report.mass_drift, 1e-13);
    EXPECT_GT(report.profiles[1].smallest, 0);
    const double deviation = *report.profiles[1].largest_deviation;
    if (n > 8) {
      EXPECT_LT(deviation, before / 1.7);
    }
    before = deviation;
  }
  EXPECT_LT(before, 5e-3);
}

TEST(Propagation, SlabsAndPointsOnALattice) {
  const kinetics::SiteNetwork network = kinetics::lattice_network("sc", 2, 3);
  for (const Boundary ends : {Boundary::periodic, Boundary::reflecting}) {
    for (const StartProfile start : {StartProfile::slab, StartProfile::point}) {
      PropagationSettings s;
      s.cells = {3, 3, 60};
      s.axis = 2;
      s.boundary = {Boundary::periodic, Boundary::periodic, ends};
      s.start = start;
      s.times_ps = {0, 5, 50};
      const PropagationReport report = propagate_network(network, "n", s);
      EXPECT_NEAR(report.diffusion_ang2_per_ps, 12, 1e-12);
      EXPECT_NEAR(*report.profiles[0].largest_deviation, 0, 1e-12);
      EXPECT_LT(*report.profiles[1].largest_deviation, 0.01);
      EXPECT_LT(*report.profiles[2].largest_deviation, 0.001);
      EXPECT_LE(report.mass_drift, 1e-13);
    }
  }
}

TEST(Propagation, SaysWhereTheDiffusionEquationIsNotBeside) {
  PropagationSettings s;
  s.cells = {10, 1, 1};
  s.times_ps = {0, 1};
  s.boundary = {Boundary::absorbing, Boundary::periodic, Boundary::periodic};
  PropagationReport report = propagate_network(kinetics::random_network(1), "n", s);
  EXPECT_FALSE(report.profiles[1].largest_deviation);
  EXPECT_LT(report.profiles[1].mass, report.profiles[0].mass);
  s.boundary = {};
  s.exclusion = true;
  s.concentration = 0.3;
  report = propagate_network(kinetics::random_network(1), "n", s);
  EXPECT_FALSE(report.profiles[1].largest_deviation);
  EXPECT_NEAR(report.profiles[0].mass, 0.3 * 3 * 5, 1e-10);
  EXPECT_LE(report.mass_drift, 1e-12);
  EXPECT_LE(report.profiles[1].largest, 1);
  report = propagate_network(kinetics::random_network(1, true), "n", s);  // equal sites: linear
  EXPECT_TRUE(report.profiles[1].largest_deviation);
}

TEST(Propagation, Refusals) {
  const kinetics::SiteNetwork network = kinetics::lattice_network("sc", 1, 1);
  const auto refused = [&](auto change) {
    PropagationSettings s;
    s.cells = {4, 4, 4};
    s.times_ps = {0, 1};
    change(s);
    EXPECT_THROW(propagate_network(network, "n", s), Error);
  };
  refused([](PropagationSettings& s) { s.cells = {1000, 1000, 1000}; });
  refused([](PropagationSettings& s) { s.cells = {0, 1, 1}; });
  refused([](PropagationSettings& s) { s.times_ps = {0, 2, 1}; });
  refused([](PropagationSettings& s) { s.axis = 3; });
  refused([](PropagationSettings& s) { s.exclusion = true; s.concentration = 1.5; });
}

// Half a simple cubic lattice: the collective D is (1 - c) of the free one exactly; the tracer's lies below.
TEST(LatticeGasReport, TracerAndCollectiveDiffusion) {
  LatticeGasSettings s;
  s.cells = {6, 6, 6};
  s.carriers = 108;
  s.time_ps = 1500;
  s.every_ps = 0.5;
  s.seed = 12;
  const LatticeGasReport report = simulate_lattice_gas(kinetics::lattice_network("sc", 1, 1), "sc", s);
  EXPECT_NEAR(kinetics::trace(report.one_carrier_diffusion_ang2_per_ps) / 3, 1, 1e-13);
  // A neighbour is free with 108 of 215 chances: the number of jumps.
  EXPECT_NEAR(report.jump_diffusion_ang2_per_ps, 108.0 / 215, 0.003);
  ASSERT_TRUE(report.collective_ang2_per_ps && report.tracer_ang2_per_ps && report.correlation_factor && report.haven_ratio);
  // The collective displacement is a random walk of all jumps: exact up to its noise; half the width of 95 % is two sigma.
  const Estimate& collective = *report.collective_ang2_per_ps;
  EXPECT_NEAR(collective.value, 108.0 / 215, 2 * (collective.high - collective.low) / 2);
  EXPECT_LT(collective.high - collective.low, 0.3);
  // Nakazato and Kitahara at c = 1/2: 1 / (1 + (1 - f0) / f0 · c / (2 - c)), f0 = 0.653; one vacancy in all would have 0.66.
  const double f = 1 / (1 + (1 - 0.65310884) / 0.65310884 / 3);
  EXPECT_NEAR(report.correlation_factor->value, f, 0.02);
  EXPECT_LT(report.correlation_factor->high, 0.95);
  EXPECT_NEAR(report.haven_ratio->value, report.tracer_ang2_per_ps->value / collective.value, 1e-9);
  // One carrier alone as a Markov model: without correlation at short lags, with it at long ones.
  const auto& lags = report.one_carrier.lags;
  EXPECT_GT(lags.front().diffusion_ang2_fs->value * 1e3, 1.05 * report.tracer_ang2_per_ps->value);
}

TEST(LatticeGasReport, SupercellNumbers) {
  CarrierFrames frames;
  frames.cells = {2, 3, 4};
  frames.types = 5;
  frames.type = {4};
  frames.cell = {{-1, 3, 9}};
  Int3 image{};
  EXPECT_EQ(frames.supercell_site(0, image), ((1 * 3 + 0) * 4 + 1) * 5 + 4);
  EXPECT_EQ(image, (Int3{-1, 1, 2}));
}

TEST(LatticeGasReport, Refusals) {
  const auto refused = [](auto change) {
    LatticeGasSettings s;
    s.cells = {4, 4, 4};
    s.carriers = 10;
    s.time_ps = 100;
    s.every_ps = 1;
    change(s);
    EXPECT_THROW(simulate_lattice_gas(kinetics::lattice_network("sc", 1, 1), "sc", s), Error);
  };
  refused([](LatticeGasSettings& s) { s.time_ps = 0; });
  refused([](LatticeGasSettings& s) { s.every_ps = 200; });
  refused([](LatticeGasSettings& s) { s.every_ps = 1e-6; });
  refused([](LatticeGasSettings& s) { s.carriers = 64; });  // full: stuck
  refused([](LatticeGasSettings& s) { s.carriers = 65; });
  refused([](LatticeGasSettings& s) { s.cells = {4, 4, 1}; });
}

TEST(LatticeGasReport, RefusesADrivenNetwork) {
  kinetics::SiteNetwork network = kinetics::lattice_network("sc", 1, 1);
  network.jumps[0].weight = 2;
  LatticeGasSettings s;
  s.cells = {4, 4, 4};
  s.carriers = 10;
  s.time_ps = 10;
  s.every_ps = 1;
  try {
    simulate_lattice_gas(network, "driven", s);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unsupported);
  }
}

TEST(NetworkReport, FlatFromALagOn) {
  const auto row = [](const std::vector<double>& d, double width) {
    std::vector<NetworkReport> reports;
    for (const double value : d) {
      reports.emplace_back();
      reports.back().error_ang2_per_ps.emplace();
      reports.back().error_ang2_per_ps->mean_ang2 = {value, value - width, value + width};
    }
    return reports;
  };
  EXPECT_EQ(flat_from(row({3, 2, 1.1, 1, 1.05}, 0.2)), 2u);
  EXPECT_EQ(flat_from(row({1, 1, 1}, 0.2)), 0u);
  EXPECT_EQ(flat_from(row({1, 1.15, 1.3, 1.45}, 0.2)), 2u);  // a slow drift: each must agree with every other
  EXPECT_FALSE(flat_from(row({3, 2, 1}, 0.2)));
  EXPECT_FALSE(flat_from(row({1, 1}, 0.2)));
  std::vector<NetworkReport> without = row({1, 1, 1}, 0.2);
  without[1].error_ang2_per_ps.reset();
  EXPECT_FALSE(flat_from(without));
}

TEST(NetworkReport, VacancyOfAFullCrystal) {
  NetworkSettings s;
  s.vacancy_cells = {4, 6};
  const NetworkReport report = analyze_network(kinetics::lattice_network("bcc", 1, 2), "bcc", s);
  ASSERT_TRUE(report.vacancy);
  EXPECT_NEAR(*report.vacancy->correlation_factor, 0.72719414, 2e-3);
  EXPECT_NEAR(kinetics::trace(report.vacancy->vacancy_diffusion_ang2_per_ps), kinetics::trace(report.diffusion_ang2_per_ps), 1e-12);
  EXPECT_NEAR(*report.vacancy->tracer_per_vacancy_ang2_per_ps * 3, *report.vacancy->correlation_factor * kinetics::trace(report.diffusion_ang2_per_ps), 1e-12);
  s.vacancy_cells = {6, 4};
  EXPECT_THROW(analyze_network(kinetics::lattice_network("bcc", 1, 2), "bcc", s), Error);
}

}  // namespace
}  // namespace saltus::runs
