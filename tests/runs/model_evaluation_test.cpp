// Models on labelled frames: intervals, files, what is refused.
#include "saltus/runs/model_evaluation.hpp"

#include <cmath>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/io/trajectory.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus::runs {
namespace {

/// Forces are positions, so that positions are the errors where the labels are zero; the energy is their sum along x.
class PositionPotential : public Potential {
 public:
  const PotentialInfo& info() const override { return info_; }
  double cutoff_ang() const override { return 1; }
  void evaluate(const Batch& batch, Want, Workspace&, std::span<Evaluation> results) const override {
    Evaluation& result = results[0];
    result.energy_ev = 0;
    result.force_ev_ang.assign(batch.position_ang.begin(), batch.position_ang.end());
    for (const Vec3& r : batch.position_ang) result.energy_ev += r.x;
    result.virial_ev = Mat3{};
  }

 private:
  PotentialInfo info_{.kind = "position", .elements = {3}};
};

constexpr std::size_t frames = 200, atoms = 4;

/// Errors that last some five frames, of unit variance.
void write_set(const std::filesystem::path& path, std::uint64_t seed, bool labels = true) {
  Random random(seed, 0);
  const auto shared = std::make_shared<const Atoms>(Atoms{std::vector<std::uint8_t>(atoms, 3), std::vector<double>(atoms, 6.94)});
  const double keep = std::exp(-1 / 5.0);
  Frame frame;
  frame.atoms = shared;
  frame.position_ang.assign(atoms, Vec3{});
  for (Vec3& r : frame.position_ang) r = {random.normal(), random.normal(), random.normal()};
  const auto writer = create_trajectory(path);
  for (std::size_t k = 0; k < frames; ++k) {
    for (Vec3& r : frame.position_ang)
      for (int axis = 0; axis < 3; ++axis) r[axis] = keep * r[axis] + std::sqrt(1 - keep * keep) * random.normal();
    if (labels) {
      frame.force_ev_ang.assign(atoms, Vec3{});
      frame.energy_ev = 0;
    }
    writer->write(frame);
  }
  writer->commit();
}

TEST(ModelEvaluation, IntervalsCover) {
  const TemporaryFolder folder;
  const PositionPotential potential;
  const int sets = 200;
  int force = 0, energy = 0;
  for (int k = 0; k < sets; ++k) {
    write_set(folder.path() / "set.extxyz", 100 + static_cast<std::uint64_t>(k));
    const ModelErrors result = evaluate_model(potential, "position", {folder.path() / "set.extxyz", {}, 1, {}});
    ASSERT_EQ(result.frames, frames);
    ASSERT_TRUE(result.force_ev_ang && result.energy_raw_ev_per_atom && result.energy_aligned_ev_per_atom);
    EXPECT_FALSE(result.stress_ev_ang3);
    force += result.force_ev_ang->low <= 1 && 1 <= result.force_ev_ang->high;
    const double expected = 1 / std::sqrt(static_cast<double>(atoms));  // of a sum over atoms, per atom
    energy += result.energy_raw_ev_per_atom->low <= expected && expected <= result.energy_raw_ev_per_atom->high;
  }
  RecordProperty("force", force);
  RecordProperty("energy", energy);
  // Of 400 such sets 91 % were covered: blocks of 20 frames are four correlation times long, which costs the intervals a little.
  EXPECT_GE(force, 172);
  EXPECT_LE(force, 198);
  EXPECT_GE(energy, 172);
  EXPECT_LE(energy, 198);
}

TEST(ModelEvaluation, WhatItWritesHasNoError) {
  const TemporaryFolder folder;
  const PositionPotential potential;
  write_set(folder.path() / "set.extxyz", 1);
  const ModelErrors first = evaluate_model(potential, "position", {folder.path() / "set.extxyz", {}, 3, folder.path() / "out.extxyz"});
  EXPECT_EQ(first.frames, (frames + 2) / 3);
  EXPECT_GT(first.errors.forces.rmse_ev_ang, 0.5);
  EXPECT_EQ(read_frames(folder.path() / "out.extxyz").size(), first.frames);
  const ModelErrors second = evaluate_model(potential, "position", {folder.path() / "out.extxyz", {}, 1, {}});
  EXPECT_EQ(second.errors.forces.rmse_ev_ang, 0);
  EXPECT_EQ(second.errors.raw.rmse_ev_per_atom, 0);
}

TEST(ModelEvaluation, RefusesWhatCannotBeCompared) {
  const TemporaryFolder folder;
  const PositionPotential potential;
  write_set(folder.path() / "bare.extxyz", 1, false);
  try {
    evaluate_model(potential, "position", {folder.path() / "bare.extxyz", {}, 1, {}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("neither energies nor forces"), std::string::npos);
  }
  const ModelErrors written = evaluate_model(potential, "position", {folder.path() / "bare.extxyz", {}, 1, folder.path() / "labelled.extxyz"});
  EXPECT_EQ(written.frames, frames);
  EXPECT_FALSE(written.force_ev_ang);
  EXPECT_EQ(read_frames(folder.path() / "labelled.extxyz")[7].force_ev_ang.size(), atoms);
}

}  // namespace
}  // namespace saltus::runs
