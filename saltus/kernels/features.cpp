#include "saltus/kernels/features.hpp"

#include <algorithm>

#include "saltus/kernels/matrix_product.hpp"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/features.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D, typename T>
HWY_INLINE std::size_t activate_lanes(D d, Nonlinearity function, double factor, std::size_t n, const T* HWY_RESTRICT x,
                                      T* HWY_RESTRICT value, T* HWY_RESTRICT slope, std::size_t k) {
  const auto one = hn::Set(d, T(1)), two = hn::Set(d, T(2)), f = hn::Set(d, static_cast<T>(factor)), zero = hn::Zero(d);
  const auto most = hn::Set(d, static_cast<T>(sizeof(T) == sizeof(double) ? 700 : 85));  // Exp is right up to little more
  for (; k + hn::Lanes(d) <= n; k += hn::Lanes(d)) {
    const auto z = hn::LoadU(d, x + k);
    auto v = z, s = one;
    if (function == Nonlinearity::silu) {
      const auto sigmoid = hn::Div(one, hn::Add(one, hn::Exp(d, hn::Min(hn::Neg(z), most))));
      v = hn::Mul(z, sigmoid);
      s = hn::Mul(sigmoid, hn::MulAdd(z, hn::Sub(one, sigmoid), one));
    } else if (function == Nonlinearity::tanh) {
      v = hn::Sub(one, hn::Div(two, hn::Add(one, hn::Exp(d, hn::Min(hn::Add(z, z), most)))));
      s = hn::NegMulAdd(v, v, one);
    } else if (function == Nonlinearity::shifted_softplus) {  // ln(1 + eˣ) − ln 2
      const auto small = hn::Exp(d, hn::Max(hn::Neg(hn::Abs(z)), hn::Neg(most)));
      v = hn::Sub(hn::Add(hn::Max(z, zero), hn::Log1p(d, small)), hn::Set(d, static_cast<T>(0.69314718055994530942)));
      s = hn::Div(hn::IfThenElse(hn::Lt(z, zero), small, one), hn::Add(one, small));
    } else {
      v = hn::Abs(z);
      s = hn::IfThenElse(hn::Gt(z, zero), one, hn::IfThenElse(hn::Lt(z, zero), hn::Neg(one), zero));
    }
    hn::StoreU(hn::Mul(f, v), d, value + k);
    if (slope) hn::StoreU(hn::Mul(f, s), d, slope + k);
  }
  return k;
}

template <typename T>
HWY_INLINE void activate_all(Nonlinearity function, double factor, std::size_t n, const T* x, T* value, T* slope) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  activate_lanes(one, function, factor, n, x, value, slope, activate_lanes(d, function, factor, n, x, value, slope, 0));
}

void activate_double(Nonlinearity function, double factor, std::size_t n, const double* x, double* value, double* slope) {
  activate_all(function, factor, n, x, value, slope);
}
void activate_float(Nonlinearity function, double factor, std::size_t n, const float* x, float* value, float* slope) {
  activate_all(function, factor, n, x, value, slope);
}

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(activate_double);
HWY_EXPORT(activate_float);

void activate(Nonlinearity function, double factor, std::size_t n, const double* x, double* value, double* slope) {
  HWY_DYNAMIC_DISPATCH(activate_double)(function, factor, n, x, value, slope);
}
void activate(Nonlinearity function, double factor, std::size_t n, const float* x, float* value, float* slope) {
  HWY_DYNAMIC_DISPATCH(activate_float)(function, factor, n, x, value, slope);
}

template <typename T>
void Features<T>::resize(std::span<const FeatureBlock> blocks, std::size_t sites) {
  block_.assign(blocks.begin(), blocks.end());
  sites_ = sites;
  offset_.resize(blocks.size());
  std::size_t size = 0;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    offset_[b] = size;
    size += blocks[b].size() * sites;
  }
  data_.resize(size);
}

template <typename T>
void Features<T>::rows(std::size_t site, T** pointers) {
  for (std::size_t b = 0; b < block_.size(); ++b) pointers[b] = row(b, site);
}

template <typename T>
void Features<T>::rows(std::size_t site, const T** pointers) const {
  for (std::size_t b = 0; b < block_.size(); ++b) pointers[b] = row(b, site);
}

template <typename T>
void Features<T>::fill_zero(std::size_t first, std::size_t last) {
  for (std::size_t b = 0; b < block_.size(); ++b) std::fill(row(b, first), row(b, last), T(0));
}

template class Features<float>;
template class Features<double>;

template <typename T>
void LinearMap<T>::add(std::size_t in_block, std::size_t out_block, std::vector<T> weight, std::size_t channels_in) {
  const std::size_t channels_out = weight.size() / channels_in;
  std::vector<T> transposed(weight.size());
  for (std::size_t i = 0; i < channels_in; ++i)
    for (std::size_t o = 0; o < channels_out; ++o) transposed[o * channels_in + i] = weight[i * channels_out + o];
  terms.push_back({in_block, out_block, std::move(weight), std::move(transposed)});
}

template struct LinearMap<float>;
template struct LinearMap<double>;

template <typename T>
void apply(const LinearMap<T>& map, const Features<T>& in, std::size_t first, std::size_t last, Features<T>& out, std::size_t out_first,
           bool add) {
  if (first == last) return;
  const std::size_t count = last - first;
  for (std::size_t b = 0; b < out.blocks(); ++b) {
    const auto term = std::find_if(map.terms.begin(), map.terms.end(), [&](const auto& t) { return t.out == b; });
    T* target = out.row(b, out_first);
    const FeatureBlock& to = out.block(b);
    if (term == map.terms.end()) {
      if (!add) std::fill(target, target + to.size() * count, T(0));
    } else {
      const FeatureBlock& from = in.block(term->in);
      multiply(count * static_cast<std::size_t>(2 * to.l + 1), from.channels, to.channels, T(1), in.row(term->in, first), from.channels,
               term->weight.data(), to.channels, add, target, to.channels);
    }
    if (!map.bias.empty() && map.bias_block == b)
      for (std::size_t s = 0; s < count; ++s)
        for (std::size_t c = 0; c < to.channels; ++c) target[s * to.channels + c] += map.bias[c];
  }
}

template <typename T>
void apply_transposed(const LinearMap<T>& map, const Features<T>& out, std::size_t first, std::size_t last, Features<T>& in,
                      std::size_t in_first, T scale, bool add) {
  if (first == last) return;
  const std::size_t count = last - first;
  for (std::size_t b = 0; b < in.blocks(); ++b) {
    T* target = in.row(b, in_first);
    const FeatureBlock& to = in.block(b);
    bool put = !add;
    for (const auto& term : map.terms) {
      if (term.in != b) continue;
      const FeatureBlock& from = out.block(term.out);
      multiply(count * static_cast<std::size_t>(2 * to.l + 1), from.channels, to.channels, scale, out.row(term.out, first), from.channels,
               term.transposed.data(), to.channels, !put, target, to.channels);
      put = false;
    }
    if (put) std::fill(target, target + to.size() * count, T(0));
  }
}

template void apply(const LinearMap<float>&, const Features<float>&, std::size_t, std::size_t, Features<float>&, std::size_t, bool);
template void apply(const LinearMap<double>&, const Features<double>&, std::size_t, std::size_t, Features<double>&, std::size_t, bool);
template void apply_transposed(const LinearMap<float>&, const Features<float>&, std::size_t, std::size_t, Features<float>&, std::size_t, float, bool);
template void apply_transposed(const LinearMap<double>&, const Features<double>&, std::size_t, std::size_t, Features<double>&, std::size_t, double,
                               bool);

}  // namespace saltus::kernels
#endif
