// Values of the double well at finite P from a grid; of the proton-rocking model, converged in a basis.
#include "saltus/runs/path_integral_dynamics.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>

#include "saltus/base/files.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/distributions.hpp"

namespace saltus::runs {
namespace {

const std::string double_well = "potential = { kind = \"double_well\", barrier_kcal_mol = 0.8, half_distance_ang = 0.20 }\n";

std::string proton_rocking(const std::string& coupling) {
  return "potential = { kind = \"proton_rocking\", barrier_kcal_mol = 1.5, half_distance_ang = 0.22, rocking_mass_amu = 17, rocking_wavenumber_per_cm = 250, coupling = " +
         coupling + " }\n";
}

PimdReport report_of(const std::string& settings) {
  return run_path_integral_dynamics(parse_pimd_plan("[pimd]\ntemperature_kelvin = 300\n" + settings, "plan.toml"), {});
}

struct Expected {
  std::string name;
  double value, largest_error;  ///< of the sample
};

/// Each within three standard errors, which are small enough to tell.
void expect_near(const PimdReport& report, const std::vector<Expected>& expected, const std::string& what) {
  const double t = kinetics::student_t(0.95, static_cast<int>(report.blocks) - 1);
  for (const Expected& e : expected) {
    const auto row = std::find_if(report.estimates.begin(), report.estimates.end(), [&](const NamedEstimate& estimate) { return estimate.name == e.name; });
    ASSERT_NE(row, report.estimates.end()) << e.name;
    ASSERT_TRUE(row->estimate) << e.name;
    const double error = (row->estimate->high - row->estimate->low) / 2 / t;
    EXPECT_LE(error, e.largest_error) << what << ", " << e.name;
    EXPECT_NEAR(row->estimate->value, e.value, 3 * error + 1e-6) << what << ", " << e.name;
  }
}

constexpr const char *free_energy = "free_energy_at_centre_kcal_mol", *potential = "potential_energy", *kinetic = "kinetic_energy_virial", *primitive = "kinetic_energy_primitive",
                     *correlation = "correlation_proton_rocking";

TEST(PathIntegralDynamics, OfOneBeadIsClassical) {
  expect_near(report_of(double_well + "beads = 1\ntimestep_fs = 1\nsteps = 40000\nthermostat = { kind = \"langevin\", friction_per_fs = 0.02 }\n"),
              {{potential, 12.290346, 0.2}, {primitive, 12.926, 1e-9}, {free_energy, 0.8, 0.02}, {"position_rms", 0.182431, 0.001}, {"gyration_radius", 0, 1e-9}}, "classical well");
  expect_near(report_of(proton_rocking("0.5") + "beads = 1\ntimestep_fs = 1\nsteps = 40000\nthermostat = { kind = \"langevin\", friction_per_fs = 0.02 }\n"),
              {{free_energy, 1.5, 0.05}, {correlation, 0.78396, 0.01}, {"position_rms", 0.20543, 0.001}, {"rocking_rms", 0.13102, 0.001}}, "classical rocking");
}

TEST(PathIntegralDynamics, OfFewBeadsIsQuantum) {
  expect_near(report_of(double_well + "element = \"D\"\nbeads = 8\nsteps = 12000\nthermostat = { kind = \"pile_l\", centroid_time_fs = 50, lambda = 0.5 }\n"),
              {{potential, 20.820561, 0.2}, {kinetic, 20.397675, 0.1}, {primitive, 20.397675, 0.5}, {free_energy, 0.0669, 0.02}}, "D, 8 beads");
}

// Matrices made here (tests/dynamics/ring_gle_test.cpp): at 3000/cm the velocities of a quantum oscillator at 300 K; the potential energy of the
// same Lyapunov equation is 3 % lower.
TEST(PathIntegralDynamics, OfOneBeadUnderQuantumMatricesHasItsZeroPoint) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "quantum_matrices_test";
  std::filesystem::create_directories(folder);
  write_file_atomically(folder / "matrices.gle", "# A MATRIX: (femtoseconds^-1)\n0.003 0.1\n-0.1 0.1\n# C MATRIX: (K)\n391.9777075281968 111.6627460228426\n111.6627460228426 276.9650791246689\n");
  const PimdReport report = run_path_integral_dynamics(
      parse_pimd_plan("[pimd]\ntemperature_kelvin = 300\npotential = { kind = \"harmonic\", wavenumber_per_cm = 3000 }\nbeads = 1\ntimestep_fs = 0.25\nsteps = 40000\n"
                      "equilibration_steps = 24000\nthermostat = { kind = \"gle\", gle_file = \"matrices.gle\" }\n",
                      folder / "plan.toml"), {});
  expect_near(report, {{potential, 90.46006, 3}, {"ring_temperature", 2158.168, 60}}, "quantum matrices");
  for (const NamedEstimate& estimate : report.estimates) EXPECT_FALSE(estimate.name.starts_with("kinetic")) << estimate.name;
  std::filesystem::remove_all(folder);
}

TEST(PathIntegralDynamics, OfFewCopiesHasBlocksOfTime) {
  const PimdReport report = report_of(double_well + "copies = 3\nbeads = 8\nsteps = 2000\nblocks = 8\n");
  EXPECT_EQ(report.blocks, 9u);
  EXPECT_EQ(report.stretches, 3u);
  EXPECT_EQ(report.samples, 500);
}

TEST(PathIntegralDynamics, IsTheSameForAnyNumberOfThreads) {
  const auto numbers = [&](int threads) {
    set_thread_count(threads);
    std::vector<double> values;
    for (const NamedEstimate& e : report_of(double_well + "copies = 3000\nbeads = 16\nsteps = 40\nequilibration_steps = 10\n").estimates)
      if (e.estimate) values.insert(values.end(), {e.estimate->value, e.estimate->low, e.estimate->high});
    set_thread_count(0);
    return values;
  };
  EXPECT_EQ(numbers(1), numbers(2));
}

TEST(PathIntegralDynamics, CanBeInterrupted) {
  const PimdPlan plan = parse_pimd_plan("[pimd]\n" + double_well + "steps = 1000000000\n", "plan.toml");
  int asked = 0;
  EXPECT_THROW(run_path_integral_dynamics(plan, interruptible({}, [&] { return ++asked > 3; })), Interrupted);
}

TEST(PathIntegralDynamicsSlow, OfADoubleWellHasTheAveragesOfAGrid) {
  for (const int seed : {1, 2, 3}) {
    const std::string run = "beads = 16\nsteps = 40000\ncopies = 128\nthermostat = { kind = \"pile_l\", centroid_time_fs = 50, lambda = 0.5 }\nseed = " + std::to_string(seed) + "\n";
    expect_near(report_of(double_well + run),
                {{potential, 24.260520, 0.1}, {kinetic, 25.806225, 0.1}, {primitive, 25.806225, 0.3}, {free_energy, 0, 0.02}, {"gyration_radius", 0.10501, 0.001},
                 {"position_rms", 0.16403, 0.001}, {"centroid_rms", 0.12600, 0.001}},
                "H, seed " + std::to_string(seed));
    expect_near(report_of(double_well + "element = \"D\"\n" + run),
                {{potential, 21.312240, 0.1}, {kinetic, 20.953276, 0.1}, {primitive, 20.953276, 0.3}, {free_energy, 0.0548, 0.02}, {"gyration_radius", 0.07696, 0.001},
                 {"position_rms", 0.16585, 0.001}, {"centroid_rms", 0.14691, 0.001}},
                "D, seed " + std::to_string(seed));
  }
}

TEST(PathIntegralDynamicsSlow, QuantumNucleiLoosenTheCouplingToARockingMode) {
  for (const int seed : {1, 2, 3}) {
    const std::string run = "timestep_fs = 0.5\nsteps = 16000\nthermostat = { kind = \"pile_l\", centroid_time_fs = 50, lambda = 0.5 }\nseed = " + std::to_string(seed) + "\n";
    expect_near(report_of(proton_rocking("0.5") + "beads = 64\n" + run), {{correlation, 0.51724, 0.01}, {free_energy, 0.0225, 0.01}, {"rocking_rms", 0.11095, 0.002}}, "H, seed " + std::to_string(seed));
    expect_near(report_of(proton_rocking("1.0") + "element = \"D\"\nbeads = 32\n" + run), {{correlation, 0.82577, 0.01}, {free_energy, 0.3133, 0.02}, {"rocking_rms", 0.18981, 0.002}},
                "D, seed " + std::to_string(seed));
  }
}

}  // namespace
}  // namespace saltus::runs
