// The scene of the page: framework atoms folded onto each other, jumps counted once per pair of site images.
#include "saltus/runs/scene_json.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace saltus::runs {
namespace {

using json = nlohmann::ordered_json;

TEST(Scene, FoldsFrameworkAndCountsJumpsBothWays) {
  const Cell cell(Mat3{{Vec3{12, 0, 0}, Vec3{0, 6, 0}, Vec3{0, 0, 6}}});
  Sites sites;
  sites.fold = {2, 1, 1};
  sites.cell = folded(cell, sites.fold);
  sites.position = {{0.25, 0.5, 0.5}, {0.75, 0.5, 0.5}};
  Paths paths;
  paths.cell = cell;
  paths.frames = 2;
  paths.framework = {0, 1};
  // One place seen from two cells, across the border of the folded cell: 5.95 and 6.15 + 6 − 12 = 0.15; mean 6.05 ≡ 0.05.
  paths.framework_ang = {{5.9, 1, 1}, {12.1, 1, 1}, {6.0, 1, 1}, {12.2, 1, 1}};
  SiteVisits visits;
  visits.frames = 10;
  visits.ion = {{{0, 1, 0, {0, 0, 0}}, {2, 3, 1, {0, 0, 0}}, {4, 5, 0, {1, 0, 0}}, {6, 9, 1, {0, 0, 0}}},  // 0→1, 1→0 of the next cell, back
                {{0, 4, 1, {3, 0, 0}}, {5, 9, 0, {3, 0, 0}}},                                             // 1→0 within a cell
                {}};
  const json scene = scene_json(sites, visits, paths, "Li", "Si");
  ASSERT_EQ(scene["framework_ang"].size(), 1u);
  EXPECT_NEAR(scene["framework_ang"][0][0].get<double>(), 0.05, 1e-3);  // rounded to 1e-4
  EXPECT_EQ(scene["sites_ang"], json({{1.5, 3.0, 3.0}, {4.5, 3.0, 3.0}}));
  EXPECT_EQ(scene["jumps"], json({{0, 1, -1, 0, 0, 1, 1}, {0, 1, 0, 0, 0, 1, 1}}));
}

}  // namespace
}  // namespace saltus::runs
