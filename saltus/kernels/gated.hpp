// Element-wise parts of gated networks y = silu(g) · sigmoid(s), forward and backward: SIMD with run-time dispatch (Highway).
// Outputs may lie where inputs of the same length lie.
#pragma once

#include <cstddef>

namespace saltus::kernels {

/// value = z sigmoid(z), n numbers.
void silu(std::size_t n, const double* z, double* value);
void silu(std::size_t n, const float* z, float* value);

/// z += a + b and value = silu(z): a layer whose input is the sum of three maps.
void silu_of_sum(std::size_t n, const double* a, const double* b, double* z, double* value);
void silu_of_sum(std::size_t n, const float* a, const float* b, float* z, float* value);

/// d/dz = up · silu'(z).
void silu_gradient(std::size_t n, const double* z, const double* up, double* gradient);
void silu_gradient(std::size_t n, const float* z, const float* up, float* gradient);

/// out += factor silu(g) sigmoid(s); without factor where it is null.
void add_gated(std::size_t n, const double* g, const double* s, const double* factor, double* out);
void add_gated(std::size_t n, const float* g, const float* s, const float* factor, float* out);

/// From up = d/d(out) those by g, s and, unless factor is null, by factor.
void gated_gradient(std::size_t n, const double* g, const double* s, const double* factor, const double* up, double* by_g, double* by_s, double* by_factor);
void gated_gradient(std::size_t n, const float* g, const float* s, const float* factor, const float* up, float* by_g, float* by_s, float* by_factor);

/// out += a.
void add_to(std::size_t n, const double* a, double* out);
void add_to(std::size_t n, const float* a, float* out);

/// sum[k] += Σ_c x[c] row[k·n + c], of `rows` rows.
void add_products(std::size_t n, std::size_t rows, const double* x, const double* row, double* sum);
void add_products(std::size_t n, std::size_t rows, const float* x, const float* row, float* sum);

}  // namespace saltus::kernels
