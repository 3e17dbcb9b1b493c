#include "saltus/kernels/linear_algebra.hpp"

#include <cblas.h>
#include <lapacke.h>

#include "saltus/base/error.hpp"

extern "C" void openblas_set_num_threads(int);

namespace saltus::kernels {

namespace {

// Row-major lower is column-major upper: LAPACK is called on the transpose, without copies.
int size_of(std::size_t n) { return static_cast<int>(n); }

}  // namespace

void set_blas_threads(int count) { openblas_set_num_threads(count); }

void add_gram(std::span<const double> x, std::size_t rows, std::size_t n, double factor, std::span<double> c) {
  if (rows == 0) return;
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, size_of(n), size_of(rows), factor, x.data(), size_of(n), 1.0, c.data(), size_of(n));
}

bool cholesky(std::span<double> matrix, std::size_t n) {
  const lapack_int info = LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', size_of(n), matrix.data(), size_of(n));
  if (info < 0) throw Error(ErrorKind::internal, "cholesky: bad argument");
  return info == 0;
}

void cholesky_solve(std::span<const double> factor, std::size_t n, std::span<double> b) {
  LAPACKE_dpotrs(LAPACK_COL_MAJOR, 'U', size_of(n), 1, factor.data(), size_of(n), b.data(), size_of(n));
}

void solve_lower_rows(std::span<const double> factor, std::size_t n, std::span<double> x, std::size_t rows) {
  cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, size_of(rows), size_of(n), 1.0, factor.data(),
              size_of(n), x.data(), size_of(n));
}

std::vector<double> symmetric_times(std::span<const double> lower, std::size_t n, std::span<const double> x) {
  std::vector<double> y(n, 0.0);
  cblas_dsymv(CblasRowMajor, CblasLower, size_of(n), 1.0, lower.data(), size_of(n), x.data(), 1, 0.0, y.data(), 1);
  return y;
}

}  // namespace saltus::kernels
