#include "saltus/kernels/molecule_pairs.hpp"

#include <cmath>
#include <numbers>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/molecule_pairs.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<double, molecule_lanes>;
using V = hn::Vec<D>;

struct Radial {
  V energy, slope_over_r;  ///< dE/dr / r
};

// p of the header, by powers of 1/(1 + 0.4x); fitted to the function itself with equal relative errors.
constexpr double erfc_coefficient[] = {-2.029662653113551e-06, 0.2257164936475261,  0.22535411338372388, 0.20866033062024866, 0.17311910454940738,
                                       0.09206035971729602,    0.20358020139850205, -0.3495543157530506, 0.6280144850863522,  -0.7541581754875019,
                                       0.48727045320369194,    -0.1624984123450646, 0.022437391658791266};

/// erfc(αr)/r without its factor.
template <bool periodic>
HWY_INLINE Radial coulomb(D d, V r2, double alpha) {
  const V one = hn::Set(d, 1.0), r = hn::Sqrt(r2);
  if constexpr (!periodic) {
    const V inverse = hn::Div(one, r);
    return {inverse, hn::Neg(hn::Mul(inverse, hn::Mul(inverse, inverse)))};
  } else {
    const V x = hn::Mul(hn::Set(d, alpha), r), s = hn::MulAdd(hn::Set(d, 0.4), x, one);
    const V both = hn::Div(one, hn::Mul(r, s)), inverse = hn::Mul(both, s), t = hn::Mul(both, r);
    const V gauss = hn::Exp(d, hn::Neg(hn::Min(hn::Mul(x, x), hn::Set(d, 700.0))));
    V p = hn::Set(d, erfc_coefficient[12]);
    for (int k = 11; k >= 0; --k) p = hn::MulAdd(p, t, hn::Set(d, erfc_coefficient[k]));
    const V energy = hn::Mul(hn::Mul(gauss, p), inverse);
    const V slope = hn::MulAdd(hn::Set(d, 2 * alpha * std::numbers::inv_sqrtpi), gauss, energy);
    return {energy, hn::Neg(hn::Mul(slope, hn::Mul(inverse, inverse)))};
  }
}

template <bool periodic>
HWY_INLINE double pairs(const MoleculePairLaw& law, const double* HWY_RESTRICT own, std::size_t count, std::size_t stride, const double* HWY_RESTRICT others,
                        double* HWY_RESTRICT own_force, double* HWY_RESTRICT force, double* virial) {
  const D d;
  const V zero = hn::Zero(d), one = hn::Set(d, 1.0);
  V total = zero, on_own[molecule_rows], strain[6];
  for (V& v : on_own) v = zero;
  for (V& v : strain) v = zero;
  const double sigma2 = law.sigma * law.sigma;
  for (std::size_t k = 0; k < count; k += hn::Lanes(d)) {
    const auto present = hn::FirstN(d, count - k);
    const V X = hn::LoadU(d, others + k), Y = hn::LoadU(d, others + stride + k), Z = hn::LoadU(d, others + 2 * stride + k);
    // Lanes without a molecule are computed one unit away from everything, and given no weight.
    const V R2 = hn::IfThenElse(present, hn::MulAdd(X, X, hn::MulAdd(Y, Y, hn::Mul(Z, Z))), one), inverse2 = hn::Div(one, R2);
    V weight = hn::IfThenElseZero(present, one), weight_slope = zero;  // S, dS/dR / R
    if constexpr (periodic) {
      const V R = hn::Sqrt(R2), x = hn::Min(hn::Max(hn::Mul(hn::Sub(R, hn::Set(d, law.onset)), hn::Set(d, 1 / (law.cutoff - law.onset))), zero), one);
      const V rest = hn::Sub(one, x), x2 = hn::Mul(x, x);
      const V on = hn::NegMulAdd(hn::Mul(x2, x), hn::NegMulAdd(x, hn::NegMulAdd(hn::Set(d, 6.0), x, hn::Set(d, 15.0)), hn::Set(d, 10.0)), one);
      weight = hn::IfThenElseZero(present, on);
      weight_slope = hn::IfThenElseZero(present, hn::Div(hn::Mul(hn::Set(d, -30 / (law.cutoff - law.onset)), hn::Mul(x2, hn::Mul(rest, rest))), R));
    }
    const V s2 = hn::Mul(hn::Set(d, sigma2), inverse2), s6 = hn::Mul(s2, hn::Mul(s2, s2));
    V energy = hn::Mul(hn::Set(d, 4 * law.epsilon), hn::Mul(s6, hn::Sub(s6, one)));
    const V slope = hn::Mul(hn::Set(d, -24 * law.epsilon), hn::Mul(inverse2, hn::Mul(s6, hn::Sub(hn::Add(s6, s6), one))));
    V on_other[3][3];
    for (auto& site : on_other)
      for (V& v : site) v = zero;
    for (std::size_t b = 0; b < 3; ++b) {
      const double* position = others + (3 + 3 * b) * stride + k;
      const V x = hn::LoadU(d, position), y = hn::LoadU(d, position + stride), z = hn::LoadU(d, position + 2 * stride);
      for (std::size_t a = 0; a < 3; ++a) {
        const double* mine = own + 3 + 3 * a;
        const V dx = hn::Sub(x, hn::Set(d, mine[0])), dy = hn::Sub(y, hn::Set(d, mine[1])), dz = hn::Sub(z, hn::Set(d, mine[2]));
        const V r2 = hn::IfThenElse(present, hn::MulAdd(dx, dx, hn::MulAdd(dy, dy, hn::Mul(dz, dz))), one);
        const Radial radial = coulomb<periodic>(d, r2, law.alpha);
        const V product = hn::Set(d, law.coulomb * law.charge[a] * law.charge[b]);
        energy = hn::MulAdd(product, radial.energy, energy);
        const V pull = hn::Neg(hn::Mul(hn::Mul(product, weight), radial.slope_over_r));
        const V fx = hn::Mul(pull, dx), fy = hn::Mul(pull, dy), fz = hn::Mul(pull, dz);
        on_other[b][0] = hn::Add(on_other[b][0], fx);
        on_other[b][1] = hn::Add(on_other[b][1], fy);
        on_other[b][2] = hn::Add(on_other[b][2], fz);
        V* const on_mine = on_own + 3 + 3 * a;
        on_mine[0] = hn::Sub(on_mine[0], fx);
        on_mine[1] = hn::Sub(on_mine[1], fy);
        on_mine[2] = hn::Sub(on_mine[2], fz);
        if (virial) {
          strain[0] = hn::MulAdd(dx, fx, strain[0]);
          strain[1] = hn::MulAdd(dy, fy, strain[1]);
          strain[2] = hn::MulAdd(dz, fz, strain[2]);
          strain[3] = hn::MulAdd(dx, fy, strain[3]);
          strain[4] = hn::MulAdd(dx, fz, strain[4]);
          strain[5] = hn::MulAdd(dy, fz, strain[5]);
        }
      }
    }
    total = hn::MulAdd(weight, energy, total);
    const V pull = hn::Neg(hn::MulAdd(weight, slope, hn::Mul(weight_slope, energy)));
    const V fx = hn::Mul(pull, X), fy = hn::Mul(pull, Y), fz = hn::Mul(pull, Z);
    on_own[0] = hn::Sub(on_own[0], fx);
    on_own[1] = hn::Sub(on_own[1], fy);
    on_own[2] = hn::Sub(on_own[2], fz);
    hn::StoreU(fx, d, force + k);
    hn::StoreU(fy, d, force + stride + k);
    hn::StoreU(fz, d, force + 2 * stride + k);
    for (std::size_t b = 0; b < 3; ++b)
      for (std::size_t c = 0; c < 3; ++c) hn::StoreU(on_other[b][c], d, force + (3 + 3 * b + c) * stride + k);
    if (virial) {
      strain[0] = hn::MulAdd(X, fx, strain[0]);
      strain[1] = hn::MulAdd(Y, fy, strain[1]);
      strain[2] = hn::MulAdd(Z, fz, strain[2]);
      strain[3] = hn::MulAdd(X, fy, strain[3]);
      strain[4] = hn::MulAdd(X, fz, strain[4]);
      strain[5] = hn::MulAdd(Y, fz, strain[5]);
    }
  }
  for (std::size_t c = 0; c < molecule_rows; ++c) own_force[c] = hn::GetLane(hn::SumOfLanes(d, on_own[c]));
  if (virial)
    for (std::size_t c = 0; c < 6; ++c) virial[c] = hn::GetLane(hn::SumOfLanes(d, strain[c]));
  return hn::GetLane(hn::SumOfLanes(d, total));
}

double pairs_periodic(const MoleculePairLaw& law, const double* own, std::size_t count, std::size_t stride, const double* others, double* own_force,
                      double* force, double* virial) {
  return pairs<true>(law, own, count, stride, others, own_force, force, virial);
}
double pairs_isolated(const MoleculePairLaw& law, const double* own, std::size_t count, std::size_t stride, const double* others, double* own_force,
                      double* force, double* virial) {
  return pairs<false>(law, own, count, stride, others, own_force, force, virial);
}

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(pairs_periodic);
HWY_EXPORT(pairs_isolated);

double molecule_pairs(const MoleculePairLaw& law, const double* own, std::size_t count, std::size_t stride, const double* others, double* own_force,
                      double* force, double* virial) {
  return law.periodic ? HWY_DYNAMIC_DISPATCH(pairs_periodic)(law, own, count, stride, others, own_force, force, virial)
                      : HWY_DYNAMIC_DISPATCH(pairs_isolated)(law, own, count, stride, others, own_force, force, virial);
}

}  // namespace saltus::kernels
#endif
