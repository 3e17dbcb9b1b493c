// Arithmetic of the atomic cluster expansion on plain arrays: densities A, the invariant polynomial, and its gradient.
// SIMD with run-time dispatch (Highway): neighbours in lanes for A and the forces, centres in lanes for the polynomial.
// Reference: Drautz, Phys. Rev. B 99, 014104 (2019).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace saltus::kernels {

inline constexpr int ace_max_l = 8;
inline constexpr int ace_max_radial = 24;

/// Radial functions of one pair of species:  R_n(r) = T_n(x(s)) f(s / cutoff),  n = 0, 1, …,  s(r) the saturated distance.
/// T_n Chebyshev polynomials; x falls from +1 to −1 as 1/(s + scale); f(t) = 1 − 10 t³ + 15 t⁴ − 6 t⁵.
/// s = r down to `inner`; below, it levels off smoothly (C²) and is constant from inner − softness on, and so is R.
///
/// With a `power` p > 0 polynomials instead, which the pace style of LAMMPS has too ("ChebPow"; scale is not used):
/// R_n(r) = T_n(x) y^q S(r),  y = (1 − r/cutoff)^p, x = 1 − 2 y, q = ace_envelope_power(p);  S = 1 from `inner` on,
/// 10 t³ − 15 t⁴ + 6 t⁵ below, t = 1 − (inner − r)/softness, zero from inner − softness on.
struct AceRadialPair {
  double cutoff = 0, inner = 0, softness = 0, scale = 0;
  int power = 0;
};

inline constexpr int ace_max_power = 3;
/// The smallest q with which y^q ends with a continuous second derivative.
constexpr int ace_envelope_power(int power) { return power == 1 ? 3 : power == 2 ? 2 : 1; }

/// Which functions exist: per neighbour species the features (l, n, m), n < radial_count[l],
/// at index  offset(l) + n (2l+1) + (m+l).
struct AceShape {
  int species = 0;
  int l_max = 0;
  std::vector<int> radial_count;  ///< [l_max+1]

  int offset(int l) const;
  /// Features of one neighbour species.
  int features() const { return offset(l_max + 1); }
  int radial_max() const;
};

/// Polynomial in A of degree ≤ 3, for one centre species: sum of c A_a + c A_a A_b + c A_a A_b A_c.
/// Factors are indices species·features + feature; each product appears once.
struct AcePolynomial {
  struct Outer {
    std::uint32_t a = 0, b = 0;       ///< degree 2: only a
    std::uint32_t begin = 0, end = 0; ///< inner terms
  };
  std::vector<std::uint32_t> linear_index;
  std::vector<double> linear_coefficient;
  std::vector<Outer> outer2, outer3;
  std::vector<std::uint32_t> inner_index;
  std::vector<double> inner_coefficient;
};

struct AceModel {
  AceShape shape;
  std::vector<AceRadialPair> radial;      ///< [centre species · species + neighbour species]
  std::vector<AcePolynomial> polynomial;  ///< [species] by centre
};

/// Neighbours of one centre, sorted by species; the part of each species is padded to a multiple of ace_lanes()
/// with neighbours beyond the cutoff. begin[s] … begin[s+1] is the part of species s.
struct AceNeighbors {
  std::vector<double> x, y, z;
  std::vector<std::size_t> begin;
  std::vector<double> gradient_x, gradient_y, gradient_z;  ///< out: d(energy of the centre)/d(neighbour position)
};

/// Scratch of one thread.
struct AceBuffers {
  std::vector<double> storage;
};

/// Centres handled at once, and the padding unit of neighbours, on this machine.
std::size_t ace_lanes();
/// Name of the instruction set in use, e.g. "AVX2".
const char* instruction_set();

/// Energies of up to ace_lanes() centres of one species; gradients too if wanted.
void ace_evaluate(const AceModel& model, int centre_species, std::span<AceNeighbors* const> centres, bool gradient,
                  AceBuffers& buffers, std::span<double> energy);

/// Densities A of one centre: [species·features]; and, if `derivative` is not empty, dA/d(neighbour position):
/// derivative[(feature·3 + axis)·neighbours + neighbour] for the features of that neighbour's own species.
void ace_densities(const AceModel& model, int centre_species, const AceNeighbors& centre, std::span<double> density,
                   std::span<double> derivative);

/// Values R_n(r) and derivatives of one pair, n < count.
void ace_radial(const AceRadialPair& pair, double r, int count, double* value, double* derivative);

/// Real spherical harmonics of a unit vector, order m = −l … l at index l² + l + m, Σ_m Y² = 2l+1.
void real_spherical_harmonics(int l_max, double x, double y, double z, std::span<double> value);

}  // namespace saltus::kernels
