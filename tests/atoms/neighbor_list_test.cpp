#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "saltus/atoms/neighbor_list.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"

namespace saltus {
namespace {

using Key = std::array<int, 5>;

// Every image within a generous range, tested one by one.
std::set<Key> brute_force(const Cell& cell, const std::vector<Vec3>& position, double cutoff, int range) {
  std::set<Key> found;
  const auto& periodic = cell.periodic();
  for (int i = 0; i < static_cast<int>(position.size()); ++i)
    for (int j = 0; j < static_cast<int>(position.size()); ++j)
      for (int a = -range * periodic[0]; a <= range * periodic[0]; ++a)
        for (int b = -range * periodic[1]; b <= range * periodic[1]; ++b)
          for (int c = -range * periodic[2]; c <= range * periodic[2]; ++c) {
            if (i == j && a == 0 && b == 0 && c == 0) continue;
            const Vec3 d = position[static_cast<std::size_t>(j)] + cell.translation_ang({a, b, c}) -
                           position[static_cast<std::size_t>(i)];
            if (norm2(d) < cutoff * cutoff) found.insert({i, j, a, b, c});
          }
  return found;
}

void expect_equal_to_brute_force(const Cell& cell, const std::vector<Vec3>& position, double cutoff, int range) {
  const NeighborList list = build_neighbor_list(cell, position, cutoff);
  std::set<Key> found;
  for (std::size_t i = 0; i < position.size(); ++i)
    for (std::uint32_t p = list.first[i]; p < list.first[i + 1]; ++p) {
      found.insert({static_cast<int>(i), static_cast<int>(list.neighbor[p]), list.image[p][0], list.image[p][1], list.image[p][2]});
      EXPECT_EQ(list.reverse[list.reverse[p]], p);
      EXPECT_EQ(list.neighbor[list.reverse[p]], i);
      EXPECT_NEAR(norm(list.displacement_ang[p] + list.displacement_ang[list.reverse[p]]), 0, 1e-12);
    }
  EXPECT_EQ(found.size(), list.pairs());
  EXPECT_EQ(found, brute_force(cell, position, cutoff, range));
}

std::vector<Vec3> random_positions(const Cell& cell, int n, Random& random, double spread = 1) {
  std::vector<Vec3> position;
  for (int i = 0; i < n; ++i)
    position.push_back(cell.to_cartesian({spread * random.uniform(), spread * random.uniform(), spread * random.uniform()}));
  return position;
}

TEST(NeighborList, SmallCubicCellWithCutoffBeyondTheCell) {
  Random random(1, 0);
  const Cell cell(Mat3{{Vec3{3, 0, 0}, Vec3{0, 3.2, 0}, Vec3{0, 0, 2.8}}});
  expect_equal_to_brute_force(cell, random_positions(cell, 5, random), 5.0, 4);
}

TEST(NeighborList, SkewedCellAndUnwrappedPositions) {
  Random random(2, 0);
  const Cell cell(Mat3{{Vec3{4, 0, 0}, Vec3{3.5, 4.1, 0}, Vec3{-2.9, 3.3, 4.4}}});
  expect_equal_to_brute_force(cell, random_positions(cell, 8, random, 2.3), 4.5, 8);
}

TEST(NeighborList, LargeCellUsesManyBins) {
  Random random(3, 0);
  const Cell cell(Mat3{{Vec3{20, 0, 0}, Vec3{4, 18, 0}, Vec3{1, -5, 22}}});
  expect_equal_to_brute_force(cell, random_positions(cell, 150, random, 1.5), 4.0, 2);
}

TEST(NeighborList, SlabAndMolecule) {
  Random random(4, 0);
  const Cell slab(Mat3{{Vec3{6, 0, 0}, Vec3{1, 5, 0}, Vec3{0, 0, 30}}}, {true, true, false});
  expect_equal_to_brute_force(slab, random_positions(slab, 30, random), 5.5, 3);
  const Cell none;
  expect_equal_to_brute_force(none, {{0, 0, 0}, {1, 0, 0}, {0, -2, 0}, {40, 0, 1}}, 3.0, 0);
}

TEST(NeighborList, RefusesNonFinitePositions) {
  const Cell cell(Mat3{{Vec3{3, 0, 0}, Vec3{0, 3, 0}, Vec3{0, 0, 3}}});
  EXPECT_THROW(build_neighbor_list(cell, std::vector<Vec3>{{NAN, 0, 0}}, 3), Error);
}

TEST(VerletList, RestartFromReferencePositionsIsBitwise) {
  Random random(5, 0);
  const Cell cell(Mat3{{Vec3{9, 0, 0}, Vec3{0, 9, 0}, Vec3{0, 0, 9}}});
  std::vector<Vec3> position = random_positions(cell, 40, random);
  VerletList original;
  original.update(cell, position, 4, 0.5);
  for (Vec3& r : position) r += Vec3{0.1, 0.05, -0.1} * random.uniform();
  EXPECT_FALSE(original.update(cell, position, 4, 0.5));
  VerletList restarted;
  restarted.rebuild_at(cell, original.reference_position_ang(), 4, 0.5);
  EXPECT_FALSE(restarted.update(cell, position, 4, 0.5));
  EXPECT_EQ(original.list().neighbor, restarted.list().neighbor);
  EXPECT_EQ(original.list().displacement_ang, restarted.list().displacement_ang);
  position[3].x += 0.4;
  EXPECT_TRUE(original.update(cell, position, 4, 0.5));
}

TEST(Cell, MinimumImageOfSkewedCells) {
  Random random(6, 0);
  for (int trial = 0; trial < 200; ++trial) {
    Mat3 rows;
    for (int i = 0; i < 3; ++i) rows[i] = {random.normal() * 4, random.normal() * 4, random.normal() * 4};
    if (std::abs(determinant(rows)) < 8) continue;
    const Cell cell(rows);
    const Vec3 d{random.normal() * 20, random.normal() * 20, random.normal() * 20};
    // Oracle: all images in a range wide enough for these cells.
    const Fractional f = cell.to_fractional(d);
    const Int3 centre{static_cast<int>(std::round(f.a)), static_cast<int>(std::round(f.b)), static_cast<int>(std::round(f.c))};
    double best = 1e300;
    for (int a = -12; a <= 12; ++a)
      for (int b = -12; b <= 12; ++b)
        for (int c = -12; c <= 12; ++c)
          best = std::min(best, norm2(d - cell.translation_ang({centre[0] + a, centre[1] + b, centre[2] + c})));
    EXPECT_NEAR(norm(cell.minimum_image(d)), std::sqrt(best), 1e-9);
  }
}

TEST(Cell, RefusesSingularLattice) {
  EXPECT_THROW(Cell(Mat3{{Vec3{1, 0, 0}, Vec3{2, 0, 0}, Vec3{0, 0, 1}}}), Error);
}

// Distances equal to the cutoff but for rounding: a pair is in the list from both sides or from neither.
TEST(NeighborList, PairsAtTheCutoffAreThereFromBothSides) {
  std::vector<Vec3> position;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b)
      for (int c = 0; c < 3; ++c) position.push_back({0.1 + a * 1.7 / 3, 0.1 + b * 1.7 / 3, 0.1 + c * 1.7 / 3});
  const Cell cell(Mat3{{Vec3{1.7, 0, 0}, Vec3{0, 1.7, 0}, Vec3{0, 0, 1.7}}});
  for (const double squares : {1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 9.0}) {
    const double cutoff = 1.7 / 3 * std::sqrt(squares);
    for (const double nudge : {-1e-16, 0.0, 1e-16}) {
      const NeighborList list = build_neighbor_list(cell, position, cutoff * (1 + nudge));
      for (std::uint32_t p = 0; p < list.pairs(); ++p) EXPECT_EQ(list.displacement_ang[list.reverse[p]], -list.displacement_ang[p]);
    }
  }
}

}  // namespace
}  // namespace saltus
