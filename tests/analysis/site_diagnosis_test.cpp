// Sites that do not fit are told: one that is missing, one that is two.
#include <cmath>

#include <gtest/gtest.h>

#include "saltus/analysis/site_diagnosis.hpp"
#include "saltus/base/random.hpp"

namespace saltus {
namespace {

const Cell cubic(Mat3{{Vec3{9, 0, 0}, Vec3{0, 9, 0}, Vec3{0, 0, 9}}});

/// One ion that spends 60, 30 and 10 % of its time at three places, in runs of 50 frames.
std::vector<Vec3> path(const std::array<Vec3, 3>& place, double width_ang, std::uint64_t seed) {
  Random random(seed, 0);
  std::vector<Vec3> result;
  Vec3 now;
  for (int t = 0; t < 20000; ++t) {
    if (t % 50 == 0) {
      const double x = random.uniform();
      now = place[x < 0.6 ? 0 : x < 0.9 ? 1 : 2];
    }
    result.push_back(now + width_ang * Vec3{random.normal(), random.normal(), random.normal()});
  }
  return result;
}

SiteDiagnosis diagnosis_of(const std::vector<Fractional>& places, const std::vector<Vec3>& positions) {
  const Sites sites = given_sites(cubic, {1, 1, 1}, places);
  return diagnose_sites(sites, assign_sites(sites, positions, positions.size(), 10), positions, {});
}

TEST(SiteDiagnosis, SaysWhereASiteIsMissing) {
  const auto positions = path({Vec3{0, 0, 0}, Vec3{3, 0, 0}, Vec3{6, 3, 0}}, 0.25, 1);
  const SiteDiagnosis all = diagnosis_of({{0, 0, 0}, {1 / 3.0, 0, 0}, {2 / 3.0, 1 / 3.0, 0}}, positions);
  EXPECT_EQ(all.far_fraction, 0);
  EXPECT_TRUE(all.missing.empty());
  EXPECT_TRUE(all.warnings.empty());
  for (const SiteShape& shape : all.shape) {
    EXPECT_NEAR(shape.widest_ang, 0.25, 0.02);
    EXPECT_NEAR(shape.kurtosis, 3, 0.4);
  }
  const SiteDiagnosis without = diagnosis_of({{0, 0, 0}, {1 / 3.0, 0, 0}}, positions);
  EXPECT_NEAR(without.far_fraction, 0.1, 0.05);
  ASSERT_EQ(without.missing.size(), 1u);
  EXPECT_LT(norm(cubic.minimum_image(cubic.to_cartesian(without.missing[0].position) - Vec3{6, 3, 0})), 0.1);
  EXPECT_NEAR(without.missing[0].occupation, without.far_fraction, 0.01);
  EXPECT_NEAR(without.missing[0].distance_ang, std::sqrt(18), 0.1);
  ASSERT_FALSE(without.warnings.empty());
  EXPECT_NE(without.warnings[0].find("missing"), std::string::npos);
}

TEST(SiteDiagnosis, SaysWhichSiteIsTwo) {
  // Two places 1.2 Å apart, equally often: a = 0.6 = 2 widths, kurtosis 1.72.
  Random random(2, 0);
  std::vector<Vec3> positions;
  const Vec3 along = Vec3{1, 2, -1} / std::sqrt(6.0);
  for (int t = 0; t < 20000; ++t) positions.push_back((random.uniform() < 0.5 ? 0.6 : -0.6) * along + 0.3 * Vec3{random.normal(), random.normal(), random.normal()});
  const SiteDiagnosis diagnosis = diagnosis_of({{0, 0, 0}, {0.5, 0.5, 0.5}}, positions);
  EXPECT_NEAR(diagnosis.shape[0].kurtosis, (16 + 6 * 4 + 3) / 25.0, 0.05);
  EXPECT_NEAR(diagnosis.shape[0].peak_distance_ang, 1.2, 0.05);
  EXPECT_NEAR(std::abs(dot(diagnosis.shape[0].direction, along)), 1, 0.01);
  EXPECT_EQ(diagnosis.shape[1].samples, 0u);
  ASSERT_EQ(diagnosis.warnings.size(), 1u);
  EXPECT_NE(diagnosis.warnings[0].find("site 0"), std::string::npos);
}

}  // namespace
}  // namespace saltus
