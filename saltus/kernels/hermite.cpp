#include "saltus/kernels/hermite.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/hermite.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// The six basis functions, or their derivatives by t, for the rows of two knots.
struct Coefficients {
  double c[6];
};

template <bool Slope, class D, typename T>
HWY_INLINE void blocks(D d, std::size_t n, std::size_t begin, std::size_t end, const T* HWY_RESTRICT knots, const Coefficients& a,
                       const Coefficients& b, T* HWY_RESTRICT value, T* HWY_RESTRICT slope) {
  const auto a0 = hn::Set(d, static_cast<T>(a.c[0])), a1 = hn::Set(d, static_cast<T>(a.c[1])), a2 = hn::Set(d, static_cast<T>(a.c[2])),
             a3 = hn::Set(d, static_cast<T>(a.c[3])), a4 = hn::Set(d, static_cast<T>(a.c[4])), a5 = hn::Set(d, static_cast<T>(a.c[5]));
  const auto b1 = hn::Set(d, static_cast<T>(b.c[1])), b2 = hn::Set(d, static_cast<T>(b.c[2])), b3 = hn::Set(d, static_cast<T>(b.c[3])),
             b4 = hn::Set(d, static_cast<T>(b.c[4])), b5 = hn::Set(d, static_cast<T>(b.c[5]));
  for (std::size_t u = begin; u + hn::Lanes(d) <= end; u += hn::Lanes(d)) {
    const auto p0 = hn::LoadU(d, knots + u), p1 = hn::LoadU(d, knots + n + u), p2 = hn::LoadU(d, knots + 2 * n + u);
    const auto q0 = hn::LoadU(d, knots + 3 * n + u), q1 = hn::LoadU(d, knots + 4 * n + u), q2 = hn::LoadU(d, knots + 5 * n + u);
    hn::StoreU(hn::MulAdd(a0, p0, hn::MulAdd(a1, p1, hn::MulAdd(a2, p2, hn::MulAdd(a3, q0, hn::MulAdd(a4, q1, hn::Mul(a5, q2)))))), d, value + u);
    if constexpr (Slope)  // the coefficients of both values are opposite: taken of their difference, nothing cancels
      hn::StoreU(hn::MulAdd(b3, hn::Sub(q0, p0), hn::MulAdd(b1, p1, hn::MulAdd(b2, p2, hn::MulAdd(b4, q1, hn::Mul(b5, q2))))), d, slope + u);
  }
}

template <typename T>
HWY_INLINE void interpolate(std::size_t n, const T* knots, double t, double step, T* value, T* slope) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  const double t2 = t * t, t3 = t2 * t, t4 = t3 * t, t5 = t4 * t;
  const Coefficients a{{1 - 10 * t3 + 15 * t4 - 6 * t5, t - 6 * t3 + 8 * t4 - 3 * t5, 0.5 * t2 - 1.5 * t3 + 1.5 * t4 - 0.5 * t5,
                        10 * t3 - 15 * t4 + 6 * t5, -4 * t3 + 7 * t4 - 3 * t5, 0.5 * t3 - t4 + 0.5 * t5}};
  const double s = 1 / step, bend = 30 * t2 - 60 * t3 + 30 * t4;
  const Coefficients b{{-s * bend, s * (1 - 18 * t2 + 32 * t3 - 15 * t4), s * (t - 4.5 * t2 + 6 * t3 - 2.5 * t4), s * bend,
                        s * (-12 * t2 + 28 * t3 - 15 * t4), s * (1.5 * t2 - 4 * t3 + 2.5 * t4)}};
  const std::size_t whole = n - n % hn::Lanes(d);
  if (slope) {
    blocks<true>(d, n, 0, whole, knots, a, b, value, slope);
    blocks<true>(one, n, whole, n, knots, a, b, value, slope);
  } else {
    blocks<false>(d, n, 0, whole, knots, a, b, value, slope);
    blocks<false>(one, n, whole, n, knots, a, b, value, slope);
  }
}

void hermite_double(std::size_t n, const double* knots, double t, double step, double* value, double* slope) {
  interpolate(n, knots, t, step, value, slope);
}
void hermite_float(std::size_t n, const float* knots, double t, double step, float* value, float* slope) {
  interpolate(n, knots, t, step, value, slope);
}

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(hermite_double);
HWY_EXPORT(hermite_float);

void hermite(std::size_t n, const double* knots, double t, double step, double* value, double* slope) {
  HWY_DYNAMIC_DISPATCH(hermite_double)(n, knots, t, step, value, slope);
}
void hermite(std::size_t n, const float* knots, double t, double step, float* value, float* slope) {
  HWY_DYNAMIC_DISPATCH(hermite_float)(n, knots, t, step, value, slope);
}

}  // namespace saltus::kernels
#endif
