#include "saltus/analysis/motion_series.hpp"

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "tests/analysis/frames.hpp"

namespace saltus {
namespace {

MotionSeries series_of(const std::vector<Frame>& frames, const MotionSettings& settings = {}) {
  MotionSeriesAnalysis analysis(settings);
  Analysis* const analyses[] = {&analysis};
  run_analyses(testing_frames::next_of(frames), analyses);
  return analysis.finish();
}

// Masses 7 and 28; the first atom moves at v, the second stands; wrapped into a cube of 4 Å.
std::vector<Frame> moving_frames(std::size_t count, const Vec3& velocity_ang_fs) {
  auto atoms = std::make_shared<Atoms>();
  atoms->atomic_number = {3, 14};
  atoms->mass_amu = {7, 28};
  std::vector<Frame> frames(count);
  for (std::size_t t = 0; t < count; ++t) {
    Frame& f = frames[t];
    f.atoms = atoms;
    f.cell = Cell(Mat3{{Vec3{4, 0, 0}, Vec3{0, 4, 0}, Vec3{0, 0, 4}}});
    f.time_fs = 100 + 2.0 * static_cast<double>(t);
    f.position_ang = {f.cell.wrap(2.0 * static_cast<double>(t) * velocity_ang_fs), {1, 1, 1}};
    f.velocity_ang_fs = {velocity_ang_fs, {}};
    f.energy_ev = 0.5 * static_cast<double>(t);
  }
  return frames;
}

TEST(MotionSeries, OfAtomsInUniformMotion) {
  const Vec3 v{0.1, -0.2, 0.05};
  const std::size_t count = 3000;
  const MotionSeries series = series_of(moving_frames(count, v), {3});
  EXPECT_EQ(series.frames, count);
  EXPECT_LE(series.points.size(), 1024u);
  EXPECT_GE(series.points.size(), 512u);
  ASSERT_EQ(series.elements.size(), 2u);
  EXPECT_EQ(series.elements[1].mass_amu, 28);
  const double kinetic_ev = 0.5 * 7 * norm2(v) * units::ev_per_amu_ang2_fs2;
  EXPECT_NEAR(series.mean.kinetic_ev, kinetic_ev, 1e-12 * kinetic_ev);
  EXPECT_NEAR(series.mean.element_kinetic_ev[0], kinetic_ev, 1e-12 * kinetic_ev);
  EXPECT_EQ(series.mean.element_kinetic_ev[1], 0);
  EXPECT_NEAR(series.mean.centre_kinetic_ev, kinetic_ev * 7 / 35, 1e-12 * kinetic_ev);
  EXPECT_NEAR(norm(series.mean.centre_velocity_ang_fs - 0.2 * v), 0, 1e-14);
  const Vec3 way = (2.0 * (count - 1)) * v;  // many cells
  EXPECT_NEAR(norm(series.last.framework_ang - way), 0, 1e-9);
  EXPECT_NEAR(norm(series.last.centre_ang - 0.2 * way), 0, 1e-9);
  EXPECT_NEAR(series.mean.time_fs, count - 1.0, 1e-9);
  EXPECT_TRUE(series.has_energy);
  EXPECT_NEAR(series.mean.potential_ev, 0.25 * (count - 1.0), 1e-9);
  ASSERT_EQ(series.blocks.size(), 10u);
  const auto length = static_cast<double>(series.frames_per_block);
  for (std::size_t b = 0; b < 10; ++b) EXPECT_NEAR(series.blocks[b].time_fs, 2 * (static_cast<double>(b) * length + (length - 1) / 2), 1e-9);
  EXPECT_LT(series.kinetic_variance_ev2, 1e-12);
}

TEST(MotionSeries, SaysWhatFramesDoNotHold) {
  auto frames = moving_frames(5, {0.1, 0, 0});
  frames[3].energy_ev.reset();
  EXPECT_FALSE(series_of(frames).has_energy);
  EXPECT_EQ(series_of(frames).frames_with_energy, 4u);
  EXPECT_TRUE(series_of(frames).has_displacements);
  EXPECT_FALSE(series_of(moving_frames(5, {0.9, 0.9, 0.9})).has_displacements);  // steps of 3.1 Å
  EXPECT_THROW(series_of(frames, {11}), Error);
  frames[2].time_fs = frames[1].time_fs;
  EXPECT_THROW(series_of(frames), Error);
  frames[0].velocity_ang_fs.clear();
  try {
    series_of(frames);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("--write-velocities"), std::string::npos) << error.what();
  }
}

TEST(MotionSeries, IsolatedAtomsNeedNoUnwrapping) {
  auto frames = moving_frames(20, {0.9, 0.9, 0.9});
  for (std::size_t t = 0; t < frames.size(); ++t) {
    frames[t].cell = Cell();
    frames[t].position_ang[0] = {1.8 * static_cast<double>(t), 0, 0};
  }
  const MotionSeries series = series_of(frames);
  EXPECT_TRUE(series.has_displacements);
  EXPECT_NEAR(series.last.centre_ang.x, 0.2 * 1.8 * 19, 1e-12);
}

}  // namespace
}  // namespace saltus
