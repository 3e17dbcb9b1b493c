// Test values: closed forms, and the tables of finite beads and finite time steps that other codes gave (i-PI 3.3.0 agrees with the latter).
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include <gtest/gtest.h>

#include "harmonic_ring.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {
namespace {

using namespace test;

constexpr double kelvin = 300;
const double per_cm = angular_frequency_per_fs(1);

TEST(RingModes, AreOrthogonalForAnyNumberOfBeads) {
  for (std::size_t beads = 1; beads <= 33; ++beads) {
    const RingModes modes = ring_modes(beads, kelvin);
    for (std::size_t k = 0; k < beads; ++k)
      for (std::size_t l = 0; l < beads; ++l) {
        double sum = 0;
        for (std::size_t j = 0; j < beads; ++j) sum += modes.matrix[j * beads + k] * modes.transposed[l * beads + j];
        EXPECT_NEAR(sum, k == l ? 1 : 0, 1e-14) << beads << " beads";
      }
  }
}

TEST(RingModes, DiagonaliseTheSprings) {
  for (const std::size_t beads : {2u, 3u, 7u, 8u}) {
    const RingModes modes = ring_modes(beads, kelvin);
    const double chain = static_cast<double>(beads) * units::boltzmann_ev_per_kelvin * kelvin / units::hbar_ev_fs;
    for (std::size_t k = 0; k < beads; ++k) {
      double sum = 0;
      for (std::size_t j = 0; j < beads; ++j) {
        const double difference = modes.matrix[j * beads + k] - modes.matrix[(j + 1) % beads * beads + k];
        sum += chain * chain * difference * difference;
      }
      EXPECT_NEAR(std::sqrt(sum), modes.frequency_per_fs[k], 1e-12 * chain);
    }
  }
}

TEST(RingModes, HaveTheFrequenciesAndSpreadOfFreeHydrogen) {
  struct Row {
    std::size_t beads;
    double lowest_per_cm, highest_per_cm, gyration_ang;
  };
  for (const Row& row : {Row{8, 1276.6959, 3336.1670, 0.114722}, {16, 1301.7078, 6672.3341, 0.115403}, {32, 1308.0062, 13344.6682, 0.115572}, {64, 1309.5837, 26689.3363, 0.115615}}) {
    const RingModes modes = ring_modes(row.beads, kelvin);
    EXPECT_NEAR(modes.frequency_per_fs[1] / per_cm / row.lowest_per_cm, 1, 1e-7);
    EXPECT_NEAR(modes.frequency_per_fs[row.beads / 2] / per_cm / row.highest_per_cm, 1, 1e-7);
    double sum = 0;
    for (std::size_t k = 1; k < row.beads; ++k) sum += 1 / (modes.frequency_per_fs[k] * modes.frequency_per_fs[k]);
    const double kt = units::boltzmann_ev_per_kelvin * kelvin, p2 = static_cast<double>(row.beads * row.beads);
    const double gyration = std::sqrt(kt / (mass_of_h_amu * units::ev_per_amu_ang2_fs2) * sum);
    EXPECT_NEAR(gyration, row.gyration_ang, 6e-7);
    EXPECT_NEAR(gyration, units::hbar_ev_fs * std::sqrt((p2 - 1) / (12 * p2 * mass_of_h_amu * units::ev_per_amu_ang2_fs2 * kt)), 1e-6 * gyration);
  }
}

TEST(RingModes, GiveTheEnergiesOfHarmonicOscillators) {
  const double table[2][8] = {{25.852000, 71.738478, 83.684668, 89.542640, 96.549405, 98.037828, 98.575339, 99.102149},
                              {25.852000, 93.349602, 126.183874, 149.702896, 192.142152, 204.810170, 209.873886, 215.130424}};
  const std::size_t beads[] = {1, 4, 6, 8, 16, 24, 32, 64};
  for (int row = 0; row < 2; ++row)
    for (std::size_t column = 0; column < 8; ++column) {
      const double w = (row ? 3500 : 1600) * per_cm;
      double sum = 0;
      for (const double wk : ring_modes(beads[column], kelvin).frequency_per_fs) sum += w * w / (w * w + wk * wk);
      EXPECT_NEAR(units::boltzmann_ev_per_kelvin * kelvin * units::mev_per_ev * sum, table[row][column], 2e-6 * table[row][column]);
    }
}

TEST(RingModes, RefuseWhatIsNoRing) {
  EXPECT_THROW(ring_modes(0, kelvin), Error);
  EXPECT_THROW(ring_modes(4, 0), Error);
  EXPECT_THROW(thermal_ring_state(ring_modes(2, kelvin), {1, 0}, std::vector<double>(2), Random(1, 1)), Error);
  EXPECT_THROW(ring_integrator(Splitting::baoab, PileLocal{0, 1}, ring_modes(2, kelvin)), Error);
  EXPECT_THROW(ring_integrator(Splitting::baoab, RingLangevin{-1}, ring_modes(2, kelvin)), Error);
}

TEST(RingModes, ThereAndBackIsTheSame) {
  for (const std::size_t beads : {1u, 5u, 32u}) {
    const RingModes modes = ring_modes(beads, kelvin);
    Random random(3, 1);
    std::vector<double> in(beads * 37), beads_of(in.size()), back(in.size());
    for (double& x : in) x = random.normal();
    to_beads(modes, 37, in, beads_of);
    to_modes(modes, 37, beads_of, back);
    for (std::size_t i = 0; i < in.size(); ++i) EXPECT_NEAR(back[i], in[i], 1e-14);
  }
}

void no_forces(std::span<const double>, std::span<double> energy, std::span<double> force) {
  std::fill(energy.begin(), energy.end(), 0.0);
  std::fill(force.begin(), force.end(), 0.0);
}

TEST(RingDrift, IsExact) {
  for (const std::size_t beads : {1u, 2u, 5u, 8u, 33u}) {
    RingState whole = thermal_ring_state(ring_modes(beads, kelvin), std::vector<double>(50, mass_of_h_amu), std::vector<double>(50, 0.3), Random(5, 1));
    RingState halves = whole;
    const double energy = conserved_energy_ev(whole);
    apply(RingDrift{1}, whole, 3, no_forces);
    for (int k = 0; k < 2; ++k) apply(RingDrift{0.5}, halves, 3, no_forces);
    EXPECT_NEAR(conserved_energy_ev(whole), energy, 1e-12 * energy);
    for (std::size_t i = 0; i < whole.mode_position_ang.size(); ++i) {
      EXPECT_NEAR(whole.mode_position_ang[i], halves.mode_position_ang[i], 1e-13);
      EXPECT_NEAR(whole.mode_velocity_ang_fs[i], halves.mode_velocity_ang_fs[i], 1e-13);
    }
  }
}

TEST(RingDrift, FollowsTheSpringsBetweenBeads) {
  const RingModes modes = ring_modes(6, kelvin);
  RingState state = thermal_ring_state(modes, {mass_of_h_amu, mass_of_d_amu}, std::vector<double>(2), Random(7, 1));
  update_forces(state, no_forces);
  std::vector<double> q = state.position_ang, v(q.size()), a(q.size());
  to_beads(modes, 2, state.mode_velocity_ang_fs, v);
  const double chain = 6 * units::boltzmann_ev_per_kelvin * kelvin / units::hbar_ev_fs, dt = 1e-3;
  for (int step = 0; step < 1000; ++step) {  // velocity Verlet in beads
    const auto accelerate = [&] {
      for (std::size_t j = 0; j < 6; ++j)
        for (std::size_t i = 0; i < 2; ++i) a[2 * j + i] = chain * chain * (q[2 * ((j + 1) % 6) + i] + q[2 * ((j + 5) % 6) + i] - 2 * q[2 * j + i]);
    };
    accelerate();
    for (std::size_t i = 0; i < q.size(); ++i) q[i] += dt * (v[i] += 0.5 * dt * a[i]);
    accelerate();
    for (std::size_t i = 0; i < q.size(); ++i) v[i] += 0.5 * dt * a[i];
  }
  apply(RingDrift{1}, state, 1, no_forces);
  update_forces(state, no_forces);
  for (std::size_t i = 0; i < q.size(); ++i) EXPECT_NEAR(state.position_ang[i], q[i], 1e-7);
}

TEST(RingPolymer, WithoutThermostatConservesItsEnergy) {
  const ModelSystem system{DoubleWell{0.8 * units::ev_per_kcal_mol, 0.2}, mass_of_h_amu, 20};
  const RingModes modes = ring_modes(8, kelvin);
  const auto drift = [&](double dt_fs) {
    RingState state = thermal_ring_state(modes, masses_amu(system), std::vector<double>(20, 0.2), Random(2, 1));
    const BeadForces forces = forces_of(system);
    update_forces(state, forces);
    const double start = conserved_energy_ev(state);
    double worst = 0;
    const RingIntegrator list = ring_integrator(Splitting::baoab, NoRingThermostat{}, modes);
    for (int k = 0; k < static_cast<int>(100 / dt_fs); ++k) {
      apply(list, state, dt_fs, forces);
      worst = std::max(worst, std::abs(conserved_energy_ev(state) - start));
    }
    return worst;
  };
  const double coarse = drift(0.1), fine = drift(0.05);
  EXPECT_LT(fine, 1e-3);
  EXPECT_NEAR(coarse / fine, 4, 0.5);
}

TEST(RingPolymer, HeatOfThermostatsIsBooked) {
  const ModelSystem system{HarmonicWell{1600 * per_cm}, mass_of_h_amu, 50};
  const RingModes modes = ring_modes(8, kelvin);
  const BeadForces forces = forces_of(system);
  for (const RingThermostat& thermostat : {RingThermostat(PileLocal{20, 1}), RingThermostat(PileGlobal{20, 1}), RingThermostat(RingLangevin{0.05}), RingThermostat(RingTrpmd{}), RingThermostat(RingCmd{})})
    for (const Splitting splitting : {Splitting::baoab, Splitting::obabo}) {
      RingState state = thermal_ring_state(modes, masses_amu(system), std::vector<double>(50), Random(2, 1));
      update_forces(state, forces);
      const double start = conserved_energy_ev(state);
      run(state, ring_integrator(splitting, thermostat, modes), 0.02, 1000, forces);
      EXPECT_NEAR(conserved_energy_ev(state), start, 1e-4 * start);
      EXPECT_GT(std::abs(state.thermostat_ev), 1e-3);
    }
}

struct Row {
  Splitting splitting;
  double dt_fs, potential_mev, primitive_mev, temperature_kelvin;
};
constexpr Row finite_time_steps[] = {{Splitting::obabo, 0.25, 96.816, 95.143, 300.0}, {Splitting::obabo, 0.5, 99.137, 92.219, 300.0}, {Splitting::baoab, 0.5, 96.415, 95.402, 291.71}};

TEST(RingPolymer, AtFiniteTimeStepsHasTheAveragesOfLinearMaps) {
  const RingModes modes = ring_modes(16, kelvin);
  for (const Row& row : finite_time_steps) {
    const RingAverages exact = exact_averages(ring_integrator(row.splitting, PileLocal{20, 1}, modes), modes, mass_of_h_amu, 3500 * per_cm, row.dt_fs);
    EXPECT_NEAR(exact.potential_mev, row.potential_mev, 1e-3);
    EXPECT_NEAR(exact.primitive_mev, row.primitive_mev, 1e-3);
    EXPECT_NEAR(exact.temperature_kelvin, row.temperature_kelvin, 1e-2);
  }
  const RingAverages limit = exact_averages(ring_integrator(Splitting::baoab, PileLocal{20, 1}, modes), modes, mass_of_h_amu, 3500 * per_cm, 0.005);
  EXPECT_NEAR(limit.potential_mev, 96.071, 1e-3);
  EXPECT_NEAR(limit.primitive_mev, 96.071, 1e-3);
  EXPECT_NEAR(limit.virial_mev, 96.071, 1e-3);
}

TEST(RingPolymerSlow, SamplesWhatTheMapsSay) {
  const RingModes modes = ring_modes(16, kelvin);
  for (const std::uint64_t seed : {1u, 2u, 3u})
    for (const Row& row : finite_time_steps) {
      const RingIntegrator list = ring_integrator(row.splitting, PileLocal{20, 1}, modes);
      HarmonicRun settings;
      settings.dt_fs = row.dt_fs;
      settings.seed = seed;
      settings.copies = 128;
      settings.steps = static_cast<int>(3500 / row.dt_fs);
      const SampledAverages sampled = sampled_averages(list, modes, settings);
      EXPECT_LT(sampled.potential_mev.error, 0.2);
      EXPECT_LT(sampled.worst_deviation_from(exact_averages(list, modes, mass_of_h_amu, 3500 * per_cm, row.dt_fs)), 3) << "seed " << seed << ", " << row.dt_fs << " fs";
    }
}

TEST(RingPolymer, SamplesTheSameWithEveryThermostatAndOddBeads) {
  const RingModes modes = ring_modes(7, kelvin);
  // At a time step this small all of them have the averages of seven beads.
  const RingAverages exact = exact_averages(ring_integrator(Splitting::baoab, PileLocal{50, 0.5}, modes), modes, mass_of_h_amu, 1600 * per_cm, 0.25);
  HarmonicRun settings;
  settings.wavenumber_per_cm = 1600;
  settings.dt_fs = 0.25;
  settings.steps = 8000;
  for (const RingThermostat& thermostat : {RingThermostat(PileGlobal{50, 0.5}), RingThermostat(RingLangevin{0.05})})
    EXPECT_LT(sampled_averages(ring_integrator(Splitting::baoab, thermostat, modes), modes, settings).worst_deviation_from(exact), 3) << thermostat.index();
}

TEST(RingPolymer, CmdTurnsAllModesAtOneFrequency) {
  const RingModes modes = ring_modes(6, kelvin);
  const double frequency = 3000 * per_cm;
  RingState state = thermal_ring_state(modes, {mass_of_h_amu}, std::vector<double>{0.1}, Random(5, 1));
  const RingState start = state;
  // Without forces and noise a quarter of a turn, in as many steps as one likes, exchanges positions and velocities of each mode.
  const RingIntegrator list = ring_integrator(Splitting::baoab, RingCmd{frequency, 0}, modes);
  const BeadForces none = [](std::span<const double>, std::span<double> energy, std::span<double> force) {
    std::fill(energy.begin(), energy.end(), 0.0);
    std::fill(force.begin(), force.end(), 0.0);
  };
  const double quarter_fs = 0.5 * std::numbers::pi / frequency;
  run(state, list, quarter_fs / 3, 3, none);
  for (std::size_t k = 1; k < 6; ++k) {
    EXPECT_NEAR(state.mode_position_ang[k], start.mode_velocity_ang_fs[k] / modes.frequency_per_fs[k], 1e-12);
    EXPECT_NEAR(state.mode_velocity_ang_fs[k], -start.mode_position_ang[k] * modes.frequency_per_fs[k], 1e-12);
  }
  EXPECT_NEAR(state.mode_position_ang[0], start.mode_position_ang[0] + quarter_fs * start.mode_velocity_ang_fs[0], 1e-12);
  EXPECT_THROW(ring_integrator(Splitting::baoab, RingCmd{-1, 1}, modes), Error);
}

class RealTime : public ::testing::TestWithParam<RingThermostat> {};

TEST_P(RealTime, WarmsTheModesAndLeavesTheCentroid) {
  const std::size_t copies = 64;
  const RingModes modes = ring_modes(7, kelvin);
  const ModelSystem system{HarmonicWell{1600 * per_cm}, mass_of_h_amu, copies};
  const BeadForces forces = forces_of(system);
  RingState state = thermal_ring_state(modes, masses_amu(system), std::vector<double>(copies), Random(4, 1));
  const auto centroid_energy = [&](std::size_t i) {
    const double q = 1600 * per_cm * state.mode_position_ang[i], v = state.mode_velocity_ang_fs[i];
    return q * q + v * v;
  };
  std::vector<double> start(copies), gyration2(copies);
  for (std::size_t i = 0; i < copies; ++i) start[i] = centroid_energy(i);
  const RingIntegrator list = ring_integrator(Splitting::baoab, GetParam(), modes);
  run(state, list, 0.25, 1000, forces);
  RingMeasures measures;
  for (int k = 0; k < 1000; ++k) {
    run(state, list, 0.25, 8, forces);
    measure(state, measures);
    for (std::size_t i = 0; i < copies; ++i) gyration2[i] += measures.gyration2_ang2[i];
  }
  const Sampled sampled = over_copies(gyration2, 1000);
  const RingAverages exact = exact_averages(ring_integrator(Splitting::baoab, PileLocal{50, 0.5}, modes), modes, mass_of_h_amu, 1600 * per_cm, 0.25);
  EXPECT_NEAR(sampled.mean, exact.gyration2_ang2, 3 * sampled.error);
  for (std::size_t i = 0; i < copies; ++i) EXPECT_NEAR(centroid_energy(i), start[i], 0.06 * start[i]);
}

INSTANTIATE_TEST_SUITE_P(RingPolymer, RealTime, ::testing::Values(RingThermostat(RingTrpmd{}), RingThermostat(RingCmd{})));

TEST(RingPolymer, TestsOfAveragesNoticeWrongNoiseAndLostBeads) {
  const RingModes modes = ring_modes(16, kelvin);
  const RingIntegrator right = ring_integrator(Splitting::baoab, PileLocal{20, 1}, modes);
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    HarmonicRun settings;
    settings.seed = seed;
    const RingAverages exact = exact_averages(right, modes, mass_of_h_amu, 3500 * per_cm, settings.dt_fs);
    EXPECT_LT(sampled_averages(right, modes, settings).worst_deviation_from(exact), 3);
    EXPECT_GT(sampled_averages(right, modes, settings, true).worst_deviation_from(exact), 6);
    const RingModes fewer = ring_modes(15, kelvin);
    EXPECT_GT(sampled_averages(ring_integrator(Splitting::baoab, PileLocal{20, 1}, fewer), fewer, settings).worst_deviation_from(exact), 6);
    // Half the friction under the noise of all of it: hotter by (1 − c²)/(1 − c), c the factor of all of it.
    RingIntegrator wrong = right;
    for (RingStep& step : wrong)
      if (auto* bath = std::get_if<RingBath>(&step))
        for (ModeBath& mode : bath->mode) {
          mode.temperature_kelvin *= 1 + std::exp(-mode.friction_per_fs * bath->fraction * settings.dt_fs);
          mode.friction_per_fs /= 2;
        }
    EXPECT_GT(sampled_averages(wrong, modes, settings).worst_deviation_from(exact), 6);
  }
}

TEST(RingPolymer, RpmdGivesTheKuboCorrelationOfAnOscillator) {
  const std::size_t copies = 2000;
  const RingModes modes = ring_modes(8, kelvin);
  const double w = 1600 * per_cm, dt = 0.1;
  const ModelSystem system{HarmonicWell{w}, mass_of_h_amu, copies};
  const BeadForces forces = forces_of(system);
  RingState state = thermal_ring_state(modes, masses_amu(system), std::vector<double>(copies), Random(6, 1));
  run(state, ring_integrator(Splitting::baoab, PileLocal{10, 1}, modes), 0.5, 400, forces);
  RingMeasures measures;
  measure(state, measures);
  const std::vector<double> start = measures.centroid_ang;
  const RingIntegrator list = ring_integrator(Splitting::baoab, NoRingThermostat{}, modes);
  for (int k = 1; k <= 40; ++k) {
    run(state, list, dt, 10, forces);
    measure(state, measures);
    std::vector<double> product(copies);
    for (std::size_t i = 0; i < copies; ++i) product[i] = start[i] * measures.centroid_ang[i];
    const Sampled sampled = over_copies(product, 1);
    const double exact = units::boltzmann_ev_per_kelvin * kelvin / (mass_of_h_amu * units::ev_per_amu_ang2_fs2 * w * w) * std::cos(w * k * 10 * dt);
    EXPECT_NEAR(sampled.mean, exact, 3 * sampled.error + 1e-3 * std::abs(exact)) << k;
  }
}

TEST(RingPolymer, IsTheSameForAnyNumberOfThreadsAndAfterARestart) {
  const ModelSystem system{DoubleWell{0.8 * units::ev_per_kcal_mol, 0.2}, mass_of_h_amu, 3000};
  const RingModes modes = ring_modes(16, kelvin);
  const BeadForces forces = forces_of(system);
  const auto after = [&](int threads, const RingThermostat& thermostat, bool in_two_parts) {
    set_thread_count(threads);
    const RingIntegrator list = ring_integrator(Splitting::baoab, thermostat, modes);
    RingState state = thermal_ring_state(modes, masses_amu(system), std::vector<double>(3000), Random(9, 1));
    run(state, list, 0.5, 6, forces);
    if (in_two_parts) {
      const RingState saved = state;
      state = thermal_ring_state(modes, masses_amu(system), std::vector<double>(3000), Random(1, 2));
      state = saved;
      state.forces_current = false;  // derived: a restart computes them again
    }
    run(state, list, 0.5, 6, forces);
    set_thread_count(0);
    return state;
  };
  for (const RingThermostat& thermostat : {RingThermostat(PileLocal{}), RingThermostat(PileGlobal{})}) {
    const RingState one = after(1, thermostat, false);
    for (const RingState& other : {after(2, thermostat, false), after(1, thermostat, true)}) {
      EXPECT_EQ(one.mode_position_ang, other.mode_position_ang);
      EXPECT_EQ(one.mode_velocity_ang_fs, other.mode_velocity_ang_fs);
      EXPECT_EQ(one.thermostat_ev, other.thermostat_ev);
      EXPECT_EQ(one.random, other.random);
    }
  }
}

TEST(RingPolymer, SaysWhichBeadHasNoForce) {
  RingState state = thermal_ring_state(ring_modes(4, kelvin), std::vector<double>(3, 1), std::vector<double>(3), Random(1, 1));
  try {
    update_forces(state, [](std::span<const double>, std::span<double> energy, std::span<double> force) {
      std::fill(energy.begin(), energy.end(), 0.0);
      std::fill(force.begin(), force.end(), 0.0);
      force[7] = std::nan("");
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
    EXPECT_NE(std::string(error.what()).find("degree of freedom 1 of bead 2"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace saltus
