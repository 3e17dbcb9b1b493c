// The smooth part of the Coulomb energy of point charges in a periodic cell, as a sum over waves (Ewald 1921):
//   E = (2π C / V) Σ_{0 < |k| < k_max} w(k²) |S(k)|²,   S(k) = Σ_i q_i exp(i k·r_i),   w = (exp(−k²/4α²) − (k/k_max)⁸ exp(−k_max²/4α²)) / k²
// The second term of w lets the energy stay continuous where a change of the cell takes a wave across k_max. The self-energy is not taken off.
// A wave is a product of three phases: the sums over charges, and those over waves, are matrix products. Time grows as charges times waves.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "saltus/base/vec3.hpp"

namespace saltus::kernels {

/// The waves of one cell, half of them: −k is counted with k. Wave (p, n): n1, n2 of `plane` p and ±n along the third vector.
struct EwaldWaves {
  Mat3 reciprocal_per_ang;            ///< rows, 2π included
  double damping = 0;                 ///< 1/4α², Å²
  std::vector<Int3> plane;            ///< [m] n1, n2, 0
  std::size_t width = 0;              ///< n < width: a multiple of eight that covers all
  int reach[2] = {0, 0};              ///< largest n1, and |n2|
  std::vector<double> up, down;       ///< [m*width] 8π C w / V of (n1, n2, n) and (n1, n2, −n); zero beyond k_max
  std::vector<double> up_slope, down_slope;  ///< d/d(k²) of them
};

/// rows_ang   lattice vectors, not singular
/// coulomb    energy × length of two unit charges
/// alpha, k_max in 1/Å, positive
EwaldWaves ewald_waves(const Mat3& rows_ang, double coulomb, double alpha_per_ang, double k_max_per_ang);

/// Buffers of one caller.
struct EwaldScratch {
  std::vector<double> phase, powers, products, sums, transposed, of_products, of_powers, slope;
};

/// Returns the energy; adds to forces; adds to the virial −dE/d(strain) unless it is null.
///
/// fraction  [n] positions in units of the lattice vectors
/// charge    [n]
double add_ewald_waves(const EwaldWaves& waves, std::span<const Vec3> fraction, std::span<const double> charge, EwaldScratch& scratch,
                       std::span<Vec3> force, Mat3* virial);

}  // namespace saltus::kernels
