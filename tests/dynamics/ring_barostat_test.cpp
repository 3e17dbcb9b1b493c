#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "argon.hpp"
#include "saltus/base/error.hpp"
#include "saltus/dynamics/ring_estimators.hpp"
#include "saltus/dynamics/ring_loop.hpp"
#include "saltus/potentials/independent_atoms.hpp"

namespace saltus {
namespace {

constexpr double kelvin = 300, kt = units::boltzmann_ev_per_kelvin * kelvin, hydrogen_amu = 1.00782503207;

Frame hydrogens(std::size_t count, double volume_ang3) {
  Frame frame;
  Atoms atoms;
  atoms.atomic_number.assign(count, 1);
  atoms.mass_amu.assign(count, hydrogen_amu);
  frame.atoms = std::make_shared<const Atoms>(atoms);
  frame.position_ang.assign(count, Vec3{});
  const double edge = std::cbrt(volume_ang3);
  frame.cell = Cell(Mat3{{Vec3{edge, 0, 0}, Vec3{0, edge, 0}, Vec3{0, 0, edge}}});
  return frame;
}

// Atoms in harmonic wells about the origin, unbounded by the cell, whose volume has the weight V^M of its own: E = Σ ½ k r² − M kT ln V.
class WellsInACell final : public Potential {
 public:
  WellsInACell(double stiffness_ev_ang2, double power) : stiffness_(stiffness_ev_ang2), power_(power) {
    info_.kind = "wells in a cell";
    info_.trained_on_stress = true;
  }
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  void evaluate(const Batch& batch, Want, Workspace&, std::span<Evaluation> results) const override {
    const std::size_t n = batch.atoms->size();
    for (std::size_t c = 0; c < batch.count(); ++c) {
      Evaluation& result = results[c];
      result = {};
      result.energy_ev = -power_ * kt * std::log(batch.cell[c].volume_ang3());
      Mat3 virial;
      for (int a = 0; a < 3; ++a) virial[a][a] = power_ * kt;
      for (std::size_t i = 0; i < n; ++i) {
        const Vec3& r = batch.position_ang[c * n + i];
        result.energy_ev += 0.5 * stiffness_ * norm2(r);
        result.force_ev_ang.push_back(r * -stiffness_);
        virial += outer(r, r * -stiffness_);
      }
      result.virial_ev = virial;
    }
  }

 private:
  double stiffness_, power_;
  PotentialInfo info_;
};

struct BlockMean {
  static constexpr int blocks = 40;
  std::vector<double> of_block = std::vector<double>(blocks, 0.0);
  void add(int sample, int samples, double value) { of_block[static_cast<std::size_t>(sample / (samples / blocks))] += value * blocks / samples; }
  double mean() const {
    double sum = 0;
    for (const double b : of_block) sum += b / blocks;
    return sum;
  }
  double error() const {
    double sum = 0;
    for (const double b : of_block) sum += (b - mean()) * (b - mean());
    return std::sqrt(sum / (blocks * (blocks - 1)));
  }
};

// <V> = (N+1) kT/p and the variance (N+1) (kT/p)² for any number of beads, whether the total momentum is free (pile_l) or zero (pile_g).
// Without the term kT, and with the temperature of the ring polymer in its place, the mean would be 11 per cent and more off.
TEST(RingBarostat, VolumeOfAnIdealGasDoesNotDependOnTheBeads) {
  constexpr std::size_t atoms = 8;
  constexpr double unit_ang3 = 200, pressure = kt / unit_ang3;
  const IndependentAtoms gas(0);
  struct Case {
    std::size_t beads;
    RingThermostat thermostat;
  };
  for (const auto& [beads, thermostat] : {Case{1, PileLocal{20, 1}}, Case{4, PileLocal{20, 1}}, Case{8, PileLocal{20, 1}}, Case{4, PileGlobal{20, 1}}}) {
    SCOPED_TRACE(beads);
    AtomRing state = atom_ring(hydrogens(atoms, (atoms + 1) * unit_ang3), beads, kelvin, Random(42, beads));
    RingForces forces(gas, 0);
    const RingIntegrator integrator = ring_integrator(Splitting::baoab, thermostat, state.ring.modes, 3);
    const Barostat barostat{CellFreedom::isotropic, pressure, 100, 1 / pressure, 1};
    constexpr int samples = 200000;
    BlockMean volume, square;
    for (int k = -500; k < samples; ++k) {
      strain_cell(barostat, state, 10, forces);
      apply(integrator, state.ring, 10, forces.of(state));
      if (k < 0) continue;
      const double v = state.cell.volume_ang3() / unit_ang3;
      volume.add(k, samples, v);
      square.add(k, samples, (v - (atoms + 1)) * (v - (atoms + 1)));
    }
    EXPECT_LT(volume.error(), 0.01 * (atoms + 1));
    EXPECT_LT(square.error(), 0.05 * (atoms + 1));
    EXPECT_NEAR(volume.mean(), atoms + 1, 3 * volume.error());
    EXPECT_NEAR(square.mean(), atoms + 1, 3 * square.error());
    EXPECT_GT(static_cast<double>(state.cell_moves_accepted), 0.7 * static_cast<double>(state.cell_moves));
  }
}

// Wells that do not know the cell: the volume is gamma distributed, <V> = (M+1) kT/p, and the ring polymers keep their closed forms
// however hard the centroids are strained with the cell. Strained beads would not: their springs are no part of the acceptance.
TEST(RingBarostat, StrainsCentroidsAndLeavesRingPolymersInEquilibrium) {
  constexpr std::size_t atoms = 8, beads = 6;
  constexpr double power = 24, unit_ang3 = 50, pressure = kt / unit_ang3, frequency_per_fs = 0.3;
  const double stiffness = units::ev_per_amu_ang2_fs2 * hydrogen_amu * frequency_per_fs * frequency_per_fs;
  const WellsInACell wells(stiffness, power);
  AtomRing state = atom_ring(hydrogens(atoms, (power + 1) * unit_ang3), beads, kelvin, Random(43, 1));
  RingForces forces(wells, 0);
  const RingIntegrator integrator = ring_integrator(Splitting::baoab, PileLocal{5, 1}, state.ring.modes);
  const Barostat barostat{CellFreedom::isotropic, pressure, 20, 1 / pressure, 1};
  constexpr int samples = 60000;
  BlockMean volume, internal, gyration2, harmonic, virial;
  RingMeasures measures;
  for (int k = -500; k < samples; ++k) {
    strain_cell(barostat, state, 0.5, forces);
    apply(integrator, state.ring, 0.5, forces.of(state));
    if (k < 0) continue;
    measure(state.ring, measures);
    double g = 0, v = 0;
    for (std::size_t i = 0; i < 3 * atoms; ++i) g += measures.gyration2_ang2[i] / (3 * atoms), v += measures.kinetic_virial_ev[i] / (3 * atoms);
    gyration2.add(k, samples, g);
    virial.add(k, samples, v);
    volume.add(k, samples, state.cell.volume_ang3());
    harmonic.add(k, samples, (potential_energy_ev(state.ring) + power * kt * std::log(state.cell.volume_ang3())) / (3 * atoms));
    forces.measure_virial(true);
    const Mat3& w = *state.virial_ev;
    internal.add(k, samples, (2 * 3 * atoms * v + w[0][0] + w[1][1] + w[2][2]) / (3 * state.cell.volume_ang3()) / pressure);
  }
  double energy = 0, spread = 0;
  const double w2 = frequency_per_fs * frequency_per_fs;
  for (std::size_t k = 0; k < beads; ++k) {
    const double mode2 = state.ring.modes.frequency_per_fs[k] * state.ring.modes.frequency_per_fs[k];
    energy += kt * w2 / (w2 + mode2);
    if (k > 0) spread += kt / (units::ev_per_amu_ang2_fs2 * hydrogen_amu) / (w2 + mode2);
  }
  const auto expect = [](const BlockMean& m, double exact, const char* what) {
    EXPECT_NEAR(m.mean(), exact, 3 * m.error()) << what;
    EXPECT_LT(m.error(), 0.01 * exact) << what;
  };
  expect(volume, (power + 1) * unit_ang3, "volume");
  expect(gyration2, spread, "gyration");
  expect(harmonic, energy / 2, "potential energy");
  expect(virial, energy / 2, "virial kinetic energy");
  EXPECT_NEAR(internal.mean(), 1, 3 * internal.error());
}

// Quantum solid argon: the pressure of the estimator is that of the barostat, the energy that the strains put in is booked.
TEST(RingBarostat, PressureOfArgonIsTheOneAskedFor) {
  const LennardJones potential(lennard_jones_argon());
  for (const CellFreedom freedom : {CellFreedom::isotropic, CellFreedom::flexible}) {
    SCOPED_TRACE(name(freedom));
    AtomRing state = atom_ring(test::argon_crystal(2), 4, 40, Random(44, 1));
    RingLoopSettings settings;
    settings.equilibration_steps = 1000;
    settings.steps = 6000;
    settings.timestep_fs = 5;
    settings.thermostat = PileGlobal{200, 1};
    settings.equilibration_thermostat = PileLocal{100, 1};
    settings.barostat = Barostat{freedom, 0.1 / units::gpa_per_ev_ang3, 300, 0.42 * units::gpa_per_ev_ang3, 10};
    settings.log_pressure = true;
    settings.log_stride = 10;
    const std::vector<std::string> columns = ring_log_columns(ring_species(*state.atoms), {});
    const auto column = [&](const char* name) { return static_cast<std::size_t>(std::find(columns.begin(), columns.end(), name) - columns.begin()); };
    constexpr int samples = 600;
    BlockMean pressure;
    double first = std::nan(""), furthest = 0, smallest = 1e9, largest = 0;
    RingLoopSinks sinks;
    sinks.log = [&](std::span<const double> row) {
      const int k = static_cast<int>(row[0] / 10);
      if (k < 0 || k >= samples) return;
      pressure.add(k, samples, row[column("pressure_gpa")]);
      const double conserved = row[column("conserved_ev")], volume = row[column("volume_ang3")];
      if (k == 0) first = conserved;
      furthest = std::max(furthest, std::abs(conserved - first));
      smallest = std::min(smallest, volume), largest = std::max(largest, volume);
    };
    begin_ring_dynamics(state, settings);
    run_ring_dynamics(state, potential, settings, sinks);
    EXPECT_NEAR(pressure.mean(), 0.1, 3 * pressure.error());
    EXPECT_LT(pressure.error(), 0.01);
    EXPECT_GT(largest, 1.02 * smallest);
    EXPECT_LT(furthest, 1e-3 * 32 * 4);  // of some 0.01 eV per atom and bead that the thermostats exchange
    EXPECT_GT(static_cast<double>(state.cell_moves_accepted), 0.8 * static_cast<double>(state.cell_moves));
  }
}

TEST(RingBarostat, RefusesWhatCannotBeMeant) {
  const IndependentAtoms gas(0);
  const auto kind = [&](const Frame& frame, const RingLoopSettings& settings) {
    AtomRing state = atom_ring(frame, 2, kelvin, Random(1, 1));
    begin_ring_dynamics(state, settings);
    try {
      run_ring_dynamics(state, gas, settings, {});
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  };
  RingLoopSettings settings;
  settings.steps = 20;
  settings.barostat = Barostat{};
  const Frame box = hydrogens(4, 1000);
  Frame isolated = box;
  isolated.cell = Cell();
  EXPECT_EQ(kind(isolated, settings), ErrorKind::usage);
  for (const RingThermostat& thermostat : {RingThermostat{NoRingThermostat{}}, RingThermostat{RingTrpmd{}}}) {
    settings.thermostat = thermostat;
    EXPECT_EQ(kind(box, settings), ErrorKind::usage);
  }
  settings.thermostat = PileLocal{};
  settings.barostat->compressibility_ang3_ev = -1;
  EXPECT_EQ(kind(box, settings), ErrorKind::usage);
  settings.barostat->compressibility_ang3_ev = 100;
  EXPECT_EQ(kind(hydrogens(4000, 1), settings), ErrorKind::numeric);
}

}  // namespace
}  // namespace saltus
