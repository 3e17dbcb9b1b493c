// Reports of saltus analyze against other codes (tests/golden/peers/analyses), and what they say of made-up
// trajectories.
#include <cmath>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/runs/density_report.hpp"
#include "saltus/runs/msd_report.hpp"
#include "saltus/runs/rdf_report.hpp"
#include "saltus/runs/temperature_report.hpp"
#include "saltus/runs/velocity_report.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus::runs {
namespace {

using json = nlohmann::json;

const std::string golden = std::string(SALTUS_SOURCE_DIR) + "/tests/golden/peers/analyses/";

TrajectoryInput li15si4() { return {std::string(SALTUS_SOURCE_DIR) + "/examples/li15si4/li15si4_900K.extxyz", {}}; }
TrajectoryInput zundel() { return {golden + "zundel_200.extxyz", {}}; }

const json& expected() {
  static const json values = json::parse(read_file(golden + "expected.json"));
  return values;
}

// Relative to the largest value of the curve: float64 on both sides but for MDAnalysis' displacements (1e-7).
void expect_near(const std::vector<Estimate>& ours, const std::vector<double>& theirs, const std::string& name) {
  ASSERT_EQ(ours.size(), theirs.size()) << name;
  double largest = 0;
  for (const double value : theirs) largest = std::max(largest, std::abs(value));
  for (std::size_t k = 0; k < ours.size(); ++k)
    EXPECT_NEAR(ours[k].value, theirs[k], 1e-6 * largest) << name << ", point " << k;
}

TEST(AnalysisReports, RdfOfAse) {
  RdfSettings settings{{{3, 3}, {3, 14}, {14, 14}}, 5.2, 5.2 / 104, 1, 0};
  const RdfReport crystal = analyze_rdf(li15si4(), settings);
  EXPECT_EQ(crystal.blocks, 10u);
  settings = {{{1, 1}, {1, 8}, {8, 8}}, 6, 6.0 / 120, 1, 512};
  const RdfReport molecule = analyze_rdf(zundel(), settings);
  const char* pairs[2][3] = {{"li15si4 Li-Li", "li15si4 Li-Si", "li15si4 Si-Si"},
                             {"zundel H-H", "zundel H-O", "zundel O-O"}};
  for (std::size_t k = 0; k < 3; ++k) {
    expect_near(crystal.pairs[k].g, expected().at(std::string("rdf ") + pairs[0][k]), pairs[0][k]);
    expect_near(molecule.pairs[k].g, expected().at(std::string("rdf ") + pairs[1][k]), pairs[1][k]);
  }
  EXPECT_EQ(molecule.pairs[0].coordination.back().value, 4);
  for (const Estimate& e : crystal.pairs[1].g) EXPECT_TRUE(e.low <= e.value && e.value <= e.high);
}

TEST(AnalysisReports, MsdOfMdanalysis) {
  const auto check = [](const MsdReport& report, const json& values) {
    std::vector<double> theirs;
    for (std::size_t k = 0; k < values.size(); ++k) {
      theirs.push_back(values[k][1]);
      EXPECT_NEAR(report.lag_fs[k], values[k][0].get<double>(), 1e-9);
    }
    expect_near(report.msd_ang2, theirs, report.formula);
  };
  check(analyze_msd(li15si4(), {3, 14, 10}), expected().at("msd li15si4 Li"));
  check(analyze_msd(zundel(), {1, std::nullopt, 10}), expected().at("msd zundel H"));
}

// The number of frames is known before they are read, else the sums would refuse them.
TEST(AnalysisReports, MsdOfSomeFrames) {
  TrajectoryInput input = li15si4();
  const std::vector<Frame> frames = read_frames(input.path);
  for (const double skip_fs : {0.0, 33.0, 100.0})
    for (const std::size_t every : {1, 2, 3, 7}) {
      input.skip_fs = skip_fs;
      input.every = every;
      std::size_t expected_frames = 0;
      for (std::size_t k = 0; k < frames.size(); k += every) expected_frames += frames[k].time_fs - frames[0].time_fs >= skip_fs;
      TrajectorySource source(input, true);
      source.first();
      EXPECT_EQ(source.left(), expected_frames);
      const MsdReport report = analyze_msd(input, {3, 14, 2});
      EXPECT_EQ(report.frames, expected_frames);
      EXPECT_EQ(report.frame_spacing_fs, static_cast<double>(every) * (frames[1].time_fs - frames[0].time_fs));
    }
}

TEST(AnalysisReports, VdosOfNumpy) {
  expect_near(analyze_velocities(li15si4(), {std::nullopt, 200, true}).density_cm, expected().at("vdos li15si4"),
              "li15si4");
  expect_near(analyze_velocities(zundel(), {std::nullopt, 50, true}).density_cm, expected().at("vdos zundel"),
              "zundel");
}

TEST(AnalysisReports, TemperatureOfAse) {
  const auto temperature = [](const TrajectoryInput& input) {
    return analyze_temperature(input, {}).estimates.at(0).estimate->value;
  };
  for (const auto& [name, input] :
       {std::pair{"temperature li15si4", li15si4()}, std::pair{"temperature zundel", zundel()}}) {
    const double theirs = expected().at(name);
    EXPECT_NEAR(temperature(input), theirs, 1e-6 * theirs) << name;
  }
}

// Free particles whose velocities are drawn anew in each frame: at kelvin(time), their momentum removed.
std::filesystem::path write_gas(const TemporaryFolder& folder, std::size_t frames, double kelvin, double kelvin_per_ps,
                                double silicon_factor, bool energies, bool velocities) {
  Random random(3, 0);
  Frame frame;
  std::vector<std::uint8_t> elements(12, 3);
  elements.resize(20, 14);
  frame.atoms = std::make_shared<const Atoms>(atoms_of(elements));
  frame.cell = Cell(Mat3{{Vec3{9, 0, 0}, Vec3{0, 9, 0}, Vec3{0, 0, 9}}});
  for (std::size_t i = 0; i < 20; ++i)
    frame.position_ang.push_back({random.uniform() * 9, random.uniform() * 9, random.uniform() * 9});
  const auto path = folder / "gas.extxyz";
  const auto writer = create_trajectory(path);
  for (std::size_t t = 0; t < frames; ++t) {
    frame.time_fs = 10.0 * static_cast<double>(t);
    frame.step = static_cast<std::int64_t>(t);
    Vec3 momentum;
    double mass = 0;
    frame.velocity_ang_fs.clear();
    for (std::size_t i = 0; velocities && i < 20; ++i) {
      const double m = frame.atoms->mass_amu[i], factor = i < 12 ? 1 : silicon_factor;
      const double width =
          std::sqrt(factor * units::boltzmann_ev_per_kelvin * (kelvin + kelvin_per_ps * frame.time_fs / 1000) /
                    (m * units::ev_per_amu_ang2_fs2));
      frame.velocity_ang_fs.push_back(width * Vec3{random.normal(), random.normal(), random.normal()});
      momentum += m * frame.velocity_ang_fs.back();
      mass += m;
    }
    for (Vec3& v : frame.velocity_ang_fs) v -= momentum / mass;
    if (energies) frame.energy_ev = -100 + 0.02 * frame.time_fs / 1000 + 0.001 * random.normal();
    writer->write(frame);
  }
  writer->commit();
  return path;
}

const NamedEstimate& named(const TemperatureReport& report, const std::string& name) {
  for (const NamedEstimate& e : report.estimates)
    if (e.name == name) return e;
  throw std::runtime_error("no estimate " + name);
}

std::string text_of(const TemperatureReport& report) {
  std::string text;
  for (const std::string& sentence : report.verdict) text += sentence + "\n";
  return text;
}

TEST(AnalysisReports, TemperatureOfASteadyGas) {
  const TemporaryFolder folder;
  const TemperatureReport report =
      analyze_temperature({write_gas(folder, 2000, 700, 0, 1, true, true), {}}, {14, std::nullopt, 10});
  EXPECT_EQ(report.degrees_of_freedom, 57);
  const Estimate t = *named(report, "temperature").estimate;
  // Each frame is independent: the half width is t(95 %, 9) · 700 K sqrt(2/57) / sqrt(2000), give or take its own
  // scatter.
  const double half = 2.262 * 700 * std::sqrt(2.0 / 57 / 2000);
  EXPECT_NEAR(t.value, 700, 2 * half);
  EXPECT_NEAR((t.high - t.low) / 2, half, 0.6 * half);
  for (const char* element : {"temperature_Li", "temperature_Si"}) {
    const Estimate e = *named(report, element).estimate;
    EXPECT_NEAR(e.value, 700, 3 * (e.high - e.low));
  }
  EXPECT_NEAR(named(report, "potential_energy_drift").estimate->value, 1, 0.05);  // 0.02 eV/ps over 20 atoms
  EXPECT_LT(named(report, "centre_of_mass_temperature").estimate->value, 1e-6);
  EXPECT_EQ(named(report, "framework_drift_x").estimate->value, 0);
  const std::string text = text_of(report);
  EXPECT_NE(text.find("No drift of the temperature is told from zero"), std::string::npos) << text;
  EXPECT_NE(text.find("The potential energy rises"), std::string::npos) << text;
  EXPECT_NE(text.find("not told apart"), std::string::npos) << text;
  EXPECT_NE(text.find("57 degrees of freedom (3N − 3"), std::string::npos) << text;
}

TEST(AnalysisReports, TemperatureOfAGasThatIsNotSteady) {
  const TemporaryFolder folder;
  const TemperatureReport report =
      analyze_temperature({write_gas(folder, 1000, 500, 20, 1.3, false, true), {}}, {std::nullopt, std::nullopt, 10});
  const std::string text = text_of(report);
  EXPECT_NE(text.find("The temperature rises"), std::string::npos) << text;
  EXPECT_NE(text.find("Si is "), std::string::npos) << text;
  EXPECT_NE(text.find("hotter"), std::string::npos) << text;
  EXPECT_NE(text.find("no frame carries a potential energy"), std::string::npos) << text;
  EXPECT_FALSE(named(report, "total_energy_drift").estimate);
}

TEST(AnalysisReports, WithoutVelocitiesThereIsNoTemperature) {
  const TemporaryFolder folder;
  try {
    analyze_temperature({write_gas(folder, 20, 500, 0, 1, true, false), {}}, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("hold no velocities; write them"), std::string::npos) << error.what();
  }
}

TEST(AnalysisReports, DegreesOfFreedomThatCannotBeMeant) {
  for (const double degrees : {-1.0, 0.0, 229.0, 1.0})
    EXPECT_THROW(analyze_temperature(li15si4(), {std::nullopt, degrees, 10}), Error);
  const auto all = analyze_temperature(li15si4(), {std::nullopt, 228, 10}),
             default_ = analyze_temperature(li15si4(), {});
  EXPECT_NEAR(all.estimates[0].estimate->value * 228, default_.estimates[0].estimate->value * 225, 1e-6);
}

TEST(AnalysisReports, DensityHoldsAllAtoms) {
  const MeanDensitySettings settings{3, 14, 0.3};
  const DensityReport report = analyze_density(li15si4(), settings);
  const CubeFile cube = cube_of(report, settings);
  double sum = 0;
  for (const double value : cube.value) sum += value;
  EXPECT_NEAR(sum * determinant(cube.voxel_ang) / std::pow(units::ang_per_bohr, 3), 60, 1e-9);
  for (const DensityProfile& profile : report.along) {
    double mean = 0;
    for (const Estimate& e : profile.density_per_ang3) {
      mean += e.value / static_cast<double>(profile.density_per_ang3.size());
      EXPECT_TRUE(e.low <= e.value && e.value <= e.high);
    }
    EXPECT_NEAR(mean, 60 / report.density.grid.cell.volume_ang3(), 1e-12);
  }
}

}  // namespace
}  // namespace saltus::runs
