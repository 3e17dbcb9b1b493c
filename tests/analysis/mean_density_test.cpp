#include "saltus/analysis/mean_density.hpp"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "tests/analysis/frames.hpp"

namespace saltus {
namespace {

MeanDensity density_of(const std::vector<Frame>& frames, const MeanDensitySettings& settings) {
  MeanDensityAnalysis analysis(settings);
  Analysis* const analyses[] = {&analysis};
  run_analyses(testing_frames::next_of(frames), analyses);
  return analysis.finish();
}

// One Li that stays at a place of a skewed cell beside two Si, all drifting together by more than a cell, wrapped.
std::vector<Frame> drifting_frames(std::size_t count, double breathing) {
  std::vector<Frame> frames(count);
  const auto atoms = std::make_shared<const Atoms>(atoms_of({3, 14, 14}));
  for (std::size_t t = 0; t < count; ++t) {
    const double size = 1 + breathing * std::sin(0.7 * static_cast<double>(t));
    Frame& f = frames[t];
    f.atoms = atoms;
    f.cell = Cell(Mat3{{Vec3{5 * size, 0, 0}, Vec3{2 * size, 6 * size, 0}, Vec3{-1 * size, 1.5 * size, 7 * size}}});
    const double drift = 0.03 * static_cast<double>(t);
    for (const Fractional& place : {Fractional{0.13, 0.52, 0.77}, Fractional{0, 0, 0}, Fractional{0.5, 0.4, 0.3}})
      f.position_ang.push_back(f.cell.wrap(f.cell.to_cartesian({place.a + drift, place.b - 2 * drift, place.c + 0.5 * drift})));
  }
  return frames;
}

TEST(MeanDensity, AnAtomAtRestInTheFrameworkFillsOneVoxelOfASkewedCell) {
  for (const double breathing : {0.0, 0.02}) {
    const auto frames = drifting_frames(100, breathing);
    const MeanDensity density = density_of(frames, {3, 14, 1.0});
    const Grid& grid = density.grid;
    ASSERT_EQ(density.density_per_ang3.size(), grid.size());
    const double voxel_ang3 = grid.cell.volume_ang3() / static_cast<double>(grid.size());
    const Int3 voxel{static_cast<int>(0.13 * grid.count[0]), static_cast<int>(0.52 * grid.count[1]), static_cast<int>(0.77 * grid.count[2])};
    EXPECT_NEAR(density.density_per_ang3[grid.index(voxel)] * voxel_ang3, 1, 1e-12);
    EXPECT_NEAR(std::accumulate(density.density_per_ang3.begin(), density.density_per_ang3.end(), 0.0) * voxel_ang3, 1, 1e-12);
    EXPECT_NEAR(density.atoms_per_slab[1][static_cast<std::size_t>(voxel[1])], 1, 1e-12);
    EXPECT_EQ(density.frames, 100u);
    ASSERT_EQ(density.block_atoms_per_slab[0].size(), 10u);
    EXPECT_GT(density.framework_drift_ang, 10);
  }
}

TEST(MeanDensity, WithoutAFrameworkTheDriftSmearsIt) {
  const MeanDensity density = density_of(drifting_frames(100, 0), {3, std::nullopt, 1.0});
  std::size_t visited = 0;
  for (const double value : density.density_per_ang3)
    if (value > 0) ++visited;
  EXPECT_GT(visited, 20u);
  EXPECT_EQ(density.framework_drift_ang, 0);
}

TEST(MeanDensity, IsTheSameWithAnyNumberOfThreads) {
  const auto frames = drifting_frames(300, 0.01);
  const MeanDensity one = density_of(frames, {14, std::nullopt, 0.5});
  set_thread_count(3);
  const MeanDensity three = density_of(frames, {14, std::nullopt, 0.5});
  set_thread_count(0);
  EXPECT_EQ(one.density_per_ang3, three.density_per_ang3);
  EXPECT_EQ(one.block_atoms_per_slab, three.block_atoms_per_slab);
}

TEST(MeanDensity, RefusesWhatItCannotMean) {
  auto frames = drifting_frames(3, 0);
  EXPECT_THROW(density_of(frames, {3, 3, 0.2}), Error);
  EXPECT_THROW(density_of(frames, {3, std::nullopt, 0}), Error);
  EXPECT_THROW(density_of(frames, {11, std::nullopt, 0.2}), Error);
  EXPECT_THROW(density_of(frames, {3, 11, 0.2}), Error);
  EXPECT_THROW(density_of({}, {3, 14, 0.2}), Error);
  frames[1].cell = Cell(frames[1].cell.rows_ang(), {true, true, false});
  EXPECT_THROW(density_of(frames, {3, 14, 0.2}), Error);
}

}  // namespace
}  // namespace saltus
