// Distillation: what is sampled, that it goes on, and that a student learns what it can represent.
#include "saltus/runs/distillation.hpp"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "../io/temporary_folder.hpp"
#include "saltus/base/error.hpp"
#include "saltus/potentials/lennard_jones.hpp"
#include "saltus/runs/model_evaluation.hpp"

namespace saltus::runs {
namespace {

/// Argon, face-centred cubic, 32 atoms.
Frame argon() {
  Frame frame;
  const double a = 5.4;
  std::vector<std::uint8_t> z;
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j)
      for (int k = 0; k < 2; ++k)
        for (const Vec3& base : {Vec3{0, 0, 0}, Vec3{0, 0.5, 0.5}, Vec3{0.5, 0, 0.5}, Vec3{0.5, 0.5, 0}}) {
          frame.position_ang.push_back({a * (i + base.x), a * (j + base.y), a * (k + base.z)});
          z.push_back(18);
        }
  frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
  frame.cell = Cell(Mat3{Vec3{2 * a, 0, 0}, Vec3{0, 2 * a, 0}, Vec3{0, 0, 2 * a}});
  return frame;
}

LennardJones teacher() { return LennardJones({{{18, 0.0103, 3.4}}, 4.2, 5.2}); }

SamplingSettings small() {
  SamplingSettings s;
  s.temperature_kelvin = {30, 60};
  s.timestep_fs = 4;
  s.equilibration_ps = 0.2;
  s.sampling_ps = 2;
  s.frames = 20;
  s.rattled_frames = 30;
  s.seed = 5;
  return s;
}

TEST(Distillation, SamplesAreWhatTheTeacherSays) {
  const TemporaryFolder folder;
  const LennardJones potential = teacher();
  const Frame start = argon();
  const auto sets = sample_teacher(potential, "t", start, small(), folder / "work");
  ASSERT_EQ(sets.size(), 3u);
  Workspace workspace;
  std::set<double> volumes;
  for (const TrainingSet& set : sets) {
    const auto frames = read_frames(set.path);
    EXPECT_EQ(frames.size(), set.name == "rattled" ? 30u : 20u);
    double previous = -1;
    for (const Frame& frame : frames) {
      const Evaluation evaluation = evaluate_one(potential, frame, {.forces = true, .virial = true}, workspace);
      EXPECT_NEAR(frame.energy_ev.value(), evaluation.energy_ev, 1e-10);
      EXPECT_NEAR(frame.force_ev_ang[3].y, evaluation.force_ev_ang[3].y, 1e-10);
      EXPECT_NEAR((*frame.virial_ev)[0][1], (*evaluation.virial_ev)[0][1], 1e-9);
      EXPECT_GT(frame.time_fs, previous);
      previous = frame.time_fs;
      if (set.name == "rattled") {
        volumes.insert(frame.cell.volume_ang3());
        // three strains of at most 3 % each
        EXPECT_NEAR(frame.cell.volume_ang3() / start.cell.volume_ang3(), 1, 0.095);
      }
    }
  }
  EXPECT_EQ(volumes.size(), 30u);
  // Twice the temperature, twice the mean square displacement from the lattice (harmonic; ± what 20 frames scatter).
  const auto spread = [&](const TrainingSet& set) {
    double sum = 0;
    for (const Frame& frame : read_frames(set.path))
      for (std::size_t i = 0; i < frame.size(); ++i) sum += norm2(frame.position_ang[i] - start.position_ang[i]);
    return sum;
  };
  EXPECT_GT(spread(sets[1]), 1.3 * spread(sets[0]));
}

TEST(Distillation, GoesOnWhereItWasAndRefusesAnotherTeacher) {
  const TemporaryFolder folder;
  const LennardJones potential = teacher();
  int asked = 0;
  EXPECT_THROW(sample_teacher(potential, "t", argon(), small(), folder / "a", {}, [&] { return ++asked > 700; }), Interrupted);
  const auto sets = sample_teacher(potential, "t", argon(), small(), folder / "a");
  const auto whole = sample_teacher(potential, "t", argon(), small(), folder / "b");
  for (std::size_t k = 0; k < sets.size(); ++k) {
    const auto one = read_frames(sets[k].path), other = read_frames(whole[k].path);
    ASSERT_EQ(one.size(), other.size());
    for (std::size_t f = 0; f < one.size(); ++f) EXPECT_EQ(one[f].position_ang[7].x, other[f].position_ang[7].x);
  }
  EXPECT_THROW(sample_teacher(potential, "other", argon(), small(), folder / "a"), Error);
}

TEST(Distillation, TooLargeForcesAreLeftOutAndNoFramesRefused) {
  const TemporaryFolder folder;
  const LennardJones potential = teacher();
  SamplingSettings settings = small();
  settings.temperature_kelvin = {30};
  settings.largest_force_ev_ang = 0.3;
  for (const Frame& frame : read_frames(sample_teacher(potential, "t", argon(), settings, folder / "some").back().path))
    for (const Vec3& f : frame.force_ev_ang) EXPECT_LE(norm(f), 0.3);
  settings.largest_force_ev_ang = 1e-6;
  try {
    sample_teacher(potential, "t", argon(), settings, folder / "none");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
  }
}

TEST(Distillation, AStudentLearnsPairsFromPairs) {
  const TemporaryFolder folder;
  const LennardJones potential = teacher();
  const auto sets = sample_teacher(potential, "t", argon(), small(), folder / "work");
  AceFitSettings settings;
  settings.basis.body_order = 2;
  settings.basis.cutoff_ang = 5.3;
  settings.pairs_where_data_begin = 0;
  settings.ridge_tolerance = 0;
  AceFit fit = fit_ace(sets, {settings}, {});
  for (const SetErrors& set : fit.errors)
    if (set.part == SplitPart::test) {
      EXPECT_LT(set.errors.forces.relative(), 0.1) << set.set;  // twelve radial functions for a steep repulsion
    }
  name_teacher(fit.parameters, "lennard_jones", "t");
  EXPECT_EQ(fit.parameters.metadata.at("teacher"), "lennard_jones");
}

}  // namespace
}  // namespace saltus::runs
