#include "saltus/kernels/difference_products.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/random.hpp"

namespace saltus::kernels {
namespace {

// Any length, whole vectors of any instruction set or not; sums of random signs in another order.
TEST(DifferenceProducts, EqualTheDefinition) {
  Random random(4, 0);
  for (const std::size_t n : {0, 1, 2, 3, 7, 8, 9, 31, 64, 1001}) {
    std::vector<double> value(6 * n);
    for (double& v : value) v = random.normal();
    const auto at = [&](std::size_t k) { return std::span<const double>(value).subspan(k * n, n); };
    std::array<double, 6> sums{1, 2, 3, 4, 5, 6}, expected = sums;
    add_difference_products({at(0), at(1), at(2)}, {at(3), at(4), at(5)}, sums);
    for (std::size_t k = 0; k < n; ++k) {
      const double x = at(3)[k] - at(0)[k], y = at(4)[k] - at(1)[k], z = at(5)[k] - at(2)[k];
      const double terms[] = {x * x, y * y, z * z, x * y, x * z, y * z};
      for (std::size_t c = 0; c < 6; ++c) expected[c] += terms[c];
    }
    for (std::size_t c = 0; c < 6; ++c) EXPECT_NEAR(sums[c], expected[c], 1e-14 * (10 + 3 * static_cast<double>(n))) << n;
  }
}

}  // namespace
}  // namespace saltus::kernels
