#include "saltus/kernels/difference_products.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/random.hpp"

namespace saltus::kernels {
namespace {

// Any length, whole vectors of any instruction set or not, any number of lags at once; sums of random signs in another order.
TEST(DifferenceProducts, EqualTheDefinition) {
  Random random(4, 0);
  const std::vector<std::size_t> lags{1, 3, 8, 29};
  for (const std::size_t count : {0, 1, 2, 3, 7, 8, 9, 31, 64, 1001}) {
    const std::size_t n = count + 30, first = 29;
    std::vector<double> value(3 * n);
    for (double& v : value) v = random.normal();
    const auto at = [&](std::size_t k) { return std::span<const double>(value).subspan(k * n, n); };
    for (std::size_t together = 1; together <= lags_per_pass; ++together) {
      std::vector<DifferenceProducts> sums(together, {1, 2, 3, 4, 5, 6});
      add_difference_products({at(0), at(1), at(2)}, first, count, std::span(lags).last(together), sums);
      for (std::size_t l = 0; l < together; ++l) {
        DifferenceProducts expected{1, 2, 3, 4, 5, 6};
        for (std::size_t k = first; k < first + count; ++k) {
          const std::size_t then = k - lags[lags.size() - together + l];
          const double x = at(0)[k] - at(0)[then], y = at(1)[k] - at(1)[then], z = at(2)[k] - at(2)[then];
          const double terms[] = {x * x, y * y, z * z, x * y, x * z, y * z};
          for (std::size_t c = 0; c < 6; ++c) expected[c] += terms[c];
        }
        for (std::size_t c = 0; c < 6; ++c) EXPECT_NEAR(sums[l][c], expected[c], 1e-14 * (10 + 3 * static_cast<double>(count))) << count << " " << together;
      }
    }
  }
}

}  // namespace
}  // namespace saltus::kernels
