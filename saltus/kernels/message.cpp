#include "saltus/kernels/message.hpp"

#include <algorithm>
#include <cmath>

#include "saltus/base/error.hpp"
#include "saltus/kernels/angular.hpp"

// Older instruction sets gain little here; leaving them out keeps this file quick to compile.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/message.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// M[entry] = Σ_j coupling[j][entry] Y_j for all paths. `tilted`: only where Y depends on the direction, with stride 2 in Y.
template <typename T>
HWY_INLINE void couple(const Message<T>& message, const T* HWY_RESTRICT y, std::size_t stride, bool reversed, T* HWY_RESTRICT M) {
  const hn::ScalableTag<T> d;
  const std::size_t N = hn::Lanes(d);
  for (const auto& group : message.groups()) {
    const T* table = message.coupling() + group.table;
    const auto width = static_cast<std::size_t>(2 * group.l + 1), first = static_cast<std::size_t>(group.l * group.l);
    const T sign = reversed && group.l % 2 ? T(-1) : T(1);
    for (std::size_t e = 0; e < group.count; e += N) {
      auto sum = hn::Mul(hn::Set(d, sign * y[first * stride]), hn::LoadU(d, table + e));
      for (std::size_t j = 1; j < width; ++j)
        sum = hn::MulAdd(hn::Set(d, sign * y[(first + j) * stride]), hn::LoadU(d, table + j * group.count + e), sum);
      hn::StoreU(sum, d, M + group.entry + e);
    }
  }
}

/// Rows of one path: strides are the channels of the blocks.
template <typename T>
struct PathRows {
  std::size_t channels;
  const T* x;
  std::size_t x_stride;
  const T* weight;
  const T* slope;
  std::size_t out_stride;
  T* out;             // forward
  const T* g;         // backward
  T* x_gradient;
  const T *M, *M1, *M2;
  T* sums;            // backward: vectors of the three sums
};

template <typename T, int L1, int L3, class D>
HWY_INLINE std::size_t forward_lanes(D d, const PathRows<T>& p, std::size_t c) {
  constexpr std::size_t I = 2 * L1 + 1, K = 2 * L3 + 1;
  for (; c + hn::Lanes(d) <= p.channels; c += hn::Lanes(d)) {
    const auto w = hn::LoadU(d, p.weight + c);
    hn::Vec<D> x[I];
    for (std::size_t i = 0; i < I; ++i) x[i] = hn::Mul(w, hn::LoadU(d, p.x + i * p.x_stride + c));
    for (std::size_t k = 0; k < K; ++k) {
      auto sum = hn::LoadU(d, p.out + k * p.out_stride + c);
      for (std::size_t i = 0; i < I; ++i) sum = hn::MulAdd(hn::Set(d, p.M[i * K + k]), x[i], sum);
      hn::StoreU(sum, d, p.out + k * p.out_stride + c);
    }
  }
  return c;
}

/// Any l.
template <typename T, class D>
HWY_INLINE std::size_t forward_lanes_any(D d, const PathRows<T>& p, std::size_t I, std::size_t K, std::size_t c) {
  for (; c + hn::Lanes(d) <= p.channels; c += hn::Lanes(d)) {
    const auto w = hn::LoadU(d, p.weight + c);
    for (std::size_t k = 0; k < K; ++k) {
      auto sum = hn::LoadU(d, p.out + k * p.out_stride + c);
      for (std::size_t i = 0; i < I; ++i)
        sum = hn::MulAdd(hn::Set(d, p.M[i * K + k]), hn::Mul(w, hn::LoadU(d, p.x + i * p.x_stride + c)), sum);
      hn::StoreU(sum, d, p.out + k * p.out_stride + c);
    }
  }
  return c;
}

template <typename T, class D>
HWY_INLINE std::size_t forward_lanes_scalar(D d, const PathRows<T>& p, std::size_t I, std::size_t c) {
  for (; c + hn::Lanes(d) <= p.channels; c += hn::Lanes(d)) {
    const auto w = hn::Mul(hn::Set(d, p.M[0]), hn::LoadU(d, p.weight + c));
    for (std::size_t i = 0; i < I; ++i) {
      T* out = p.out + i * p.out_stride + c;
      hn::StoreU(hn::MulAdd(w, hn::LoadU(d, p.x + i * p.x_stride + c), hn::LoadU(d, out)), d, out);
    }
  }
  return c;
}

template <typename T, class D>
HWY_INLINE void add_sums(D d, T* sums, hn::Vec<D> radial, hn::Vec<D> first, hn::Vec<D> second) {
  const std::size_t N = hn::Lanes(hn::ScalableTag<T>());
  hn::StoreU(hn::Add(radial, hn::LoadU(d, sums)), d, sums);
  hn::StoreU(hn::Add(first, hn::LoadU(d, sums + N)), d, sums + N);
  hn::StoreU(hn::Add(second, hn::LoadU(d, sums + 2 * N)), d, sums + 2 * N);
}

template <typename T, int L1, int L3, class D>
HWY_INLINE std::size_t backward_lanes(D d, const PathRows<T>& p, std::size_t c) {
  constexpr std::size_t I = 2 * L1 + 1, K = 2 * L3 + 1;
  auto radial = hn::Zero(d), first = hn::Zero(d), second = hn::Zero(d);
  for (; c + hn::Lanes(d) <= p.channels; c += hn::Lanes(d)) {
    const auto w = hn::LoadU(d, p.weight + c);
    hn::Vec<D> g[K];
    for (std::size_t k = 0; k < K; ++k) g[k] = hn::LoadU(d, p.g + k * p.out_stride + c);
    auto along = hn::Zero(d), t1 = hn::Zero(d), t2 = hn::Zero(d);
    for (std::size_t i = 0; i < I; ++i) {
      const auto x = hn::LoadU(d, p.x + i * p.x_stride + c);
      auto s = hn::Mul(hn::Set(d, p.M[i * K]), g[0]), s1 = hn::Mul(hn::Set(d, p.M1[i * K]), g[0]), s2 = hn::Mul(hn::Set(d, p.M2[i * K]), g[0]);
      for (std::size_t k = 1; k < K; ++k) {
        s = hn::MulAdd(hn::Set(d, p.M[i * K + k]), g[k], s);
        s1 = hn::MulAdd(hn::Set(d, p.M1[i * K + k]), g[k], s1);
        s2 = hn::MulAdd(hn::Set(d, p.M2[i * K + k]), g[k], s2);
      }
      along = hn::MulAdd(x, s, along);
      t1 = hn::MulAdd(x, s1, t1);
      t2 = hn::MulAdd(x, s2, t2);
      T* gradient = p.x_gradient + i * p.x_stride + c;
      hn::StoreU(hn::MulAdd(w, s, hn::LoadU(d, gradient)), d, gradient);
    }
    radial = hn::MulAdd(hn::LoadU(d, p.slope + c), along, radial);
    first = hn::MulAdd(w, t1, first);
    second = hn::MulAdd(w, t2, second);
  }
  add_sums(d, p.sums, radial, first, second);
  return c;
}

template <typename T, class D>
HWY_INLINE std::size_t backward_lanes_any(D d, const PathRows<T>& p, std::size_t I, std::size_t K, std::size_t c) {
  auto radial = hn::Zero(d), first = hn::Zero(d), second = hn::Zero(d);
  for (; c + hn::Lanes(d) <= p.channels; c += hn::Lanes(d)) {
    const auto w = hn::LoadU(d, p.weight + c), dw = hn::LoadU(d, p.slope + c);
    for (std::size_t i = 0; i < I; ++i) {
      const auto x = hn::LoadU(d, p.x + i * p.x_stride + c);
      auto s = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d);
      for (std::size_t k = 0; k < K; ++k) {
        const auto g = hn::LoadU(d, p.g + k * p.out_stride + c);
        s = hn::MulAdd(hn::Set(d, p.M[i * K + k]), g, s);
        s1 = hn::MulAdd(hn::Set(d, p.M1[i * K + k]), g, s1);
        s2 = hn::MulAdd(hn::Set(d, p.M2[i * K + k]), g, s2);
      }
      const auto xw = hn::Mul(x, w);
      radial = hn::MulAdd(hn::Mul(dw, x), s, radial);
      first = hn::MulAdd(xw, s1, first);
      second = hn::MulAdd(xw, s2, second);
      T* gradient = p.x_gradient + i * p.x_stride + c;
      hn::StoreU(hn::MulAdd(w, s, hn::LoadU(d, gradient)), d, gradient);
    }
  }
  add_sums(d, p.sums, radial, first, second);
  return c;
}

template <typename T, class D>
HWY_INLINE std::size_t backward_lanes_scalar(D d, const PathRows<T>& p, std::size_t I, std::size_t c) {
  auto radial = hn::Zero(d);
  for (; c + hn::Lanes(d) <= p.channels; c += hn::Lanes(d)) {
    const auto m = hn::Set(d, p.M[0]), w = hn::Mul(m, hn::LoadU(d, p.weight + c)), dw = hn::Mul(m, hn::LoadU(d, p.slope + c));
    for (std::size_t i = 0; i < I; ++i) {
      const auto x = hn::LoadU(d, p.x + i * p.x_stride + c), g = hn::LoadU(d, p.g + i * p.out_stride + c);
      radial = hn::MulAdd(hn::Mul(dw, x), g, radial);
      T* gradient = p.x_gradient + i * p.x_stride + c;
      hn::StoreU(hn::MulAdd(w, g, hn::LoadU(d, gradient)), d, gradient);
    }
  }
  add_sums(d, p.sums, radial, hn::Zero(d), hn::Zero(d));
  return c;
}

template <typename T, int L1, int L3, bool Backward>
void run_path(const PathRows<T>& p) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  if constexpr (Backward) backward_lanes<T, L1, L3>(one, p, backward_lanes<T, L1, L3>(d, p, 0));
  else forward_lanes<T, L1, L3>(one, p, forward_lanes<T, L1, L3>(d, p, 0));
}

template <typename T, bool Backward>
void run_any(const PathRows<T>& p, int l_in, int l_out, bool scalar) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  const auto I = static_cast<std::size_t>(2 * l_in + 1), K = static_cast<std::size_t>(2 * l_out + 1);
  if constexpr (Backward) {
    if (scalar) backward_lanes_scalar(one, p, I, backward_lanes_scalar(d, p, I, 0));
    else backward_lanes_any(one, p, I, K, backward_lanes_any(d, p, I, K, 0));
  } else {
    if (scalar) forward_lanes_scalar(one, p, I, forward_lanes_scalar(d, p, I, 0));
    else forward_lanes_any(one, p, I, K, forward_lanes_any(d, p, I, K, 0));
  }
}

template <typename T, bool Backward>
HWY_INLINE void run(const PathRows<T>& p, int l_in, int l_out, bool scalar) {
  using Run = void (*)(const PathRows<T>&);
  static constexpr Run table[4][4] = {
      {run_path<T, 0, 0, Backward>, run_path<T, 0, 1, Backward>, run_path<T, 0, 2, Backward>, run_path<T, 0, 3, Backward>},
      {run_path<T, 1, 0, Backward>, run_path<T, 1, 1, Backward>, run_path<T, 1, 2, Backward>, run_path<T, 1, 3, Backward>},
      {run_path<T, 2, 0, Backward>, run_path<T, 2, 1, Backward>, run_path<T, 2, 2, Backward>, run_path<T, 2, 3, Backward>},
      {run_path<T, 3, 0, Backward>, run_path<T, 3, 1, Backward>, run_path<T, 3, 2, Backward>, run_path<T, 3, 3, Backward>}};
  if (!scalar && l_in < 4 && l_out < 4) table[l_in][l_out](p);
  else run_any<T, Backward>(p, l_in, l_out, scalar);
}

template <typename T>
HWY_INLINE void send(const Message<T>& message, const T* const* x, const T* weight, const T* harmonic, T* const* out, T* M) {
  couple(message, harmonic, 1, false, M);
  PathRows<T> rows{};
  for (const auto& path : message.paths()) {
    rows.channels = rows.x_stride = path.channels;
    rows.x = x[path.in];
    rows.weight = weight + path.first_weight;
    rows.out_stride = path.out_channels;
    rows.out = out[path.out] + path.first_channel;
    rows.M = M + path.entry;
    run<T, false>(rows, path.l_in, path.l_out, path.scalar_edge);
  }
}

template <typename T>
HWY_INLINE void receive(const Message<T>& message, const T* const* x, const T* weight, const T* slope, const T* harmonic, const T* tilt,
                        const T* const* g, T* const* x_gradient, T (&pair_gradient)[3], T* M) {
  const hn::ScalableTag<T> d;
  const std::size_t N = hn::Lanes(d), entries = message.entries();
  couple(message, harmonic, 1, true, M);
  couple(message, tilt, 2, true, M + entries);
  couple(message, tilt + 1, 2, true, M + 2 * entries);
  HWY_ALIGN T sums[3 * hn::MaxLanes(d)];
  std::fill(sums, sums + 3 * N, T(0));
  PathRows<T> rows{};
  rows.sums = sums;
  for (const auto& path : message.paths()) {
    rows.channels = rows.x_stride = path.channels;
    rows.x = x[path.in];
    rows.weight = weight + path.first_weight;
    rows.slope = slope + path.first_weight;
    rows.out_stride = path.out_channels;
    rows.g = g[path.out] + path.first_channel;
    rows.x_gradient = x_gradient[path.in];
    rows.M = M + path.entry;
    rows.M1 = rows.M + entries;
    rows.M2 = rows.M1 + entries;
    run<T, true>(rows, path.l_in, path.l_out, path.scalar_edge);
  }
  for (std::size_t t = 0; t < 3; ++t) pair_gradient[t] = hn::GetLane(hn::SumOfLanes(d, hn::LoadU(d, sums + t * N)));
}

void send_float(const Message<float>& m, const float* const* x, const float* w, const float* y, float* const* out, float* M) {
  send(m, x, w, y, out, M);
}
void send_double(const Message<double>& m, const double* const* x, const double* w, const double* y, double* const* out, double* M) {
  send(m, x, w, y, out, M);
}
void receive_float(const Message<float>& m, const float* const* x, const float* w, const float* dw, const float* y, const float* tilt,
                   const float* const* g, float* const* gx, float (&pair)[3], float* M) {
  receive(m, x, w, dw, y, tilt, g, gx, pair, M);
}
void receive_double(const Message<double>& m, const double* const* x, const double* w, const double* dw, const double* y, const double* tilt,
                    const double* const* g, double* const* gx, double (&pair)[3], double* M) {
  receive(m, x, w, dw, y, tilt, g, gx, pair, M);
}

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(send_float);
HWY_EXPORT(send_double);
HWY_EXPORT(receive_float);
HWY_EXPORT(receive_double);

template <typename T>
Message<T>::Message(const MessagePlan& plan) : plan_(plan) {
  constexpr std::size_t longest = 16;  // lanes of any vector in use
  const auto refuse = [](const char* what) { throw Error(ErrorKind::format, std::string("message paths: ") + what); };
  if (plan.l_max < 0 || plan.l_max > e3nn_max_l) refuse("harmonics up to l = 8 are supported");
  path_.resize(plan.paths.size());
  for (int l = 0; l <= plan.l_max; ++l) {
    Group group{l, entries_, 0, coupling_.size()};
    const auto width = static_cast<std::size_t>(2 * l + 1);
    std::vector<std::vector<double>> row(width);
    std::vector<int> known;  // pairs (l_in, l_out) as 100 l_in + l_out, with
    std::vector<std::size_t> known_entry;
    for (std::size_t p = 0; p < plan.paths.size(); ++p) {
      const MessagePath& from = plan.paths[p];
      if (from.l_edge != l) continue;
      if (from.in >= plan.in.size() || from.out >= plan.out.size()) refuse("a path names a block that does not exist");
      const FeatureBlock &in = plan.in[from.in], &out = plan.out[from.out];
      if (in.l < 0 || out.l < 0 || in.l > e3nn_max_l || out.l > e3nn_max_l) refuse("features up to l = 8 are supported");
      if (out.l > in.l + l || out.l < std::abs(in.l - l)) refuse("a path violates the triangle rule");
      if (from.first_channel + in.channels > out.channels || from.first_weight + in.channels > plan.weights)
        refuse("a path reaches beyond its block or its weights");
      Path& path = path_[p];
      path = {static_cast<std::uint32_t>(from.in), static_cast<std::uint32_t>(from.out), in.l, out.l, l == 0, in.channels, from.first_weight,
              out.channels, from.first_channel, 0};
      const int key = 100 * in.l + out.l;
      const auto found = std::find(known.begin(), known.end(), key);
      if (found != known.end()) {
        path.entry = known_entry[static_cast<std::size_t>(found - known.begin())];
        continue;
      }
      path.entry = entries_ + row[0].size();
      known.push_back(key);
      known_entry.push_back(path.entry);
      const std::vector<double> c = real_3j(in.l, l, out.l);
      const auto I = static_cast<std::size_t>(2 * in.l + 1), K = static_cast<std::size_t>(2 * out.l + 1);
      const double factor = std::sqrt(static_cast<double>(K));
      if (l == 0) {
        row[0].push_back(factor * c[0]);
        continue;
      }
      for (std::size_t i = 0; i < I; ++i)
        for (std::size_t k = 0; k < K; ++k)
          for (std::size_t j = 0; j < width; ++j) row[j].push_back(factor * c[(i * width + j) * K + k]);
    }
    if (row[0].empty()) continue;
    group.count = (row[0].size() + longest - 1) / longest * longest;
    for (auto& r : row) {
      r.resize(group.count, 0.0);
      coupling_.insert(coupling_.end(), r.begin(), r.end());
    }
    entries_ += group.count;
    group_.push_back(group);
  }
  for (const MessagePath& path : plan.paths)
    if (path.l_edge < 0 || path.l_edge > plan.l_max) refuse("a path uses a harmonic beyond the largest");
}

template <>
void Message<float>::forward(const float* const* x, const float* weight, const float* harmonic, float* const* out, float* scratch) const {
  HWY_DYNAMIC_DISPATCH(send_float)(*this, x, weight, harmonic, out, scratch);
}
template <>
void Message<double>::forward(const double* const* x, const double* weight, const double* harmonic, double* const* out, double* scratch) const {
  HWY_DYNAMIC_DISPATCH(send_double)(*this, x, weight, harmonic, out, scratch);
}
template <>
void Message<float>::backward(const float* const* x, const float* weight, const float* weight_slope, const float* harmonic, const float* tilt,
                              const float* const* g, float* const* x_gradient, float (&pair_gradient)[3], float* scratch) const {
  HWY_DYNAMIC_DISPATCH(receive_float)(*this, x, weight, weight_slope, harmonic, tilt, g, x_gradient, pair_gradient, scratch);
}
template <>
void Message<double>::backward(const double* const* x, const double* weight, const double* weight_slope, const double* harmonic,
                               const double* tilt, const double* const* g, double* const* x_gradient, double (&pair_gradient)[3],
                               double* scratch) const {
  HWY_DYNAMIC_DISPATCH(receive_double)(*this, x, weight, weight_slope, harmonic, tilt, g, x_gradient, pair_gradient, scratch);
}

template class Message<float>;
template class Message<double>;

}  // namespace saltus::kernels
#endif
