// Pairs of one molecule with many of its kind: a Lennard-Jones centre and three point charges each.
//   E = S(R) [ 4ε ((σ/R)¹² − (σ/R)⁶) + C Σ_ab q_a q_b erfc(α r_ab)/r_ab ],   R between the centres
// S is 1 up to the onset and falls to 0 at the cutoff as 1 − 10x³ + 15x⁴ − 6x⁵. An isolated molecule has α = 0 and S = 1.
// SIMD with run-time dispatch (Highway); erfc(x) = exp(−x²) p(1/(1 + 0.4x)), a polynomial of degree 12 that is right to 2·10⁻¹¹ of erfc up to x = 6.5.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace saltus::kernels {

struct MoleculePairLaw {
  std::array<double, 3> charge{};
  double coulomb = 0;     ///< energy × length of two unit charges
  double epsilon = 0, sigma = 0;
  bool periodic = false;  ///< whether there are α, onset and cutoff
  double alpha = 0;
  double onset = 0, cutoff = 0;
};

/// x, y, z of the centre and of the three charges, of one molecule or in rows of many.
constexpr std::size_t molecule_rows = 12;
/// Rows are as long as a multiple of this many.
constexpr std::size_t molecule_lanes = 8;

/// Energy of the pairs. Positions are relative to the centre of the one molecule, forces are written.
///
/// own         [12] positions of the one, centre at 0
/// count       how many others
/// stride      length of a row, a multiple of molecule_lanes, at least count
/// others      [12][stride] positions; entries from count on have no weight, but must be finite
/// own_force   [12] on the one
/// force       [12][stride] on the others, zero from count to the next multiple of molecule_lanes
/// virial      null, or [6] Σ r⊗f as xx yy zz xy xz yz
double molecule_pairs(const MoleculePairLaw& law, const double* own, std::size_t count, std::size_t stride, const double* others, double* own_force,
                      double* force, double* virial);

}  // namespace saltus::kernels
