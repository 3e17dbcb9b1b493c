// Rocking of groups beside a shared proton: rotations that are known, and correlations that were put in.
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/runs/proton_report.hpp"
#include "tests/io/temporary_folder.hpp"

namespace saltus::runs {
namespace {

constexpr double degree = std::numbers::pi / 180;
const std::vector<Vec3> tetrahedron{{0.6, 0.6, 0.6}, {0.6, -0.6, -0.6}, {-0.6, 0.6, -0.6}, {-0.6, -0.6, 0.6}};

// Rodrigues' formula.
Vec3 rotated(const Vec3& v, const Vec3& theta) {
  const double angle = norm(theta);
  if (angle == 0) return v;
  const Vec3 n = theta / angle;
  return std::cos(angle) * v + std::sin(angle) * cross(n, v) + (1 - std::cos(angle)) * dot(n, v) * n;
}

Vec3 random_direction(Random& random) {
  const Vec3 v{random.normal(), random.normal(), random.normal()};
  return v / norm(v);
}

TEST(SuperpositionRotation, IsTheRotation) {
  Random random(1, 0);
  for (int k = 0; k < 200; ++k) {
    const Vec3 theta = 3.1 * random.uniform() * random_direction(random);
    for (const std::size_t count : {2u, 3u, 4u}) {
      const std::vector<Vec3> reference(tetrahedron.begin(), tetrahedron.begin() + static_cast<std::ptrdiff_t>(count));
      std::vector<Vec3> now;
      for (const Vec3& v : reference) now.push_back(rotated(v, theta));
      EXPECT_LT(norm(superposition_rotation(reference, now) - theta), 1e-10);
    }
  }
  EXPECT_EQ(norm(superposition_rotation(tetrahedron, tetrahedron)), 0);
}

TEST(SuperpositionRotation, StretchingTurnsNothing) {
  std::vector<Vec3> stretched = tetrahedron;
  stretched[1] *= 1.2;
  EXPECT_NEAR(norm(superposition_rotation(tetrahedron, stretched)), 0, 1e-12);
  const std::vector<Vec3> nothing(4);
  EXPECT_THROW(superposition_rotation(tetrahedron, nothing), Error);
}

// O–H…O along x, N of NH4 at a slant in a skewed cell: seen from the bond, y is towards N and z across the plane.
const Vec3 bond_axis = Vec3{1, 2, 2} / 3, towards = Vec3{2, -2, 1} / 3;
const Vec3 out_of_plane = cross(bond_axis, towards);

Frame group_frame(double nu_ang, const Vec3& theta) {
  static const auto atoms = std::make_shared<const Atoms>(atoms_of({8, 1, 8, 7, 1, 1, 1, 1}));
  Frame frame;
  frame.atoms = atoms;
  frame.cell = Cell(Mat3{{Vec3{9, 0, 0}, Vec3{4, 9, 0}, Vec3{-3, 2, 9}}});
  const Vec3 donor{0.5, 8.5, 0.3}, centre = donor + 1.25 * bond_axis + 2.9 * towards;
  frame.position_ang = {donor, donor + (2.5 + nu_ang) / 2 * bond_axis, donor + 2.5 * bond_axis, centre};
  for (const Vec3& v : tetrahedron) frame.position_ang.push_back(centre + rotated(v, theta));
  for (Vec3& r : frame.position_ang) r = frame.cell.wrap(r);
  return frame;
}

ProtonReport report_of(const std::filesystem::path& file) {
  ProtonReportSettings settings;
  settings.largest_mean_ang = 2.6;
  settings.group_element = 7;
  return analyze_proton({file, {}}, settings);
}

TEST(RockingReport, FindsTheCorrelationThatIsThere) {
  TemporaryFolder folder;
  const double r = 0.7;
  int covered = 0, independent = 0;
  double information = 0;
  const int sets = 20;
  for (int set = 0; set < sets; ++set) {
    Random random(8, static_cast<std::uint64_t>(set));
    const auto writer = create_trajectory(folder / "set.h5md");
    writer->write(group_frame(0, {}));
    for (int k = 0; k < 3000; ++k) {
      const double u = random.normal(), v = random.normal();
      writer->write(group_frame(0.15 * u, 9 * degree * (r * u + std::sqrt(1 - r * r) * v) * out_of_plane + 6 * degree * random.normal() * bond_axis));
    }
    writer->commit();
    const ProtonReport report = report_of(folder / "set.h5md");
    ASSERT_EQ(report.bonds.size(), 2u);  // N–H of the group is in no short bond
    ASSERT_TRUE(report.rocking);
    EXPECT_EQ(report.rocking->groups, std::vector<std::string>{"N4"});
    const auto& all = report.rocking->kinds.at(0).back();
    covered += all[2].pearson.low <= r && r <= all[2].pearson.high;
    independent += all[0].pearson.low <= 0 && 0 <= all[0].pearson.high;
    EXPECT_NEAR(all[2].pearson.value, r, 0.04);
    EXPECT_NEAR(all[2].deviation.value, 9, 0.5);
    EXPECT_NEAR(all[0].deviation.value, 6, 0.4);
    EXPECT_NEAR(all[1].deviation.value, 0, 0.5);
    EXPECT_LT(all[0].mutual_information_nat.value, 0.03);  // of coordinates that know nothing of one another
    information += all[2].mutual_information_nat.value / sets;
    // <theta_z | nu> is a line of slope r · 9° / 0.15 Å.
    for (std::size_t k = 17; k < 23; ++k) EXPECT_NEAR(all[2].given_nu[k].value, r * 9 / 0.15 * report.rocking->nu_ang[k], 1.5);
  }
  EXPECT_GE(covered, 16);
  EXPECT_GE(independent, 16);
  EXPECT_NEAR(information, -0.5 * std::log(1 - r * r), 0.03);
}

TEST(RockingReport, AsymmetryIsThatOfTheDistances) {
  TemporaryFolder folder;
  const auto writer = create_trajectory(folder / "moved.extxyz");
  for (int k = 0; k < 40; ++k) {
    Frame frame = group_frame(k % 2 ? 0.1 : -0.1, {});
    for (std::size_t i = 3; i < frame.size(); ++i) frame.position_ang[i] += (k % 2 ? 0.3 : -0.3) * bond_axis;
    writer->write(frame);
  }
  writer->commit();
  const auto all = report_of(folder / "moved.extxyz").rocking->kinds.at(0).back();
  const double expected = std::hypot(2.9, 1.55) - std::hypot(2.9, 0.95);
  EXPECT_NEAR(all[3].deviation.value, expected, 1e-9);
  EXPECT_NEAR(all[3].pearson.value, 1, 1e-9);
}

TEST(RockingReport, BeadsAndCentroidsHaveCorrelationsOfTheirOwn) {
  TemporaryFolder folder;
  constexpr int beads = 8;
  Random random(2, 0);
  const auto writer = create_trajectory(folder / "beads.extxyz");
  for (int step = 0; step < 1500; ++step) {
    const double u = random.normal(), v = random.normal();
    for (int bead = 0; bead < beads; ++bead) {
      // The group goes with the centroid; the beads of the proton spread as widely as that moves.
      Frame frame = group_frame(0.1 * u + 0.1 * random.normal(), 5 * degree * (0.8 * u + 0.6 * v) * out_of_plane);
      frame.bead = bead;
      frame.step = step;
      writer->write(frame);
    }
  }
  writer->commit();
  const ProtonReport report = report_of(folder / "beads.extxyz");
  ASSERT_EQ(report.rocking->kinds.size(), 2u);
  const Estimate pooled = report.rocking->kinds[0].back()[2].pearson, centroid = report.rocking->kinds[1].back()[2].pearson;
  EXPECT_NEAR(pooled.value, 0.8 / std::sqrt(2.0), 0.05);
  EXPECT_NEAR(centroid.value, 0.8 / std::sqrt(1 + 1.0 / beads), 0.03);
  EXPECT_LT(pooled.high, centroid.low);
  EXPECT_LT(centroid.high - centroid.low, 0.1);
}

TEST(RockingReport, NeedsAGroup) {
  TemporaryFolder folder;
  const auto writer = create_trajectory(folder / "one.extxyz");
  writer->write(group_frame(0, {}));
  writer->commit();
  ProtonReportSettings settings;
  settings.largest_mean_ang = 2.6;
  settings.group_element = 6;
  EXPECT_THROW(analyze_proton({folder / "one.extxyz", {}}, settings), Error);
}

}  // namespace
}  // namespace saltus::runs
