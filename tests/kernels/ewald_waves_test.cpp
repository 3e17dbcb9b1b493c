#include "saltus/kernels/ewald_waves.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

namespace saltus::kernels {
namespace {

/// Coulomb energy of point charges in a cell, real space over images up to 14 Å included; unit charges a unit apart have the energy 1.
double ewald_energy(const Mat3& rows, const std::vector<Vec3>& fraction, const std::vector<double>& charge, double alpha, double k_max) {
  const EwaldWaves waves = ewald_waves(rows, 1, alpha, k_max);
  EwaldScratch scratch;
  std::vector<Vec3> force;
  double energy = add_ewald_waves(waves, fraction, charge, scratch, force, nullptr);
  for (std::size_t i = 0; i < charge.size(); ++i) {
    energy -= alpha / std::sqrt(std::numbers::pi) * charge[i] * charge[i];
    for (std::size_t j = 0; j < charge.size(); ++j)
      for (int a = -12; a <= 12; ++a)
        for (int b = -12; b <= 12; ++b)
          for (int c = -12; c <= 12; ++c) {
            if (i == j && a == 0 && b == 0 && c == 0) continue;
            const double r = norm((fraction[j] - fraction[i] + Vec3{static_cast<double>(a), static_cast<double>(b), static_cast<double>(c)}) * rows);
            if (r < 14) energy += 0.5 * charge[i] * charge[j] * std::erfc(alpha * r) / r;
          }
  }
  return energy;
}

// Madelung constants, per ion pair and distance of neighbours: Borwein, Borwein, Shail and Zucker, J. Phys. A 21, 1591 (1988).
TEST(EwaldWaves, MadelungConstants) {
  const double rock_salt = 1.7475645946331822, caesium_chloride = 1.76267477307098;
  // The primitive cell of rock salt, neighbours 1.5 apart: a skewed cell.
  const Mat3 face_centred{{Vec3{0, 1.5, 1.5}, Vec3{1.5, 0, 1.5}, Vec3{1.5, 1.5, 0}}};
  EXPECT_NEAR(-1.5 * ewald_energy(face_centred, {{0, 0, 0}, {0.5, 0.5, 0.5}}, {1, -1}, 0.5, 7), rock_salt, 1e-10);
  EXPECT_NEAR(-1.5 * ewald_energy(face_centred, {{0.1, 7.3, 0}, {-5.4, 3.8, 0.5}}, {1, -1}, 0.6, 8), rock_salt, 1e-10);
  const Mat3 cube{{Vec3{2, 0, 0}, Vec3{0, 2, 0}, Vec3{0, 0, 2}}};
  EXPECT_NEAR(-std::sqrt(3.0) * ewald_energy(cube, {{0, 0, 0}, {0.5, 0.5, 0.5}}, {1, -1}, 0.5, 7), caesium_chloride, 1e-10);
}

TEST(EwaldWaves, ForcesAreSlopesAndSumsDoNotDependOnTheVectors) {
  const Mat3 rows{{Vec3{6, 0.5, 0}, Vec3{-1, 5, 0.7}, Vec3{0.3, 1.1, 7}}};
  const std::vector<double> charge{1, -0.7, 0.4, -1.2, 0.5};
  std::vector<Vec3> fraction{{0.1, 0.2, 0.3}, {0.8, 0.1, 0.45}, {0.4, 0.75, 0.9}, {0.6, 0.3, 0.05}, {-0.2, 1.6, 0.5}};
  EwaldScratch scratch;
  const EwaldWaves waves = ewald_waves(rows, 2.5, 0.6, 5);
  std::vector<Vec3> force(charge.size(), Vec3{1, 1, 1}), none;
  const double energy = add_ewald_waves(waves, fraction, charge, scratch, force, nullptr);
  constexpr double h = 1e-4;
  const Mat3 to_fraction = inverse(rows);
  for (std::size_t i = 0; i < charge.size(); ++i)
    for (int axis = 0; axis < 3; ++axis) {
      const Vec3 kept = fraction[i];
      Vec3 shift;
      shift[axis] = h;
      fraction[i] = kept + shift * to_fraction;
      const double up = add_ewald_waves(waves, fraction, charge, scratch, none, nullptr);
      fraction[i] = kept - shift * to_fraction;
      const double down = add_ewald_waves(waves, fraction, charge, scratch, none, nullptr);
      fraction[i] = kept;
      EXPECT_NEAR(force[i][axis] - 1, -(up - down) / (2 * h), 1e-7);
    }
  // The same lattice by other vectors, and these in another order.
  Mat3 other = rows;
  other[2] += rows[0] - rows[1];
  std::swap(other[0], other[1]);
  std::vector<Vec3> same;
  for (const Vec3& f : fraction) same.push_back(f * rows * inverse(other));
  EXPECT_NEAR(add_ewald_waves(ewald_waves(other, 2.5, 0.6, 5), same, charge, scratch, none, nullptr), energy, 1e-12 * energy);
  // A cell too small for any wave below k_max has none.
  EXPECT_EQ(add_ewald_waves(ewald_waves(rows, 2.5, 0.6, 0.5), fraction, charge, scratch, none, nullptr), 0);
}

}  // namespace
}  // namespace saltus::kernels
