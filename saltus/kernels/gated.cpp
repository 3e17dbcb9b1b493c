#include "saltus/kernels/gated.hpp"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/gated.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// `body(d, k)` for whole vectors, then for what is left one by one.
template <typename T, class Body>
HWY_INLINE void for_lanes(std::size_t n, const Body& body) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  std::size_t k = 0;
  for (; k + hn::Lanes(d) <= n; k += hn::Lanes(d)) body(d, k);
  for (; k < n; ++k) body(one, k);
}

template <class D, class V>
HWY_INLINE V sigmoid(D d, V z) {
  using T = hn::TFromD<D>;
  const auto one = hn::Set(d, T(1)), most = hn::Set(d, static_cast<T>(sizeof(T) == sizeof(double) ? 700 : 85));  // Exp is right up to little more
  return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Min(hn::Neg(z), most))));
}

template <class D, class V>
HWY_INLINE V silu_slope(D d, V z, V sigma) {
  const auto one = hn::Set(d, hn::TFromD<D>(1));
  return hn::Mul(sigma, hn::MulAdd(z, hn::Sub(one, sigma), one));
}

template <typename T>
HWY_INLINE void silu_all(std::size_t n, const T* z, T* value) {
  for_lanes<T>(n, [&](auto d, std::size_t k) HWY_ATTR {
    const auto x = hn::LoadU(d, z + k);
    hn::StoreU(hn::Mul(x, sigmoid(d, x)), d, value + k);
  });
}

template <typename T>
HWY_INLINE void silu_of_sum_all(std::size_t n, const T* a, const T* b, T* z, T* value) {
  for_lanes<T>(n, [&](auto d, std::size_t k) HWY_ATTR {
    const auto x = hn::Add(hn::LoadU(d, z + k), hn::Add(hn::LoadU(d, a + k), hn::LoadU(d, b + k)));
    hn::StoreU(x, d, z + k);
    hn::StoreU(hn::Mul(x, sigmoid(d, x)), d, value + k);
  });
}

template <typename T>
HWY_INLINE void silu_gradient_all(std::size_t n, const T* z, const T* up, T* gradient) {
  for_lanes<T>(n, [&](auto d, std::size_t k) HWY_ATTR {
    const auto x = hn::LoadU(d, z + k);
    hn::StoreU(hn::Mul(hn::LoadU(d, up + k), silu_slope(d, x, sigmoid(d, x))), d, gradient + k);
  });
}

template <typename T>
HWY_INLINE void add_gated_all(std::size_t n, const T* g, const T* s, const T* factor, T* out) {
  for_lanes<T>(n, [&](auto d, std::size_t k) HWY_ATTR {
    const auto x = hn::LoadU(d, g + k);
    auto y = hn::Mul(hn::Mul(x, sigmoid(d, x)), sigmoid(d, hn::LoadU(d, s + k)));
    if (factor) y = hn::Mul(y, hn::LoadU(d, factor + k));
    hn::StoreU(hn::Add(hn::LoadU(d, out + k), y), d, out + k);
  });
}

template <typename T>
HWY_INLINE void gated_gradient_all(std::size_t n, const T* g, const T* s, const T* factor, const T* up, T* by_g, T* by_s, T* by_factor) {
  for_lanes<T>(n, [&](auto d, std::size_t k) HWY_ATTR {
    const auto one = hn::Set(d, T(1)), x = hn::LoadU(d, g + k), sigma = sigmoid(d, x), gate = sigmoid(d, hn::LoadU(d, s + k)), value = hn::Mul(x, sigma);
    auto u = hn::Mul(hn::LoadU(d, up + k), gate);  // up · gate
    const auto whole = hn::Mul(u, value);
    if (factor) {
      const auto f = hn::LoadU(d, factor + k);
      u = hn::Mul(u, f);
      hn::StoreU(hn::Mul(hn::Mul(whole, f), hn::Sub(one, gate)), d, by_s + k);
      hn::StoreU(whole, d, by_factor + k);
    } else {
      hn::StoreU(hn::Mul(whole, hn::Sub(one, gate)), d, by_s + k);
    }
    hn::StoreU(hn::Mul(u, silu_slope(d, x, sigma)), d, by_g + k);
  });
}

template <typename T>
HWY_INLINE void add_to_all(std::size_t n, const T* a, T* out) {
  for_lanes<T>(n, [&](auto d, std::size_t k) HWY_ATTR { hn::StoreU(hn::Add(hn::LoadU(d, out + k), hn::LoadU(d, a + k)), d, out + k); });
}

template <typename T>
HWY_INLINE void add_products_all(std::size_t n, std::size_t rows, const T* x, const T* row, T* sum) {
  const hn::ScalableTag<T> d;
  const std::size_t whole = n - n % hn::Lanes(d);
  for (std::size_t k = 0; k < rows; ++k, row += n) {
    auto lanes = hn::Zero(d);
    for (std::size_t c = 0; c < whole; c += hn::Lanes(d)) lanes = hn::MulAdd(hn::LoadU(d, x + c), hn::LoadU(d, row + c), lanes);
    T rest = hn::GetLane(hn::SumOfLanes(d, lanes));
    for (std::size_t c = whole; c < n; ++c) rest += x[c] * row[c];
    sum[k] += rest;
  }
}

void silu_double(std::size_t n, const double* z, double* value) { silu_all(n, z, value); }
void silu_float(std::size_t n, const float* z, float* value) { silu_all(n, z, value); }
void silu_of_sum_double(std::size_t n, const double* a, const double* b, double* z, double* value) { silu_of_sum_all(n, a, b, z, value); }
void silu_of_sum_float(std::size_t n, const float* a, const float* b, float* z, float* value) { silu_of_sum_all(n, a, b, z, value); }
void silu_gradient_double(std::size_t n, const double* z, const double* up, double* gradient) { silu_gradient_all(n, z, up, gradient); }
void silu_gradient_float(std::size_t n, const float* z, const float* up, float* gradient) { silu_gradient_all(n, z, up, gradient); }
void add_gated_double(std::size_t n, const double* g, const double* s, const double* factor, double* out) { add_gated_all(n, g, s, factor, out); }
void add_gated_float(std::size_t n, const float* g, const float* s, const float* factor, float* out) { add_gated_all(n, g, s, factor, out); }
void gated_gradient_double(std::size_t n, const double* g, const double* s, const double* factor, const double* up, double* by_g, double* by_s, double* by_factor) {
  gated_gradient_all(n, g, s, factor, up, by_g, by_s, by_factor);
}
void gated_gradient_float(std::size_t n, const float* g, const float* s, const float* factor, const float* up, float* by_g, float* by_s, float* by_factor) {
  gated_gradient_all(n, g, s, factor, up, by_g, by_s, by_factor);
}
void add_to_double(std::size_t n, const double* a, double* out) { add_to_all(n, a, out); }
void add_to_float(std::size_t n, const float* a, float* out) { add_to_all(n, a, out); }
void add_products_double(std::size_t n, std::size_t rows, const double* x, const double* row, double* sum) { add_products_all(n, rows, x, row, sum); }
void add_products_float(std::size_t n, std::size_t rows, const float* x, const float* row, float* sum) { add_products_all(n, rows, x, row, sum); }

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(silu_double);
HWY_EXPORT(silu_float);
HWY_EXPORT(silu_of_sum_double);
HWY_EXPORT(silu_of_sum_float);
HWY_EXPORT(silu_gradient_double);
HWY_EXPORT(silu_gradient_float);
HWY_EXPORT(add_gated_double);
HWY_EXPORT(add_gated_float);
HWY_EXPORT(gated_gradient_double);
HWY_EXPORT(gated_gradient_float);
HWY_EXPORT(add_to_double);
HWY_EXPORT(add_to_float);
HWY_EXPORT(add_products_double);
HWY_EXPORT(add_products_float);

void silu(std::size_t n, const double* z, double* value) { HWY_DYNAMIC_DISPATCH(silu_double)(n, z, value); }
void silu(std::size_t n, const float* z, float* value) { HWY_DYNAMIC_DISPATCH(silu_float)(n, z, value); }
void silu_of_sum(std::size_t n, const double* a, const double* b, double* z, double* value) { HWY_DYNAMIC_DISPATCH(silu_of_sum_double)(n, a, b, z, value); }
void silu_of_sum(std::size_t n, const float* a, const float* b, float* z, float* value) { HWY_DYNAMIC_DISPATCH(silu_of_sum_float)(n, a, b, z, value); }
void silu_gradient(std::size_t n, const double* z, const double* up, double* gradient) { HWY_DYNAMIC_DISPATCH(silu_gradient_double)(n, z, up, gradient); }
void silu_gradient(std::size_t n, const float* z, const float* up, float* gradient) { HWY_DYNAMIC_DISPATCH(silu_gradient_float)(n, z, up, gradient); }
void add_gated(std::size_t n, const double* g, const double* s, const double* factor, double* out) { HWY_DYNAMIC_DISPATCH(add_gated_double)(n, g, s, factor, out); }
void add_gated(std::size_t n, const float* g, const float* s, const float* factor, float* out) { HWY_DYNAMIC_DISPATCH(add_gated_float)(n, g, s, factor, out); }
void gated_gradient(std::size_t n, const double* g, const double* s, const double* factor, const double* up, double* by_g, double* by_s, double* by_factor) {
  HWY_DYNAMIC_DISPATCH(gated_gradient_double)(n, g, s, factor, up, by_g, by_s, by_factor);
}
void gated_gradient(std::size_t n, const float* g, const float* s, const float* factor, const float* up, float* by_g, float* by_s, float* by_factor) {
  HWY_DYNAMIC_DISPATCH(gated_gradient_float)(n, g, s, factor, up, by_g, by_s, by_factor);
}
void add_to(std::size_t n, const double* a, double* out) { HWY_DYNAMIC_DISPATCH(add_to_double)(n, a, out); }
void add_to(std::size_t n, const float* a, float* out) { HWY_DYNAMIC_DISPATCH(add_to_float)(n, a, out); }
void add_products(std::size_t n, std::size_t rows, const double* x, const double* row, double* sum) { HWY_DYNAMIC_DISPATCH(add_products_double)(n, rows, x, row, sum); }
void add_products(std::size_t n, std::size_t rows, const float* x, const float* row, float* sum) { HWY_DYNAMIC_DISPATCH(add_products_float)(n, rows, x, row, sum); }

}  // namespace saltus::kernels
#endif
