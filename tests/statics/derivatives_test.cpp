#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "crystals.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/statics/elastic_constants.hpp"
#include "saltus/statics/equation_of_state.hpp"
#include "saltus/statics/phonons.hpp"

namespace saltus {
namespace {

using units::boltzmann_ev_per_kelvin;

// Face-centred cubic bound by nearest neighbours of stiffness k at distance r: C11 = 2 C12 = 2 C44 = sqrt(2) k / r.
TEST(ElasticConstants, CubicCrystalOfNearestNeighbors) {
  const LennardJones potential = test::nearest_neighbor_argon();
  ElasticSettings settings;
  settings.strain = 1e-4;
  settings.relaxation.force_tolerance_ev_ang = 1e-8;
  const ElasticConstants c = elastic_constants(test::fcc_cube(test::nearest_distance_ang()), potential, settings);
  const double c11 = std::sqrt(2) * test::pair_stiffness_ev_ang2() / test::nearest_distance_ang(), limit = 1e-5 * c11;
  for (std::size_t i = 0; i < 6; ++i)
    for (std::size_t j = 0; j < 6; ++j)
      EXPECT_NEAR(c.stiffness_ev_ang3[i][j], i == j ? (i < 3 ? c11 : c11 / 2) : i < 3 && j < 3 ? c11 / 2 : 0, limit) << i << j;
  EXPECT_LT(c.largest_asymmetry_ev_ang3, limit);
  EXPECT_TRUE(c.stable);
  EXPECT_EQ(c.not_converged, 0u);
  EXPECT_NEAR(c.voigt.bulk_ev_ang3, 2 * c11 / 3, limit);
  EXPECT_NEAR(c.reuss.bulk_ev_ang3, 2 * c11 / 3, limit);
  // Shear: Voigt (C11 - C12 + 3 C44)/5, Reuss 5 (C11 - C12) C44 / (4 C44 + 3 (C11 - C12)); here C11 - C12 = C44 = C11/2.
  EXPECT_NEAR(c.voigt.shear_ev_ang3, 0.4 * c11, limit);
  EXPECT_NEAR(c.reuss.shear_ev_ang3, 5.0 / 14 * c11, limit);
  EXPECT_NEAR(c.eigenvalue_ev_ang3[0], c11 / 2, limit);
}

// Two sublattices on a line of springs k and K relax so that the chain is as stiff as the springs in series: kK/(k + K).
TEST(ElasticConstants, AtomsRelaxAtEachStrain) {
  class Chain final : public Potential {
   public:
    Chain() { info_.kind = "chain"; }
    const PotentialInfo& info() const override { return info_; }
    double cutoff_ang() const override { return 1; }
    void evaluate(const Batch& batch, Want, Workspace&, std::span<Evaluation> results) const override {
      for (std::size_t b = 0; b < batch.count(); ++b) {
        const double length = batch.cell[b].rows_ang()[0].x, width = batch.cell[b].rows_ang()[1].y, depth = batch.cell[b].rows_ang()[2].z;
        const double first = batch.position_ang[2 * b + 1].x - batch.position_ang[2 * b].x, u = first - 2, w = length - first - 2;
        results[b].energy_ev = 0.5 * (3 * u * u + 1 * w * w + (width - 4) * (width - 4) + (depth - 4) * (depth - 4));
        results[b].force_ev_ang = {{3 * u - w, 0, 0}, {-3 * u + w, 0, 0}};
        results[b].virial_ev = Mat3{{Vec3{-3 * u * first - w * (length - first), 0, 0}, Vec3{0, -(width - 4) * width, 0}, Vec3{0, 0, -(depth - 4) * depth}}};
      }
    }

   private:
    PotentialInfo info_;
  };
  const Chain chain;
  Frame frame;
  frame.cell = Cell(Mat3{{Vec3{4, 0, 0}, Vec3{0, 4, 0}, Vec3{0, 0, 4}}});
  frame.position_ang = {{0, 0, 0}, {2, 0, 0}};
  frame.atoms = std::make_shared<const Atoms>(atoms_of({18, 18}));
  ElasticSettings settings;
  settings.strain = 1e-4;
  settings.relaxation.force_tolerance_ev_ang = 1e-10;
  EXPECT_NEAR(elastic_constants(frame, chain, settings).stiffness_ev_ang3[0][0], 3.0 * 1 / (3 + 1) * 16 / 64, 1e-6);
  settings.relax_atoms = false;
  const ElasticConstants clamped = elastic_constants(frame, chain, settings);
  EXPECT_NEAR(clamped.stiffness_ev_ang3[0][0], (3.0 * 4 + 1 * 4) / 64, 1e-6);
  EXPECT_FALSE(clamped.stable);  // nothing holds the angles
  settings.strain = 0.2;
  EXPECT_THROW(elastic_constants(frame, chain, settings), Error);
}

TEST(EquationOfState, FitGivesBackItsOwnParameters) {
  const BirchMurnaghan truth{-12.3, 640, 0.05, 5.2, 0};
  std::vector<double> volume, energy;
  for (int k = 0; k < 8; ++k) {
    volume.push_back(560 + 22.0 * k);
    energy.push_back(energy_ev(truth, volume.back()));
  }
  const BirchMurnaghan fit = fit_birch_murnaghan(volume, energy);
  EXPECT_NEAR(fit.energy_ev, truth.energy_ev, 1e-10);
  EXPECT_NEAR(fit.volume_ang3, truth.volume_ang3, 1e-6);
  EXPECT_NEAR(fit.bulk_ev_ang3, truth.bulk_ev_ang3, 1e-9);
  EXPECT_NEAR(fit.bulk_derivative, truth.bulk_derivative, 1e-6);
  EXPECT_LT(fit.rms_ev, 1e-12);
  for (double& e : energy) e = -e;  // a hill has no minimum
  EXPECT_THROW(fit_birch_murnaghan(volume, energy), Error);
  volume.resize(4), energy.resize(4);
  EXPECT_THROW(fit_birch_murnaghan(volume, energy), Error);
}

// E/N = 6 phi with phi ~ V⁻⁴ − V⁻²: B0' = (12 + 6)/3 + 2 = 8.
TEST(EquationOfState, CrystalOfNearestNeighbors) {
  const LennardJones potential = test::nearest_neighbor_argon();
  EquationOfStateSettings settings;
  settings.range = 0.03;
  const EquationOfState eos = equation_of_state(test::fcc_cube(test::nearest_distance_ang()), potential, settings);
  const double bulk = 2 * std::sqrt(2) / 3 * test::pair_stiffness_ev_ang2() / test::nearest_distance_ang();
  EXPECT_NEAR(eos.fit.energy_ev, -24 * test::epsilon_ev, 1e-6);
  EXPECT_NEAR(eos.fit.volume_ang3, 4 * std::pow(test::nearest_distance_ang(), 3) / std::sqrt(2), 0.01);
  EXPECT_NEAR(eos.fit.bulk_ev_ang3, bulk, 2e-3 * bulk);
  EXPECT_NEAR(eos.fit.bulk_derivative, 8, 0.05);
  EXPECT_EQ(eos.without.size(), 9u);
}

// Nearest neighbours of stiffness k and mass m: at X longitudinal ω² = 8 k/m, transverse 4 k/m; at L 8 k/m and 2 k/m.
TEST(Phonons, FccAtXAndL) {
  const LennardJones potential = test::nearest_neighbor_argon();
  const ForceConstants constants = force_constants(test::fcc_primitive(test::nearest_distance_ang()), potential, {{3, 3, 3}, 1e-3});
  const double unit = std::sqrt(test::pair_stiffness_ev_ang2() / (constants.cell.atoms->mass_amu[0] * units::ev_per_amu_ang2_fs2)) * 1e3 / (2 * std::numbers::pi);
  const auto expect = [&](const Vec3& q, std::array<double, 3> squares) {
    const std::vector<double> f = frequencies_thz(constants, q);
    ASSERT_EQ(f.size(), 3u);
    for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(f[k], unit * std::sqrt(squares[k]), 2e-5 * unit) << k;
  };
  expect({0.5, 0.5, 0}, {4, 4, 8});
  expect({0.5, 0, 0}, {2, 2, 8});
  for (const double f : frequencies_thz(constants, {0, 0, 0})) EXPECT_LT(std::abs(f), 1e-4 * unit);
  EXPECT_LT(constants.largest_force_ev_ang, 1e-12);
  EXPECT_LT(constants.largest_sum_ev_ang2, 1e-9);
  EXPECT_EQ(constants.evaluations, 7u);
  // The cubic cell of four atoms has the same modes, folded: those of X at its Γ.
  const std::vector<double> folded = frequencies_thz(force_constants(test::fcc_cube(test::nearest_distance_ang()), potential, {{2, 2, 2}, 1e-3}), {0, 0, 0});
  ASSERT_EQ(folded.size(), 12u);
  for (std::size_t k = 3; k < 9; ++k) EXPECT_NEAR(folded[k], unit * 2, 2e-5 * unit);
  for (std::size_t k = 9; k < 12; ++k) EXPECT_NEAR(folded[k], unit * std::sqrt(8.0), 2e-5 * unit);
}

TEST(Phonons, ImaginaryModesAreNegativeAndLeftOutOfEnergies) {
  const LennardJones potential = test::nearest_neighbor_argon();
  // Rows of a simple cubic crystal buckle when it is compressed: nothing but nearest neighbours holds them straight.
  Frame compressed;
  const double a = 0.97 * test::nearest_distance_ang();
  compressed.cell = Cell(Mat3{{Vec3{a, 0, 0}, Vec3{0, a, 0}, Vec3{0, 0, a}}});
  compressed.position_ang = {{0, 0, 0}};
  compressed.atoms = std::make_shared<const Atoms>(atoms_of({18}));
  const ForceConstants constants = force_constants(compressed, potential, {{3, 3, 3}, 1e-3});
  const std::vector<double> at_x = frequencies_thz(constants, {0.5, 0, 0});
  EXPECT_LT(at_x[0], -0.05);
  const std::vector<double> mesh = mesh_frequencies_thz(constants, {4, 4, 4});
  ASSERT_EQ(mesh.size(), 3u * 64);
  const std::vector<double> kelvin{40};
  const HarmonicEnergies energies = harmonic_energies(mesh, 1, kelvin);
  EXPECT_GT(energies.imaginary, 0u);
  EXPECT_EQ(energies.modes, 3u * 63);
  EXPECT_TRUE(std::isfinite(energies.free_energy_ev[0]));
}

TEST(Phonons, EnergiesOfAnOscillatorAndItsClassicalLimit) {
  const std::vector<double> mesh{5, 5, 5}, kelvin{0, 300, 1e5};
  const HarmonicEnergies e = harmonic_energies(mesh, 1, kelvin);
  const double quantum = 4.135667696e-3 * 5;  // h in eV/THz
  EXPECT_NEAR(e.zero_point_ev, 1.5 * quantum, 1e-9);
  EXPECT_NEAR(e.free_energy_ev[0], 1.5 * quantum, 1e-9);
  const double kt = boltzmann_ev_per_kelvin * 300;
  EXPECT_NEAR(e.free_energy_ev[1], 3 * (quantum / 2 + kt * std::log(1 - std::exp(-quantum / kt))), 1e-9);
  EXPECT_NEAR(e.heat_capacity_ev_kelvin[2], 3 * boltzmann_ev_per_kelvin, 1e-9);
  // F = U - TS with U = 3 h f (1/2 + 1/(e^x - 1)).
  EXPECT_NEAR(e.free_energy_ev[1] + 300 * e.entropy_ev_kelvin[1], 3 * quantum * (0.5 + 1 / (std::exp(quantum / kt) - 1)), 1e-9);
  std::vector<double> at;
  for (int k = 0; k <= 400; ++k) at.push_back(k * 0.025);
  double area = 0;
  for (const double d : density_of_states(mesh, 1, at, 0.1)) area += d * 0.025;
  EXPECT_NEAR(area, 3, 1e-6);
}

TEST(Phonons, RefuseWhatCannotBeMeant) {
  const LennardJones potential = test::nearest_neighbor_argon();
  const Frame cell = test::fcc_primitive(4);
  EXPECT_THROW(force_constants(cell, potential, {{1, 1, 1}, 0}), Error);
  EXPECT_THROW(force_constants(cell, potential, {{0, 1, 1}, 0.01}), Error);
  EXPECT_THROW(mesh_frequencies_thz(force_constants(cell, potential, {{2, 2, 2}, 0.01}), {0, 1, 1}), Error);
}

}  // namespace
}  // namespace saltus
