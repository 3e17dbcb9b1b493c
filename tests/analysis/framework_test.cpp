#include <cmath>

#include <gtest/gtest.h>

#include "saltus/analysis/framework.hpp"
#include "saltus/analysis/paths.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "tests/analysis/frames.hpp"

namespace saltus {
namespace {

Vec3 normal3(Random& random) { return {random.normal(), random.normal(), random.normal()}; }

// The silicon of Li15Si4 as Ornstein–Uhlenbeck oscillators (amplitude per component in Å, memory of 20 frames), which are
// let loose after `melting` frames and diffuse with steps of 0.15 Å.
std::vector<Vec3> silicon_paths(std::size_t frames, double amplitude, std::size_t melting, Cell& cell) {
  const Frame crystal = testing_frames::read_frames("examples/li15si4/li15si4_900K.extxyz", 1).at(0);
  cell = crystal.cell;
  const std::vector<Vec3> home = testing_frames::positions_of(crystal, 14);
  Random random(11, 0);
  std::vector<Vec3> u(home.size()), all;
  for (Vec3& x : u) x = amplitude * normal3(random);
  const double keep = std::exp(-1.0 / 20);
  for (std::size_t t = 0; t < frames; ++t)
    for (std::size_t k = 0; k < home.size(); ++k) {
      u[k] = t < melting ? keep * u[k] + amplitude * std::sqrt(1 - keep * keep) * normal3(random) : u[k] + 0.15 * normal3(random);
      all.push_back(home[k] + u[k]);
    }
  return all;
}

TEST(Framework, HarmonicCrystalPasses) {
  Cell cell;
  const std::size_t frames = 4000;
  const auto path = silicon_paths(frames, 0.2, frames, cell);
  const FrameworkCheck check = check_framework(cell, path, frames, 5);
  EXPECT_TRUE(check.crystalline) << check.reason;
  // Plateau 6 u² = 0.24; 16 atoms × 3 components × 100 independent samples: standard error 2 %.
  EXPECT_NEAR(check.msd_long_ang2, 0.24, 0.02);
  EXPECT_NEAR(check.msd_middle_ang2, 0.24, 0.02);
  EXPECT_NEAR(check.nearest_neighbor_ang, 4.52, 0.05);
  EXPECT_NEAR(check.lindemann, 0.2 * std::sqrt(3.0) / 4.52, 0.003);
  EXPECT_EQ(check.moved_atoms, 0u);
  EXPECT_LT(check.rdf_change, 0.06);
  EXPECT_GT(check.peak_contrast_last, 3);
  EXPECT_DOUBLE_EQ(check.lag_fs.front(), 5);
  EXPECT_DOUBLE_EQ(check.lag_fs.back(), 5 * 2000.0);
}

TEST(Framework, FluidAndHalfMoltenFail) {
  for (const std::size_t melting : {std::size_t{0}, std::size_t{2000}, std::size_t{3300}}) {
    Cell cell;
    const auto path = silicon_paths(4000, 0.2, melting, cell);
    const FrameworkCheck check = check_framework(cell, path, 4000, 5);
    EXPECT_FALSE(check.crystalline);
    EXPECT_GT(check.msd_long_ang2, 1.5 * check.msd_middle_ang2);
    EXPECT_NE(check.reason.find("no plateau"), std::string::npos) << check.reason;
  }
}

TEST(Framework, OneHopOfOneAtomFails) {
  Cell cell;
  auto path = silicon_paths(4000, 0.2, 4000, cell);
  for (std::size_t t = 1500; t < 4000; ++t) path[t * 16 + 3] += {1.5, 1.5, 1.0};
  const FrameworkCheck check = check_framework(cell, path, 4000, 5);
  EXPECT_FALSE(check.crystalline);
  EXPECT_EQ(check.moved_atoms, 1u);
}

// 2x2x2 copies of the cell of 16 atoms, all with the same vibration.
std::vector<Vec3> repeated(const std::vector<Vec3>& path, std::size_t frames, Cell& cell) {
  std::vector<Vec3> all;
  for (std::size_t t = 0; t < frames; ++t)
    for (int a = 0; a < 2; ++a)
      for (int b = 0; b < 2; ++b)
        for (int c = 0; c < 2; ++c)
          for (std::size_t k = 0; k < 16; ++k) all.push_back(path[t * 16 + k] + cell.translation_ang({a, b, c}));
  Mat3 rows = cell.rows_ang();
  for (int axis = 0; axis < 3; ++axis) rows[axis] = 2.0 * rows[axis];
  cell = Cell(rows);
  return all;
}

// Atoms of 128 shift by 1 Å at 3/8 of the length: each adds (3/4 − 1/9)/128 Å² to the growth of all.
TEST(Framework, AFewAtomsThatMoveAreADefectAndMoreAreNoCrystal) {
  Cell cell;
  const auto path = silicon_paths(4000, 0.1, 4000, cell);
  const std::vector<Vec3> crystal = repeated(path, 4000, cell);
  for (const std::size_t moved : {std::size_t{3}, std::size_t{7}}) {
    auto all = crystal;
    for (std::size_t t = 1500; t < 4000; ++t)
      for (std::size_t k = 0; k < moved; ++k) all[t * 128 + 16 * k] += {0.6, 0.64, 0.48};
    const FrameworkCheck check = check_framework(cell, all, 4000, 5);
    EXPECT_EQ(check.moved_atoms, moved);
    EXPECT_NEAR(check.msd_long_ang2 - check.msd_middle_ang2, static_cast<double>(moved) * (3.0 / 4 - 1.0 / 9) / 128, 0.003);
    if (moved == 3) {
      EXPECT_TRUE(check.crystalline) << check.reason;
      EXPECT_NEAR(check.resting_long_ang2, 0.06, 0.005);
      EXPECT_NEAR(check.growth_ang2, 0, 0.003);
    } else {
      EXPECT_NE(check.reason.find("7 of 128 atoms left their places"), std::string::npos) << check.reason;
      EXPECT_NE(check.reason.find("no plateau"), std::string::npos) << check.reason;
    }
  }
}

TEST(Framework, BondsThatFormAreCounted) {
  Cell cell;
  auto path = silicon_paths(4000, 0.1, 4000, cell);
  EXPECT_FALSE(check_framework(cell, path, 4000, 5).has_bonds());
  std::size_t neighbor = 1;  // of atom 0
  const auto apart = [&](std::size_t k) { return cell.minimum_image(path[k] - path[0]); };
  for (std::size_t k = 2; k < 16; ++k)
    if (norm(apart(k)) < norm(apart(neighbor))) neighbor = k;
  const Vec3 towards = (1 - 2.4 / norm(apart(neighbor))) * apart(neighbor);
  for (std::size_t t = 3000; t < 4000; ++t) path[t * 16] += towards;
  const FrameworkCheck check = check_framework(cell, path, 4000, 5);
  EXPECT_TRUE(check.has_bonds());
  EXPECT_EQ(check.bonds_first, 0);
  EXPECT_NEAR(check.bonds_last, 0.75, 0.01);  // 1000 of the 1333 frames of the last third
  for (std::size_t t = 0; t < 3000; ++t) path[t * 16] += towards;  // bonded from the beginning: no change, but no crystal's pair
  EXPECT_TRUE(check_framework(cell, path, 4000, 5).has_bonds());
}

TEST(Framework, AmplitudeBeyondLindemannFails) {
  Cell cell;
  const auto path = silicon_paths(4000, 0.45, 4000, cell);
  const FrameworkCheck check = check_framework(cell, path, 4000, 5);
  EXPECT_FALSE(check.crystalline);
  EXPECT_NE(check.reason.find("nearest-neighbour distances"), std::string::npos) << check.reason;
}

TEST(Framework, AbInitioSiliconAt900KelvinIsCrystalline) {
  const auto frames = testing_frames::read_frames("examples/li15si4/li15si4_900K.extxyz");
  PathAnalysis analysis({3, 14});
  Analysis* const list[] = {&analysis};
  run_analyses(testing_frames::next_of(frames), list);
  const Paths paths = analysis.finish();
  FrameworkLimits limits;
  limits.rdf_change = 0.4;  // half a picosecond holds few independent configurations
  const FrameworkCheck check = check_framework(paths.cell, paths.framework_ang, paths.frames, paths.frame_spacing_fs, limits);
  EXPECT_EQ(check.moved_atoms, 0u);
  EXPECT_LT(check.lindemann, 0.1);
  EXPECT_NEAR(check.nearest_neighbor_ang, 4.5, 0.25);  // thermal displacements, hardly averaged in 100 fs
  EXPECT_THROW(check_framework(paths.cell, paths.framework_ang, 7, 2, limits), Error);
  RecordProperty("reason", check.reason);
}

}  // namespace
}  // namespace saltus
