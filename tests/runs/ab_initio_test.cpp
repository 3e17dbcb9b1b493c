// Labels and AIMD through a program that behaves as CP2K does; and through CP2K itself where there is one.
#include "saltus/runs/ab_initio_dynamics.hpp"
#include "saltus/runs/ab_initio_frames.hpp"

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/engines/child.hpp"
#include "saltus/io/cp2k.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/runs/cp2k_fields.hpp"
#include "saltus/runs/refinement.hpp"

namespace saltus::runs {
namespace {

namespace fs = std::filesystem;

class AbInitio : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("ab_initio_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "data");
    std::ofstream(folder_ / "data/BASIS_MOLOPT") << "H DZVP-MOLOPT-SR-GTH DZVP-MOLOPT-SR-GTH-q1\n 1\n";
    std::ofstream(folder_ / "data/GTH_POTENTIALS") << "H GTH-PBE-q1 GTH-PBE\n    1\n";
    std::ofstream(folder_ / "data/POTENTIAL_UZH") << "H GTH-PBE-q1 GTH-PBE\n    1\n";
    method_.program = std::string(SALTUS_SOURCE_DIR) + "/tests/runs/fake_cp2k.sh";
    method_.data_folder = (folder_ / "data").string();
    method_.check_program = false;
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// Two atoms in a periodic box, the second at x.
  static Frame pair(double x) {
    Frame frame;
    frame.atoms = std::make_shared<const Atoms>(atoms_of(std::vector<std::uint8_t>{1, 1}));
    frame.position_ang = {{x - 1, 1, 1}, {x, 1.5, 1}};
    frame.cell = Cell(Mat3{{Vec3{20, 0, 0}, Vec3{0, 20, 0}, Vec3{0, 0, 20}}});
    return frame;
  }

  fs::path folder_;
  Cp2kSettings method_;
};

// The defaults are those of insulator: what it needs must not become that of the others.
TEST_F(AbInitio, PresetsHaveGridsOfTheirOwn) {
  const auto grid = [](const char* preset) { return std::pair{cp2k_preset(preset).cutoff_ry, cp2k_preset(preset).smoothing}; };
  EXPECT_EQ(grid("insulator"), std::pair(900.0, std::string("nn10")));
  EXPECT_EQ(grid("metal"), std::pair(300.0, std::string("none")));
  EXPECT_EQ(grid("molecule"), std::pair(400.0, std::string("nn10")));
  EXPECT_EQ(grid("molecular_crystal"), std::pair(400.0, std::string("nn10")));
}

TEST_F(AbInitio, LabelsAreThoseOfTheProgramInOurUnits) {
  std::vector<Frame> frames;
  for (int k = 0; k < 7; ++k) frames.push_back(pair(2 + 0.1 * k));
  LabelSettings settings{method_, folder_, 2, 3, true};
  const LabelSummary summary = label_frames(settings, frames, folder_ / "work", folder_ / "labels.extxyz", {}, {});
  EXPECT_EQ(summary.quality.frames, 7u);
  EXPECT_TRUE(summary.quality.refused.empty());
  ASSERT_TRUE(summary.force_check);
  EXPECT_NEAR(summary.force_check->from_forces_ev_ang, summary.force_check->from_energies_ev_ang, 2e-4);  // the bond turns over ±0.01 Å: some (0.01/1.1)² of 0.5 eV/Å
  const std::vector<Frame> labels = read_frames(folder_ / "labels.extxyz");
  ASSERT_EQ(labels.size(), 7u);
  const double k = 0.05 * units::ev_per_hartree / (units::ang_per_bohr * units::ang_per_bohr), d = std::sqrt(1.25);
  for (const Frame& frame : labels) {
    EXPECT_NEAR(*frame.energy_ev, 0.5 * k * (d - 1.2) * (d - 1.2), 1e-7);
    EXPECT_NEAR(frame.force_ev_ang[0].x, k * (d - 1.2) * 1 / d, 1e-6);
    EXPECT_NEAR(frame.force_ev_ang[1].y, -k * (d - 1.2) * 0.5 / d, 1e-6);
  }
}

TEST_F(AbInitio, UnconvergedFramesAreTriedFromScratchAndNeverLabelsSilently) {
  const std::vector<Frame> frames{pair(2), pair(6), pair(10), pair(3)};
  LabelSettings settings{method_, folder_, 1, 10, false};
  const LabelSummary summary = label_frames(settings, frames, folder_ / "work", folder_ / "labels.extxyz", {}, {});
  EXPECT_EQ(summary.quality.frames, 3u);  // the second converged alone
  ASSERT_EQ(summary.quality.refused.size(), 1u);
  EXPECT_EQ(summary.quality.refused[0].step, 2);
  EXPECT_NE(summary.quality.refused[0].why.find("did not converge"), std::string::npos);
  EXPECT_EQ(read_frames(folder_ / "labels.extxyz").size(), 3u);

  const std::vector<Frame> hopeless{pair(10)};
  EXPECT_THROW(label_frames(settings, hopeless, folder_ / "work2", folder_ / "none.extxyz", {}, {}), Error);
  EXPECT_FALSE(fs::exists(folder_ / "none.extxyz"));
}

TEST_F(AbInitio, WhatTheProgramSaysAsItGivesUpIsTheError) {
  LabelSettings settings{method_, folder_, 2, 2, false};
  const std::vector<Frame> frames{pair(2), pair(3), pair(16), pair(4)};
  try {
    label_frames(settings, frames, folder_ / "work", folder_ / "labels.extxyz", {}, {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
    EXPECT_NE(std::string(error.what()).find("the cholesky decomposition failed"), std::string::npos) << error.what();
  }
  EXPECT_FALSE(fs::exists(folder_ / "labels.extxyz"));
}

TEST_F(AbInitio, BatchesThatAreDoneStayDone) {
  std::vector<Frame> frames;
  for (int k = 0; k < 6; ++k) frames.push_back(pair(2 + 0.1 * k));
  LabelSettings settings{method_, folder_, 1, 2, false};
  std::atomic<int> asked = 0;
  const auto done = [&] {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(folder_ / "work")) count += fs::exists(entry.path() / "result.json");
    return count;
  };
  EXPECT_THROW(label_frames(settings, frames, folder_ / "work", folder_ / "labels.extxyz", {}, [&] { return ++asked, done() >= 1; }), Interrupted);
  EXPECT_GE(done(), 1);
  EXPECT_LT(done(), 3);
  const std::string first = [&] {
    for (const auto& entry : fs::directory_iterator(folder_ / "work"))
      if (fs::exists(entry.path() / "result.json")) return entry.path().string();
    return std::string();
  }();
  const auto written = fs::last_write_time(fs::path(first) / "result.json");
  EXPECT_EQ(label_frames(settings, frames, folder_ / "work", folder_ / "labels.extxyz", {}, {}).quality.frames, 6u);
  EXPECT_EQ(fs::last_write_time(fs::path(first) / "result.json"), written);
}

TEST_F(AbInitio, DynamicsStoppedAnywhereGoOnAndTheHarvestIsWhatConvertReads) {
  AbInitioDynamicsSettings settings;
  settings.method = method_;
  settings.dynamics.steps = 40;
  settings.base_folder = folder_;
  ::setenv("FAKE_CP2K_SLEEP", "0.03", 1);
  const fs::path run = folder_ / "run";
  const auto steps_written = [&] {
    std::error_code error;
    return fs::exists(run / "aimd-1.restart", error) ? static_cast<int>(fs::file_size(run / "aimd-pos-1.xyz", error) / 100) : 0;
  };
  EXPECT_THROW(run_ab_initio_dynamics(settings, pair(2), run, {}, [&] { return steps_written() >= 5; }), Interrupted);
  const auto summary = run_ab_initio_dynamics(settings, pair(2), run, {}, {});
  ::unsetenv("FAKE_CP2K_SLEEP");
  EXPECT_TRUE(summary.finished);
  EXPECT_EQ(summary.steps, 40);
  EXPECT_EQ(summary.quality.frames, 41u);
  ASSERT_TRUE(summary.quality.work_mismatch_ev);
  EXPECT_EQ(*summary.quality.work_mismatch_ev, 0);
  const std::vector<Frame> harvest = read_frames(run / "frames.extxyz");
  std::vector<Frame> raw;
  const auto reader = open_cp2k(run);
  for (Frame frame; reader->read_next(frame);) raw.push_back(frame);
  ASSERT_EQ(harvest.size(), raw.size());
  for (std::size_t k = 0; k < raw.size(); ++k) {
    EXPECT_EQ(harvest[k].step, static_cast<std::int64_t>(k));
    EXPECT_EQ(harvest[k].position_ang, raw[k].position_ang);
    EXPECT_EQ(harvest[k].energy_ev, raw[k].energy_ev);
  }
  EXPECT_TRUE(run_ab_initio_dynamics(settings, pair(2), run, {}, {}).nothing_to_do);
  settings.dynamics.temperature_kelvin = 500;
  EXPECT_THROW(run_ab_initio_dynamics(settings, pair(2), run, {}, {}), Error) << "another run in the folder of this one";
}

TEST_F(AbInitio, AProgramThatIsNotThereOrNotCp2kIsSaid) {
  LabelSettings settings{method_, folder_, 1, 10, false};
  settings.method.program = "no-such-cp2k";
  EXPECT_THROW(label_frames(settings, {pair(2)}, folder_ / "work", folder_ / "l.extxyz", {}, {}), Error);
  settings.method.program = "true";
  try {
    label_frames(settings, {pair(2)}, folder_ / "work", folder_ / "l.extxyz", {}, {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("does not say that it is CP2K"), std::string::npos) << error.what();
  }
}

TEST_F(AbInitio, ARefinementLearnsWhereThePotentialExtrapolates) {
  // Bonds of 1.15 to 1.25 Å are known; at 3000 K they go from 0.8 to 1.6 Å.
  std::vector<Frame> known;
  for (int k = 0; k < 40; ++k) {
    Frame frame = pair(2);
    frame.position_ang[1] = frame.position_ang[0] + Vec3{1.15 + 0.1 * (7 * k % 40) / 39.0, 0, 0};
    frame.time_fs = 1000.0 * k;
    known.push_back(frame);
  }
  LabelSettings labelling{method_, folder_, 1, 40, false};
  label_frames(labelling, known, folder_ / "known-work", folder_ / "known.extxyz", {}, {});
  AceFitSettings fit;
  fit.basis.cutoff_ang = 4;
  fit.basis.body_order = 2;
  fit.basis.radial_two_body = 8;
  const std::vector<TrainingSet> sets{{"known", folder_ / "known.extxyz", {}}};
  RefinementInput input;
  input.train = refit(sets, {fit});
  input.model = folder_ / "first.safetensors";
  save_ace(input.model, fit_ace(sets, {fit}, {}).parameters);
  input.start = known.front();
  input.method = method_;
  input.base_folder = folder_;
  RefinementSettings settings;
  settings.temperatures_kelvin = {3000};
  settings.timestep_fs = 0.25;
  settings.frame_spacing_fs = 2;
  settings.sampling_ps = 0.5;
  settings.difference_ang = 0.01;
  settings.frames_per_round = 12;
  settings.held_out_every = 3;
  settings.max_rounds = 3;
  settings.force_limit_ev_ang = 0.02;
  settings.extrapolation_limit = 3;

  const fs::path place = folder_ / "refine";
  const auto labelled = [&] { return fs::exists(place / "round-1/labels.extxyz"); };
  EXPECT_THROW(refine(settings, input, place, {}, [&] { return labelled(); }), Interrupted);
  const Refinement refined = refine(settings, input, place, {}, {});
  ASSERT_GE(refined.rounds.size(), 1u);
  const RefinementRound& first = refined.rounds[0];
  EXPECT_GT(first.simulations.at(0).doubt, 3);
  EXPECT_EQ(first.trained + first.held_out, first.labels.frames);
  ASSERT_TRUE(first.before && first.after);
  EXPECT_LT(first.after->force_rmse_ev_ang, 0.3 * first.before->force_rmse_ev_ang);
  EXPECT_EQ(fs::exists(place / "round-1/model.safetensors"), true);
  // The same again: nothing is computed anew.
  EXPECT_EQ(to_json_text(refine(settings, input, place, {}, {})), to_json_text(refined));
  settings.temperatures_kelvin = {};
  EXPECT_THROW(refine(settings, input, folder_ / "other", {}, {}), Error);
}

using AbInitioSlow = AbInitio;

TEST_F(AbInitioSlow, Cp2kItselfGivesForcesAndVirialsThatAreDerivatives) {
  if (find_program("cp2k.psmp").empty()) GTEST_SKIP() << "cp2k.psmp is not installed";
  constexpr double strain = 0.004;
  std::vector<Frame> frames;
  for (const double e : {0.0, -strain, strain}) {  // along x: a skewed cell and its atoms
    Frame frame;
    frame.atoms = std::make_shared<const Atoms>(atoms_of(std::vector<std::uint8_t>{1, 1}));
    frame.position_ang = {{0, 0, 0}, {0.5 * (1 + e), 0.6, 0.1}};
    frame.cell = Cell(Mat3{{Vec3{5 * (1 + e), 0, 0}, Vec3{0.5 * (1 + e), 5, 0}, Vec3{0, 0, 5}}});
    frames.push_back(frame);
  }
  LabelSettings settings{cp2k_preset("insulator"), folder_, 1, 10, true};
  settings.method.cutoff_ry = 300;
  settings.method.smoothing = "none";  // energies that depend less on the grid, which moves with the cell
  settings.method.stress = true;
  settings.method.check_program = true;
  const LabelSummary summary = label_frames(settings, frames, folder_ / "work", folder_ / "labels.extxyz", {}, {});
  ASSERT_TRUE(summary.force_check);
  // Central differences over ±0.01 Å of a bond whose third derivative is some 400 eV/Å³: 400/6 × 1e-4 eV/Å of some 4.
  EXPECT_NEAR(summary.force_check->from_forces_ev_ang, summary.force_check->from_energies_ev_ang, 0.02);
  const std::vector<Frame> labels = read_frames(folder_ / "labels.extxyz");
  ASSERT_EQ(labels.size(), 3u);
  ASSERT_TRUE(labels[0].virial_ev);
  const double from_energies = -(*labels[2].energy_ev - *labels[1].energy_ev) / (2 * strain);
  EXPECT_NEAR((*labels[0].virial_ev)[0].x, from_energies, 0.03 * std::abs(from_energies)) << "sign and size; the grid moves with the cell";
}

}  // namespace
}  // namespace saltus::runs
