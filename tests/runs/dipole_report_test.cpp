#include "saltus/runs/dipole_report.hpp"

#include <cmath>
#include <numbers>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus::runs {
namespace {

using nlohmann::json;

const std::string source = SALTUS_SOURCE_DIR;

Cell cubic(double length) { return Cell(Mat3{{Vec3{length, 0, 0}, Vec3{0, length, 0}, Vec3{0, 0, length}}}); }

WannierInput zundel() {
  WannierInput input;
  input.centres = {source + "/examples/short_hydrogen_bond/data/centres.xyz.gz"};
  input.cell = cubic(8);
  input.charge = 1;
  return input;
}

// Beside NumPy, and CP2K's own moments of the density about the centre of mass: see the provenance for the tolerance.
TEST(DipoleReport, ZundelAsNumpyAndCp2kHaveIt) {
  const json expected = json::parse(read_file(source + "/tests/golden/numpy/zundel_wannier/expected.json"));
  const DipoleReport report = analyze_dipole(zundel(), {});
  ASSERT_EQ(report.records.size(), 232u);
  EXPECT_NEAR(report.total_debye.value, expected.at("dipole_debye").get<double>(), 1e-9);
  EXPECT_LT(report.total_debye.low, report.total_debye.value);
  const auto& cp2k = expected.at("cp2k_dipole_debye");
  ASSERT_EQ(cp2k.size(), 232u);
  double square = 0;
  for (std::size_t k = 0; k < 232; ++k)
    for (int axis = 0; axis < 3; ++axis) {
      const double difference = report.records[k].dipole_debye[axis] - cp2k[k][static_cast<std::size_t>(axis)].get<double>();
      EXPECT_LT(std::abs(difference), 0.25) << k;
      square += difference * difference;
    }
  EXPECT_LT(std::sqrt(square / (3 * 232)), 0.07);
  for (int axis = 0; axis < 3; ++axis)
    EXPECT_NEAR(report.records.back().dipole_debye[axis], expected.at("last_dipole_debye")[static_cast<std::size_t>(axis)].get<double>(), 1e-9);
  // The proton belongs to one oxygen at a time.
  ASSERT_EQ(report.molecules.size(), 2u);
  EXPECT_EQ(report.molecules[0].name, "H2O");
  EXPECT_EQ(report.molecules[0].per_frame, 1);
  EXPECT_EQ(report.molecules[1].name, "H3O+");
  EXPECT_EQ(report.molecules[1].per_frame, 1);
  EXPECT_FALSE(report.spectrum);
  EXPECT_TRUE(report.periodic);
  WannierInput isolated = zundel();
  isolated.isolated = true;
  EXPECT_FALSE(analyze_dipole(isolated, {}).periodic);
  DipoleSettings narrow;
  narrow.bin_debye = 1e-9;
  EXPECT_THROW(analyze_dipole(isolated, narrow), Error);
  EXPECT_NE(report.warnings.back().find("no spectrum without times"), std::string::npos);
}

TEST(DipoleReport, BeadsHaveNoSpectrum) {
  WannierInput input;
  input.centres = {source + "/tests/golden/cp2k/water_pint_wannier/pint.xyz"};
  input.cell = cubic(5.5);
  input.read.time_step_fs = 0.5;
  DipoleSettings settings;
  const DipoleReport report = analyze_dipole(input, settings);
  ASSERT_EQ(report.molecules.size(), 1u);
  EXPECT_EQ(report.molecules[0].name, "H2O");
  EXPECT_TRUE(report.molecules[0].dipole_debye.value > 1.2 && report.molecules[0].dipole_debye.value < 2.5);  // a small basis; 1.86 D in nature
  EXPECT_FALSE(report.spectrum);
  settings.longest_lag_fs = 10;
  EXPECT_THROW(analyze_dipole(input, settings), Error);
}

/// A hydroxide-like dumbbell O–H whose length swings by 0.02 Å with one frequency, drifting through a periodic cell as a lattice vector per 50 frames; its
/// four centres stay with the oxygen, and its hydrogen moves alone: M = e·(r_H − r_O) + constant for neutral HF-like charges.
std::string oscillator(int frames, double dt_fs, double per_cm, const Cell& cell) {
  std::string text;
  for (int k = 0; k < frames; ++k) {
    const double t = k * dt_fs, x = 0.92 + 0.02 * std::cos(2 * std::numbers::pi * per_cm * units::light_cm_per_fs * t);
    const Vec3 f{0.02 * k * 6.0, 0.3, 0.1};
    text += fmt::format("6\nIteration:1_{}\n", k);
    const auto add = [&](const char* label, const Vec3& r) {
      const Vec3 w = cell.wrap(r);
      text += fmt::format("{} {:.10f} {:.10f} {:.10f}\n", label, w.x, w.y, w.z);
    };
    add("F", f);
    add("H", f + Vec3{0, x, 0});
    for (int c = 0; c < 4; ++c) add("X", f);
  }
  return text;
}

// M = e·x: one line at the frequency of the swing, where the frames' spacing damps differences by (sin x/x)² = 0.55; <Ṁ²> = (e·0.02 ω)²/2; and the
// integral of α over wavenumber is (π/(6 ε0 c V kT))·<Ṁ²>/2π·… = π/(3 V kT c²)·e²/(4πε0)·<Ṁ²>.
TEST(DipoleReport, OneLineOfAnOscillator) {
  const TemporaryFolder folder;
  const Cell cell = cubic(6);
  const double per_cm = 3000, dt_fs = 2.5;
  WannierInput input;
  input.centres = {folder.write("w.xyz", oscillator(3000, dt_fs, per_cm, cell))};
  input.cell = cell;
  input.read.time_step_fs = dt_fs;
  DipoleSettings settings;
  settings.longest_lag_fs = 500;
  settings.temperature_kelvin = 300;
  const DipoleReport report = analyze_dipole(input, settings);
  ASSERT_TRUE(report.spectrum);
  const InfraredSpectrum& spectrum = *report.spectrum;
  EXPECT_EQ(spectrum.blocks, 7u);  // of twice the longest lag
  // Continuous through the cell: M is e·x at all times, of one sign.
  for (const DipoleRecord& r : report.records) EXPECT_NEAR(norm(r.dipole_debye), 0.92 * units::debye_per_e_ang, 0.0201 * units::debye_per_e_ang);
  const double omega = 2 * std::numbers::pi * per_cm * units::light_cm_per_fs, square = 0.5 * 0.02 * 0.02 * omega * omega;
  EXPECT_NEAR(spectrum.mean_square_e2_ang2_fs2.value, square, 0.01 * square);
  const auto peak = std::max_element(spectrum.density_cm.begin(), spectrum.density_cm.end(), [](const Estimate& a, const Estimate& b) { return a.value < b.value; });
  EXPECT_NEAR(spectrum.frequency_per_cm[static_cast<std::size_t>(peak - spectrum.density_cm.begin())], per_cm, 35);
  double integral = 0, absorption = 0;
  const double width = spectrum.frequency_per_cm[1];
  for (std::size_t k = 0; k < spectrum.density_cm.size(); ++k) {
    const double weight = width * (k == 0 || k + 1 == spectrum.density_cm.size() ? 0.5 : 1.0);
    integral += weight * spectrum.density_cm[k].value;
    absorption += weight * spectrum.absorption_per_cm[k].value;
  }
  EXPECT_NEAR(integral, 1, 1e-9);
  // A classical oscillator of strength q²/μ = <Ṁ²>/kT: ∫ α dν = π q²/(4πε0 μ c V) in ordinary frequency, over c in wavenumbers; a third of it for one axis of three.
  const double c_ang_fs = 1e8 * units::light_cm_per_fs, kt = units::boltzmann_ev_per_kelvin * 300, q2_over_mu = square / kt;  // e² Å²/(fs² eV)
  const double per_frequency = std::numbers::pi * units::coulomb_ev_ang * q2_over_mu / (3 * c_ang_fs * cell.volume_ang3());  // 1/(Å fs)
  const double per_wavenumber = per_frequency * 1e8 / units::light_cm_per_fs;                                              // 1/cm · 1/cm
  EXPECT_NEAR(absorption, per_wavenumber, 0.01 * per_wavenumber);
}

}  // namespace
}  // namespace saltus::runs
