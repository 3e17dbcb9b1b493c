#include <cmath>

#include <gtest/gtest.h>

#include "saltus/analysis/assignment.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {
namespace {

const Cell cubic(Mat3{{Vec3{6, 0, 0}, Vec3{0, 6, 0}, Vec3{0, 0, 6}}});

// Sites at x = 0 and x = 3: nearest distance 3 Å, cores of 1.2 Å.
Sites chain() { return given_sites(cubic, {1, 1, 1}, std::vector<Fractional>{{0, 0, 0}, {0.5, 0, 0}}); }

std::vector<Vec3> along_x(const std::vector<double>& x) {
  std::vector<Vec3> path;
  for (const double value : x) path.push_back({value, 0, 0});
  return path;
}

TEST(Assignment, FlickerAcrossABoundaryIsNoJump) {
  std::vector<double> x{0};
  for (int k = 0; k < 1000; ++k) x.push_back(1.5 + (k % 2 ? 0.25 : -0.25));  // nearest site changes at every frame
  const SiteVisits visits = assign_sites(chain(), along_x(x), x.size(), 1);
  EXPECT_EQ(visits.report.jumps, 0);
  ASSERT_EQ(visits.ion[0].size(), 1u);
  EXPECT_EQ(visits.ion[0][0].last_frame, 1000);
  EXPECT_NEAR(visits.report.outside_fraction, 1000.0 / 1001, 1e-12);
  EXPECT_FALSE(visits.report.warnings.empty());
}

TEST(Assignment, CoreToCoreWithImages) {
  //                    undefined   0            →3 (site 1)   →6 (site 0, image +1)   back to 3    →−3 is site 1, image −1
  const std::vector<double> x{1.5, 1.3, 0.1, 0.9, 1.6, 1.7, 2.9, 4.0, 4.9, 6.2, 5.5, 3.2, 1.0, -0.5, -2.5};
  const SiteVisits visits = assign_sites(chain(), along_x(x), x.size(), 50);
  const auto& v = visits.ion[0];
  ASSERT_EQ(v.size(), 6u);
  const auto is = [&](std::size_t k, std::int64_t first, std::int64_t last, std::uint32_t site, int image) {
    EXPECT_EQ(v[k].first_frame, first) << k;
    EXPECT_EQ(v[k].last_frame, last) << k;
    EXPECT_EQ(v[k].site, site) << k;
    EXPECT_EQ(v[k].image, (Int3{image, 0, 0})) << k;
  };
  is(0, 2, 5, 0, 0);
  is(1, 6, 7, 1, 0);
  is(2, 8, 10, 0, 1);
  is(3, 11, 11, 1, 0);
  is(4, 12, 13, 0, 0);
  is(5, 14, 14, 1, -1);
  EXPECT_EQ(visits.report.jumps, 5);
  EXPECT_NEAR(visits.report.undefined_fraction, 2.0 / 15, 1e-12);
  // 3 → 6 → 3 within 150 fs and 0 → 3 → 6: one flicker among five jumps.
  EXPECT_NEAR(visits.report.flicker_fraction, 1.0 / 5, 1e-12);
}

TEST(Assignment, OccupationsAndTwoIonsOnOneSite) {
  const Sites sites = given_sites(repeated(cubic, {2, 1, 1}), {2, 1, 1}, std::vector<Fractional>{{0, 0, 0}, {0.5, 0, 0}});
  // Three ions in two cells; ion 1 joins ion 0 at x = 12 = 0 (mod the large cell) for frames 4–7 of 10.
  std::vector<Vec3> path;
  for (int t = 0; t < 10; ++t) {
    path.push_back({0.1, 0, 0});
    path.push_back({t >= 4 && t < 8 ? 12.0 : 9.0, 0, 0});
    path.push_back({6, 0, 0});
  }
  const SiteVisits visits = assign_sites(sites, path, 10, 10);
  EXPECT_NEAR(visits.report.double_occupation_fraction, 0.4, 1e-12);
  EXPECT_NEAR(visits.report.doubly_occupied_sites, 0.1, 1e-12);
  EXPECT_NEAR(visits.occupation[0], (10 + 10 + 4) / 20.0, 1e-12);
  EXPECT_NEAR(visits.occupation[1], 6 / 20.0, 1e-12);
  EXPECT_EQ(visits.report.carriers_that_jumped, 1);
  EXPECT_NEAR(visits.report.offset_msq_ang2.x, 0.01 / 3, 1e-12);
}

TEST(Assignment, ReportSeesOverlapsAndSensitivity) {
  AssignmentSettings settings;
  settings.core_radius_ang = 1.6;
  // Each site touches the other one; its own images, 6 Å away, do not.
  const std::vector<double> x{0, 1.25, 1.9, 1.25, 0};
  EXPECT_EQ(assign_sites(chain(), along_x(x), 5, 1, settings).report.overlapping_cores, 1u);
  settings.core_radius_ang = 1.05;
  const auto path = along_x(x);
  const SiteVisits visits = assign_sites(chain(), path, 5, 1, settings);
  EXPECT_EQ(visits.report.overlapping_cores, 0u);
  EXPECT_EQ(visits.report.jumps, 0);
  const CoreSensitivity sensitivity = core_sensitivity(chain(), visits, path);
  EXPECT_EQ(sensitivity.jumps_smaller, 0);
  EXPECT_EQ(sensitivity.jumps, 0);
  EXPECT_EQ(sensitivity.jumps_larger, 2);  // 3 − 1.9 = 1.1 < 1.155
  settings.core_radius_ang = -1;
  EXPECT_THROW(assign_sites(chain(), path, 5, 1, settings), Error);
  EXPECT_THROW(assign_sites(chain(), path, 2, 1), Error);
  EXPECT_THROW(assign_sites(Sites{}, path, 5, 1), Error);
}

TEST(Assignment, ThreadsDoNotMatter) {
  Random random(31, 0);
  std::vector<Vec3> path(40 * 500);
  for (std::size_t k = 0; k < path.size(); ++k)
    path[k] = (k < 40 ? Vec3{} : path[k - 40]) + 0.5 * Vec3{random.normal(), random.normal(), random.normal()};
  std::vector<std::vector<std::int64_t>> firsts(2);
  std::vector<AssignmentReport> reports;
  for (const int threads : {1, 4}) {
    set_thread_count(threads);
    const SiteVisits visits = assign_sites(chain(), path, 500, 1);
    for (const auto& ion : visits.ion)
      for (const Visit& v : ion) firsts[reports.size()].push_back(v.first_frame);
    reports.push_back(visits.report);
  }
  set_thread_count(0);
  EXPECT_EQ(firsts[0], firsts[1]);
  EXPECT_EQ(reports[0].offset_msq_ang2, reports[1].offset_msq_ang2);
  EXPECT_GT(reports[0].jumps, 100);
}

}  // namespace
}  // namespace saltus
