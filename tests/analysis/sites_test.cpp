#include <cmath>

#include <gtest/gtest.h>

#include "saltus/analysis/density.hpp"
#include "saltus/analysis/paths.hpp"
#include "saltus/analysis/site_lookup.hpp"
#include "saltus/analysis/sites.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "tests/analysis/frames.hpp"

namespace saltus {
namespace {

Vec3 normal3(Random& random) { return {random.normal(), random.normal(), random.normal()}; }

double distance(const Sites& sites, std::size_t site, const Vec3& r) {
  return norm(sites.cell.minimum_image(sites.cell.to_cartesian(sites.position[site]) - r));
}

TEST(Grid, SmoothingKeepsTheSumAndIsGaussianInASkewedCell) {
  const Cell cell(Mat3{{Vec3{6, 0, 0}, Vec3{4, 5, 0}, Vec3{-3, 2, 5}}});
  const Grid grid = make_grid(cell, 0.25);
  const Vec3 r{0.1, 0.2, 0.3};
  const auto counts = counts_on_grid(grid, std::vector<Vec3>(5, r + cell.translation_ang({3, -2, 7})));
  const auto density = smoothed(grid, counts, 0.5);
  double sum = 0, second = 0;
  std::size_t peak = 0;
  for (std::size_t v = 0; v < density.size(); ++v) {
    sum += density[v];
    if (density[v] > density[peak]) peak = v;
  }
  EXPECT_NEAR(sum, 5, 1e-9);
  EXPECT_LT(norm(cell.minimum_image(cell.to_cartesian(grid.fractional(peak)) - r)), 0.25);
  for (std::size_t v = 0; v < density.size(); ++v)
    second += density[v] / sum * norm2(cell.minimum_image(cell.to_cartesian(grid.fractional(v)) - cell.to_cartesian(grid.fractional(peak))));
  EXPECT_NEAR(second, 3 * 0.25, 0.01);  // 3 σ², cut at 4 σ
}

TEST(Sites, PeaksOfASkewedFoldedCellWithOccupations) {
  Random random(21, 0);
  const Cell small(Mat3{{Vec3{5, 0, 0}, Vec3{2, 5.5, 0}, Vec3{-1.5, 1, 6}}});
  const std::vector<Fractional> truth{{0.02, 0.98, 0.5}, {0.5, 0.4, 0.1}, {0.45, 0.9, 0.75}};
  const std::vector<double> occupation{1, 0.6, 0.1};
  const Int3 fold{2, 1, 2};
  const Cell large = repeated(small, fold);
  const std::size_t frames = 4000;
  // Four cells; 1 + 0.6 + 0.1 ions each: seven ions, the last shared between the sites by chance.
  std::vector<Vec3> path;
  std::vector<Vec3> place;
  for (int a = 0; a < 2; ++a)
    for (int c = 0; c < 2; ++c) place.push_back(small.translation_ang({a, 0, c}));
  for (std::size_t t = 0; t < frames; ++t)
    for (std::size_t ion = 0; ion < 7; ++ion) {
      std::size_t site = 0;
      if (ion >= 4) site = random.uniform() * 2.8 < 2.4 ? 1 : 2;
      const std::size_t cell = ion < 4 ? ion : random.below(4);
      path.push_back(small.to_cartesian(truth[site]) + place[cell] + large.translation_ang({static_cast<int>(random.below(5)), -1, 0}) +
                     0.3 * normal3(random));
    }
  SiteSettings settings;
  settings.fold = fold;
  const Sites sites = find_sites(large, path, frames, settings);
  ASSERT_EQ(sites.size(), 3u);
  const double shared = 3.0 / 4;  // ions per cell on sites 1 and 2
  for (std::size_t k = 0; k < 3; ++k) {
    const Vec3 r = small.to_cartesian(truth[k]);
    std::size_t nearest = 0;
    for (std::size_t s = 1; s < 3; ++s)
      if (distance(sites, s, r) < distance(sites, nearest, r)) nearest = s;
    EXPECT_LT(distance(sites, nearest, r), 0.06) << k;
    EXPECT_NEAR(sites.occupation[nearest], k == 0 ? 1 : k == 1 ? shared * 2.4 / 2.8 : shared * 0.4 / 2.8, 0.03);
  }
  EXPECT_NEAR(sites.unassigned_fraction, 0, 1e-12);
  settings.smallest_occupation = 0.3;  // the third one is no site then
  EXPECT_EQ(find_sites(large, path, frames, settings).size(), 2u);
}

TEST(Sites, ShallowPairIsOneSiteDeepPairIsTwo) {
  const Cell cell(Mat3{{Vec3{8, 0, 0}, Vec3{0, 8, 0}, Vec3{0, 0, 8}}});
  // Two Gaussians of width 0.4 at a distance of 2.2: ln(peak/saddle) = (1.1/σ)²/2 − ln 2 with σ² = 0.4² + 0.25², 2.0 kT.
  Random random(22, 0);
  std::vector<Vec3> path;
  const std::size_t frames = 200000;
  for (std::size_t t = 0; t < frames; ++t) path.push_back(Vec3{random.uniform() < 0.5 ? -1.1 : 1.1, 0, 0} + 0.4 * normal3(random));
  SiteSettings settings;
  settings.persistence_kt = 1.6;
  EXPECT_EQ(find_sites(cell, path, frames, settings).size(), 2u);
  settings.persistence_kt = 2.4;
  const Sites merged = find_sites(cell, path, frames, settings);
  EXPECT_EQ(merged.size(), 1u);
  EXPECT_GE(merged.merged_by_persistence, 1u);
  settings.persistence_kt = 0.5;
  settings.merge_distance_ang = 2.5;
  const Sites near = find_sites(cell, path, frames, settings);
  EXPECT_EQ(near.size(), 1u);
  EXPECT_NEAR(near.occupation[0], 1, 1e-12);
  EXPECT_LT(distance(near, 0, {0, 0, 0}), 0.1);
}

// Half a picosecond of ab initio dynamics of the pristine crystal: every lithium gives one site, near its ideal place.
TEST(Sites, Li15Si4From900KelvinHasSixtySites) {
  const auto frames = testing_frames::read_frames("examples/li15si4/li15si4_900K.extxyz");
  PathAnalysis analysis({3, 14});
  Analysis* const list[] = {&analysis};
  run_analyses(testing_frames::next_of(frames), list);
  const Paths paths = analysis.finish();
  EXPECT_TRUE(paths.warnings.empty());
  const Sites sites = find_sites(paths.cell, paths.site_path(), paths.frames, {});
  EXPECT_EQ(sites.size(), 60u);
  const auto ideal = testing_frames::positions_of(frames[0], 3);
  std::vector<int> taken(sites.size(), 0);
  for (const Vec3& r : ideal) {
    std::size_t nearest = 0;
    for (std::size_t s = 1; s < sites.size(); ++s)
      if (distance(sites, s, r) < distance(sites, nearest, r)) nearest = s;
    ++taken[nearest];
    EXPECT_LT(distance(sites, nearest, r), 0.6);
  }
  for (std::size_t s = 0; s < sites.size(); ++s) {
    EXPECT_EQ(taken[s], 1);
    EXPECT_NEAR(sites.occupation[s], 1, 0.1);
  }
}

TEST(Sites, GivenSitesAndErrors) {
  const Cell cell(Mat3{{Vec3{8, 0, 0}, Vec3{0, 8, 0}, Vec3{0, 0, 8}}});
  const Sites sites = given_sites(cell, {2, 1, 1}, std::vector<Fractional>{{-0.25, 1.5, 0}, {0.25, 0.5, 0}});
  EXPECT_DOUBLE_EQ(sites.position[0].a, 0.75);
  EXPECT_DOUBLE_EQ(sites.position[0].b, 0.5);
  EXPECT_EQ(nearest_site_distance_ang(sites), (std::vector<double>{2, 2}));
  EXPECT_THROW(given_sites(cell, {1, 1, 1}, {}), Error);
  EXPECT_THROW(given_sites(cell, {0, 1, 1}, std::vector<Fractional>{{0, 0, 0}}), Error);
  EXPECT_THROW(given_sites(cell, {1, 1, 1}, std::vector<Fractional>{{0, 0, 0}, {0.999, 1, 0}}), Error);
  EXPECT_THROW(find_sites(cell, std::vector<Vec3>(3), 2, {}), Error);
  EXPECT_THROW(find_sites(Cell(), std::vector<Vec3>(2), 2, {}), Error);
  SiteSettings fine;
  fine.grid_ang = 1e-4;
  EXPECT_THROW(find_sites(cell, std::vector<Vec3>(2), 2, fine), Error);
}

TEST(SiteLookup, AgreesWithAllImagesInAnyCell) {
  Random random(23, 0);
  for (int trial = 0; trial < 20; ++trial) {
    Mat3 rows;
    for (int i = 0; i < 3; ++i) rows[i] = 4 * normal3(random);
    if (std::abs(determinant(rows)) < 30) continue;
    const Cell cell(rows);
    std::vector<Fractional> sites(1 + static_cast<std::size_t>(trial) % 7);
    for (auto& f : sites) f = {random.uniform(), random.uniform(), random.uniform()};
    const SiteLookup lookup(cell, sites);
    for (int k = 0; k < 300; ++k) {
      const Vec3 r = 10 * normal3(random);
      double best = 1e300;
      for (const auto& f : sites) best = std::min(best, norm(cell.minimum_image(r - cell.to_cartesian(f))));
      const NearestSite found = lookup.nearest(r);
      EXPECT_NEAR(found.distance_ang, best, 1e-9);
      EXPECT_NEAR(norm(r - cell.to_cartesian(sites[found.site]) - cell.translation_ang(found.image)), best, 1e-9);
    }
  }
}

}  // namespace
}  // namespace saltus
