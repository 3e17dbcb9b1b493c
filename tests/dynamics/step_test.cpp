#include <cmath>

#include <gtest/gtest.h>

#include "argon.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/units.hpp"
#include "saltus/dynamics/step.hpp"

namespace saltus {
namespace {

using test::HarmonicWells;

void run(State& state, const Integrator& integrator, Forces& forces, double dt_fs, int steps) {
  for (int k = 0; k < steps; ++k) apply(integrator, state, dt_fs, forces);
}

double rms_energy_error(double dt_fs, int steps) {
  const LennardJones potential(lennard_jones_argon());
  State state = test::argon_state(3, 40, 11);
  remove_center_of_mass_velocity(state);
  Forces forces(potential, 1.0);
  const Integrator verlet = integrator_with(NoThermostat{});
  forces.update(state);
  const double start = state.energy_ev + kinetic_energy_ev(state);
  double sum = 0;
  for (int k = 0; k < steps; ++k) {
    apply(verlet, state, dt_fs, forces);
    const double error = state.energy_ev + kinetic_energy_ev(state) - start;
    sum += error * error;
  }
  return std::sqrt(sum / steps);
}

TEST(VelocityVerlet, EnergyErrorFallsWithTheSquareOfTheTimeStep) {
  const double coarse = rms_energy_error(20, 100), middle = rms_energy_error(10, 200), fine = rms_energy_error(5, 400);
  EXPECT_NEAR(coarse / middle, 4, 0.3);
  EXPECT_NEAR(middle / fine, 4, 0.15);
  EXPECT_LT(fine, 2e-6 * 108);  // eV, against a thermal energy of 5e-3 eV per atom
}

TEST(VelocityVerlet, IsReversibleAndConservesMomentum) {
  const LennardJones potential(lennard_jones_argon());
  State state = test::argon_state(2, 60, 12);
  remove_center_of_mass_velocity(state);
  const State start = state;
  Forces forces(potential, 0.5);
  const Integrator verlet = integrator_with(NoThermostat{});
  run(state, verlet, forces, 10, 200);
  Vec3 momentum;
  for (const Vec3& v : state.velocity_ang_fs) momentum += v;
  EXPECT_LT(norm(momentum), 1e-15 * 32);
  for (Vec3& v : state.velocity_ang_fs) v *= -1;
  run(state, verlet, forces, 10, 200);
  for (std::size_t i = 0; i < state.size(); ++i) {
    EXPECT_LT(norm(state.position_ang[i] - start.position_ang[i]), 1e-9);
    EXPECT_LT(norm(state.velocity_ang_fs[i] + start.velocity_ang_fs[i]), 1e-11);
  }
}

// In a harmonic well BAOAB samples positions with variance kT/k whatever the time step, and velocities (after the last
// B) with kT/m (1 - (w dt)²/4): Leimkuhler and Matthews, J. Chem. Phys. 138, 174102 (2013). The step here is w dt = 1,
// where an Euler or a plain Verlet scheme is off by tens of per cent.
TEST(Langevin, HarmonicVariancesAreThoseOfTheory) {
  constexpr double stiffness = 0.5, kelvin = 300, kt = units::boltzmann_ev_per_kelvin * kelvin;
  State state = test::separate_atoms(200, 13);
  const double mass = state.atoms->mass_amu[0] * units::ev_per_amu_ang2_fs2;
  const double dt = std::sqrt(mass / stiffness);
  const HarmonicWells wells(stiffness);
  Forces forces(wells, 0);
  const Integrator baoab = integrator_with(Langevin{kelvin, 0.7 / dt});
  run(state, baoab, forces, dt, 50);
  constexpr int blocks = 20, per_block = 100;
  double x2[2] = {0, 0}, v2[2] = {0, 0};
  for (int b = 0; b < blocks; ++b) {
    double x = 0, v = 0;
    for (int k = 0; k < per_block; ++k) {
      apply(baoab, state, dt, forces);
      for (std::size_t i = 0; i < state.size(); ++i) {
        x += norm2(state.position_ang[i]);
        v += norm2(state.velocity_ang_fs[i]);
      }
    }
    const double count = 3.0 * 200 * per_block;
    x *= stiffness / kt / count;
    v *= mass / kt / count;
    x2[0] += x / blocks, x2[1] += x * x / blocks;
    v2[0] += v / blocks, v2[1] += v * v / blocks;
  }
  const double x_error = std::sqrt((x2[1] - x2[0] * x2[0]) / (blocks - 1));
  const double v_error = std::sqrt((v2[1] - v2[0] * v2[0]) / (blocks - 1));
  EXPECT_LT(x_error, 0.004);
  EXPECT_LT(v_error, 0.004);
  EXPECT_NEAR(x2[0], 1.0, 4 * x_error);
  EXPECT_NEAR(v2[0], 0.75, 4 * v_error);
}

// Of free particles the rescaling alone moves the kinetic energy. Its stationary distribution is canonical: mean
// N/2 kT, variance N/2 (kT)² for N degrees of freedom; its autocorrelation is c = exp(-dt/tau) per step, which gives the
// errors of the two: variance times (1+c)/(1-c) / samples for the mean.
TEST(VelocityRescaling, KineticEnergyIsCanonical) {
  constexpr double kelvin = 500, kt = units::boltzmann_ev_per_kelvin * kelvin;
  for (const std::size_t atoms : {std::size_t{2}, std::size_t{10}}) {
    State state = test::separate_atoms(atoms, 14 + atoms);
    Random velocities(15, 2);
    draw_velocities(state, kelvin, velocities);
    remove_center_of_mass_velocity(state);
    const HarmonicWells free(0);
    Forces forces(free, 0);
    const double dt = 10, tau = 20, c = std::exp(-dt / tau);
    const Integrator rescaling = integrator_with(VelocityRescaling{kelvin, tau});
    run(state, rescaling, forces, dt, 20);
    constexpr int samples = 60000;
    double sum = 0, sum2 = 0, lagged = 0, last = 0;
    const double freedom = static_cast<double>(degrees_of_freedom(atoms, true)), mean = freedom / 2, variance = freedom / 2;
    for (int k = 0; k < samples; ++k) {
      apply(rescaling, state, dt, forces);
      const double kinetic = kinetic_energy_ev(state) / kt - mean;
      sum += kinetic;
      sum2 += kinetic * kinetic;
      lagged += kinetic * last;
      last = kinetic;
    }
    const double independent = samples * (1 - c) / (1 + c);
    EXPECT_NEAR(sum / samples, 0, 4 * std::sqrt(variance / independent)) << atoms;
    // Fourth moment of the gamma distribution: kurtosis 3 + 6 / shape, shape = N/2.
    const double variance_error = variance * std::sqrt((2 + 6 / mean) / independent);
    EXPECT_NEAR(sum2 / samples, variance, 4 * variance_error) << atoms;
    EXPECT_NEAR(lagged / sum2, c, 0.03) << atoms;
  }
}

// What the thermostat puts in is booked, so that total energy minus heat stays within the integration error, while the
// total energy itself wanders by electronvolts.
TEST(Thermostats, ConservedQuantityDoesNotDrift) {
  const LennardJones potential(lennard_jones_argon());
  for (const Thermostat& thermostat : {Thermostat{Langevin{60, 0.005}}, Thermostat{VelocityRescaling{60, 100}}}) {
    State state = test::argon_state(2, 20, 16);
    Forces forces(potential, 0.5);
    const Integrator integrator = integrator_with(thermostat);
    forces.update(state);
    const double total = state.energy_ev + kinetic_energy_ev(state);
    run(state, integrator, forces, 5, 2000);
    const double moved = state.energy_ev + kinetic_energy_ev(state) - total;
    EXPECT_GT(std::abs(moved), 0.1);
    EXPECT_LT(std::abs(moved - state.thermostat_ev), 1e-4 * 32);
  }
}

TEST(Thermostats, CrystalReachesTheTemperature) {
  const LennardJones potential(lennard_jones_argon());
  for (const Thermostat& thermostat : {Thermostat{Langevin{30, 0.01}}, Thermostat{VelocityRescaling{30, 100}}}) {
    State state = test::argon_state(2, 60, 17);
    Forces forces(potential, 0.5);
    const Integrator integrator = integrator_with(thermostat);
    run(state, integrator, forces, 10, 500);
    double sum = 0;
    constexpr int steps = 3000;
    const std::int64_t freedom = degrees_of_freedom(state.size(), conserves_momentum(thermostat));
    for (int k = 0; k < steps; ++k) {
      apply(integrator, state, 10, forces);
      sum += temperature_kelvin(kinetic_energy_ev(state), freedom);
    }
    // Standard deviation of one sample 30·sqrt(2/93) = 4.4 K; about 30 ps / 0.2 ps = 150 independent ones: 0.36 K.
    EXPECT_NEAR(sum / steps, 30, 1.5);
  }
}

TEST(Steps, DoNotDependOnTheNumberOfThreads) {
  const LennardJones potential(lennard_jones_argon());
  const auto result = [&](int threads) {
    set_thread_count(threads);
    State state = test::argon_state(5, 100, 18);
    Forces forces(potential, 0.4);
    run(state, integrator_with(Langevin{100, 0.01}), forces, 10, 60);
    return state;
  };
  const State one = result(1), two = result(2);
  set_thread_count(0);
  EXPECT_EQ(one.position_ang, two.position_ang);
  EXPECT_EQ(one.velocity_ang_fs, two.velocity_ang_fs);
  EXPECT_EQ(one.energy_ev, two.energy_ev);
  EXPECT_EQ(one.thermostat_ev, two.thermostat_ev);
}

TEST(Thermostats, RefuseWhatCannotBeMeant) {
  EXPECT_THROW(integrator_with(Langevin{-1, 0.1}), Error);
  EXPECT_THROW(integrator_with(Langevin{300, -0.1}), Error);
  EXPECT_THROW(integrator_with(VelocityRescaling{300, 0}), Error);
  EXPECT_THROW(integrator_with(VelocityRescaling{std::nan(""), 100}), Error);
}

TEST(State, MaxwellBoltzmannVelocities) {
  State state = test::separate_atoms(4000, 19);
  Random random(19, 2);
  draw_velocities(state, 300, random);
  // Relative standard deviation of the kinetic temperature: sqrt(2 / 12000) = 1.3 %.
  EXPECT_NEAR(temperature_kelvin(kinetic_energy_ev(state), degrees_of_freedom(4000, false)), 300, 4 * 300 * 0.013);
  remove_center_of_mass_velocity(state);
  Vec3 sum;
  for (const Vec3& v : state.velocity_ang_fs) sum += v;
  EXPECT_LT(norm(sum), 1e-12);
}

}  // namespace
}  // namespace saltus
