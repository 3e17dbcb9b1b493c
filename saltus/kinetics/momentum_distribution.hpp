// Momenta along an axis from the end-to-end distribution ñ(x) = exp(−g(x) x²) of open paths:
//   n(k) = (1/2π) ∫ ñ(x) cos(k x) dx,  ⟨k²⟩ = −ñ''(0) = 2 g(0),  k = p/ħ
// g varies slowly, and is constant where n is a Gaussian. Reference: Lin, Morrone, Car, Parrinello, Phys. Rev. Lett. 105, 110602 (2010).
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace saltus::kinetics {

/// g(0) in 1/Å²: of the polynomial in x² through the three shortest displacements (through all where they are fewer).
///
/// displacement_ang  ascending, positive, at least one
/// end_to_end        ñ there; or a ratio of two such distributions, of which it is the difference of their g(0)
///
/// Nothing where one of those is not positive.
std::optional<double> exponent_at_zero_per_ang2(std::span<const double> displacement_ang, std::span<const double> end_to_end);

/// n(k) in Å, whose integral over k is 1: g goes straight in x² from g(0) from one displacement to the next, and is constant beyond the last.
/// Nothing where ñ is not positive, or does not vanish at long displacements.
std::optional<std::vector<double>> momentum_density_ang(std::span<const double> displacement_ang, std::span<const double> end_to_end, std::span<const double> wave_number_per_ang);

}  // namespace saltus::kinetics
