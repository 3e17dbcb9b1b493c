// Real spherical harmonics and their couplings in the convention of e3nn: polar axis y, components m = −l … l.
// l = 1 is (x, y, z) up to the norm;  Σ_m Y_lm² = 2l+1.  Reference: Geiger and Smidt, arXiv:2207.09453.
#pragma once

#include <span>
#include <vector>

namespace saltus::kernels {

inline constexpr int e3nn_max_l = 8;

/// Harmonics of a unit vector up to l_max: value[l² + l + m]. `slope`, if not empty, receives the derivative along the
/// two tangents given: slope[2·(l² + l + m) + t] = tangent_t · ∇Y. Throws Error{usage} above e3nn_max_l.
void e3nn_harmonics(int l_max, const double (&unit)[3], const double (&tangent)[2][3], std::span<double> value,
                    std::span<double> slope);

/// Two unit vectors that make a right-handed frame with a unit vector: tangent[0] × tangent[1] = unit.
void tangents_of(const double (&unit)[3], double (&tangent)[2][3]);

/// The invariant (l1 l2 l3) of real components, unit Frobenius norm: [(2l1+1)(2l2+1)(2l3+1)], last index fastest, with the signs of e3nn 0.4.4.
/// All zero where the triangle rule forbids it. Throws Error{usage} above e3nn_max_l.
std::vector<double> real_3j(int l1, int l2, int l3);

}  // namespace saltus::kernels
