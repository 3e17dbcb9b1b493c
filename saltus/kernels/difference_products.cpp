#include "saltus/kernels/difference_products.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/difference_products.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// What is loaded of r[k] serves L lags. A vector at any multiple of eight bytes mostly straddles two cache lines and costs two loads, so
// that with one lag at a time the loads and not the products set the pace. Whole vectors from first on; returns where they end.
template <std::size_t L>
std::size_t add_whole(const Coordinates& r, std::size_t first, std::size_t end, const std::size_t* HWY_RESTRICT lag,
                      DifferenceProducts* HWY_RESTRICT sums) {
  const hn::ScalableTag<double> d;
  using V = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  V sum[L][6];
  for (std::size_t l = 0; l < L; ++l)
    for (std::size_t c = 0; c < 6; ++c) sum[l][c] = hn::Zero(d);
  std::size_t k = first;
  for (; k + lanes <= end; k += lanes) {
    const V now_x = hn::LoadU(d, r.x.data() + k), now_y = hn::LoadU(d, r.y.data() + k), now_z = hn::LoadU(d, r.z.data() + k);
    for (std::size_t l = 0; l < L; ++l) {
      const V dx = hn::Sub(now_x, hn::LoadU(d, r.x.data() + (k - lag[l])));
      const V dy = hn::Sub(now_y, hn::LoadU(d, r.y.data() + (k - lag[l])));
      const V dz = hn::Sub(now_z, hn::LoadU(d, r.z.data() + (k - lag[l])));
      sum[l][0] = hn::MulAdd(dx, dx, sum[l][0]);
      sum[l][1] = hn::MulAdd(dy, dy, sum[l][1]);
      sum[l][2] = hn::MulAdd(dz, dz, sum[l][2]);
      sum[l][3] = hn::MulAdd(dx, dy, sum[l][3]);
      sum[l][4] = hn::MulAdd(dx, dz, sum[l][4]);
      sum[l][5] = hn::MulAdd(dy, dz, sum[l][5]);
    }
  }
  for (std::size_t l = 0; l < L; ++l)
    for (std::size_t c = 0; c < 6; ++c) sums[l][c] += hn::GetLane(hn::SumOfLanes(d, sum[l][c]));
  return k;
}

void add_rest(const Coordinates& r, std::size_t first, std::size_t end, std::size_t lag, DifferenceProducts& sums) {
  for (std::size_t k = first; k < end; ++k) {
    const double x = r.x[k] - r.x[k - lag], y = r.y[k] - r.y[k - lag], z = r.z[k] - r.z[k - lag];
    sums[0] += x * x;
    sums[1] += y * y;
    sums[2] += z * z;
    sums[3] += x * y;
    sums[4] += x * z;
    sums[5] += y * z;
  }
}

void add_differences(const Coordinates& r, std::size_t first, std::size_t count, std::span<const std::size_t> lag,
                     std::span<DifferenceProducts> sums) {
  const std::size_t end = first + count;
  // The sums of four lags need 24 registers; AVX-512 has 32, AVX2 and older 16.
  constexpr bool many_registers = HWY_TARGET <= HWY_AVX3 || !HWY_ARCH_X86;
  std::size_t l = 0;
  while (l < lag.size()) {
    const std::size_t left = lag.size() - l, together = left >= 4 && many_registers ? 4 : left >= 2 ? 2 : 1;
    const auto whole = together == 4 ? add_whole<4> : together == 2 ? add_whole<2> : add_whole<1>;
    const std::size_t k = whole(r, first, end, lag.data() + l, sums.data() + l);
    for (const std::size_t stop = l + together; l < stop; ++l) add_rest(r, k, end, lag[l], sums[l]);
  }
}

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(add_differences);

void add_difference_products(const Coordinates& r, std::size_t first, std::size_t count, std::span<const std::size_t> lag,
                             std::span<DifferenceProducts> sums) {
  HWY_DYNAMIC_DISPATCH(add_differences)(r, first, count, lag, sums);
}

}  // namespace saltus::kernels
#endif
