#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "saltus/base/random.hpp"
#include "saltus/kernels/ace_kernel.hpp"
#include "saltus/kernels/linear_algebra.hpp"

namespace saltus::kernels {
namespace {

TEST(SphericalHarmonics, ClosedFormsAndNorm) {
  Random random(1, 0);
  for (int trial = 0; trial < 20; ++trial) {
    double u[3] = {random.normal(), random.normal(), random.normal()};
    const double r = std::sqrt(u[0] * u[0] + u[1] * u[1] + u[2] * u[2]);
    for (double& c : u) c /= r;
    const auto [x, y, z] = u;
    std::vector<double> Y(81);
    real_spherical_harmonics(8, x, y, z, Y);
    EXPECT_NEAR(Y[0], 1, 1e-14);
    EXPECT_NEAR(Y[1], std::sqrt(3) * y, 1e-14);
    EXPECT_NEAR(Y[2], std::sqrt(3) * z, 1e-14);
    EXPECT_NEAR(Y[3], std::sqrt(3) * x, 1e-14);
    EXPECT_NEAR(Y[4], std::sqrt(15) * x * y, 1e-14);
    EXPECT_NEAR(Y[6], std::sqrt(5) / 2 * (3 * z * z - 1), 1e-14);
    EXPECT_NEAR(Y[8], std::sqrt(15) / 2 * (x * x - y * y), 1e-14);
    EXPECT_NEAR(Y[12], std::sqrt(7) / 2 * z * (5 * z * z - 3), 1e-14);
    for (int l = 0; l <= 8; ++l) {
      double sum = 0;
      for (int m = 0; m <= 2 * l; ++m) sum += Y[static_cast<std::size_t>(l * l + m)] * Y[static_cast<std::size_t>(l * l + m)];
      EXPECT_NEAR(sum, 2 * l + 1, 1e-12);
    }
  }
}

TEST(RadialFunctions, DerivativesCutoffAndSaturation) {
  const AceRadialPair pair{5.5, 2.0, 0.3, 1.0};
  constexpr int count = 12;
  double value[count], slope[count], plus[count], minus[count], unused[count];
  for (double r = 1.4; r < 5.6; r += 0.0437) {
    ace_radial(pair, r, count, value, slope);
    const double h = 1e-5;
    ace_radial(pair, r + h, count, plus, unused);
    ace_radial(pair, r - h, count, minus, unused);
    for (int n = 0; n < count; ++n)  // central difference: h² times the third derivative, which grows as n⁶
      EXPECT_NEAR(slope[n], (plus[n] - minus[n]) / (2 * h), 2e-6 * (1 + n * n)) << "r " << r << " n " << n;
  }
  ace_radial(pair, 5.5, count, value, slope);
  for (int n = 0; n < count; ++n) {
    EXPECT_EQ(value[n], 0);
    EXPECT_EQ(slope[n], 0);
  }
  // Below inner − softness nothing changes any more, and all T_n are 1 where x is.
  double closer[count];
  ace_radial(pair, 1.69, count, value, slope);
  ace_radial(pair, 1.5, count, closer, slope);
  for (int n = 0; n < count; ++n) {
    EXPECT_NEAR(value[n], closer[n], 1e-12);
    EXPECT_NEAR(slope[n], 0, 1e-12);
    EXPECT_NEAR(value[n] / value[0], 1, 1e-12);
  }
}

TEST(LinearAlgebra, GramCholeskySolve) {
  Random random(2, 0);
  const std::size_t rows = 37, n = 530;  // more than two tiles
  std::vector<double> x(rows * n), gram(n * n, 0.0);
  for (double& v : x) v = random.normal();
  add_gram(x, rows, n, 2.0, gram);
  for (std::size_t a = 0; a < n; a += 13)
    for (std::size_t b = 0; b <= a; b += 7) {
      double sum = 0;
      for (std::size_t k = 0; k < rows; ++k) sum += 2 * x[k * n + a] * x[k * n + b];
      EXPECT_NEAR(gram[a * n + b], sum, 1e-11);
    }
  for (std::size_t a = 0; a < n; ++a) gram[a * n + a] += 1;
  const std::vector<double> matrix = gram;
  std::vector<double> wanted(n);
  for (double& v : wanted) v = random.normal();
  std::vector<double> solution = symmetric_times(matrix, n, wanted);
  ASSERT_TRUE(cholesky(gram, n));
  cholesky_solve(gram, n, solution);
  for (std::size_t k = 0; k < n; ++k) EXPECT_NEAR(solution[k], wanted[k], 1e-10);
  // |L⁻¹ b|² = bᵀ A⁻¹ b
  std::vector<double> row = symmetric_times(matrix, n, wanted);
  double direct = 0, square = 0;
  for (std::size_t k = 0; k < n; ++k) direct += row[k] * wanted[k];
  solve_lower_rows(gram, n, row, 1);
  for (const double v : row) square += v * v;
  EXPECT_NEAR(square, direct, 1e-8 * direct);
  std::vector<double> indefinite{1, 0, 0, -1};
  EXPECT_FALSE(cholesky(indefinite, 2));
}

}  // namespace
}  // namespace saltus::kernels
