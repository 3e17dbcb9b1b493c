#include "saltus/kernels/trilinear.hpp"

#include <algorithm>

// Older instruction sets gain little here; leaving them out keeps this file quick to compile.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/trilinear.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// M[a, k] = Σ_b C[b, a, k] y[b].
template <typename T>
HWY_INLINE void couple(const T* HWY_RESTRICT coupling, const typename Trilinear<T>::Path& p, const T* HWY_RESTRICT y, T* HWY_RESTRICT M) {
  const std::size_t size = p.in_rows * p.out_rows;
  for (std::size_t e = 0; e < size; ++e) M[e] = y[0] * coupling[e];
  for (std::size_t b = 1; b < p.edge_rows; ++b)
    for (std::size_t e = 0; e < size; ++e) M[e] += y[b] * coupling[b * size + e];
}

/// row[a][c] = u[c] · v[a][c]
template <class D, typename T>
HWY_INLINE void scale_rows(D d, std::size_t rows, const T* HWY_RESTRICT u, const T* HWY_RESTRICT v, std::size_t stride, T* HWY_RESTRICT row) {
  const auto factor = hn::LoadU(d, u);
  const std::size_t N = hn::Lanes(d);
  for (std::size_t a = 0; a < rows; ++a) hn::StoreU(hn::Mul(factor, hn::LoadU(d, v + a * stride)), d, row + a * N);
}

/// row[a][c] += u[c] · v[a][c]
template <class D, typename T>
HWY_INLINE void add_scaled_rows(D d, std::size_t rows, const T* HWY_RESTRICT u, const T* HWY_RESTRICT v, std::size_t stride, T* HWY_RESTRICT row) {
  const auto factor = hn::LoadU(d, u);
  const std::size_t N = hn::Lanes(d);
  for (std::size_t a = 0; a < rows; ++a) hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, v + a * stride), hn::LoadU(d, row + a * N)), d, row + a * N);
}

/// out[k][c] += Σ_a M[a·a_step + k·k_step] row[a][c]
template <class D, typename T>
HWY_INLINE void mix(D d, std::size_t from, std::size_t to, const T* HWY_RESTRICT M, std::size_t a_step, std::size_t k_step, const T* HWY_RESTRICT row, T* HWY_RESTRICT out,
                    std::size_t stride) {
  const std::size_t N = hn::Lanes(d);
  for (std::size_t k = 0; k < to; ++k) {
    auto sum = hn::LoadU(d, out + k * stride);
    for (std::size_t a = 0; a < from; ++a) sum = hn::MulAdd(hn::Set(d, M[a * a_step + k * k_step]), hn::LoadU(d, row + a * N), sum);
    hn::StoreU(sum, d, out + k * stride);
  }
}

/// Σ_a v[a][c] Σ_k M[a, k] g[k][c]
template <class D, typename T>
HWY_INLINE hn::Vec<D> contract(D d, std::size_t I, std::size_t K, const T* HWY_RESTRICT M, const T* HWY_RESTRICT v, std::size_t v_stride, const T* HWY_RESTRICT g,
                               std::size_t g_stride) {
  auto sum = hn::Zero(d);
  for (std::size_t a = 0; a < I; ++a) {
    auto inner = hn::Zero(d);
    for (std::size_t k = 0; k < K; ++k) inner = hn::MulAdd(hn::Set(d, M[a * K + k]), hn::LoadU(d, g + k * g_stride), inner);
    sum = hn::MulAdd(inner, hn::LoadU(d, v + a * v_stride), sum);
  }
  return sum;
}

/// sums[a, k][lane] += row[a][c] g[k][c]; a sum has most_lanes places.
template <class D, typename T>
HWY_INLINE void add_products(D d, std::size_t I, std::size_t K, const T* HWY_RESTRICT row, const T* HWY_RESTRICT g, std::size_t g_stride, T* HWY_RESTRICT sums) {
  const std::size_t N = hn::Lanes(d);
  for (std::size_t a = 0; a < I; ++a) {
    const auto left = hn::LoadU(d, row + a * N);
    for (std::size_t k = 0; k < K; ++k) {
      T* sum = sums + (a * K + k) * trilinear_most_lanes;
      hn::StoreU(hn::MulAdd(left, hn::LoadU(d, g + k * g_stride), hn::LoadU(d, sum)), d, sum);
    }
  }
}

/// Calls body(tag, c) for chunks of channels, whole vectors first.
template <typename T, class Body>
HWY_INLINE void for_channels(std::size_t channels, const Body& body) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  std::size_t c = 0;
  for (; c + hn::Lanes(d) <= channels; c += hn::Lanes(d)) body(d, c);
  for (; c < channels; ++c) body(one, c);
}

/// y_gradient[b] += Σ_ak C[b, a, k] sums[a, k]
template <typename T>
HWY_INLINE void add_edge_gradient(const T* HWY_RESTRICT coupling, const typename Trilinear<T>::Path& p, const T* HWY_RESTRICT sums, T* HWY_RESTRICT y_gradient) {
  const std::size_t size = p.in_rows * p.out_rows;
  for (std::size_t e = 0; e < size; ++e) {
    T sum = 0;
    for (std::size_t lane = 0; lane < trilinear_most_lanes; ++lane) sum += sums[e * trilinear_most_lanes + lane];
    for (std::size_t b = 0; b < p.edge_rows; ++b) y_gradient[p.edge_begin + b] += coupling[b * size + e] * sum;
  }
}

template <typename T>
HWY_INLINE void forward_of(const Trilinear<T>& t, const TrilinearRows<T>& r, T* HWY_RESTRICT out, T* HWY_RESTRICT scratch) {
  for (const auto& p : t.paths()) {
    T *M = scratch, *row = scratch + p.in_rows * p.out_rows;
    couple(t.coupling(p), p, r.y + p.edge_begin, M);
    for_channels<T>(p.channels, [&](auto d, std::size_t c) HWY_ATTR {
      scale_rows(d, p.in_rows, r.w + p.weight_begin + c, r.x + p.in_begin + c, p.in_stride, row);
      mix(d, p.in_rows, p.out_rows, M, p.out_rows, std::size_t{1}, row, out + p.out_begin + c, p.out_stride);
    });
  }
}

template <typename T>
HWY_INLINE void reverse_edge_of(const Trilinear<T>& t, const TrilinearRows<T>& r, T* HWY_RESTRICT w_gradient, T* HWY_RESTRICT y_gradient, T* HWY_RESTRICT scratch) {
  for (const auto& p : t.paths()) {
    const std::size_t size = p.in_rows * p.out_rows;
    T *M = scratch, *sums = M + size, *row = sums + size * trilinear_most_lanes;
    couple(t.coupling(p), p, r.y + p.edge_begin, M);
    if (y_gradient) std::fill(sums, sums + size * trilinear_most_lanes, T(0));
    for_channels<T>(p.channels, [&](auto d, std::size_t c) HWY_ATTR {
      const T *x = r.x + p.in_begin + c, *g = r.g + p.out_begin + c;
      hn::StoreU(contract(d, p.in_rows, p.out_rows, M, x, p.in_stride, g, p.out_stride), d, w_gradient + p.weight_begin + c);
      if (!y_gradient) return;
      scale_rows(d, p.in_rows, r.w + p.weight_begin + c, x, p.in_stride, row);
      add_products(d, p.in_rows, p.out_rows, row, g, p.out_stride, sums);
    });
    if (y_gradient) add_edge_gradient(t.coupling(p), p, sums, y_gradient);
  }
}

template <typename T>
HWY_INLINE void reverse_sender_of(const Trilinear<T>& t, const TrilinearRows<T>& r, T* HWY_RESTRICT x_gradient, T* HWY_RESTRICT scratch) {
  for (const auto& p : t.paths()) {
    T *M = scratch, *row = scratch + p.in_rows * p.out_rows;
    couple(t.coupling(p), p, r.y + p.edge_begin, M);
    for_channels<T>(p.channels, [&](auto d, std::size_t c) HWY_ATTR {
      scale_rows(d, p.out_rows, r.w + p.weight_begin + c, r.g + p.out_begin + c, p.out_stride, row);
      mix(d, p.out_rows, p.in_rows, M, std::size_t{1}, p.out_rows, row, x_gradient + p.in_begin + c, p.in_stride);
    });
  }
}

template <typename T>
HWY_INLINE void second_edge_of(const Trilinear<T>& t, const TrilinearRows<T>& r, T* HWY_RESTRICT g_gradient, T* HWY_RESTRICT w_gradient, T* HWY_RESTRICT y_gradient,
                               T* HWY_RESTRICT scratch) {
  for (const auto& p : t.paths()) {
    const std::size_t size = p.in_rows * p.out_rows;
    T *M = scratch, *changed = M + size, *sums = changed + size, *row = sums + size * trilinear_most_lanes;
    couple(t.coupling(p), p, r.y + p.edge_begin, M);
    if (r.y_change) couple(t.coupling(p), p, r.y_change + p.edge_begin, changed);
    if (y_gradient) std::fill(sums, sums + size * trilinear_most_lanes, T(0));
    for_channels<T>(p.channels, [&](auto d, std::size_t c) HWY_ATTR {
      const T *x = r.x + p.in_begin + c, *g = r.g + p.out_begin + c, *w = r.w + p.weight_begin + c;
      auto dw = hn::Zero(d);
      if (r.y_change) {
        scale_rows(d, p.in_rows, w, x, p.in_stride, row);
        mix(d, p.in_rows, p.out_rows, changed, p.out_rows, std::size_t{1}, row, g_gradient + p.out_begin + c, p.out_stride);
        dw = contract(d, p.in_rows, p.out_rows, changed, x, p.in_stride, g, p.out_stride);
      }
      if (r.x_change || r.w_change) {
        if (r.x_change) {
          scale_rows(d, p.in_rows, w, r.x_change + p.in_begin + c, p.in_stride, row);
          if (r.w_change) add_scaled_rows(d, p.in_rows, r.w_change + p.weight_begin + c, x, p.in_stride, row);
          dw = hn::Add(dw, contract(d, p.in_rows, p.out_rows, M, r.x_change + p.in_begin + c, p.in_stride, g, p.out_stride));
        } else {
          scale_rows(d, p.in_rows, r.w_change + p.weight_begin + c, x, p.in_stride, row);
        }
        mix(d, p.in_rows, p.out_rows, M, p.out_rows, std::size_t{1}, row, g_gradient + p.out_begin + c, p.out_stride);
        if (y_gradient) add_products(d, p.in_rows, p.out_rows, row, g, p.out_stride, sums);
      }
      hn::StoreU(dw, d, w_gradient + p.weight_begin + c);
    });
    if (y_gradient) add_edge_gradient(t.coupling(p), p, sums, y_gradient);
  }
}

template <typename T>
HWY_INLINE void second_sender_of(const Trilinear<T>& t, const TrilinearRows<T>& r, T* HWY_RESTRICT x_gradient, T* HWY_RESTRICT scratch) {
  for (const auto& p : t.paths()) {
    const std::size_t size = p.in_rows * p.out_rows;
    T *M = scratch, *row = M + size;
    if (r.y_change) {
      couple(t.coupling(p), p, r.y_change + p.edge_begin, M);
      for_channels<T>(p.channels, [&](auto d, std::size_t c) HWY_ATTR {
        scale_rows(d, p.out_rows, r.w + p.weight_begin + c, r.g + p.out_begin + c, p.out_stride, row);
        mix(d, p.out_rows, p.in_rows, M, std::size_t{1}, p.out_rows, row, x_gradient + p.in_begin + c, p.in_stride);
      });
    }
    if (r.w_change) {
      couple(t.coupling(p), p, r.y + p.edge_begin, M);
      for_channels<T>(p.channels, [&](auto d, std::size_t c) HWY_ATTR {
        scale_rows(d, p.out_rows, r.w_change + p.weight_begin + c, r.g + p.out_begin + c, p.out_stride, row);
        mix(d, p.out_rows, p.in_rows, M, std::size_t{1}, p.out_rows, row, x_gradient + p.in_begin + c, p.in_stride);
      });
    }
  }
}

void forward_f(const Trilinear<float>& t, const TrilinearRows<float>& r, float* out, float* s) { forward_of(t, r, out, s); }
void forward_d(const Trilinear<double>& t, const TrilinearRows<double>& r, double* out, double* s) { forward_of(t, r, out, s); }
void reverse_edge_f(const Trilinear<float>& t, const TrilinearRows<float>& r, float* w, float* y, float* s) { reverse_edge_of(t, r, w, y, s); }
void reverse_edge_d(const Trilinear<double>& t, const TrilinearRows<double>& r, double* w, double* y, double* s) { reverse_edge_of(t, r, w, y, s); }
void reverse_sender_f(const Trilinear<float>& t, const TrilinearRows<float>& r, float* x, float* s) { reverse_sender_of(t, r, x, s); }
void reverse_sender_d(const Trilinear<double>& t, const TrilinearRows<double>& r, double* x, double* s) { reverse_sender_of(t, r, x, s); }
void second_edge_f(const Trilinear<float>& t, const TrilinearRows<float>& r, float* g, float* w, float* y, float* s) { second_edge_of(t, r, g, w, y, s); }
void second_edge_d(const Trilinear<double>& t, const TrilinearRows<double>& r, double* g, double* w, double* y, double* s) { second_edge_of(t, r, g, w, y, s); }
void second_sender_f(const Trilinear<float>& t, const TrilinearRows<float>& r, float* x, float* s) { second_sender_of(t, r, x, s); }
void second_sender_d(const Trilinear<double>& t, const TrilinearRows<double>& r, double* x, double* s) { second_sender_of(t, r, x, s); }

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(forward_f);
HWY_EXPORT(forward_d);
HWY_EXPORT(reverse_edge_f);
HWY_EXPORT(reverse_edge_d);
HWY_EXPORT(reverse_sender_f);
HWY_EXPORT(reverse_sender_d);
HWY_EXPORT(second_edge_f);
HWY_EXPORT(second_edge_d);
HWY_EXPORT(second_sender_f);
HWY_EXPORT(second_sender_d);

template <typename T>
Trilinear<T>::Trilinear(const std::vector<TrilinearPath>& paths) {
  for (const TrilinearPath& p : paths) {
    path_.push_back({p.in_rows, p.edge_rows, p.out_rows, p.channels, p.in_begin, p.in_stride, p.out_begin, p.out_stride, p.edge_begin, p.weight_begin, coupling_.size()});
    coupling_.insert(coupling_.end(), p.coupling.begin(), p.coupling.end());
    scratch_ = std::max(scratch_, p.in_rows * p.out_rows * (2 + trilinear_most_lanes) + std::max(p.in_rows, p.out_rows) * trilinear_most_lanes);
  }
}

template <>
void Trilinear<float>::forward(const TrilinearRows<float>& rows, float* out, float* scratch) const { HWY_DYNAMIC_DISPATCH(forward_f)(*this, rows, out, scratch); }
template <>
void Trilinear<double>::forward(const TrilinearRows<double>& rows, double* out, double* scratch) const { HWY_DYNAMIC_DISPATCH(forward_d)(*this, rows, out, scratch); }
template <>
void Trilinear<float>::reverse_edge(const TrilinearRows<float>& rows, float* w, float* y, float* scratch) const { HWY_DYNAMIC_DISPATCH(reverse_edge_f)(*this, rows, w, y, scratch); }
template <>
void Trilinear<double>::reverse_edge(const TrilinearRows<double>& rows, double* w, double* y, double* scratch) const { HWY_DYNAMIC_DISPATCH(reverse_edge_d)(*this, rows, w, y, scratch); }
template <>
void Trilinear<float>::reverse_sender(const TrilinearRows<float>& rows, float* x, float* scratch) const { HWY_DYNAMIC_DISPATCH(reverse_sender_f)(*this, rows, x, scratch); }
template <>
void Trilinear<double>::reverse_sender(const TrilinearRows<double>& rows, double* x, double* scratch) const { HWY_DYNAMIC_DISPATCH(reverse_sender_d)(*this, rows, x, scratch); }
template <>
void Trilinear<float>::second_edge(const TrilinearRows<float>& rows, float* g, float* w, float* y, float* scratch) const { HWY_DYNAMIC_DISPATCH(second_edge_f)(*this, rows, g, w, y, scratch); }
template <>
void Trilinear<double>::second_edge(const TrilinearRows<double>& rows, double* g, double* w, double* y, double* scratch) const { HWY_DYNAMIC_DISPATCH(second_edge_d)(*this, rows, g, w, y, scratch); }
template <>
void Trilinear<float>::second_sender(const TrilinearRows<float>& rows, float* x, float* scratch) const { HWY_DYNAMIC_DISPATCH(second_sender_f)(*this, rows, x, scratch); }
template <>
void Trilinear<double>::second_sender(const TrilinearRows<double>& rows, double* x, double* scratch) const { HWY_DYNAMIC_DISPATCH(second_sender_d)(*this, rows, x, scratch); }

template class Trilinear<float>;
template class Trilinear<double>;

}  // namespace saltus::kernels
#endif
