#include "saltus/kernels/normals.hpp"

#include <algorithm>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/normals.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// 52 random bits as a number in (0, 1).
template <class D, class V>
HWY_INLINE hn::Vec<D> open_unit(D d, V bits) {
  const hn::RebindToUnsigned<D> du;
  const auto one_to_two = hn::BitCast(d, hn::Or(hn::ShiftRight<12>(bits), hn::Set(du, std::uint64_t{0x3FF0000000000000})));
  return hn::Add(hn::Sub(one_to_two, hn::Set(d, 1.0)), hn::Set(d, 0x1p-53));
}

// 64-bit products of the low halves of 64-bit lanes.
template <class DU>
HWY_INLINE hn::Vec<DU> wide_product(DU du, hn::Vec<DU> a, hn::Vec<DU> b) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(du, (hn::GetLane(a) & 0xFFFFFFFF) * (hn::GetLane(b) & 0xFFFFFFFF));
#else
  (void)du;
  const hn::Repartition<std::uint32_t, DU> words;
  return hn::MulEven(hn::BitCast(words, a), hn::BitCast(words, b));
#endif
}

// The words of a block stand in the low halves of 64-bit lanes, one counter a lane.
void fill_groups(std::uint64_t seed, std::uint64_t stream, std::uint64_t counter, std::size_t groups, double* HWY_RESTRICT out) {
  const hn::CappedTag<double, 8> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const std::size_t lanes = hn::Lanes(d);
  const auto low = hn::Set(du, std::uint64_t{0xFFFFFFFF});
  const auto m0 = hn::Set(du, std::uint64_t{0xD2511F53}), m1 = hn::Set(du, std::uint64_t{0xCD9E8D57});
  const auto stream_low = hn::Set(du, stream & 0xFFFFFFFF), stream_high = hn::Set(du, stream >> 32);
  for (std::size_t group = 0; group < groups; ++group, out += normals_per_group, counter += counters_per_group) {
    for (std::size_t k = 0; k < counters_per_group; k += lanes) {
      const auto counters = hn::Add(hn::Set(du, counter + k), hn::Iota(du, 0));
      auto x0 = hn::And(counters, low), x1 = hn::ShiftRight<32>(counters), x2 = stream_low, x3 = stream_high;
      std::uint32_t key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
      for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
        const auto p0 = wide_product(du, m0, x0), p1 = wide_product(du, m1, x2);
        x0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), x1), hn::Set(du, std::uint64_t{key0}));
        x1 = hn::And(p1, low);
        x2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), x3), hn::Set(du, std::uint64_t{key1}));
        x3 = hn::And(p0, low);
      }
      const auto u = open_unit(d, hn::Or(x0, hn::ShiftLeft<32>(x1))), w = open_unit(d, hn::Or(x2, hn::ShiftLeft<32>(x3)));
      const auto radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.0), hn::Log(d, u)));
      const auto angle = hn::Mul(hn::Set(d, 6.283185307179586477), hn::Sub(w, hn::Set(d, 0.5)));
      hn::StoreU(hn::Mul(radius, hn::Cos(d, angle)), d, out + k);
      hn::StoreU(hn::Mul(radius, hn::Sin(d, angle)), d, out + counters_per_group + k);
    }
  }
}

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(fill_groups);

void fill_normals(std::uint64_t seed, std::uint64_t stream, std::uint64_t first_counter, std::span<double> deviates) {
  const std::size_t groups = deviates.size() / normals_per_group, whole = groups * normals_per_group;
  HWY_DYNAMIC_DISPATCH(fill_groups)(seed, stream, first_counter, groups, deviates.data());
  if (whole == deviates.size()) return;
  double last[normals_per_group];
  HWY_DYNAMIC_DISPATCH(fill_groups)(seed, stream, first_counter + groups * counters_per_group, 1, last);
  std::copy_n(last, deviates.size() - whole, deviates.data() + whole);
}

}  // namespace saltus::kernels
#endif
