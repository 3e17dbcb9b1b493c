// Which functions the linear atomic cluster expansion has, and how they are made of densities A.
// B = Σ_m C^{l1 l2 l3}_{m1 m2 m3} A_{1} A_{2} A_{3} with the rotation-invariant coupling C (real Gaunt tensor of unit norm).
// Reference: Drautz, Phys. Rev. B 99, 014104 (2019).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "saltus/kernels/ace_kernel.hpp"

namespace saltus {

/// What the user chooses. Degrees bound Σ n + Σ l over the factors of a function (n counts from 0, l once per factor).
struct AceBasisSettings {
  double cutoff_ang = 5.5;        ///< of every pair of species
  int body_order = 4;             ///< 2, 3 or 4: up to that many atoms in one function
  int radial_two_body = 12;       ///< radial functions of the two-body part
  int degree_three_body = 10;
  int l_max_three_body = 4;
  int degree_four_body = 5;
  int l_max_four_body = 3;

  bool operator==(const AceBasisSettings&) const = default;
};

/// One factor of a function: neighbour species, radial index, angular momentum.
struct AceChannel {
  int species = 0, n = 0, l = 0;
  auto operator<=>(const AceChannel&) const = default;
};

/// One basis function: one to three channels in ascending order.
struct AceFunction {
  int order = 1;
  std::array<AceChannel, 3> channel{};
};

/// A monomial of a function: coefficient times A[index[0]] … A[index[order−1]], indices ascending.
struct AceTerm {
  std::array<std::uint32_t, 3> index{};
  double coefficient = 0;
};

/// The functions of one centre species (all centre species have the same) with their monomials.
struct AceBasis {
  kernels::AceShape shape;
  std::vector<AceFunction> function;
  std::vector<std::uint32_t> first_term;  ///< [functions+1]
  std::vector<AceTerm> term;

  std::size_t size() const { return function.size(); }
};

/// Enumerates the functions. Throws Error{usage} for settings out of range or a basis of more than 20 000 functions.
AceBasis make_ace_basis(const AceBasisSettings& settings, int species);

/// The rotation-invariant tensor of (l1, l2, l3), unit Frobenius norm, zero unless the triangle rule holds and the sum is
/// even: [(2 l1+1)(2 l2+1)(2 l3+1)], m from −l to l.
std::vector<double> invariant_coupling(int l1, int l2, int l3);

/// Σ_α coefficient[α] B_α as one polynomial.
kernels::AcePolynomial expand(const AceBasis& basis, std::span<const double> coefficient);

/// Values B[functions] from densities A.
void evaluate_functions(const AceBasis& basis, std::span<const double> density, std::span<double> value);

/// A measure of how rough function α is: 1 + Σ over factors of (n² + l²); weights the ridge.
double roughness(const AceFunction& function);

}  // namespace saltus
