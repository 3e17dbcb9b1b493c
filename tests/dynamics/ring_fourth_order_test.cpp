// The table of energies is −d ln Z/dβ of harmonic ring polymers of P beads, worked out apart from this code.
#include "saltus/dynamics/ring_fourth_order.hpp"

#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/dynamics/ring_loop.hpp"
#include "saltus/potentials/shared_proton.hpp"
#include "tests/dynamics/harmonic_ring.hpp"

namespace saltus {
namespace {

using test::Map;

constexpr RingFactorization takahashi_imada{Factorization::takahashi_imada}, suzuki_chin{Factorization::suzuki_chin}, third{Factorization::suzuki_chin, 1.0 / 3};

/// Root L of the inverse of the matrix of βH_P of one degree of freedom, A = L⁻ᵀ L⁻¹, and ½ ln det A.
struct Gaussian {
  Map root;
  double half_log_determinant = 0;
};

Gaussian harmonic_ring(const RingFactorization& f, const RingModes& modes, double mass_amu, double stiffness_ev_ang2) {
  const std::size_t beads = modes.beads;
  const double kt = units::boltzmann_ev_per_kelvin * modes.temperature_kelvin, chain = static_cast<double>(beads) * kt / units::hbar_ev_fs;
  const double spring = mass_amu * units::ev_per_amu_ang2_fs2 * chain * chain, beta = 1 / (static_cast<double>(beads) * kt);
  Map c(beads);  // lower: A = C Cᵀ
  for (std::size_t j = 0; j < beads; ++j) {
    c(j, j) += beta * (2 * spring + f.weight(j) * stiffness_ev_ang2 + 2 * f.correction(j) * stiffness_ev_ang2 * stiffness_ev_ang2 / spring);
    c(j, (j + 1) % beads) -= beta * spring;
    c((j + 1) % beads, j) -= beta * spring;
  }
  Gaussian result{Map(beads)};
  for (std::size_t j = 0; j < beads; ++j) {
    for (std::size_t i = j; i < beads; ++i) {
      for (std::size_t k = 0; k < j; ++k) c(i, j) -= c(i, k) * c(j, k);
      c(i, j) = i == j ? std::sqrt(c(i, j)) : c(i, j) / c(j, j);
    }
    result.half_log_determinant += std::log(c(j, j));
  }
  for (std::size_t column = 0; column < beads; ++column)  // Cᵀ x = e
    for (std::size_t i = beads; i-- > 0;) {
      double x = i == column;
      for (std::size_t k = i + 1; k < beads; ++k) x -= c(k, i) * result.root(k, column);
      result.root(i, column) = x / c(i, i);
    }
  return result;
}

struct Means {
  double potential = 0, primitive = 0, virial = 0, gyration2 = 0, even = 0, odd = 0;  ///< meV, Å²; ⟨x²⟩ over even and odd beads
};

/// What the estimators measure is at most quadratic in the beads: their means are sums over the columns of L, each a degree of freedom here.
Means exact_means(const RingFactorization& f, std::size_t beads, double wavenumber_per_cm) {
  const RingModes modes = ring_modes(beads, 300);
  const ModelSystem system{HarmonicWell{angular_frequency_per_fs(wavenumber_per_cm)}, test::mass_of_h_amu, beads};
  const double w = angular_frequency_per_fs(wavenumber_per_cm), stiffness = test::mass_of_h_amu * units::ev_per_amu_ang2_fs2 * w * w;
  const Gaussian gaussian = harmonic_ring(f, modes, test::mass_of_h_amu, stiffness);
  const BeadForces bare = test::forces_of(system);
  std::vector<double> energy(beads), force(beads * beads);
  const auto measured = [&](const std::vector<double>& position) {
    RingState ring = thermal_ring_state(modes, masses_amu(system), std::vector<double>(beads), Random(1, 1));
    to_modes(modes, beads, position, ring.mode_position_ang);
    update_forces(ring, [&](std::span<const double> q, std::span<double> e, std::span<double> g) {
      bare(q, e, g);
      energy.assign(e.begin(), e.end());
      force.assign(g.begin(), g.end());
      make_fourth_order(f, modes, ring.mass_amu, q, [&](std::span<const double> at, std::span<double> there, std::span<double> forces) { bare(at, there, forces); }, e, g);
    });
    RingMeasures measures;
    measure(ring, measures);
    const FourthOrderRing fourth{f, ring, energy, force};
    correct(fourth, measures);
    Means sum;
    sum.potential = 1e3 * fourth.potential_energy_ev();
    for (std::size_t i = 0; i < beads; ++i) {
      sum.primitive += 1e3 * measures.kinetic_primitive_ev[i];
      sum.virial += 1e3 * measures.kinetic_virial_ev[i];
      sum.gyration2 += measures.gyration2_ang2[i];
      for (std::size_t j = 0; j < beads; ++j) (f.represents(j) ? sum.even : sum.odd) += position[j * beads + i] * position[j * beads + i] * 2 / static_cast<double>(beads);
    }
    return sum;
  };
  const Means at_rest = measured(std::vector<double>(beads * beads));
  Means all = measured(gaussian.root.element);
  const double constants = 1 - 1 / static_cast<double>(beads);  // each degree of freedom has them
  all.primitive -= constants * at_rest.primitive;
  all.virial -= constants * at_rest.virial;
  all.gyration2 -= constants * at_rest.gyration2;
  return all;
}

TEST(RingFourthOrder, HarmonicEnergiesAreThoseOfThePartitionFunction) {
  struct Row {
    double wavenumber;
    std::size_t beads;
    double takahashi_imada, suzuki_chin, third;
  };
  for (const Row& row : {Row{1600, 4, 94.4315, 89.7077, 98.2122}, Row{1600, 8, 98.7948, 98.1115, 99.6741}, Row{1600, 16, 99.2449, 99.1896, 99.3305},
                         Row{1600, 32, 99.2774, 99.2737, 99.2835}, Row{3500, 4, 157.8048, 132.7389, 164.8806}, Row{3500, 8, 203.3167, 190.9652, 212.3454},
                         Row{3500, 16, 215.5048, 213.4968, 217.9849}, Row{3500, 32, 216.8646, 216.6943, 217.1245}})
    for (const auto& [f, energy] : {std::pair{takahashi_imada, row.takahashi_imada}, std::pair{suzuki_chin, row.suzuki_chin}, std::pair{third, row.third}}) {
      SCOPED_TRACE(::testing::Message() << row.wavenumber << " 1/cm, " << row.beads << " beads, " << static_cast<int>(f.kind) << ", alpha " << f.alpha);
      const Means means = exact_means(f, row.beads, row.wavenumber);
      EXPECT_NEAR(means.potential + means.primitive, energy, 1e-4);
      EXPECT_NEAR(means.primitive, means.virial, 1e-6);
      // ⟨V⟩ = k dF/dk; the centroid is classical whatever the factorisation.
      const RingModes modes = ring_modes(row.beads, 300);
      const double w = angular_frequency_per_fs(row.wavenumber), stiffness = test::mass_of_h_amu * units::ev_per_amu_ang2_fs2 * w * w, kt = units::boltzmann_ev_per_kelvin * 300;
      const auto log_root = [&](double scale) { return harmonic_ring(f, modes, test::mass_of_h_amu, scale * stiffness).half_log_determinant; };
      const double potential = 1e3 * kt * (log_root(1.0001) - log_root(0.9999)) / 0.0002;
      EXPECT_NEAR(means.potential, potential, 1e-4);
      EXPECT_NEAR(means.gyration2, (2e-3 * potential - kt) / stiffness, 1e-8);
    }
}

TEST(RingFourthOrder, EvenBeadsOfSuzukiChinHaveTheQuantumDistribution) {
  constexpr double exact = 0.01046394;
  const double eight = exact_means(suzuki_chin, 8, 1600).even - exact, sixteen = exact_means(suzuki_chin, 16, 1600).even - exact;
  EXPECT_NEAR(eight / sixteen, 13, 3);  // towards 2⁴
  EXPECT_NEAR(sixteen, 0, 2e-5);
  EXPECT_GT(std::abs(exact_means(suzuki_chin, 16, 1600).odd - exact), 10 * std::abs(sixteen));
}

AtomRing shared_protons(std::size_t beads) {
  Frame frame;
  Atoms atoms;
  for (int unit = 0; unit < 2; ++unit) {
    atoms.atomic_number.insert(atoms.atomic_number.end(), {8, 1, 8});
    atoms.mass_amu.insert(atoms.mass_amu.end(), {15.999, 1.008, 15.999});
    for (const double x : {0.0, 1.05, 2.5}) frame.position_ang.push_back({x, 0.1 * x, 6.0 * unit});
  }
  frame.atoms = std::make_shared<const Atoms>(atoms);
  return atom_ring(frame, beads, 300, Random(4, 1));
}

TEST(RingFourthOrder, ForcesAreThoseOfTheEnergies) {
  const SharedProton potential({});
  for (const RingFactorization& f : {takahashi_imada, suzuki_chin, third}) {
    SCOPED_TRACE(::testing::Message() << static_cast<int>(f.kind) << ", alpha " << f.alpha);
    AtomRing state = shared_protons(4);
    RingForces forces(potential, 1);
    forces.factorize_by(f);
    forces.update(state);
    const std::vector<double> position = state.ring.position_ang, force = state.ring.force_ev_ang;
    const BeadForces at = forces.of(state);
    double largest = 0, of_correction = 0;
    for (std::size_t d = 0; d < force.size(); ++d) {
      double sum[2] = {0, 0};
      for (const int side : {0, 1}) {
        std::vector<double> moved = position, energy(4), there(force.size());
        moved[d] += side ? 1e-4 : -1e-4;
        at(moved, energy, there);
        for (const double e : energy) sum[side] += e;
      }
      largest = std::max(largest, std::abs(force[d] + (sum[1] - sum[0]) / 2e-4));
      at(position, state.ring.energy_ev, state.ring.force_ev_ang);
      of_correction = std::max(of_correction, std::abs(force[d] - f.weight(d / 18) * state.bare_force_ev_ang[d]));
    }
    EXPECT_GT(of_correction, 1);
    EXPECT_LT(largest, 1e-3 * of_correction);  // of a difference of forces on one side
    // Frames have the potential's own.
    const Frame frame = frame_of_bead(state, 1);
    EXPECT_EQ(frame.energy_ev, state.bare_energy_ev[1]);
    EXPECT_NE(frame.energy_ev, state.ring.energy_ev[1]);
  }
}

TEST(RingFourthOrder, EnergyIsConservedAndItsErrorFallsAsTheSquareOfTheStep) {
  const SharedProton potential({});
  for (const RingFactorization& f : {takahashi_imada, suzuki_chin, third}) {
    const auto deviation = [&](double timestep_fs) {
      AtomRing state = shared_protons(6);
      RingLoopSettings settings;
      settings.thermostat = NoRingThermostat{};
      settings.factorization = f;
      settings.timestep_fs = timestep_fs;
      settings.steps = std::llround(200 / timestep_fs);
      settings.log_stride = 1;
      double first = std::nan(""), sum = 0;
      RingLoopSinks sinks;
      sinks.log = [&](std::span<const double> row) {
        if (std::isnan(first)) first = row[3];
        sum += (row[3] - first) * (row[3] - first);
      };
      begin_ring_dynamics(state, settings);
      run_ring_dynamics(state, potential, settings, sinks);
      return std::sqrt(sum / static_cast<double>(settings.steps));
    };
    const double coarse = deviation(0.2), fine = deviation(0.1);
    EXPECT_LT(coarse, 3e-3);  // of some eV that the beads hold
    EXPECT_NEAR(coarse / fine, 4, 1.2);
  }
}

TEST(RingFourthOrder, RefusesWhatCannotBe) {
  EXPECT_NO_THROW(require_factorization(suzuki_chin, 6));
  EXPECT_NO_THROW(require_factorization(takahashi_imada, 1));
  EXPECT_THROW(require_factorization(suzuki_chin, 5), Error);
  EXPECT_THROW(require_factorization({Factorization::suzuki_chin, 1.5}, 6), Error);
  EXPECT_THROW(require_factorization({Factorization::takahashi_imada, 0.3}, 6), Error);
  const SharedProton potential({});
  AtomRing state = shared_protons(4);
  RingLoopSettings settings;
  settings.factorization = takahashi_imada;
  settings.barostat = Barostat{};
  EXPECT_THROW(run_ring_dynamics(state, potential, settings, {}), Error);
  settings.barostat.reset();
  settings.contracted_beads = 3;
  EXPECT_THROW(run_ring_dynamics(state, potential, settings, {}), Error);
}

}  // namespace
}  // namespace saltus
