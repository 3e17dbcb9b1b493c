// Cells: the shortest image against a search over many, and what a cell that is none says.
#include "saltus/atoms/cell.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/random.hpp"

namespace saltus {
namespace {

TEST(Cell, WithoutPeriodicityAnyDisplacementIsTheShortest) {
  for (const Cell& cell : {Cell(), Cell(Mat3{}, {false, false, false})}) {
    EXPECT_TRUE(std::isinf(cell.inscribed_radius_ang()));
    const Vec3 far{1e4, -2e5, 3};
    EXPECT_EQ(cell.minimum_image(far), far);
  }
}

// Cells so skewed that rounding fractional coordinates is wrong: the nearest of 13³ images is the truth.
TEST(Cell, ShortestImageInSkewedCells) {
  Random random(11, 0);
  for (int trial = 0; trial < 40; ++trial) {
    const double a = 4 + random.uniform(), skew = 8 * (random.uniform() - 0.5);
    const Cell cell(Mat3{{Vec3{a, 0, 0}, Vec3{skew, 5, 0}, Vec3{2 * (random.uniform() - 0.5), skew, 6}}});
    for (int point = 0; point < 50; ++point) {
      const Fractional place{random.uniform() - 0.5, random.uniform() - 0.5, random.uniform() - 0.5};
      const Vec3 displacement = cell.to_cartesian(place);
      double shortest = norm2(displacement);
      for (int i = -6; i <= 6; ++i)
        for (int j = -6; j <= 6; ++j)
          for (int k = -6; k <= 6; ++k) shortest = std::min(shortest, norm2(displacement + cell.translation_ang({i, j, k})));
      EXPECT_NEAR(norm2(cell.minimum_image(displacement)), shortest, 1e-10) << trial;
    }
  }
}

}  // namespace
}  // namespace saltus
