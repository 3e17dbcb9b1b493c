// Arithmetic of atomic cluster expansions of any order on plain arrays: densities of one centre, sums of products of them, and their gradients.
//   A_{l,m,n} = Σ_j R_ln(r_j) Y_lm(u_j);   ρ_p = Σ_k c_kp Π_t A_{f_kt}, products that begin alike sharing what they share.
// SIMD with run-time dispatch (Highway): radial functions in lanes for the densities, centres in lanes for the products.
// Reference: Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021), recursive evaluation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace saltus::kernels {

/// Where densities lie: of each l all n of one m together, padded to whole vectors.
struct DensityLayout {
  std::vector<int> count;                 ///< [l_max+1] radial functions of each l
  std::vector<std::size_t> padded;        ///< [l_max+1] the same, in whole vectors
  std::vector<std::size_t> radial_offset; ///< [l_max+1] of the first radial function of l
  std::vector<std::size_t> offset;        ///< [l_max+1] of the first density of l
  std::size_t radial = 0, features = 0;   ///< sizes with padding

  int l_max() const { return static_cast<int>(count.size()) - 1; }
  std::size_t index(int l, int m, int n) const {
    return offset[static_cast<std::size_t>(l)] + static_cast<std::size_t>(l + m) * padded[static_cast<std::size_t>(l)] + static_cast<std::size_t>(n);
  }
};
DensityLayout make_density_layout(const std::vector<int>& count);

/// Cubic Hermite interpolation: `low` and `high` are rows [2·radial] of values and of slopes times the step; t from 0 to 1.
void interpolate_radial(std::size_t radial, const double* low, const double* high, double t, double step, double* value, double* slope);

/// A += R ⊗ Y of one neighbour. R [radial], Y [(l_max+1)²], A [features].
void add_density(const DensityLayout& layout, const double* R, const double* Y, double* A);

/// Gradient of one neighbour, from dE/dA: along the bond Σ G R' Y, and Σ G R ∂Y/∂u along two tangents, `tangent`[2·(l² + l + m) + t].
struct DensityGradient {
  double along = 0, across[2] = {0, 0};
};
DensityGradient density_gradient(const DensityLayout& layout, const double* gradient, const double* R, const double* slope, const double* Y, const double* tangent);

/// S[l][n] = Σ_m G_lmn Y_lm, [radial].
void contract_harmonics(const DensityLayout& layout, const double* gradient, const double* Y, double* S);

/// out += factor · a b, element by element.
void add_product(std::size_t count, double factor, const double* a, const double* b, double* out);

/// Products of factors: node k is its parent's product times A[factor[k]]; node 0 is the empty product, one. Parents come first.
struct ProductTree {
  std::vector<std::uint32_t> parent, factor;  ///< [nodes]
  std::vector<std::uint32_t> term;            ///< [terms] nodes that count
  std::vector<double> coefficient;            ///< [terms · densities]
  std::size_t densities = 1;
};

/// Centres that are handled at once, on this machine.
std::size_t product_lanes();

/// Of product_lanes() centres, the lanes innermost: ρ [densities·lanes] from A [features·lanes]; `value` [nodes·lanes] is scratch for the gradient.
void product_sums(const ProductTree& tree, const double* A, double* value, double* density);
/// Adds Σ_p weight_p ∂ρ_p/∂A to `gradient` [features·lanes]; weight [densities·lanes], `adjoint` [nodes·lanes] scratch.
void product_gradient(const ProductTree& tree, const double* A, const double* value, const double* weight, double* adjoint, double* gradient);

}  // namespace saltus::kernels
