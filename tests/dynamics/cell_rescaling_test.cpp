#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include "argon.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/dynamics/loop.hpp"
#include "saltus/dynamics/step.hpp"

namespace saltus {
namespace {

constexpr double kelvin = 300, kt = units::boltzmann_ev_per_kelvin * kelvin;

// Ideal gas in a cell whose shape, not its volume, costs energy: E = k/2 (tr(hᵀh)/V^(2/3) - 3), k = 0 without shape.
class ShapedGas final : public Potential {
 public:
  explicit ShapedGas(double stiffness_ev) : stiffness_(stiffness_ev) { info_.kind = "shaped gas"; }
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  void evaluate(const Batch& batch, Want, Workspace&, std::span<Evaluation> results) const override {
    for (std::size_t c = 0; c < batch.count(); ++c) {
      const Mat3& rows = batch.cell[c].rows_ang();
      const Mat3 metric = transpose(rows) * rows;
      const double scale = std::pow(batch.cell[c].volume_ang3(), -2.0 / 3), trace = metric[0][0] + metric[1][1] + metric[2][2];
      results[c].energy_ev = 0.5 * stiffness_ * (trace * scale - 3);
      results[c].force_ev_ang.assign(batch.atoms->size(), Vec3{});
      Mat3 virial;
      for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b) virial[a][b] = -stiffness_ * scale * (metric[a][b] - (a == b ? trace / 3 : 0));
      results[c].virial_ev = virial;
    }
  }

 private:
  double stiffness_;
  PotentialInfo info_;
};

State gas_in_a_cube(std::size_t atoms, double volume_ang3, std::uint64_t seed) {
  State state = test::separate_atoms(atoms, seed);
  const double edge = std::cbrt(volume_ang3);
  state.cell = Cell(Mat3{{Vec3{edge, 0, 0}, Vec3{0, edge, 0}, Vec3{0, 0, edge}}});
  Random velocities(seed, 2);
  draw_velocities(state, kelvin, velocities);
  return state;
}

// Mean of a quantity and the error of the mean, from blocks that are long beside its correlation.
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

// Whether the momentum of the centre of mass is free (Langevin) or zero (csvr), positions fill V^N: the volume of an ideal gas is gamma
// distributed with <V> = (N+1) kT/p and variance (N+1) (kT/p)².
TEST(CellRescalingSlow, VolumeOfAnIdealGasHasMeanAndVarianceOfTheEnsemble) {
  constexpr std::size_t atoms = 8;
  constexpr double unit_ang3 = 200, pressure = kt / unit_ang3, stiffness = 200 * kt;
  struct Case {
    Thermostat thermostat;
    CellFreedom freedom;
  };
  for (const auto& [thermostat, freedom] :
       {Case{Langevin{kelvin, 0.05}, CellFreedom::isotropic}, Case{VelocityRescaling{kelvin, 30}, CellFreedom::isotropic},
        Case{Langevin{kelvin, 0.05}, CellFreedom::anisotropic}, Case{VelocityRescaling{kelvin, 30}, CellFreedom::flexible},
        Case{Langevin{kelvin, 0.05}, CellFreedom::flexible}}) {
    SCOPED_TRACE(std::string(name(freedom)) + (conserves_momentum(thermostat) ? ", csvr" : ", langevin"));
    const ShapedGas gas(freedom == CellFreedom::isotropic ? 0 : stiffness);
    State state = gas_in_a_cube(atoms, (atoms + 1) * unit_ang3, 31);
    if (conserves_momentum(thermostat)) remove_center_of_mass_velocity(state);
    Forces forces(gas, 0);
    forces.measure_virial(true);
    const Integrator integrator = integrator_with(thermostat, Barostat{freedom, pressure, 500, 1 / pressure, 1});
    constexpr int samples = 400000;
    BlockMean volume, square, shape, internal;
    for (int k = -2000; k < samples; ++k) {
      apply(integrator, state, 10, forces);
      if (k < 0) continue;
      const double v = state.cell.volume_ang3() / unit_ang3;
      volume.add(k, samples, v);
      square.add(k, samples, (v - (atoms + 1)) * (v - (atoms + 1)));
      shape.add(k, samples, state.energy_ev / kt);
      internal.add(k, samples, pressure_ev_ang3(state, degrees_of_freedom(atoms, conserves_momentum(thermostat))) / pressure);
    }
    EXPECT_LT(volume.error(), 0.012 * (atoms + 1));
    EXPECT_LT(square.error(), 0.05 * (atoms + 1));
    EXPECT_NEAR(volume.mean(), atoms + 1, 3 * volume.error());
    EXPECT_NEAR(square.mean(), atoms + 1, 3 * square.error());
    EXPECT_NEAR(internal.mean(), 1, 3 * internal.error());
    // Equipartition among the two or five strains that change the shape, up to terms of higher order, kT over the stiffness.
    const double strains = freedom == CellFreedom::isotropic ? 0 : freedom == CellFreedom::anisotropic ? 2 : 5;
    EXPECT_NEAR(shape.mean(), strains / 2, 3 * shape.error() + 0.02 * strains / 2);
    EXPECT_GT(static_cast<double>(state.cell_moves_accepted), 0.7 * static_cast<double>(state.cell_moves));
  }
}

// Without the acceptance the variance would be off by tens of per cent at this coarse step.
TEST(CellRescaling, EnsembleDoesNotDependOnTheIntervalOfTheStrains) {
  constexpr std::size_t atoms = 200;
  constexpr double unit_ang3 = 100, pressure = kt / unit_ang3;
  const ShapedGas gas(0);
  State state = gas_in_a_cube(atoms, (atoms + 1) * unit_ang3, 32);
  Forces forces(gas, 0);
  forces.measure_virial(true);
  const Integrator integrator = integrator_with(Langevin{kelvin, 0.5}, Barostat{CellFreedom::isotropic, pressure, 13, 1 / pressure, 1});
  constexpr int samples = 20000;
  BlockMean volume, square;
  for (int k = -100; k < samples; ++k) {
    apply(integrator, state, 10, forces);
    if (k < 0) continue;
    const double v = state.cell.volume_ang3() / unit_ang3;
    volume.add(k, samples, v);
    square.add(k, samples, (v - (atoms + 1)) * (v - (atoms + 1)));
  }
  EXPECT_LT(square.error(), 0.04 * (atoms + 1));
  EXPECT_NEAR(volume.mean(), atoms + 1, 3 * volume.error());
  EXPECT_NEAR(square.mean(), atoms + 1, 3 * square.error());
}

TEST(CellRescaling, EnergiesAreThoseOfTheStrainedCellAndEnthalpyIsAccountedFor) {
  const LennardJones potential(lennard_jones_argon());
  for (const CellFreedom freedom : {CellFreedom::isotropic, CellFreedom::anisotropic, CellFreedom::flexible}) {
    SCOPED_TRACE(name(freedom));
    State state = test::argon_state(2, 60, 33);
    LoopSettings settings;
    settings.steps = 1000;
    settings.timestep_fs = 5;
    settings.thermostat = VelocityRescaling{40, 100};
    settings.barostat = Barostat{freedom, 0.05 / units::gpa_per_ev_ang3, 500, 0.4 * units::gpa_per_ev_ang3, 5};
    settings.log_stride = 50;
    const Cell start = state.cell;
    std::vector<LogRow> rows;
    LoopSinks sinks;
    sinks.log = [&](const LogRow& row) { rows.push_back(row); };
    begin_dynamics(state, settings);
    run_dynamics(state, potential, settings, sinks);
    Workspace fresh;
    const Evaluation direct = evaluate_one(potential, frame_of(state), {.virial = true}, fresh);
    EXPECT_NEAR(state.energy_ev, direct.energy_ev, 1e-11);
    for (std::size_t i = 0; i < state.size(); ++i) EXPECT_LT(norm(state.force_ev_ang[i] - direct.force_ev_ang[i]), 1e-12);
    ASSERT_EQ(rows.size(), 21u);
    for (const LogRow& row : rows) {
      EXPECT_NEAR(row.conserved_ev, rows.front().conserved_ev, 2e-4 * 32);
      ASSERT_TRUE(row.volume_ang3 && row.pressure_gpa);
    }
    EXPECT_NE(rows.back().volume_ang3, rows.front().volume_ang3);
    // Shape: isotropic strain leaves ratios, anisotropic angles; none of them turns the cell much.
    const Mat3 strain = inverse(start.rows_ang()) * state.cell.rows_ang();
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < 3; ++b) {
        if (a == b) continue;
        if (freedom != CellFreedom::flexible) EXPECT_LT(std::abs(strain[a][b]), 1e-12);
        else EXPECT_NE(strain[a][b], 0);
        EXPECT_NEAR(strain[a][b], strain[b][a], 5e-3);
      }
    if (freedom == CellFreedom::isotropic) EXPECT_NEAR(strain[0][0], strain[1][1], 1e-12);
    else EXPECT_GT(std::abs(strain[0][0] - strain[1][1]), 1e-6);
  }
}

double number_of(const std::string& json, const std::string& quantity, const std::string& key) {
  const std::size_t at = json.find("\"" + key + "\":", json.find("\"" + quantity + "\"")) + key.size() + 3;
  return std::stod(json.substr(at));
}

// Solid argon beside LAMMPS, whose barostat is deterministic: density, and the compressibility in its fluctuations.
TEST(CellRescalingSlow, SolidArgonHasVolumeAndFluctuationsOfLammps) {
  const std::string expected = read_file(SALTUS_SOURCE_DIR "/tests/golden/lammps/constant_pressure/expected.json");
  const double volume_expected = number_of(expected, "volume_ang3", "value"), volume_error = number_of(expected, "volume_ang3", "error");
  const double variance_expected = number_of(expected, "variance_ang6", "value"), variance_error = number_of(expected, "variance_ang6", "error");
  const LennardJones potential(lennard_jones_argon());
  State state = test::argon_state(3, 80, 34);
  LoopSettings settings;
  settings.equilibration_steps = 4000;
  settings.steps = 80000;
  settings.timestep_fs = 5;
  settings.thermostat = VelocityRescaling{40, 200};
  settings.equilibration_thermostat = Langevin{40, 0.01};
  settings.barostat = Barostat{CellFreedom::isotropic, 500 * units::ev_ang3_per_bar, 300, 0.42 * units::gpa_per_ev_ang3, 10};
  settings.log_stride = 20;
  constexpr int samples = 4000;
  BlockMean volume, square, pressure;
  LoopSinks sinks;
  sinks.log = [&](const LogRow& row) {
    const auto k = static_cast<int>(row.step / settings.log_stride);
    if (row.step < 0 || k >= samples) return;
    volume.add(k, samples, *row.volume_ang3);
    square.add(k, samples, (*row.volume_ang3 - volume_expected) * (*row.volume_ang3 - volume_expected));
    pressure.add(k, samples, *row.pressure_gpa);
  };
  begin_dynamics(state, settings);
  run_dynamics(state, potential, settings, sinks);
  EXPECT_LT(volume.error(), 3);
  EXPECT_LT(square.error(), 0.12 * variance_expected);
  EXPECT_NEAR(volume.mean(), volume_expected, 3 * std::hypot(volume.error(), volume_error) + 0.25);
  EXPECT_NEAR(square.mean(), variance_expected, 3 * std::hypot(square.error(), variance_error));
  EXPECT_NEAR(pressure.mean(), 0.05, 3 * pressure.error());
  EXPECT_GT(static_cast<double>(state.cell_moves_accepted), 0.9 * static_cast<double>(state.cell_moves));
}

TEST(CellRescaling, RefusesWhatCannotBeMeant) {
  const auto kind = [](const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::internal;
  };
  const Barostat good;
  EXPECT_EQ(kind([&] { integrator_with(NoThermostat{}, good); }), ErrorKind::usage);
  EXPECT_EQ(kind([&] { integrator_with(Langevin{0, 0.1}, good); }), ErrorKind::usage);
  Barostat bad = good;
  bad.time_constant_fs = 0;
  EXPECT_EQ(kind([&] { integrator_with(Langevin{300, 0.1}, bad); }), ErrorKind::usage);
  bad = good;
  bad.compressibility_ang3_ev = -1;
  EXPECT_EQ(kind([&] { integrator_with(Langevin{300, 0.1}, bad); }), ErrorKind::usage);
  bad = good;
  bad.pressure_ev_ang3 = std::nan("");
  EXPECT_EQ(kind([&] { integrator_with(Langevin{300, 0.1}, bad); }), ErrorKind::usage);
  EXPECT_EQ(kind([] { cell_freedom_named("cubic"); }), ErrorKind::usage);
  const ShapedGas gas(0);
  State isolated = test::separate_atoms(4, 1);
  LoopSettings settings;
  settings.steps = 1;
  settings.thermostat = Langevin{300, 0.1};
  settings.barostat = good;
  EXPECT_EQ(kind([&] { run_dynamics(isolated, gas, settings, {}); }), ErrorKind::usage);
  // A cell far from equilibrium is an error with a remedy, not an explosion.
  State crushed = gas_in_a_cube(1000, 1, 2);
  begin_dynamics(crushed, settings);
  settings.steps = 20;
  EXPECT_EQ(kind([&] { run_dynamics(crushed, gas, settings, {}); }), ErrorKind::numeric);
}

}  // namespace
}  // namespace saltus
