#include "saltus/analysis/geometry_matching.hpp"

#include <gtest/gtest.h>

#include "saltus/base/random.hpp"

namespace saltus {
namespace {

Vec3 random_vector(Random& random, double size) { return {size * random.normal(), size * random.normal(), size * random.normal()}; }

std::vector<std::vector<Vec3>> geometries(Random& random, std::size_t count) {
  std::vector<std::vector<Vec3>> all(count);
  std::vector<Vec3> start(5);
  for (Vec3& r : start) r = random_vector(random, 3);
  for (auto& geometry : all) {
    geometry = start;
    for (Vec3& r : geometry) r += random_vector(random, 0.02);
  }
  return all;
}

// Each of 200 geometries is found among all, wrapped and moved within the tolerance; moved by more than that it is not.
void expect_found(const Cell& cell, const Cell& asked) {
  Random random(5, 0);
  const auto all = geometries(random, 200);
  const double tolerance = 1e-6;
  const GeometryMatcher matcher(cell, all, tolerance);
  for (std::size_t k = 0; k < all.size(); ++k) {
    auto moved = all[k];
    for (Vec3& r : moved) r = asked.wrap(r) + Vec3{0.5e-6, -0.5e-6, 0.5e-6};
    EXPECT_EQ(matcher.find(asked, moved), (std::vector<std::size_t>{k}));
    moved[k % 5].y += 1.6e-6;
    EXPECT_TRUE(matcher.find(asked, moved).empty());
  }
}

TEST(GeometryMatching, ModuloTheLattice) {
  const Cell skewed(Mat3{{Vec3{5, 0, 0}, Vec3{2, 5, 0}, Vec3{-1, 2, 6}}});
  expect_found(skewed, skewed);
  expect_found(Cell(), Cell());
  const Cell slab(Mat3{{Vec3{5, 0, 0}, Vec3{2, 5, 0}, Vec3{0, 0, 20}}}, {true, true, false});
  expect_found(slab, slab);
}

// A cell that changes: the same answers without the order of the first one.
TEST(GeometryMatching, InAnotherCell) {
  expect_found(Cell(Mat3{{Vec3{5, 0, 0}, Vec3{0, 5, 0}, Vec3{0, 0, 5}}}), Cell(Mat3{{Vec3{5.1, 0, 0}, Vec3{0, 5.1, 0}, Vec3{0, 0, 5.1}}}));
}

TEST(GeometryMatching, EqualGeometriesAreAllFound) {
  Random random(6, 0);
  auto all = geometries(random, 3);
  all.push_back(all[1]);
  EXPECT_EQ(GeometryMatcher(Cell(), all, 1e-6).find(Cell(), all[1]), (std::vector<std::size_t>{1, 3}));
}

}  // namespace
}  // namespace saltus
