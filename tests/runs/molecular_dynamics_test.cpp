#include <cmath>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/segments.hpp"
#include "saltus/potentials/lennard_jones.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/runs/molecular_dynamics.hpp"

namespace saltus::runs {
namespace {

namespace fs = std::filesystem;

class MolecularDynamicsRun : public ::testing::Test {
 protected:
  MolecularDynamicsRun() : folder_(fs::path(::testing::TempDir()) / ("saltus_md_run_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~MolecularDynamicsRun() override { fs::remove_all(folder_); }
  fs::path folder_;
};

Frame argon() {
  Frame cube;
  cube.cell = Cell(Mat3{{Vec3{5.3, 0, 0}, Vec3{0, 5.3, 0}, Vec3{0, 0, 5.3}}});
  cube.position_ang = {{0, 0, 0}, {0, 2.65, 2.65}, {2.65, 0, 2.65}, {2.65, 2.65, 0}};
  cube.atoms = std::make_shared<const Atoms>(atoms_of({18, 18, 18, 18}));
  return repeated(cube, {2, 2, 2});
}

MolecularDynamicsSettings short_run() {
  MolecularDynamicsSettings settings;
  settings.seed = 3;
  settings.temperature_kelvin = 40;
  settings.loop.steps = 100;
  settings.loop.timestep_fs = 5;
  settings.loop.thermostat = VelocityRescaling{40, 100};
  settings.loop.log_stride = 10;
  settings.loop.checkpoint_stride = 40;
  return settings;
}

TEST(StartingFrame, SupercellAndVacanciesOfTheExample) {
  StartSettings settings;
  settings.file = fs::path(SALTUS_SOURCE_DIR) / "examples/li15si4/li15si4_900K.extxyz";
  settings.removed_atoms = {31};
  const Frame one = starting_frame(settings);
  EXPECT_EQ(formula(*one.atoms), "Li59Si16");

  settings.removed_atoms = {};
  settings.supercell = {2, 2, 2};
  settings.vacancies = 8;
  settings.vacancy_element = "Li";
  const Frame eight = starting_frame(settings);
  EXPECT_EQ(formula(*eight.atoms), "Li472Si128");
  EXPECT_EQ(starting_frame(settings).position_ang, eight.position_ang);
  settings.seed = 1;
  EXPECT_NE(starting_frame(settings).position_ang, eight.position_ang);

  settings.frame = 100000;
  try {
    starting_frame(settings);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
  }
}

TEST_F(MolecularDynamicsRun, LeavesTrajectoryLogAndSummary) {
  const LennardJones potential(lennard_jones_argon());
  const auto summary = run_molecular_dynamics(short_run(), argon(), potential, "model", folder_ / "run");
  EXPECT_TRUE(summary.finished);
  EXPECT_EQ(summary.frames, 11u);
  EXPECT_EQ(summary.formula, "Ar32");
  EXPECT_EQ(summary.time_fs, 500);
  EXPECT_GT(summary.ns_per_day, 0);
  const auto frames = read_frames(folder_ / "run" / "trajectory");
  ASSERT_EQ(frames.size(), summary.frames);
  EXPECT_EQ(segments_of(folder_ / "run" / "trajectory").size(), summary.segments);
  const auto rows = read_md_log(folder_ / "run" / "log.csv");
  ASSERT_EQ(rows.size(), 11u);
  double mean = 0;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    EXPECT_EQ(rows[k].step, frames[k].step);
    EXPECT_EQ(rows[k].time_fs, frames[k].time_fs);
    EXPECT_NEAR(rows[k].potential_ev, *frames[k].energy_ev, 1e-6);
    mean += rows[k].temperature_kelvin / 11;
  }
  EXPECT_NEAR(summary.mean_temperature_kelvin, mean, 1e-9);
  EXPECT_EQ(read_file(folder_ / "run" / "summary.json"), to_json_text(summary));
}

TEST_F(MolecularDynamicsRun, WithoutThermostatEquilibrationReachesTheTemperature) {
  const LennardJones potential(lennard_jones_argon());
  MolecularDynamicsSettings settings = short_run();
  settings.loop.thermostat = NoThermostat{};
  settings.loop.equilibration_steps = 600;
  settings.loop.steps = 600;
  const auto summary = run_molecular_dynamics(settings, argon(), potential, "model", folder_ / "run");
  // Half of the energy of a crystal begun at rest goes into the springs, without a thermostat it would stay at 20 K.
  EXPECT_NEAR(summary.mean_temperature_kelvin, 40, 10);
  EXPECT_LT(std::abs(summary.conserved_drift_mev_per_atom_ps), 0.02);
}

// A cutoff that cut forces, or a list that lost pairs, would let the energy jump or drift; what is left is the time step's.
TEST_F(MolecularDynamicsRun, WaterKeepsItsEnergy) {
  StartSettings start;
  start.file = fs::path(SALTUS_SOURCE_DIR) / "examples/path_integrals/water_32.extxyz";
  MolecularDynamicsSettings settings = short_run();
  settings.temperature_kelvin = 300;
  settings.loop.thermostat = NoThermostat{};
  settings.loop.timestep_fs = 0.25;
  settings.loop.equilibration_steps = 200;
  settings.loop.steps = 4000;
  const auto potential = load_potential("builtin:qtip4pf");
  const auto summary = run_molecular_dynamics(settings, starting_frame(start), *potential, "builtin:qtip4pf", folder_ / "water", {}, {}, {});
  EXPECT_LT(std::abs(summary.conserved_drift_mev_per_atom_ps), 0.02);
  double low = 1e9, high = -1e9, kinetic_low = 1e9, kinetic_high = 0;
  for (const LogRow& row : read_md_log(folder_ / "water/log.csv")) {
    if (row.step < 0) continue;
    low = std::min(low, row.conserved_ev);
    high = std::max(high, row.conserved_ev);
    kinetic_low = std::min(kinetic_low, row.kinetic_ev);
    kinetic_high = std::max(kinetic_high, row.kinetic_ev);
  }
  EXPECT_GT(kinetic_high - kinetic_low, 0.5);
  EXPECT_LT(high - low, 0.02 * (kinetic_high - kinetic_low));
}

TEST_F(MolecularDynamicsRun, AtConstantPressureTheCellIsWrittenAndStressMustBeTrustworthy) {
  // The same potential, but nobody says that its stress was trained.
  class Untrained final : public Potential {
   public:
    Untrained() : lj_(lennard_jones_argon()), info_(lj_.info()) { info_.trained_on_stress = false; }
    const PotentialInfo& info() const override { return info_; }
    double cutoff_ang() const override { return lj_.cutoff_ang(); }
    void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override { lj_.evaluate(batch, want, workspace, results); }

   private:
    LennardJones lj_;
    PotentialInfo info_;
  };
  const LennardJones trained(lennard_jones_argon());
  const Untrained untrained;
  MolecularDynamicsSettings settings = short_run();
  EXPECT_FALSE(run_molecular_dynamics(settings, argon(), untrained, "model", folder_ / "untrained").mean_pressure_gpa);
  const auto constant_volume = run_molecular_dynamics(settings, argon(), trained, "model", folder_ / "volume");
  EXPECT_TRUE(constant_volume.mean_pressure_gpa);
  EXPECT_FALSE(constant_volume.volume_deviation_ang3 || constant_volume.cell_acceptance);

  settings.loop.barostat = Barostat{CellFreedom::flexible, 0.1 / units::gpa_per_ev_ang3, 300, 0.4 * units::gpa_per_ev_ang3, 5};
  try {
    run_molecular_dynamics(settings, argon(), untrained, "model", folder_ / "refused");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unsupported);
    EXPECT_NE(std::string(error.what()).find("--trust-stress"), std::string::npos);
  }
  settings.trust_stress = true;
  EXPECT_NO_THROW(run_molecular_dynamics(settings, argon(), untrained, "model", folder_ / "trusted"));
  const auto summary = run_molecular_dynamics(settings, argon(), trained, "model", folder_ / "run");
  const auto frames = read_frames(folder_ / "run" / "trajectory");
  const auto rows = read_md_log(folder_ / "run" / "log.csv");
  ASSERT_EQ(frames.size(), rows.size());
  for (std::size_t k = 0; k < rows.size(); ++k) EXPECT_NEAR(frames[k].cell.volume_ang3(), rows[k].volume_ang3.value(), 1e-3);
  EXPECT_GT(std::abs(frames.back().cell.rows_ang()[0].y), 1e-6);
  EXPECT_GT(*summary.volume_deviation_ang3, 0);
  EXPECT_GT(*summary.cell_acceptance, 0.5);
  Frame isolated = argon();
  isolated.cell = Cell();
  EXPECT_THROW(run_molecular_dynamics(settings, isolated, trained, "model", folder_ / "isolated"), Error);
  settings.loop.barostat->pressure_ev_ang3 *= 2;
  try {
    run_molecular_dynamics(settings, argon(), trained, "model", folder_ / "run");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("barostat = flexible"), std::string::npos) << error.what();
  }
}

TEST_F(MolecularDynamicsRun, OtherModelOrStartIsRefused) {
  const LennardJones potential(lennard_jones_argon());
  MolecularDynamicsSettings settings = short_run();
  run_molecular_dynamics(settings, argon(), potential, "model", folder_ / "run");
  const auto message = [&](const MolecularDynamicsSettings& changed, const Frame& start, const std::string& model) {
    try {
      run_molecular_dynamics(changed, start, potential, model, folder_ / "run");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_TRUE(run_molecular_dynamics(settings, argon(), potential, "model", folder_ / "run").nothing_to_do);
  EXPECT_NE(message(settings, argon(), "other").find("model = model, now it is other"), std::string::npos);
  Frame moved = argon();
  moved.position_ang[5].y += 1e-9;
  EXPECT_NE(message(settings, moved, "model").find("starting frame"), std::string::npos);
  settings.seed = 4;
  EXPECT_NE(message(settings, argon(), "model").find("seed = 3, now it is 4"), std::string::npos);
  settings = short_run();
  settings.velocities_from_frame = true;
  EXPECT_NE(message(settings, argon(), "model"), "");
}

TEST_F(MolecularDynamicsRun, WarningsOfAllSessionsAreKeptTheFirstInFull) {
  // Warns at each call, as a potential with bad clients does.
  class Complaining final : public Potential {
   public:
    const PotentialInfo& info() const override { return potential_.info(); }
    double cutoff_ang() const override { return potential_.cutoff_ang(); }
    void evaluate(const Batch& batch, Want want, Workspace& workspace, std::span<Evaluation> results) const override {
      heard.add("call " + std::to_string(heard.count));
      potential_.evaluate(batch, want, workspace, results);
    }
    mutable WarningList heard;

   private:
    LennardJones potential_{lennard_jones_argon()};
  };
  MolecularDynamicsSettings settings = short_run();
  settings.loop.steps = 200;
  const Complaining first, second;
  const auto stop = [&] { return first.heard.count >= 60; };
  const auto halves = run_molecular_dynamics(settings, argon(), first, "model", folder_ / "run", {}, stop, first.heard);
  EXPECT_FALSE(halves.finished);
  EXPECT_EQ(halves.warnings.count, first.heard.count);
  const auto whole = run_molecular_dynamics(settings, argon(), second, "model", folder_ / "run", {}, {}, second.heard);
  ASSERT_GT(second.heard.count, 100u);
  EXPECT_EQ(whole.warnings.count, first.heard.count + second.heard.count);
  ASSERT_EQ(whole.warnings.first.size(), 100u);
  EXPECT_EQ(whole.warnings.first[59], "call 59");
  EXPECT_EQ(whole.warnings.first[first.heard.count], "call 0");
  const std::string summary = read_file(folder_ / "run/summary.json");
  EXPECT_NE(summary.find("\"warning_count\": " + std::to_string(whole.warnings.count)), std::string::npos) << summary;
  EXPECT_NE(summary.find("\"call 59\""), std::string::npos);
  const auto again = run_molecular_dynamics(settings, argon(), second, "model", folder_ / "run");
  EXPECT_TRUE(again.nothing_to_do);
  EXPECT_EQ(again.warnings.count, whole.warnings.count);
}

TEST_F(MolecularDynamicsRun, TwoAtOnceInOneFolderAreRefused) {
  const LennardJones potential(lennard_jones_argon());
  MolecularDynamicsSettings settings = short_run();
  int refused = 0;
  const auto stop = [&] {
    try {
      run_molecular_dynamics(settings, argon(), potential, "model", folder_ / "run");
    } catch (const Error& error) {
      refused += error.kind() == ErrorKind::file;
    }
    return true;
  };
  EXPECT_FALSE(run_molecular_dynamics(settings, argon(), potential, "model", folder_ / "run", {}, stop).finished);
  EXPECT_EQ(refused, 1);
}

TEST_F(MolecularDynamicsRun, MalformedLogsAreRefusedWithTheLine) {
  const auto message = [&](const std::string& text) {
    write_file_atomically(folder_ / "log.csv", text);
    try {
      read_md_log(folder_ / "log.csv");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::format);
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string header = "step,time_fs,temperature_kelvin,potential_ev,kinetic_ev,conserved_ev,max_extrapolation,max_force_spread_ev_ang,volume_ang3,pressure_gpa\n";
  EXPECT_NE(message("a,b\n").find("line 1"), std::string::npos);
  EXPECT_NE(message(header + "0,0,1,2,3,4,,,,\n1,2\n").find("line 3: expected 10 columns, found 2"), std::string::npos);
  EXPECT_NE(message(header + "0,0,1,x,3,4,,,,\n").find("line 2: 'x' is not a number"), std::string::npos);
  EXPECT_NE(message(header + "0.5,0,1,1,3,4,,,,\n").find("'0.5' is not a step"), std::string::npos);
  EXPECT_NE(message(header + "5,0,1,1,3,4,,,x,\n").find("'x' is not a number"), std::string::npos);
}

}  // namespace
}  // namespace saltus::runs
