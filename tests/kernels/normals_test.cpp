#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/random.hpp"
#include "saltus/kernels/normals.hpp"

namespace saltus::kernels {
namespace {

TEST(Normals, AreThoseOfTheCountersByBoxAndMuller) {
  const std::uint64_t seed = 0x123456789ABCDEF0, stream = 0x0F1E2D3C4B5A6978, first = 0xFFFFFFFA;  // over the edge of a word
  std::vector<double> deviates(64);
  fill_normals(seed, stream, first, deviates);
  Random random(seed, stream);
  random.counter = first;
  const auto unit = [&] { return static_cast<double>(random.next_u64() >> 12) * 0x1p-52 + 0x1p-53; };
  for (std::size_t group = 0; group < 2; ++group)
    for (std::size_t k = 0; k < 16; ++k) {
      const double radius = std::sqrt(-2 * std::log(unit())), angle = 2 * std::acos(-1.0) * (unit() - 0.5);
      EXPECT_NEAR(deviates[32 * group + k], radius * std::cos(angle), 1e-14);
      EXPECT_NEAR(deviates[32 * group + 16 + k], radius * std::sin(angle), 1e-14);
    }
}

TEST(Normals, MayBeDrawnInPieces) {
  std::vector<double> whole(200), piece(64), rest(100);
  fill_normals(1, 2, 50, whole);
  fill_normals(1, 2, 50 + counters_of_normals(32), piece);
  EXPECT_TRUE(std::equal(piece.begin(), piece.end(), whole.begin() + 32));
  fill_normals(1, 2, 50 + counters_of_normals(96), rest);
  EXPECT_TRUE(std::equal(rest.begin(), rest.end(), whole.begin() + 96));
  EXPECT_EQ(counters_of_normals(1), counters_per_group);
  EXPECT_EQ(counters_of_normals(33), 2 * counters_per_group);
}

TEST(Normals, HaveTheMomentsAndTailsOfTheNormalDistribution) {
  const std::size_t n = 1 << 20;
  std::vector<double> x(n);
  fill_normals(7, 1, 0, x);
  double sum[5] = {}, lagged = 0, beyond = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (int p = 1; p <= 4; ++p) sum[p] += std::pow(x[i], p) / static_cast<double>(n);
    lagged += x[i] * x[(i + 16) % n] / static_cast<double>(n);
    beyond += std::abs(x[i]) > 3;
  }
  const double error = 1 / std::sqrt(static_cast<double>(n));
  EXPECT_NEAR(sum[1], 0, 4 * error);
  EXPECT_NEAR(sum[2], 1, 4 * std::sqrt(2.0) * error);
  EXPECT_NEAR(sum[3], 0, 4 * std::sqrt(15.0) * error);
  EXPECT_NEAR(sum[4], 3, 4 * std::sqrt(96.0) * error);
  EXPECT_NEAR(lagged, 0, 4 * error);
  const double expected = std::erfc(3 / std::sqrt(2.0)) * static_cast<double>(n);
  EXPECT_NEAR(beyond, expected, 4 * std::sqrt(expected));
}

}  // namespace
}  // namespace saltus::kernels
