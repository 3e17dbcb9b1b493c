#include "saltus/kernels/difference_products.hpp"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/difference_products.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void add_differences(const Coordinates& then, const Coordinates& now, std::array<double, 6>& sums) {
  const hn::ScalableTag<double> d;
  const std::size_t lanes = hn::Lanes(d), n = then.x.size();
  auto xx = hn::Zero(d), yy = hn::Zero(d), zz = hn::Zero(d), xy = hn::Zero(d), xz = hn::Zero(d), yz = hn::Zero(d);
  std::size_t k = 0;
  for (; k + lanes <= n; k += lanes) {
    const auto x = hn::Sub(hn::LoadU(d, now.x.data() + k), hn::LoadU(d, then.x.data() + k));
    const auto y = hn::Sub(hn::LoadU(d, now.y.data() + k), hn::LoadU(d, then.y.data() + k));
    const auto z = hn::Sub(hn::LoadU(d, now.z.data() + k), hn::LoadU(d, then.z.data() + k));
    xx = hn::MulAdd(x, x, xx);
    yy = hn::MulAdd(y, y, yy);
    zz = hn::MulAdd(z, z, zz);
    xy = hn::MulAdd(x, y, xy);
    xz = hn::MulAdd(x, z, xz);
    yz = hn::MulAdd(y, z, yz);
  }
  std::array<double, 6> rest{};
  for (; k < n; ++k) {
    const double x = now.x[k] - then.x[k], y = now.y[k] - then.y[k], z = now.z[k] - then.z[k];
    rest[0] += x * x;
    rest[1] += y * y;
    rest[2] += z * z;
    rest[3] += x * y;
    rest[4] += x * z;
    rest[5] += y * z;
  }
  const auto add = [&](std::size_t c, auto v) { sums[c] += hn::GetLane(hn::SumOfLanes(d, v)) + rest[c]; };
  add(0, xx);
  add(1, yy);
  add(2, zz);
  add(3, xy);
  add(4, xz);
  add(5, yz);
}

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(add_differences);

void add_difference_products(const Coordinates& then, const Coordinates& now, std::array<double, 6>& sums) {
  HWY_DYNAMIC_DISPATCH(add_differences)(then, now, sums);
}

}  // namespace saltus::kernels
#endif
