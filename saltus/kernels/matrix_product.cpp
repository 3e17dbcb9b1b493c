#include "saltus/kernels/matrix_product.hpp"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/matrix_product.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
struct Operands {
  std::size_t inner;
  T factor;
  const T* a;
  std::size_t a_stride;
  const T* b;
  std::size_t b_stride;
  bool add;
  T* c;
  std::size_t c_stride;
};

/// R rows from `row`, V vectors of columns from `column`, all sums in registers.
template <int R, int V, class D, typename T>
HWY_INLINE void tile(D d, const Operands<T>& o, std::size_t row, std::size_t column) {
  const std::size_t N = hn::Lanes(d);
  hn::Vec<D> sum[R][V];
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) sum[r][v] = hn::Zero(d);
  const T* HWY_RESTRICT a = o.a + row * o.a_stride;
  const T* HWY_RESTRICT b = o.b + column;
  for (std::size_t k = 0; k < o.inner; ++k, b += o.b_stride) {
    hn::Vec<D> x[V];
    for (int v = 0; v < V; ++v) x[v] = hn::LoadU(d, b + static_cast<std::size_t>(v) * N);
    for (int r = 0; r < R; ++r) {
      const auto y = hn::Set(d, a[static_cast<std::size_t>(r) * o.a_stride + k]);
      for (int v = 0; v < V; ++v) sum[r][v] = hn::MulAdd(y, x[v], sum[r][v]);
    }
  }
  const auto factor = hn::Set(d, o.factor);
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) {
      T* c = o.c + (row + static_cast<std::size_t>(r)) * o.c_stride + column + static_cast<std::size_t>(v) * N;
      hn::StoreU(o.add ? hn::MulAdd(factor, sum[r][v], hn::LoadU(d, c)) : hn::Mul(factor, sum[r][v]), d, c);
    }
}

template <int V, class D, typename T>
HWY_INLINE std::size_t panels(D d, const Operands<T>& o, std::size_t rows, std::size_t columns, std::size_t column) {
  const std::size_t width = static_cast<std::size_t>(V) * hn::Lanes(d);
  for (; column + width <= columns; column += width) {
    std::size_t row = 0;
    for (; row + 6 <= rows; row += 6) tile<6, V>(d, o, row, column);
    switch (rows - row) {
      case 5: tile<5, V>(d, o, row, column); break;
      case 4: tile<4, V>(d, o, row, column); break;
      case 3: tile<3, V>(d, o, row, column); break;
      case 2: tile<2, V>(d, o, row, column); break;
      case 1: tile<1, V>(d, o, row, column); break;
      default: break;
    }
  }
  return column;
}

template <typename T>
HWY_INLINE void product(std::size_t rows, std::size_t inner, std::size_t columns, T factor, const T* a, std::size_t a_stride, const T* b,
                        std::size_t b_stride, bool add, T* c, std::size_t c_stride) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  const Operands<T> o{inner, factor, a, a_stride, b, b_stride, add, c, c_stride};
  std::size_t column = 0;
#if HWY_TARGET <= HWY_AVX3  // twice the registers
  column = panels<4>(d, o, rows, columns, column);
#endif
  column = panels<2>(d, o, rows, columns, column);
  column = panels<1>(d, o, rows, columns, column);
  panels<1>(one, o, rows, columns, column);
}

void product_double(std::size_t rows, std::size_t inner, std::size_t columns, double factor, const double* a, std::size_t a_stride,
                    const double* b, std::size_t b_stride, bool add, double* c, std::size_t c_stride) {
  product(rows, inner, columns, factor, a, a_stride, b, b_stride, add, c, c_stride);
}
void product_float(std::size_t rows, std::size_t inner, std::size_t columns, float factor, const float* a, std::size_t a_stride,
                   const float* b, std::size_t b_stride, bool add, float* c, std::size_t c_stride) {
  product(rows, inner, columns, factor, a, a_stride, b, b_stride, add, c, c_stride);
}

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(product_double);
HWY_EXPORT(product_float);

void multiply(std::size_t rows, std::size_t inner, std::size_t columns, double factor, const double* a, std::size_t a_stride,
              const double* b, std::size_t b_stride, bool add, double* c, std::size_t c_stride) {
  HWY_DYNAMIC_DISPATCH(product_double)(rows, inner, columns, factor, a, a_stride, b, b_stride, add, c, c_stride);
}
void multiply(std::size_t rows, std::size_t inner, std::size_t columns, float factor, const float* a, std::size_t a_stride,
              const float* b, std::size_t b_stride, bool add, float* c, std::size_t c_stride) {
  HWY_DYNAMIC_DISPATCH(product_float)(rows, inner, columns, factor, a, a_stride, b, b_stride, add, c, c_stride);
}

}  // namespace saltus::kernels
#endif
