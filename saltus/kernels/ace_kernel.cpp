#include "saltus/kernels/ace_kernel.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "saltus/base/error.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/ace_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// Shared by all targets: plain C++, compiled once.
#ifndef SALTUS_ACE_KERNEL_COMMON
#define SALTUS_ACE_KERNEL_COMMON
namespace saltus::kernels {

/// Constants of the spherical-harmonic recursion.
struct HarmonicTable {
  // Q_l^m = d^m P_l / dz^m:  Q_m^m = double factorial, Q_l^m = up z Q_{l-1}^m − down Q_{l-2}^m.
  std::array<std::array<double, ace_max_l + 2>, ace_max_l + 1> up{}, down{}, norm{};
  std::array<double, ace_max_l + 2> diagonal{};
};

inline HarmonicTable make_harmonic_table() {
  HarmonicTable t;
  double odd = 1;
  for (int m = 0; m <= ace_max_l + 1; ++m) {
    t.diagonal[static_cast<std::size_t>(m)] = odd;
    odd *= 2 * m + 1;
  }
  for (int l = 0; l <= ace_max_l; ++l)
    for (int m = 0; m <= l + 1 && m <= ace_max_l + 1; ++m) {
      const auto i = static_cast<std::size_t>(l), j = static_cast<std::size_t>(m);
      if (l > m) {
        t.up[i][j] = (2.0 * l - 1) / (l - m);
        t.down[i][j] = (l + m - 1.0) / (l - m);
      }
      if (m <= l) {
        double ratio = 1;  // (l−m)! / (l+m)!
        for (int k = l - m + 1; k <= l + m; ++k) ratio /= k;
        t.norm[i][j] = std::sqrt((2 * l + 1) * ratio * (m > 0 ? 2 : 1));
      }
    }
  return t;
}

inline const HarmonicTable& harmonic_table() {
  static const HarmonicTable table = make_harmonic_table();
  return table;
}

/// x(r) = slope / (r_eff + scale) + shift maps [floor, cutoff] to [1, −1].
struct RadialMap {
  double slope, shift, floor;
};

inline RadialMap radial_map(const AceRadialPair& pair) {
  const double floor = pair.inner - pair.softness * 8 / 15;
  const double near = 1 / (floor + pair.scale), far = 1 / (pair.cutoff + pair.scale);
  return {2 / (near - far), -1 - 2 * far / (near - far), floor};
}

}  // namespace saltus::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<double, 8>;
using V = hn::Vec<D>;

std::size_t lanes() { return hn::Lanes(D()); }

/// T_n(x) f and its derivative: value[n·Lanes], derivative[n·Lanes].
HWY_INLINE void chebyshev_times(V x, V dx, V f, V df, int count, double* HWY_RESTRICT value, double* HWY_RESTRICT derivative) {
  const D d;
  const std::size_t N = hn::Lanes(d);
  V t0 = hn::Set(d, 1.0), t1 = x, d0 = hn::Zero(d), d1 = hn::Set(d, 1.0);  // T_n and dT_n/dx
  const V two_x = hn::Add(x, x);
  const V fdx = hn::Mul(f, dx);
  for (int n = 0; n < count; ++n) {
    hn::StoreU(hn::Mul(t0, f), d, value + static_cast<std::size_t>(n) * N);
    hn::StoreU(hn::MulAdd(t0, df, hn::Mul(d0, fdx)), d, derivative + static_cast<std::size_t>(n) * N);
    const V t_next = hn::MulSub(two_x, t1, t0);
    const V d_next = hn::Add(hn::MulSub(two_x, d1, d0), hn::Add(t1, t1));
    t0 = t1; t1 = t_next; d0 = d1; d1 = d_next;
  }
}

/// The polynomials of a pair with a power.
HWY_INLINE void polynomial_radial(const AceRadialPair& pair, V r, int count, double* HWY_RESTRICT value, double* HWY_RESTRICT derivative) {
  const D d;
  const V zero = hn::Zero(d), one = hn::Set(d, 1.0);
  const V u = hn::Max(zero, hn::NegMulAdd(r, hn::Set(d, 1 / pair.cutoff), one));
  V y = u, dy = hn::Set(d, -pair.power / pair.cutoff);
  for (int k = 1; k < pair.power; ++k) {
    dy = hn::Mul(dy, u);
    y = hn::Mul(y, u);
  }
  const int q = ace_envelope_power(pair.power);
  V f = y, df = hn::Mul(hn::Set(d, static_cast<double>(q)), dy);
  for (int k = 1; k < q; ++k) {
    df = hn::Mul(df, y);
    f = hn::Mul(f, y);
  }
  const V t = hn::Min(one, hn::Max(zero, hn::MulAdd(hn::Sub(r, hn::Set(d, pair.inner)), hn::Set(d, 1 / pair.softness), one)));
  const V t2 = hn::Mul(t, t), rest = hn::Sub(one, t);
  const V s = hn::Mul(hn::Mul(t2, t), hn::MulAdd(t, hn::MulAdd(t, hn::Set(d, 6.0), hn::Set(d, -15.0)), hn::Set(d, 10.0)));
  const V ds = hn::Mul(hn::Mul(hn::Set(d, 30 / pair.softness), t2), hn::Mul(rest, rest));
  df = hn::MulAdd(df, s, hn::Mul(f, ds));
  f = hn::Mul(f, s);
  const auto inside = hn::Lt(r, hn::Set(d, pair.cutoff));
  chebyshev_times(hn::NegMulAdd(hn::Set(d, 2.0), y, one), hn::Mul(hn::Set(d, -2.0), dy), hn::IfThenElseZero(inside, f), hn::IfThenElseZero(inside, df),
                  count, value, derivative);
}

/// Radial values and derivatives of Lanes neighbours: value[n·Lanes], derivative[n·Lanes]. Zero beyond the cutoff.
HWY_INLINE void radial(const AceRadialPair& pair, const RadialMap& map, V r, int count, double* HWY_RESTRICT value,
                       double* HWY_RESTRICT derivative) {
  if (pair.power > 0) return polynomial_radial(pair, r, count, value, derivative);
  const D d;
  const V zero = hn::Zero(d), one = hn::Set(d, 1.0);
  // Saturation: q(t) = t − 2t³/3 + t⁵/5, q' = (1 − t²)², t = clamp((inner − r)/softness, 0, 1).
  const V t = hn::Min(one, hn::Max(zero, hn::Mul(hn::Sub(hn::Set(d, pair.inner), r), hn::Set(d, 1 / pair.softness))));
  const V t2 = hn::Mul(t, t);
  const V q = hn::Mul(t, hn::MulAdd(t2, hn::MulAdd(t2, hn::Set(d, 0.2), hn::Set(d, -2.0 / 3)), one));
  const V r_eff = hn::NegMulAdd(hn::Set(d, pair.softness), q, hn::Max(r, hn::Set(d, pair.inner)));
  const V slope_eff = hn::Mul(hn::Sub(one, t2), hn::Sub(one, t2));
  const V inv = hn::Div(one, hn::Add(r_eff, hn::Set(d, pair.scale)));
  const V x = hn::MulAdd(hn::Set(d, map.slope), inv, hn::Set(d, map.shift));
  const V dx = hn::Mul(hn::Mul(hn::Set(d, -map.slope), hn::Mul(inv, inv)), slope_eff);
  const V s = hn::Mul(r_eff, hn::Set(d, 1 / pair.cutoff));
  const auto inside = hn::Lt(s, one);
  const V s2 = hn::Mul(s, s), s3 = hn::Mul(s2, s);
  const V f = hn::IfThenElseZero(inside, hn::MulAdd(s3, hn::MulAdd(s, hn::MulAdd(s, hn::Set(d, -6.0), hn::Set(d, 15.0)), hn::Set(d, -10.0)), one));
  const V rest = hn::Sub(one, s);
  const V df = hn::IfThenElseZero(inside, hn::Mul(hn::Mul(hn::Set(d, -30.0 / pair.cutoff), slope_eff), hn::Mul(s2, hn::Mul(rest, rest))));
  chebyshev_times(x, dx, f, df, count, value, derivative);
}

/// Harmonics Y[lm·Lanes]; if Gradient, also of one smooth extension off the sphere: gx, gy, gz (project tangentially!).
template <bool Gradient>
HWY_INLINE void harmonics(int l_max, V x, V y, V z, double* HWY_RESTRICT Y, double* HWY_RESTRICT gx,
                          double* HWY_RESTRICT gy, double* HWY_RESTRICT gz) {
  const D d;
  const std::size_t N = hn::Lanes(d);
  const HarmonicTable& table = harmonic_table();
  HWY_ALIGN double Q[(ace_max_l + 1) * (ace_max_l + 2) * 8];
  const auto q_at = [N](int l, int m) { return static_cast<std::size_t>(l * (ace_max_l + 2) + m) * N; };
  for (int m = 0; m <= l_max; ++m) {
    V before = hn::Zero(d), now = hn::Set(d, table.diagonal[static_cast<std::size_t>(m)]);
    hn::Store(now, d, Q + q_at(m, m));
    if (Gradient) hn::Store(hn::Zero(d), d, Q + q_at(m, m + 1));
    for (int l = m + 1; l <= l_max; ++l) {
      const auto i = static_cast<std::size_t>(l), j = static_cast<std::size_t>(m);
      const V next = hn::NegMulAdd(hn::Set(d, table.down[i][j]), before, hn::Mul(hn::Mul(hn::Set(d, table.up[i][j]), z), now));
      before = now;
      now = next;
      hn::Store(now, d, Q + q_at(l, m));
    }
  }
  // (x + i y)^m = c + i s; derivatives m (x + i y)^(m−1).
  V c = hn::Set(d, 1.0), s = hn::Zero(d), c_before = hn::Zero(d), s_before = hn::Zero(d);
  for (int m = 0; m <= l_max; ++m) {
    const V factor = hn::Set(d, static_cast<double>(m));
    const V mc = hn::Mul(factor, c_before), ms = hn::Mul(factor, s_before);
    for (int l = m; l <= l_max; ++l) {
      const V norm = hn::Set(d, table.norm[static_cast<std::size_t>(l)][static_cast<std::size_t>(m)]);
      const V q = hn::Mul(norm, hn::Load(d, Q + q_at(l, m)));
      const std::size_t plus = static_cast<std::size_t>(l * l + l + m) * N, minus = static_cast<std::size_t>(l * l + l - m) * N;
      hn::StoreU(hn::Mul(q, c), d, Y + plus);
      if (m > 0) hn::StoreU(hn::Mul(q, s), d, Y + minus);
      if (Gradient) {
        const V dq = hn::Mul(norm, hn::Load(d, Q + q_at(l, m + 1)));
        hn::StoreU(hn::Mul(q, mc), d, gx + plus);
        hn::StoreU(hn::Neg(hn::Mul(q, ms)), d, gy + plus);
        hn::StoreU(hn::Mul(dq, c), d, gz + plus);
        if (m > 0) {
          hn::StoreU(hn::Mul(q, ms), d, gx + minus);
          hn::StoreU(hn::Mul(q, mc), d, gy + minus);
          hn::StoreU(hn::Mul(dq, s), d, gz + minus);
        }
      }
    }
    c_before = c;
    s_before = s;
    const V c_next = hn::MulSub(x, c, hn::Mul(y, s));
    s = hn::MulAdd(x, s, hn::Mul(y, c));
    c = c_next;
  }
}

/// What the forward pass keeps of a batch of Lanes neighbours for the backward pass.
struct BatchLayout {
  std::size_t N, radial, harmonic;  // vectors
  std::size_t value = 0, derivative, y, gx, gy, gz, ux, uy, uz, inv_r, size;
  BatchLayout(std::size_t lanes_, int radial_max, int l_max)
      : N(lanes_), radial(static_cast<std::size_t>(radial_max)), harmonic(static_cast<std::size_t>((l_max + 1) * (l_max + 1))) {
    derivative = radial * N;
    y = 2 * radial * N;
    gx = y + harmonic * N;
    gy = gx + harmonic * N;
    gz = gy + harmonic * N;
    ux = gz + harmonic * N;
    uy = ux + N;
    uz = uy + N;
    inv_r = uz + N;
    size = inv_r + N;
  }
};

template <bool Gradient>
HWY_INLINE void fill_batch(const AceModel& model, const AceRadialPair& pair, const RadialMap& map, const AceNeighbors& centre,
                           std::size_t e, const BatchLayout& at, double* HWY_RESTRICT batch) {
  const D d;
  const V x = hn::LoadU(d, centre.x.data() + e), y = hn::LoadU(d, centre.y.data() + e), z = hn::LoadU(d, centre.z.data() + e);
  const V r = hn::Sqrt(hn::MulAdd(x, x, hn::MulAdd(y, y, hn::Mul(z, z))));
  const V inv_r = hn::Div(hn::Set(d, 1.0), r);
  const V ux = hn::Mul(x, inv_r), uy = hn::Mul(y, inv_r), uz = hn::Mul(z, inv_r);
  radial(pair, map, r, static_cast<int>(at.radial), batch + at.value, batch + at.derivative);
  harmonics<Gradient>(model.shape.l_max, ux, uy, uz, batch + at.y, batch + at.gx, batch + at.gy, batch + at.gz);
  hn::StoreU(ux, d, batch + at.ux);
  hn::StoreU(uy, d, batch + at.uy);
  hn::StoreU(uz, d, batch + at.uz);
  hn::StoreU(inv_r, d, batch + at.inv_r);
}

/// acc[f] += R_n Y_lm of one batch, W components m at a time in registers.
template <int W>
HWY_INLINE void accumulate_block(const double* HWY_RESTRICT R, const double* HWY_RESTRICT Y, int count, std::size_t stride,
                                 double* HWY_RESTRICT acc) {
  const D d;
  const std::size_t N = hn::Lanes(d);
  V y[W];
  for (int k = 0; k < W; ++k) y[k] = hn::LoadU(d, Y + static_cast<std::size_t>(k) * N);
  for (int n = 0; n < count; ++n) {
    const V r = hn::LoadU(d, R + static_cast<std::size_t>(n) * N);
    double* a = acc + static_cast<std::size_t>(n) * stride;
    for (int k = 0; k < W; ++k)
      hn::StoreU(hn::MulAdd(r, y[k], hn::LoadU(d, a + static_cast<std::size_t>(k) * N)), d, a + static_cast<std::size_t>(k) * N);
  }
}

HWY_INLINE void accumulate(const AceShape& shape, const BatchLayout& at, const double* HWY_RESTRICT batch, double* HWY_RESTRICT acc) {
  for (int l = 0; l <= shape.l_max; ++l) {
    const int width = 2 * l + 1, count = shape.radial_count[static_cast<std::size_t>(l)];
    const double* Y = batch + at.y + static_cast<std::size_t>(l * l) * at.N;
    double* a = acc + static_cast<std::size_t>(shape.offset(l)) * at.N;
    const std::size_t stride = static_cast<std::size_t>(width) * at.N;
    int m = 0;
    for (; m + 4 <= width; m += 4)
      accumulate_block<4>(batch + at.value, Y + static_cast<std::size_t>(m) * at.N, count, stride, a + static_cast<std::size_t>(m) * at.N);
    for (; m < width; ++m)
      accumulate_block<1>(batch + at.value, Y + static_cast<std::size_t>(m) * at.N, count, stride, a + static_cast<std::size_t>(m) * at.N);
  }
}

/// Adds to the batch sums: radial part Σ G R' Y and the vector Σ G R ∇Y, for W components m of one l.
template <int W>
HWY_INLINE void gradient_block(const double* HWY_RESTRICT G, std::size_t width, int count, const double* HWY_RESTRICT batch,
                               const BatchLayout& at, std::size_t lm, V& along, V& wx, V& wy, V& wz) {
  const D d;
  const std::size_t N = at.N;
  V t[W], u[W];
  for (int k = 0; k < W; ++k) t[k] = u[k] = hn::Zero(d);
  for (int n = 0; n < count; ++n) {
    const V r = hn::LoadU(d, batch + at.value + static_cast<std::size_t>(n) * N);
    const V dr = hn::LoadU(d, batch + at.derivative + static_cast<std::size_t>(n) * N);
    const double* g = G + static_cast<std::size_t>(n) * width;
    for (int k = 0; k < W; ++k) {
      const V gk = hn::Set(d, g[k]);
      t[k] = hn::MulAdd(gk, r, t[k]);
      u[k] = hn::MulAdd(gk, dr, u[k]);
    }
  }
  for (int k = 0; k < W; ++k) {
    const std::size_t i = (lm + static_cast<std::size_t>(k)) * N;
    along = hn::MulAdd(u[k], hn::LoadU(d, batch + at.y + i), along);
    wx = hn::MulAdd(t[k], hn::LoadU(d, batch + at.gx + i), wx);
    wy = hn::MulAdd(t[k], hn::LoadU(d, batch + at.gy + i), wy);
    wz = hn::MulAdd(t[k], hn::LoadU(d, batch + at.gz + i), wz);
  }
}

HWY_INLINE void batch_gradient(const AceShape& shape, const BatchLayout& at, const double* HWY_RESTRICT batch,
                               const double* HWY_RESTRICT G, double* HWY_RESTRICT gx, double* HWY_RESTRICT gy, double* HWY_RESTRICT gz) {
  const D d;
  V along = hn::Zero(d), wx = along, wy = along, wz = along;
  for (int l = 0; l <= shape.l_max; ++l) {
    const int width = 2 * l + 1, count = shape.radial_count[static_cast<std::size_t>(l)];
    const double* g = G + shape.offset(l);
    const auto lm = static_cast<std::size_t>(l * l);
    int m = 0;
    for (; m + 3 <= width; m += 3)
      gradient_block<3>(g + m, static_cast<std::size_t>(width), count, batch, at, lm + static_cast<std::size_t>(m), along, wx, wy, wz);
    for (; m < width; ++m)
      gradient_block<1>(g + m, static_cast<std::size_t>(width), count, batch, at, lm + static_cast<std::size_t>(m), along, wx, wy, wz);
  }
  const V ux = hn::LoadU(d, batch + at.ux), uy = hn::LoadU(d, batch + at.uy), uz = hn::LoadU(d, batch + at.uz);
  const V inv_r = hn::LoadU(d, batch + at.inv_r);
  const V parallel = hn::MulAdd(ux, wx, hn::MulAdd(uy, wy, hn::Mul(uz, wz)));
  const V radial_part = hn::NegMulAdd(parallel, inv_r, along);
  hn::StoreU(hn::MulAdd(wx, inv_r, hn::Mul(radial_part, ux)), d, gx);
  hn::StoreU(hn::MulAdd(wy, inv_r, hn::Mul(radial_part, uy)), d, gy);
  hn::StoreU(hn::MulAdd(wz, inv_r, hn::Mul(radial_part, uz)), d, gz);
}

/// Energy of Lanes centres and dE/dA, both with centres in lanes.
HWY_INLINE V polynomial(const AcePolynomial& p, const double* HWY_RESTRICT A, double* HWY_RESTRICT G) {
  const D d;
  const std::size_t N = hn::Lanes(d);
  V energy = hn::Zero(d);
  for (std::size_t k = 0; k < p.linear_index.size(); ++k) {
    const std::size_t v = p.linear_index[k] * N;
    const V c = hn::Set(d, p.linear_coefficient[k]);
    energy = hn::MulAdd(c, hn::LoadU(d, A + v), energy);
    hn::StoreU(hn::Add(c, hn::LoadU(d, G + v)), d, G + v);
  }
  const std::uint32_t* HWY_RESTRICT index = p.inner_index.data();
  const double* HWY_RESTRICT coefficient = p.inner_coefficient.data();
  for (const auto& outer : p.outer2) {
    const std::size_t a = outer.a * N;
    const V va = hn::LoadU(d, A + a);
    V sum = hn::Zero(d);
    for (std::uint32_t k = outer.begin; k < outer.end; ++k) {
      const std::size_t v = index[k] * N;
      const V c = hn::Set(d, coefficient[k]);
      sum = hn::MulAdd(c, hn::LoadU(d, A + v), sum);
      hn::StoreU(hn::MulAdd(c, va, hn::LoadU(d, G + v)), d, G + v);
    }
    energy = hn::MulAdd(va, sum, energy);
    hn::StoreU(hn::Add(sum, hn::LoadU(d, G + a)), d, G + a);
  }
  for (const auto& outer : p.outer3) {
    const std::size_t a = outer.a * N, b = outer.b * N;
    const V va = hn::LoadU(d, A + a), vb = hn::LoadU(d, A + b);
    const V product = hn::Mul(va, vb);
    V sum = hn::Zero(d);
    for (std::uint32_t k = outer.begin; k < outer.end; ++k) {
      const std::size_t v = index[k] * N;
      const V c = hn::Set(d, coefficient[k]);
      sum = hn::MulAdd(c, hn::LoadU(d, A + v), sum);
      hn::StoreU(hn::MulAdd(c, product, hn::LoadU(d, G + v)), d, G + v);
    }
    energy = hn::MulAdd(product, sum, energy);
    hn::StoreU(hn::MulAdd(vb, sum, hn::LoadU(d, G + a)), d, G + a);
    hn::StoreU(hn::MulAdd(va, sum, hn::LoadU(d, G + b)), d, G + b);
  }
  return energy;
}

void evaluate(const AceModel& model, int centre_species, std::span<AceNeighbors* const> centres, bool gradient,
              AceBuffers& buffers, std::span<double> energy) {
  const D d;
  const std::size_t N = hn::Lanes(d);
  const AceShape& shape = model.shape;
  const auto F = static_cast<std::size_t>(shape.features()), S = static_cast<std::size_t>(shape.species);
  const BatchLayout at(N, shape.radial_max(), shape.l_max);
  std::size_t batches = 0;
  for (const AceNeighbors* centre : centres) batches += centre->x.size() / N;
  // Layout: A, G [S·F·N], accumulators [F·N], gathered G [S·F], batches.
  const std::size_t needed = 2 * S * F * N + F * N + S * F + batches * at.size;
  if (buffers.storage.size() < needed) buffers.storage.resize(needed);
  double* A = buffers.storage.data();
  double* G = A + S * F * N;
  double* acc = G + S * F * N;
  double* own = acc + F * N;
  double* first_batch = own + S * F;

  std::fill(A, A + 2 * S * F * N, 0.0);
  double* batch = first_batch;
  for (std::size_t c = 0; c < centres.size(); ++c) {
    const AceNeighbors& centre = *centres[c];
    for (std::size_t s = 0; s < S; ++s) {
      if (centre.begin[s] == centre.begin[s + 1]) continue;
      const AceRadialPair& pair = model.radial[static_cast<std::size_t>(centre_species) * S + s];
      const RadialMap map = radial_map(pair);
      std::fill(acc, acc + F * N, 0.0);
      for (std::size_t e = centre.begin[s]; e < centre.begin[s + 1]; e += N, batch += at.size) {
        if (gradient) fill_batch<true>(model, pair, map, centre, e, at, batch);
        else fill_batch<false>(model, pair, map, centre, e, at, batch);
        accumulate(shape, at, batch, acc);
      }
      for (std::size_t f = 0; f < F; ++f) A[(s * F + f) * N + c] = hn::GetLane(hn::SumOfLanes(d, hn::LoadU(d, acc + f * N)));
    }
  }
  const V energies = polynomial(model.polynomial[static_cast<std::size_t>(centre_species)], A, G);
  HWY_ALIGN double energy_of[8];
  hn::Store(energies, d, energy_of);
  for (std::size_t c = 0; c < centres.size(); ++c) energy[c] = energy_of[c];
  if (!gradient) return;

  batch = first_batch;
  for (std::size_t c = 0; c < centres.size(); ++c) {
    AceNeighbors& centre = *centres[c];
    for (std::size_t k = 0; k < S * F; ++k) own[k] = G[k * N + c];
    for (std::size_t s = 0; s < S; ++s)
      for (std::size_t e = centre.begin[s]; e < centre.begin[s + 1]; e += N, batch += at.size)
        batch_gradient(shape, at, batch, own + s * F, centre.gradient_x.data() + e, centre.gradient_y.data() + e,
                       centre.gradient_z.data() + e);
  }
}

void densities(const AceModel& model, int centre_species, const AceNeighbors& centre, std::span<double> density,
               std::span<double> derivative) {
  const D d;
  const std::size_t N = hn::Lanes(d);
  const AceShape& shape = model.shape;
  const auto F = static_cast<std::size_t>(shape.features()), S = static_cast<std::size_t>(shape.species);
  const BatchLayout at(N, shape.radial_max(), shape.l_max);
  const std::size_t neighbors = centre.x.size();
  std::vector<double> batch(at.size), acc(F * N);
  std::fill(density.begin(), density.end(), 0.0);
  for (std::size_t s = 0; s < S; ++s) {
    const AceRadialPair& pair = model.radial[static_cast<std::size_t>(centre_species) * S + s];
    const RadialMap map = radial_map(pair);
    std::fill(acc.begin(), acc.end(), 0.0);
    for (std::size_t e = centre.begin[s]; e < centre.begin[s + 1]; e += N) {
      fill_batch<true>(model, pair, map, centre, e, at, batch.data());
      accumulate(shape, at, batch.data(), acc.data());
      if (derivative.empty()) continue;
      const double* b = batch.data();
      const V ux = hn::LoadU(d, b + at.ux), uy = hn::LoadU(d, b + at.uy), uz = hn::LoadU(d, b + at.uz), inv_r = hn::LoadU(d, b + at.inv_r);
      for (int l = 0; l <= shape.l_max; ++l)
        for (int m = 0; m <= 2 * l; ++m) {
          const std::size_t i = static_cast<std::size_t>(l * l + m) * N;
          const V y = hn::LoadU(d, b + at.y + i), gx = hn::LoadU(d, b + at.gx + i), gy = hn::LoadU(d, b + at.gy + i), gz = hn::LoadU(d, b + at.gz + i);
          const V parallel = hn::MulAdd(ux, gx, hn::MulAdd(uy, gy, hn::Mul(uz, gz)));
          const V tx = hn::Mul(hn::NegMulAdd(parallel, ux, gx), inv_r), ty = hn::Mul(hn::NegMulAdd(parallel, uy, gy), inv_r),
                  tz = hn::Mul(hn::NegMulAdd(parallel, uz, gz), inv_r);
          for (int n = 0; n < shape.radial_count[static_cast<std::size_t>(l)]; ++n) {
            const V r = hn::LoadU(d, b + at.value + static_cast<std::size_t>(n) * N);
            const V dr_y = hn::Mul(hn::LoadU(d, b + at.derivative + static_cast<std::size_t>(n) * N), y);
            const auto f = static_cast<std::size_t>(shape.offset(l) + n * (2 * l + 1) + m);
            double* out = derivative.data() + f * 3 * neighbors + e;
            hn::StoreU(hn::MulAdd(r, tx, hn::Mul(dr_y, ux)), d, out);
            hn::StoreU(hn::MulAdd(r, ty, hn::Mul(dr_y, uy)), d, out + neighbors);
            hn::StoreU(hn::MulAdd(r, tz, hn::Mul(dr_y, uz)), d, out + 2 * neighbors);
          }
        }
    }
    for (std::size_t f = 0; f < F; ++f) density[s * F + f] = hn::GetLane(hn::SumOfLanes(d, hn::LoadU(d, acc.data() + f * N)));
  }
}

void radial_one(const AceRadialPair& pair, double r, int count, double* value, double* derivative) {
  const D d;
  const std::size_t N = hn::Lanes(d);
  std::vector<double> v(static_cast<std::size_t>(count) * N), dv(static_cast<std::size_t>(count) * N);
  radial(pair, radial_map(pair), hn::Set(d, r), count, v.data(), dv.data());
  for (int n = 0; n < count; ++n) {
    value[n] = v[static_cast<std::size_t>(n) * N];
    derivative[n] = dv[static_cast<std::size_t>(n) * N];
  }
}

void harmonics_one(int l_max, double x, double y, double z, double* value) {
  const D d;
  const std::size_t N = hn::Lanes(d);
  const auto count = static_cast<std::size_t>((l_max + 1) * (l_max + 1));
  std::vector<double> Y(count * N);
  harmonics<false>(l_max, hn::Set(d, x), hn::Set(d, y), hn::Set(d, z), Y.data(), nullptr, nullptr, nullptr);
  for (std::size_t k = 0; k < count; ++k) value[k] = Y[k * N];
}

const char* target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(lanes);
HWY_EXPORT(evaluate);
HWY_EXPORT(densities);
HWY_EXPORT(radial_one);
HWY_EXPORT(harmonics_one);
HWY_EXPORT(target_name);

int AceShape::offset(int l) const {
  int sum = 0;
  for (int k = 0; k < l; ++k) sum += radial_count[static_cast<std::size_t>(k)] * (2 * k + 1);
  return sum;
}

int AceShape::radial_max() const { return *std::max_element(radial_count.begin(), radial_count.end()); }

std::size_t ace_lanes() { return HWY_DYNAMIC_DISPATCH(lanes)(); }
const char* instruction_set() { return HWY_DYNAMIC_DISPATCH(target_name)(); }

void ace_evaluate(const AceModel& model, int centre_species, std::span<AceNeighbors* const> centres, bool gradient,
                  AceBuffers& buffers, std::span<double> energy) {
  HWY_DYNAMIC_DISPATCH(evaluate)(model, centre_species, centres, gradient, buffers, energy);
}

void ace_densities(const AceModel& model, int centre_species, const AceNeighbors& centre, std::span<double> density,
                   std::span<double> derivative) {
  HWY_DYNAMIC_DISPATCH(densities)(model, centre_species, centre, density, derivative);
}

void ace_radial(const AceRadialPair& pair, double r, int count, double* value, double* derivative) {
  HWY_DYNAMIC_DISPATCH(radial_one)(pair, r, count, value, derivative);
}

void real_spherical_harmonics(int l_max, double x, double y, double z, std::span<double> value) {
  if (l_max < 0 || l_max > ace_max_l) throw Error(ErrorKind::usage, "spherical harmonics are tabulated up to l = 8");
  HWY_DYNAMIC_DISPATCH(harmonics_one)(l_max, x, y, z, value.data());
}

}  // namespace saltus::kernels
#endif
