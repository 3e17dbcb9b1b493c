// Dense linear algebra on row-major spans, by OpenBLAS and LAPACK.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace saltus::kernels {

/// OpenBLAS calls stay on the calling thread from now on: Saltus divides the work itself. Called once, at the start.
void use_one_blas_thread();

/// lower triangle of c += factor · xᵀ x;  x is [rows·n], c is [n·n]. Same sums for any number of threads.
void add_gram(std::span<const double> x, std::size_t rows, std::size_t n, double factor, std::span<double> c);

/// Cholesky factor L (lower triangle, in place) of the symmetric matrix whose lower triangle is given.
/// Returns false when it is not positive definite.
bool cholesky(std::span<double> matrix, std::size_t n);

/// Solves L Lᵀ x = b in place.
void cholesky_solve(std::span<const double> factor, std::size_t n, std::span<double> b);

/// Replaces the rows of x [rows·n] by (L⁻¹ xᵀ)ᵀ.
void solve_lower_rows(std::span<const double> factor, std::size_t n, std::span<double> x, std::size_t rows);

/// y = A x for the symmetric matrix whose lower triangle is given.
std::vector<double> symmetric_times(std::span<const double> lower, std::size_t n, std::span<const double> x);

}  // namespace saltus::kernels
