// Haven ratio, van Hove functions and results read back, of trajectories made here.
#include <cmath>
#include <fstream>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/runs/diffusion_results.hpp"
#include "saltus/runs/haven_report.hpp"
#include "saltus/runs/van_hove_report.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus::runs {
namespace {

// n lithium that walk, wrapped, beside four silicon that vibrate; all drift together, in a box that breathes by `breathing`.
void write_walk(const std::filesystem::path& path, std::size_t n, int frames, double breathing) {
  Random random(6, 0);
  std::vector<std::uint8_t> elements(n, 3);
  elements.resize(n + 4, 14);
  const auto atoms = std::make_shared<const Atoms>(atoms_of(elements));
  const auto normal = [&] { return Vec3{random.normal(), random.normal(), random.normal()}; };
  std::vector<Vec3> inside(n), home{{1, 1, 1}, {7, 1, 1}, {1, 7, 1}, {1, 1, 7}};
  for (Vec3& r : inside) r = 12 * Vec3{random.uniform(), random.uniform(), random.uniform()};
  const auto writer = create_trajectory(path.string());
  for (int t = 0; t < frames; ++t) {
    Frame f;
    f.atoms = atoms;
    f.step = t;
    f.time_fs = 50.0 * t;
    const double edge = 12 * (1 + breathing * random.normal());
    f.cell = Cell(Mat3{{Vec3{edge, 0, 0}, Vec3{0.3 * edge, edge, 0}, Vec3{0, 0, edge}}});
    const Vec3 drift{0.02, -0.01, 0.005};
    for (Vec3& r : inside) r = f.cell.wrap(r + 0.3 * normal() + drift);
    f.position_ang = inside;
    for (Vec3& r : home) {  // carried from box to box as the ions are
      r = f.cell.wrap(r + drift);
      f.position_ang.push_back(f.cell.wrap(r + 0.05 * normal()));
    }
    writer->write(f);
  }
  writer->commit();
}

// D = 0.3²/(2 · 50 fs) = 0.9 Å²/ps; independent ions, H = 1. The framework's drift is that of a run, not of the ions.
TEST(TransportReports, HavenRatioOfIndependentIons) {
  const TemporaryFolder folder;
  write_walk(folder / "walk.h5md", 12, 4001, 0);
  HavenSettings settings{{3, 14, 10}, 600.0, 1};
  const HavenReport report = analyze_haven({folder / "walk.h5md", {}}, settings);
  ASSERT_TRUE(report.tracer.ang2_per_ps) << report.tracer.note;
  ASSERT_TRUE(report.haven_ratio) << report.haven_note;
  const auto holds = [](const Estimate& e, double truth) { return e.low <= truth && truth <= e.high; };
  EXPECT_TRUE(holds(*report.tracer.ang2_per_ps, 0.9)) << report.tracer.ang2_per_ps->value;
  EXPECT_TRUE(holds(*report.haven_ratio, 1)) << report.haven_ratio->value;
  // N q² D/(V k T): 12 e² · D / (12³ Å³ · 0.0517 eV), e²/(eV Å ps) = 1.602177e-19 C / (1e-8 cm · 1e-12 s) per volt.
  const double expected = 12 * report.collective.ang2_per_ps->value / (1728 * units::boltzmann_ev_per_kelvin * 600) * 16.02176634;
  ASSERT_TRUE(report.conductivity_s_per_cm);
  EXPECT_NEAR(report.conductivity_s_per_cm->value, expected, 1e-6 * expected);
  EXPECT_TRUE(report.warnings.empty()) << report.warnings[0];
}

// The toroidal scheme carries the path through a box that breathes by 1 %; the distinct part has no meaning there and is left out.
TEST(TransportReports, VanHoveFunctions) {
  const TemporaryFolder folder;
  for (const double breathing : {0.0, 0.01}) {
    write_walk(folder / "walk.h5md", 12, 2001, breathing);
    VanHoveReportSettings settings{{3, 14, 10}, {100, 1000}, 8, 0.5, true};
    const VanHoveReport report = analyze_van_hove({folder / "walk.h5md", {}}, settings);
    ASSERT_EQ(report.lags.size(), 2u);
    EXPECT_EQ(report.lags[1].lag_fs, 1000);
    for (const VanHoveAtLag& at : report.lags) {
      double sum = at.beyond.value, volume = at.beyond.value;
      for (std::size_t k = 0; k < report.r_ang.size(); ++k) {
        sum += 0.5 * at.self_per_ang[k].value;
        const double inner = report.r_ang[k] - 0.25, outer = report.r_ang[k] + 0.25;
        volume += at.self_per_ang3[k].value * 4 / 3 * 3.14159265358979 * (outer * outer * outer - inner * inner * inner);
      }
      EXPECT_NEAR(sum, 1, 1e-12);
      EXPECT_NEAR(volume, 1, 1e-12);
    }
    // Normal displacements: alpha_2 is zero, the MSD 3 · 0.09 a frame (and little from the vibrating framework).
    int held = 0;
    for (const Estimate& e : report.alpha_2) held += e.low <= 0 && 0 <= e.high;
    EXPECT_GE(held, static_cast<int>(report.alpha_2.size()) - 2);
    EXPECT_NEAR(report.msd_ang2[0], 0.27 + 3 * 2 * 0.0025 / 4, 0.02);
    EXPECT_EQ(report.lags[0].distinct.empty(), breathing > 0);
    int left_out = 0;
    for (const std::string& warning : report.warnings) left_out += warning.find("the cell changes") != std::string::npos;
    EXPECT_EQ(left_out, breathing > 0 ? 1 : 0);
    if (breathing == 0) {
      EXPECT_NEAR(report.lags[1].distinct.back().value, 1 - 1.0 / 12, 0.1);
    }
  }
}

TEST(DiffusionResults, ReadsWhatWasPrinted) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& text, const std::string& quantity = {}) {
    write_file_atomically(folder / "r.json", text);
    return read_diffusion_result((folder / "r.json").string(), quantity);
  };
  const DiffusionResult msd = read(R"({"diffusion_ang2_per_ps": {"value": 2, "low": 1, "high": 4}, "temperature_kelvin": 300, "atoms": 76, "cell_length_ang": 10.5})");
  EXPECT_EQ(msd.diffusion_ang2_per_ps.value, 2);
  EXPECT_EQ(msd.diffusion_ang2_per_ps.high, 4);
  EXPECT_EQ(msd.temperature_kelvin, 300);
  EXPECT_EQ(msd.atoms, 76);
  EXPECT_EQ(msd.cell_length_ang, 10.5);
  const DiffusionResult network = read(R"({"diffusion_ang2_per_ps": [[1,0,0],[0,1,0],[0,0,1]], "mean_diffusion_ang2_per_ps": {"value": 1, "low": 0.5, "high": 2}})");
  EXPECT_EQ(network.diffusion_ang2_per_ps.low, 0.5);
  EXPECT_FALSE(network.temperature_kelvin);
  const std::string report = R"({"run": 1, "estimates": [{"name": "diffusion_msd", "value": 3, "low": 2, "high": 5, "unit": "ang2_per_ps", "stage": "k"},
    {"name": "diffusion_msm", "value": 4, "low": 3, "high": 6, "unit": "ang2_per_ps", "stage": "k"},
    {"name": "jumps", "value": 4, "low": null, "high": null, "unit": ""}]})";
  EXPECT_EQ(read(report).diffusion_ang2_per_ps.value, 3);
  EXPECT_EQ(read(report, "diffusion_msm").diffusion_ang2_per_ps.value, 4);
  EXPECT_EQ(read(R"({"x": {"value": 1, "low": 0, "high": 2}})", "x").diffusion_ang2_per_ps.high, 2);

  const auto says = [&](const std::string& text, const std::string& words, const std::string& quantity = {}) {
    try {
      read(text, quantity);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    }
  };
  says("", "no JSON object");
  says("[1, 2]", "no JSON object");
  says("{\"a\": ", "no JSON object");
  says(std::string(100000, '['), "no JSON object");
  says("{}", "there is no diffusion_ang2_per_ps");
  says(report, "there is no diffusion_xy", "diffusion_xy");
  says(report, "not in ang2_per_ps", "jumps");
  says(R"({"diffusion_ang2_per_ps": null, "diffusion_note": "undetermined: too short"})", "undetermined: too short");
  says(R"({"diffusion_ang2_per_ps": 3})", "no interval");
  says(R"({"diffusion_ang2_per_ps": {"value": 3, "low": null, "high": null}})", "no interval");
  says(R"({"diffusion_ang2_per_ps": {"value": 3, "low": 4, "high": 5}})", "no interval");
  says(R"({"diffusion_ang2_per_ps": {"value": "3", "low": 1, "high": 5}})", "undetermined");
  says(R"({"diffusion_ang2_per_ps": [[1]], "mean_diffusion_ang2_per_ps": 2})", "no interval");
  says(R"({"estimates": [{"name": "diffusion_msd", "unit": "ang2_per_ps", "value": null, "low": null, "high": null, "note": "few jumps"}]})", "few jumps");
  says(R"({"estimates": [{"name": "diffusion_msd"}, {"name": "diffusion_msd"}]})", "several");
}

}  // namespace
}  // namespace saltus::runs
