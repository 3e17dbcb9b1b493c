#include <algorithm>
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "argon.hpp"
#include "saltus/base/error.hpp"
#include "saltus/dynamics/ring_contraction.hpp"
#include "saltus/dynamics/ring_estimators.hpp"
#include "saltus/dynamics/ring_loop.hpp"
#include "saltus/potentials/difference.hpp"

namespace saltus {
namespace {

/// Argon and something like it.
LennardJones dear() { return LennardJones(lennard_jones_argon()); }
LennardJones cheap() {
  LennardJonesParameters parameters = lennard_jones_argon();
  parameters.species.front().epsilon_ev *= 0.9;
  parameters.species.front().sigma_ang *= 0.99;
  return LennardJones(parameters);
}

AtomRing argon_ring(std::size_t beads) { return atom_ring(test::argon_crystal(2), beads, 20, Random(51, beads)); }

TEST(RingContraction, SmoothPathsKeepTheirShape) {
  for (const auto& [beads, few] : {std::pair{8u, 3u}, {8u, 1u}, {9u, 5u}, {6u, 6u}}) {
    AtomRing state = argon_ring(beads);
    std::vector<double> path(beads * state.ring.freedom());
    const auto at = [&](double tau, std::size_t i) {
      double value = 0.1 * static_cast<double>(i);
      for (std::size_t m = 1; 2 * m < few; ++m) value += 0.3 * std::cos(2 * std::numbers::pi * static_cast<double>(m) * tau + static_cast<double>(i + m));
      return value;
    };
    for (std::size_t j = 0; j < beads; ++j)
      for (std::size_t i = 0; i < state.ring.freedom(); ++i) path[j * state.ring.freedom() + i] = at(static_cast<double>(j) / beads, i);
    to_modes(state.ring.modes, state.ring.freedom(), path, state.ring.mode_position_ang);
    contract(state, few);
    RingState& ring = state.contracted.front().ring;
    to_beads(ring.modes, ring.freedom(), ring.mode_position_ang, ring.position_ang);
    for (std::size_t l = 0; l < few; ++l)
      for (std::size_t i = 0; i < ring.freedom(); ++i) EXPECT_NEAR(ring.position_ang[l * ring.freedom() + i], at(static_cast<double>(l) / few, i), 1e-12) << few;
  }
  AtomRing state = argon_ring(8);
  for (const std::size_t few : {0u, 2u, 4u, 9u}) EXPECT_THROW(contract(state, few), Error) << few;
}

// The energy of the ring polymer is Σ_j V_cheap(q_j) + (P/P') Σ_l V'(q'_l): forces, virial and energies of the sum are its derivatives.
TEST(RingContraction, ForcesAreTheGradientOfTheContractedEnergy) {
  const LennardJones full = dear(), reference = cheap();
  const DifferencePotential difference(full, reference);
  for (const std::size_t few : {1u, 3u, 6u}) {
    SCOPED_TRACE(few);
    AtomRing state = argon_ring(6);
    contract(state, few);
    const auto energy = [&](const AtomRing& at) {
      AtomRing moved = at;
      RingForces forces(reference, 0);
      forces.correct_by(difference);
      forces.measure_virial(true);
      moved.ring.forces_current = false;
      follow(moved);
      forces.update(moved);
      return with_contracted(moved);
    };
    const AtomRing here = energy(state);
    for (const std::size_t index : {0u, 7u, 96u + 11u, 5u * 96u + 50u}) {
      constexpr double step = 1e-4;
      AtomRing up = state, down = state;
      up.ring.mode_position_ang[index] += step, down.ring.mode_position_ang[index] -= step;
      const double slope = 6 * (potential_energy_ev(energy(up).ring) - potential_energy_ev(energy(down).ring)) / (2 * step);
      EXPECT_NEAR(here.ring.mode_force_ev_ang[index], -slope, 1e-7);
    }
    std::vector<double> modes(here.ring.force_ev_ang.size());
    to_modes(here.ring.modes, here.ring.freedom(), here.ring.force_ev_ang, modes);
    for (std::size_t i = 0; i < modes.size(); ++i) EXPECT_NEAR(modes[i], here.ring.mode_force_ev_ang[i], 1e-12);
    constexpr double strain = 1e-5;
    double of_strain[2];
    for (const int side : {0, 1}) {
      AtomRing strained = state;
      const double scale = side ? 1 + strain : 1 - strain;
      for (double& q : strained.ring.mode_position_ang) q *= scale;
      Mat3 rows = state.cell.rows_ang();
      for (int a = 0; a < 3; ++a) rows[a] *= scale;
      strained.cell = Cell(rows);
      of_strain[side] = potential_energy_ev(energy(strained).ring);
    }
    const Mat3& w = *here.virial_ev;
    EXPECT_NEAR(w[0][0] + w[1][1] + w[2][2], -(of_strain[1] - of_strain[0]) / (2 * strain), 1e-5);
    if (few < 6) continue;
    // All beads: the dear potential itself.
    RingForces direct(full, 0);
    direct.measure_virial(true);
    direct.update(state);
    for (std::size_t i = 0; i < state.ring.force_ev_ang.size(); ++i) EXPECT_NEAR(here.ring.force_ev_ang[i], state.ring.force_ev_ang[i], 1e-12);
    for (std::size_t j = 0; j < 6; ++j) EXPECT_NEAR(here.ring.energy_ev[j], state.ring.energy_ev[j], 1e-11);
  }
}

// Ring-polymer molecular dynamics under both potentials keeps its energy, to the second order of the long step.
TEST(RingContraction, EnergyIsConservedAndItsErrorFallsAsTheSquareOfTheStep) {
  const LennardJones full = dear(), reference = cheap();
  const DifferencePotential difference(full, reference);
  const auto deviation = [&](double timestep_fs) {
    AtomRing state = argon_ring(6);
    RingLoopSettings settings;
    settings.thermostat = NoRingThermostat{};
    settings.timestep_fs = timestep_fs;
    settings.steps = std::llround(2000 / timestep_fs);
    settings.inner_steps = 4;
    settings.contracted_beads = 3;
    settings.log_stride = 1;
    double first = std::nan(""), sum = 0;
    RingLoopSinks sinks;
    sinks.log = [&](std::span<const double> row) {
      if (std::isnan(first)) first = row[3];
      sum += (row[3] - first) * (row[3] - first);
    };
    begin_ring_dynamics(state, settings);
    run_ring_dynamics(state, reference, settings, sinks, &difference);
    return std::sqrt(sum / static_cast<double>(settings.steps));
  };
  const double coarse = deviation(20), fine = deviation(10);
  EXPECT_LT(coarse, 5e-3);  // of some 2 eV that the beads hold
  EXPECT_NEAR(coarse / fine, 4, 1.2);
}

}  // namespace
}  // namespace saltus
