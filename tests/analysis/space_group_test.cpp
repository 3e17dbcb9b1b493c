// Space groups of crystals that every textbook has, and of the framework of the example.
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "saltus/analysis/mean_framework.hpp"
#include "saltus/analysis/paths.hpp"
#include "saltus/analysis/sites.hpp"
#include "saltus/analysis/space_group.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "tests/analysis/frames.hpp"

namespace saltus {
namespace {

Cell cubic(double a) { return Cell(Mat3{{Vec3{a, 0, 0}, Vec3{0, a, 0}, Vec3{0, 0, a}}}); }

const std::vector<Fractional> diamond{{0, 0, 0}, {0, 0.5, 0.5}, {0.5, 0, 0.5}, {0.5, 0.5, 0}, {0.25, 0.25, 0.25}, {0.25, 0.75, 0.75}, {0.75, 0.25, 0.75}, {0.75, 0.75, 0.25}};

TEST(SpaceGroup, OfDiamondInAnyCell) {
  const SpaceGroup group = find_space_group(cubic(5.43), diamond, std::vector<int>(8, 1), 0.01);
  EXPECT_EQ(group.number, 227);
  EXPECT_EQ(group.symbol, "Fd-3m");
  EXPECT_EQ(group.operations.size(), 192u);
  EXPECT_DOUBLE_EQ(group.conventional_ratio, 1);
  EXPECT_EQ(find_wyckoff_letters(cubic(5.43), diamond, std::vector<int>(8, 1), 0.01).letter, std::vector<char>(8, 'a'));
  // The primitive cell, badly chosen.
  const Cell skewed(Mat3{{Vec3{0, 2.715, 2.715}, Vec3{2.715, 2.715, 5.43}, Vec3{2.715, 2.715, 0}}});
  const SpaceGroup same = find_space_group(skewed, std::vector<Fractional>{{0, 0, 0}, skewed.to_fractional({1.3575, 1.3575, 1.3575})}, std::vector<int>{1, 1}, 0.01);
  EXPECT_EQ(same.number, 227);
  EXPECT_EQ(same.operations.size(), 48u);
  EXPECT_DOUBLE_EQ(same.conventional_ratio, 4);
}

TEST(SpaceGroup, OfZincBlendeWithEmptySites) {
  // F-43m: interstitials of the tetrahedra are 4c, 4d; given one, the group brings the other three.
  std::vector<Fractional> zinc(diamond.begin(), diamond.begin() + 4);
  const Cell cell = cubic(5.4);
  std::vector<int> kinds(8, 1);
  std::fill(kinds.begin() + 4, kinds.end(), 2);
  const SpaceGroup group = find_space_group(cell, diamond, kinds, 0.01);
  EXPECT_EQ(group.number, 216);
  const SymmetricPositions sites = symmetrised(cell, group.operations, std::vector<Fractional>{{0.77, 0.74, 0.76}}, 0.5);
  ASSERT_EQ(sites.position.size(), 4u);
  EXPECT_EQ(sites.added, 3u);
  EXPECT_EQ(std::set<std::uint32_t>(sites.orbit.begin(), sites.orbit.end()).size(), 1u);
  EXPECT_NEAR(sites.position[0].a, 0.75, 1e-12);
  EXPECT_NEAR(sites.position[0].b, 0.75, 1e-12);
  EXPECT_NEAR(sites.position[0].c, 0.75, 1e-12);
  EXPECT_NEAR(sites.largest_shift_ang, norm(Vec3{0.02, -0.01, 0.01} * 5.4), 1e-9);
  // A general position: as many as the group has operations, each mapped onto one by each.
  const SymmetricPositions general = symmetrised(cell, group.operations, std::vector<Fractional>{{0.1, 0.2, 0.35}}, 0.2);
  EXPECT_EQ(general.position.size(), 96u);
  for (std::size_t g = 0; g < group.operations.size(); ++g)
    for (std::size_t k = 0; k < general.position.size(); ++k) {
      const Fractional image = group.operations[g](general.position[k]);
      const Fractional& target = general.position[general.maps_to[g][k]];
      const Int3& c = general.cell[g][k];
      EXPECT_NEAR(std::abs(image.a - target.a - c[0]) + std::abs(image.b - target.b - c[1]) + std::abs(image.c - target.c - c[2]), 0, 1e-9);
    }
}

TEST(SpaceGroup, ShakenAndDisordered) {
  Random random(5, 0);
  const Cell cell = cubic(5.43);
  std::vector<Fractional> shaken = diamond, places(12);
  for (Fractional& f : shaken) f = {f.a + 0.005 * random.normal(), f.b + 0.005 * random.normal(), f.c + 0.005 * random.normal()};
  EXPECT_EQ(find_space_group(cell, shaken, std::vector<int>(8, 1), 0.3).number, 227);
  EXPECT_EQ(find_space_group(cell, shaken, std::vector<int>(8, 1), 1e-4).number, 1);
  for (Fractional& f : places) f = {random.uniform(), random.uniform(), random.uniform()};
  const SpaceGroup none = find_space_group(cell, places, std::vector<int>(12, 1), 0.01);
  EXPECT_EQ(none.number, 1);
  const SymmetricPositions same = symmetrised(cell, none.operations, places, 0.01);
  EXPECT_EQ(same.position.size(), 12u);
  EXPECT_LT(same.largest_shift_ang, 1e-12);
}

TEST(SpaceGroup, Errors) {
  const Cell cell = cubic(5);
  const std::vector<Fractional> one{{0, 0, 0}};
  EXPECT_THROW(find_space_group(cell, {}, {}, 0.1), Error);
  EXPECT_THROW(find_space_group(cell, one, std::vector<int>{1, 1}, 0.1), Error);
  EXPECT_THROW(find_space_group(cell, one, std::vector<int>{1}, 0), Error);
  EXPECT_THROW(find_space_group(cell, std::vector<Fractional>{{0, 0, 0}, {0, 0, 0}}, std::vector<int>{1, 1}, 0.1), Error);
  EXPECT_THROW(symmetrised(cell, {}, one, 0.1), Error);
}

// Half a picosecond at 900 K. The structure type is that of Cu15Si4: I-43d, silicon on 16c, lithium on 12a and 48e.
TEST(SpaceGroup, Li15Si4HasLithiumOn48eAnd12a) {
  const auto frames = testing_frames::read_frames("examples/li15si4/li15si4_900K.extxyz");
  PathAnalysis analysis({3, 14});
  Analysis* const list[] = {&analysis};
  run_analyses(testing_frames::next_of(frames), list);
  const Paths paths = analysis.finish();
  std::vector<Fractional> silicon;
  for (const Vec3& r : mean_framework_ang(paths.cell, paths)) silicon.push_back(paths.cell.to_fractional(r));
  ASSERT_EQ(silicon.size(), 16u);
  const SpaceGroup group = find_space_group(paths.cell, silicon, std::vector<int>(16, 14), 0.3);
  EXPECT_EQ(group.symbol, "I-43d");
  SiteSettings settings;
  settings.symmetry = group.operations;
  const Sites found = find_sites(paths.cell, paths.site_path(), paths.frames, settings);
  const SymmetricPositions sites = symmetrised(paths.cell, group.operations, found.position, 0.5);
  ASSERT_EQ(sites.position.size(), 60u);
  EXPECT_EQ(sites.added, 0u);
  silicon = symmetrised(paths.cell, group.operations, silicon, 0.6).position;
  std::vector<Fractional> all = silicon;
  std::vector<int> kind(16, 0);
  for (std::size_t k = 0; k < 60; ++k) {
    all.push_back(sites.position[k]);
    kind.push_back(1 + static_cast<int>(sites.orbit[k]));
  }
  const WyckoffLetters letters = find_wyckoff_letters(paths.cell, all, kind, 0.01);
  EXPECT_EQ(letters.group_number, 220);
  std::string of_silicon(letters.letter.begin(), letters.letter.begin() + 16), of_lithium(letters.letter.begin() + 16, letters.letter.end());
  EXPECT_EQ(of_silicon, std::string(16, 'c'));
  EXPECT_EQ(std::count(of_lithium.begin(), of_lithium.end(), 'e'), 48);
  EXPECT_EQ(std::count(of_lithium.begin(), of_lithium.end(), 'a'), 12);
}

}  // namespace
}  // namespace saltus
