// Voids of the lattices that every textbook has.
#include <cmath>

#include <gtest/gtest.h>

#include "saltus/analysis/site_lookup.hpp"
#include "saltus/analysis/voronoi_nodes.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"

namespace saltus {
namespace {

std::size_t count_of(const std::vector<VoidNode>& nodes, double radius) {
  std::size_t count = 0;
  for (const VoidNode& node : nodes) count += std::abs(node.radius_ang - radius) < 1e-6;
  return count;
}

TEST(VoronoiNodes, OfCubicLattices) {
  const double a = 4;
  const Cell cell(Mat3{{Vec3{a, 0, 0}, Vec3{0, a, 0}, Vec3{0, 0, a}}});
  const auto simple = voronoi_nodes(cell, std::vector<Vec3>{{0.3, 0.2, 0.1}});
  ASSERT_EQ(simple.size(), 1u);
  EXPECT_NEAR(simple[0].radius_ang, std::sqrt(3) / 2 * a, 1e-9);
  EXPECT_NEAR(norm(cell.minimum_image(cell.to_cartesian(simple[0].position) - Vec3{0.3 + a / 2, 0.2 + a / 2, 0.1 + a / 2})), 0, 1e-6);
  const auto bcc = voronoi_nodes(cell, std::vector<Vec3>{{0, 0, 0}, {a / 2, a / 2, a / 2}});
  EXPECT_EQ(bcc.size(), 12u);
  EXPECT_EQ(count_of(bcc, std::sqrt(5) / 4 * a), 12u);
  const auto fcc = voronoi_nodes(cell, std::vector<Vec3>{{0, 0, 0}, {a / 2, a / 2, 0}, {a / 2, 0, a / 2}, {0, a / 2, a / 2}});
  EXPECT_EQ(fcc.size(), 12u);
  EXPECT_EQ(count_of(fcc, a / 2), 4u);                 // octahedra
  EXPECT_EQ(count_of(fcc, std::sqrt(3) / 4 * a), 8u);  // tetrahedra
  // The primitive cell, badly chosen.
  const Cell skewed(Mat3{{Vec3{0, a / 2, a / 2}, Vec3{a / 2, a / 2, a}, Vec3{a / 2, a / 2, 0}}});
  const auto primitive = voronoi_nodes(skewed, std::vector<Vec3>{{0, 0, 0}});
  EXPECT_EQ(primitive.size(), 3u);
  EXPECT_EQ(count_of(primitive, a / 2), 1u);
}

// Any framework: nodes touch four atoms, no sphere holds one, and the widest is as wide as the emptiest point of a fine grid.
TEST(VoronoiNodes, AreEmptySpheresThatTouchFourAtoms) {
  Random random(4, 0);
  const Cell cell(Mat3{{Vec3{7, 0, 0}, Vec3{3, 6, 0}, Vec3{-2, 1, 8}}});
  std::vector<Vec3> atoms;
  std::vector<Fractional> places;
  for (int k = 0; k < 12; ++k) {
    places.push_back({random.uniform(), random.uniform(), random.uniform()});
    atoms.push_back(cell.to_cartesian(places.back()));
  }
  const auto nodes = voronoi_nodes(cell, atoms);
  // Euler's relation on the torus, with four edges at each node of a disordered framework: as many nodes as tetrahedra, 6.8 per atom at random.
  EXPECT_GT(nodes.size(), 60u);
  EXPECT_LT(nodes.size(), 100u);
  for (const VoidNode& node : nodes) {
    const Vec3 r = cell.to_cartesian(node.position);
    int touching = 0;
    for (const Vec3& atom : atoms)
      for (int a = -2; a <= 2; ++a)
        for (int b = -2; b <= 2; ++b)
          for (int c = -2; c <= 2; ++c) {
            const double d = norm(atom + cell.translation_ang({a, b, c}) - r);
            EXPECT_GT(d, node.radius_ang - 2e-4);
            touching += std::abs(d - node.radius_ang) < 2e-4;
          }
    EXPECT_GE(touching, 4);
  }
  const SiteLookup lookup(cell, places);
  double widest = 0;
  for (int a = 0; a < 60; ++a)
    for (int b = 0; b < 60; ++b)
      for (int c = 0; c < 60; ++c) widest = std::max(widest, lookup.nearest(cell.to_cartesian({a / 60.0, b / 60.0, c / 60.0})).distance_ang);
  EXPECT_LE(widest, nodes[0].radius_ang + 1e-9);
  EXPECT_GT(widest, nodes[0].radius_ang - 0.15);  // grid of 0.12 Å
}

TEST(VoronoiNodes, SitesAreTheVisitedOnes) {
  const double a = 5;
  const Cell cell(Mat3{{Vec3{a, 0, 0}, Vec3{0, a, 0}, Vec3{0, 0, a}}}), large = repeated(cell, {2, 1, 1});
  const auto nodes = voronoi_nodes(cell, std::vector<Vec3>{{0, 0, 0}, {a / 2, a / 2, 0}, {a / 2, 0, a / 2}, {0, a / 2, a / 2}});
  Random random(6, 0);
  std::vector<Vec3> path;
  for (int t = 0; t < 3000; ++t) path.push_back(Vec3{t % 3 ? 0.25 * a : 1.5 * a, t % 3 ? 0.25 * a : 0, t % 3 ? 0.25 * a : 0} + 0.2 * Vec3{random.normal(), random.normal(), random.normal()});
  SiteSettings settings;
  settings.fold = {2, 1, 1};
  const Sites sites = sites_at_nodes(large, nodes, path, 3000, settings);
  ASSERT_EQ(sites.size(), 2u);
  EXPECT_NEAR(sites.occupation[0], 1 / 6.0, 0.01);  // the octahedron is wider and comes first; two cells
  EXPECT_NEAR(sites.occupation[1], 2 / 6.0, 0.01);
  EXPECT_EQ(sites.merged_by_occupation, 10u);
  settings.smallest_occupation = 2;
  EXPECT_THROW(sites_at_nodes(large, nodes, path, 3000, settings), Error);
  EXPECT_THROW(voronoi_nodes(cell, {}), Error);
}

}  // namespace
}  // namespace saltus
