#include "saltus/kernels/ewald_waves.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "saltus/kernels/matrix_product.hpp"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/ewald_waves.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<double, 8>;  // charges are padded to eight

/// Row n: cos(n φ), row orders + n: sin(n φ), n < orders, of `padded` phases.
void fill_powers(std::size_t orders, std::size_t padded, const double* HWY_RESTRICT phase, double* HWY_RESTRICT table) {
  const D d;
  for (std::size_t i = 0; i < padded; i += hn::Lanes(d)) {
    const auto angle = hn::LoadU(d, phase + i);
    const auto c = hn::Cos(d, angle), s = hn::Sin(d, angle);
    auto cn = hn::Set(d, 1.0), sn = hn::Zero(d);
    for (std::size_t n = 0; n < orders; ++n) {
      hn::StoreU(cn, d, table + n * padded + i);
      hn::StoreU(sn, d, table + (orders + n) * padded + i);
      const auto next = hn::NegMulAdd(s, sn, hn::Mul(c, cn));
      sn = hn::MulAdd(s, cn, hn::Mul(c, sn));
      cn = next;
    }
  }
}

/// cosine, sine of n1 φ1 + n2 φ2, times the charge, of one plane.
void fill_plane(const Int3& n, const std::size_t* orders, std::size_t padded, const double* HWY_RESTRICT first, const double* HWY_RESTRICT second,
                const double* HWY_RESTRICT charge, double* HWY_RESTRICT cosine, double* HWY_RESTRICT sine) {
  const D d;
  const double *c1 = first + static_cast<std::size_t>(n[0]) * padded, *s1 = c1 + orders[0] * padded;
  const double *c2 = second + static_cast<std::size_t>(std::abs(n[1])) * padded, *s2 = c2 + orders[1] * padded;
  const auto sign = hn::Set(d, n[1] < 0 ? -1.0 : 1.0);
  for (std::size_t i = 0; i < padded; i += hn::Lanes(d)) {
    const auto q = hn::LoadU(d, charge + i);
    const auto a = hn::Mul(q, hn::LoadU(d, c1 + i)), b = hn::Mul(q, hn::LoadU(d, s1 + i));
    const auto c = hn::LoadU(d, c2 + i), s = hn::Mul(sign, hn::LoadU(d, s2 + i));
    hn::StoreU(hn::NegMulAdd(b, s, hn::Mul(a, c)), d, cosine + i);
    hn::StoreU(hn::MulAdd(b, c, hn::Mul(a, s)), d, sine + i);
  }
}

/// slopes += factors · (c · of_sine − s · of_cosine): the derivatives along phases that enter `factor` times.
void add_turned(double factor_1, double factor_2, std::size_t padded, const double* HWY_RESTRICT c, const double* HWY_RESTRICT s, const double* HWY_RESTRICT of_cosine,
                const double* HWY_RESTRICT of_sine, double* HWY_RESTRICT slope_1, double* HWY_RESTRICT slope_2) {
  const D d;
  const auto f1 = hn::Set(d, factor_1), f2 = hn::Set(d, factor_2);
  for (std::size_t i = 0; i < padded; i += hn::Lanes(d)) {
    const auto turned = hn::NegMulAdd(hn::LoadU(d, s + i), hn::LoadU(d, of_cosine + i), hn::Mul(hn::LoadU(d, c + i), hn::LoadU(d, of_sine + i)));
    hn::StoreU(hn::MulAdd(f1, turned, hn::LoadU(d, slope_1 + i)), d, slope_1 + i);
    hn::StoreU(hn::MulAdd(f2, turned, hn::LoadU(d, slope_2 + i)), d, slope_2 + i);
  }
}

/// Sums over charges of one plane become derivatives of the energy with respect to them; returns the energy.
double weigh(std::size_t width, const double* HWY_RESTRICT up, const double* HWY_RESTRICT down, double* HWY_RESTRICT cosine, double* HWY_RESTRICT sine) {
  const D d;
  const auto half = hn::Set(d, 0.5);
  auto energy = hn::Zero(d);
  for (std::size_t n = 0; n < width; n += hn::Lanes(d)) {
    const auto cc = hn::LoadU(d, cosine + n), cs = hn::LoadU(d, cosine + width + n), sc = hn::LoadU(d, sine + n), ss = hn::LoadU(d, sine + width + n);
    const auto u = hn::LoadU(d, up + n), w = hn::LoadU(d, down + n);
    const auto up_re = hn::Sub(cc, ss), up_im = hn::Add(sc, cs), down_re = hn::Add(cc, ss), down_im = hn::Sub(sc, cs);
    const auto a = hn::Mul(u, up_re), b = hn::Mul(u, up_im), e = hn::Mul(w, down_re), f = hn::Mul(w, down_im);
    energy = hn::MulAdd(half, hn::Add(hn::MulAdd(a, up_re, hn::Mul(b, up_im)), hn::MulAdd(e, down_re, hn::Mul(f, down_im))), energy);
    hn::StoreU(hn::Add(a, e), d, cosine + n);
    hn::StoreU(hn::Sub(b, f), d, cosine + width + n);
    hn::StoreU(hn::Add(b, f), d, sine + n);
    hn::StoreU(hn::Sub(e, a), d, sine + width + n);
  }
  return hn::GetLane(hn::SumOfLanes(d, energy));
}

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(fill_powers);
HWY_EXPORT(fill_plane);
HWY_EXPORT(add_turned);
HWY_EXPORT(weigh);

namespace {

constexpr std::size_t lanes = 8, planes_at_once = 48;  // so many keep the second-level cache of a core

std::size_t padded_to_lanes(std::size_t n) { return (n + lanes - 1) / lanes * lanes; }

/// −dE/d(strain): Σ_k E_k (1 − 2 k⊗k d ln w/d(k²)), from the sums over charges of `count` planes.
void add_virial(const EwaldWaves& waves, std::size_t first, std::size_t count, const double* sums, Mat3& virial) {
  const std::size_t width = waves.width;
  const Mat3& b = waves.reciprocal_per_ang;
  for (std::size_t p = 0; p < count; ++p) {
    const double *cosine = sums + p * 2 * width, *sine = sums + (count + p) * 2 * width;
    const Int3& plane = waves.plane[first + p];
    const Vec3 in_plane = static_cast<double>(plane[0]) * b[0] + static_cast<double>(plane[1]) * b[1];
    for (std::size_t n = 0; n < width; ++n)
      for (const int sign : {1, -1}) {
        const std::size_t wave = (first + p) * width + n;
        const double weight = (sign > 0 ? waves.up : waves.down)[wave], slope = (sign > 0 ? waves.up_slope : waves.down_slope)[wave];
        if (weight == 0) continue;
        const double re = cosine[n] - sign * sine[width + n], im = sine[n] + sign * cosine[width + n], square = 0.5 * (re * re + im * im);
        const Vec3 k = in_plane + static_cast<double>(sign * static_cast<int>(n)) * b[2];
        virial += outer((2 * slope * square) * k, k);
        for (int axis = 0; axis < 3; ++axis) virial[axis][axis] += weight * square;
      }
  }
}

/// b = aᵀ of a [rows·columns].
void transpose_into(std::size_t rows, std::size_t columns, const double* a, double* b) {
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t k = 0; k < columns; ++k) b[k * rows + i] = a[i * columns + k];
}

}  // namespace

EwaldWaves ewald_waves(const Mat3& rows_ang, double coulomb, double alpha_per_ang, double k_max_per_ang) {
  constexpr double pi = std::numbers::pi;
  EwaldWaves waves;
  waves.reciprocal_per_ang = transpose(inverse(rows_ang));
  for (int a = 0; a < 3; ++a) waves.reciprocal_per_ang[a] *= 2 * pi;
  waves.damping = 0.25 / (alpha_per_ang * alpha_per_ang);
  int most[3];
  for (int a = 0; a < 3; ++a) most[a] = static_cast<int>(k_max_per_ang * norm(rows_ang[a]) / (2 * pi));
  waves.reach[0] = most[0];
  waves.reach[1] = most[1];
  waves.width = padded_to_lanes(static_cast<std::size_t>(most[2]) + 1);
  const Mat3& b = waves.reciprocal_per_ang;
  const double largest2 = k_max_per_ang * k_max_per_ang, last = std::exp(-waves.damping * largest2);
  const double scale = 8 * pi * coulomb / std::abs(determinant(rows_ang));  // −k included
  std::vector<double> up(waves.width), down(waves.width), up_slope(waves.width), down_slope(waves.width);
  for (int n1 = 0; n1 <= most[0]; ++n1)
    for (int n2 = n1 == 0 ? 0 : -most[1]; n2 <= most[1]; ++n2) {
      const Vec3 in_plane = static_cast<double>(n1) * b[0] + static_cast<double>(n2) * b[1];
      bool any = false;
      const auto set = [&](int n3, double& weight, double& slope) {
        const double k2 = norm2(in_plane + static_cast<double>(n3) * b[2]);
        weight = slope = 0;
        if (k2 >= largest2) return;
        const double e = std::exp(-waves.damping * k2), part = k2 / largest2, rest = last * part * part * part;
        weight = scale * (e - rest * part) / k2;
        slope = -scale * (waves.damping * e + 4 * rest / largest2) / k2 - weight / k2;
        any = true;
      };
      const bool axis = n1 == 0 && n2 == 0;
      for (int n3 = 0; n3 < static_cast<int>(waves.width); ++n3) {
        const auto n = static_cast<std::size_t>(n3);
        up[n] = down[n] = up_slope[n] = down_slope[n] = 0;
        if (!axis || n3 > 0) set(n3, up[n], up_slope[n]);
        if (!axis && n3 > 0) set(-n3, down[n], down_slope[n]);
      }
      if (!any) continue;
      waves.plane.push_back({n1, n2, 0});
      waves.up.insert(waves.up.end(), up.begin(), up.end());
      waves.down.insert(waves.down.end(), down.begin(), down.end());
      waves.up_slope.insert(waves.up_slope.end(), up_slope.begin(), up_slope.end());
      waves.down_slope.insert(waves.down_slope.end(), down_slope.begin(), down_slope.end());
    }
  return waves;
}

double add_ewald_waves(const EwaldWaves& waves, std::span<const Vec3> fraction, std::span<const double> charge, EwaldScratch& scratch,
                       std::span<Vec3> force, Mat3* virial) {
  const std::size_t n = fraction.size(), padded = padded_to_lanes(n), planes = waves.plane.size(), width = waves.width;
  auto& phase = scratch.phase;  // φ1, φ2, φ3, charges
  phase.assign(4 * padded, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (int a = 0; a < 3; ++a) phase[static_cast<std::size_t>(a) * padded + i] = 2 * std::numbers::pi * (fraction[i][a] - std::round(fraction[i][a]));
    phase[3 * padded + i] = charge[i];
  }
  // Powers of the phases along each vector.
  const std::size_t orders[2] = {static_cast<std::size_t>(waves.reach[0]) + 1, static_cast<std::size_t>(waves.reach[1]) + 1};
  scratch.powers.resize(2 * (orders[0] + orders[1] + 2 * width) * padded);
  double* const first = scratch.powers.data();
  double* const second = first + 2 * orders[0] * padded;
  double* const third = second + 2 * orders[1] * padded;  // [width: cosine, sine][padded]
  double* const by_charge = third + 2 * width * padded;   // its transpose
  HWY_DYNAMIC_DISPATCH(fill_powers)(orders[0], padded, phase.data(), first);
  HWY_DYNAMIC_DISPATCH(fill_powers)(orders[1], padded, phase.data() + padded, second);
  HWY_DYNAMIC_DISPATCH(fill_powers)(width, padded, phase.data() + 2 * padded, third);
  transpose_into(2 * width, padded, third, by_charge);

  const std::size_t most = std::min(planes, planes_at_once);
  scratch.products.resize(2 * most * padded);
  scratch.of_products.resize(2 * most * padded);
  scratch.sums.resize(2 * most * 2 * width);
  scratch.transposed.resize(2 * most * 2 * width);
  scratch.of_powers.assign(2 * width * padded, 0.0);
  scratch.slope.assign(4 * padded, 0.0);
  double *const products = scratch.products.data(), *const of_products = scratch.of_products.data(), *const sums = scratch.sums.data(), *const slope = scratch.slope.data();
  double energy = 0;
  for (std::size_t begin = 0; begin < planes; begin += most) {
    const std::size_t m = std::min(most, planes - begin);
    const Int3* const plane = waves.plane.data() + begin;
    for (std::size_t p = 0; p < m; ++p)  // cosines of all planes, then sines
      HWY_DYNAMIC_DISPATCH(fill_plane)(plane[p], orders, padded, first, second, phase.data() + 3 * padded, products + p * padded, products + (m + p) * padded);
    multiply(2 * m, padded, 2 * width, 1.0, products, padded, by_charge, 2 * width, false, sums, 2 * width);
    if (virial) add_virial(waves, begin, m, sums, *virial);
    for (std::size_t p = 0; p < m; ++p)
      energy += HWY_DYNAMIC_DISPATCH(weigh)(width, waves.up.data() + (begin + p) * width, waves.down.data() + (begin + p) * width, sums + p * 2 * width,
                                            sums + (m + p) * 2 * width);
    if (force.empty()) continue;
    // Derivatives with respect to the products, and to the powers along the third vector.
    transpose_into(2 * m, 2 * width, sums, scratch.transposed.data());
    multiply(2 * m, 2 * width, padded, 1.0, sums, 2 * width, third, padded, false, of_products, padded);
    multiply(2 * width, 2 * m, padded, 1.0, scratch.transposed.data(), 2 * m, products, padded, true, scratch.of_powers.data(), padded);
    for (std::size_t p = 0; p < m; ++p)
      HWY_DYNAMIC_DISPATCH(add_turned)(plane[p][0], plane[p][1], padded, products + p * padded, products + (m + p) * padded, of_products + p * padded,
                                       of_products + (m + p) * padded, slope, slope + padded);
  }
  if (force.empty()) return energy;
  const double* const of_powers = scratch.of_powers.data();
  for (std::size_t k = 1; k < width; ++k)
    HWY_DYNAMIC_DISPATCH(add_turned)(static_cast<double>(k), 0, padded, third + k * padded, third + (width + k) * padded, of_powers + k * padded,
                                     of_powers + (width + k) * padded, slope + 2 * padded, slope + 3 * padded);
  const Mat3& b = waves.reciprocal_per_ang;
  for (std::size_t i = 0; i < n; ++i) force[i] -= slope[i] * b[0] + slope[padded + i] * b[1] + slope[2 * padded + i] * b[2];
  return energy;
}

}  // namespace saltus::kernels
#endif
