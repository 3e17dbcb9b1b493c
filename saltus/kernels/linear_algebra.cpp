#include "saltus/kernels/linear_algebra.hpp"

#include <algorithm>
#include <utility>

#include <cblas.h>
#include <lapacke.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

extern "C" void openblas_set_num_threads(int);

namespace saltus::kernels {

namespace {

// Row-major lower is column-major upper: LAPACK is called on the transpose, without copies.
int size_of(std::size_t n) { return static_cast<int>(n); }

}  // namespace

void use_one_blas_thread() { openblas_set_num_threads(1); }

void add_gram(std::span<const double> x, std::size_t rows, std::size_t n, double factor, std::span<double> c) {
  if (rows == 0) return;
  // Tiles are computed whole by one thread each, so that the sums do not depend on the number of threads.
  constexpr std::size_t tile = 256;
  const std::size_t tiles = (n + tile - 1) / tile;
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t a = 0; a < tiles; ++a)
    for (std::size_t b = 0; b <= a; ++b) pairs.emplace_back(a * tile, b * tile);
  parallel_chunks(pairs.size(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t k = first; k < last; ++k) {
      const auto [a, b] = pairs[k];
      const std::size_t width_a = std::min(tile, n - a), width_b = std::min(tile, n - b);
      if (a == b)
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, size_of(width_a), size_of(rows), factor, x.data() + a, size_of(n), 1.0,
                    c.data() + a * n + a, size_of(n));
      else
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, size_of(width_a), size_of(width_b), size_of(rows), factor, x.data() + a,
                    size_of(n), x.data() + b, size_of(n), 1.0, c.data() + a * n + b, size_of(n));
    }
  });
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
