#include "saltus/kernels/product_tree.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saltus/kernels/product_tree.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace saltus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<double, 8>;
using V = hn::Vec<D>;

std::size_t tree_lanes() { return hn::Lanes(D()); }

void interpolate(std::size_t radial, const double* HWY_RESTRICT low, const double* HWY_RESTRICT high, double t, double step, double* HWY_RESTRICT value,
                 double* HWY_RESTRICT slope) {
  const D d;
  const std::size_t N = hn::Lanes(d);
  const double t2 = t * t, t3 = t2 * t;
  const V h00 = hn::Set(d, 2 * t3 - 3 * t2 + 1), h10 = hn::Set(d, t3 - 2 * t2 + t), h01 = hn::Set(d, 3 * t2 - 2 * t3), h11 = hn::Set(d, t3 - t2);
  const V g00 = hn::Set(d, 6 * (t2 - t) / step), g10 = hn::Set(d, (3 * t2 - 4 * t + 1) / step), g11 = hn::Set(d, (3 * t2 - 2 * t) / step);
  for (std::size_t u = 0; u < radial; u += N) {
    const V a = hn::LoadU(d, low + u), b = hn::LoadU(d, high + u), da = hn::LoadU(d, low + radial + u), db = hn::LoadU(d, high + radial + u);
    hn::StoreU(hn::MulAdd(h00, a, hn::MulAdd(h01, b, hn::MulAdd(h10, da, hn::Mul(h11, db)))), d, value + u);
    hn::StoreU(hn::MulAdd(g00, hn::Sub(a, b), hn::MulAdd(g10, da, hn::Mul(g11, db))), d, slope + u);
  }
}

void accumulate(const DensityLayout& layout, const double* HWY_RESTRICT R, const double* HWY_RESTRICT Y, double* HWY_RESTRICT A) {
  const D d;
  const std::size_t N = hn::Lanes(d);
  for (std::size_t l = 0; l < layout.count.size(); ++l) {
    const std::size_t width = layout.padded[l];
    const double* own = R + layout.radial_offset[l];
    double* a = A + layout.offset[l];
    for (std::size_t m = 0; m <= 2 * l; ++m, a += width) {
      const V y = hn::Set(d, Y[l * l + m]);
      for (std::size_t n = 0; n < width; n += N) hn::StoreU(hn::MulAdd(y, hn::LoadU(d, own + n), hn::LoadU(d, a + n)), d, a + n);
    }
  }
}

void gradient_of(const DensityLayout& layout, const double* HWY_RESTRICT gradient, const double* HWY_RESTRICT R, const double* HWY_RESTRICT slope,
                 const double* HWY_RESTRICT Y, const double* HWY_RESTRICT tangent, DensityGradient& result) {
  const D d;
  const std::size_t N = hn::Lanes(d);
  V along = hn::Zero(d), first = hn::Zero(d), second = hn::Zero(d);
  for (std::size_t l = 0; l < layout.count.size(); ++l) {
    const std::size_t width = layout.padded[l];
    const double* r = R + layout.radial_offset[l];
    const double* dr = slope + layout.radial_offset[l];
    const double* g = gradient + layout.offset[l];
    for (std::size_t m = 0; m <= 2 * l; ++m, g += width) {
      V sum = hn::Zero(d), steep = hn::Zero(d);
      for (std::size_t n = 0; n < width; n += N) {
        const V own = hn::LoadU(d, g + n);
        sum = hn::MulAdd(own, hn::LoadU(d, r + n), sum);
        steep = hn::MulAdd(own, hn::LoadU(d, dr + n), steep);
      }
      const std::size_t lm = l * l + m;
      along = hn::MulAdd(steep, hn::Set(d, Y[lm]), along);
      first = hn::MulAdd(sum, hn::Set(d, tangent[2 * lm]), first);
      second = hn::MulAdd(sum, hn::Set(d, tangent[2 * lm + 1]), second);
    }
  }
  result.along = hn::GetLane(hn::SumOfLanes(d, along));
  result.across[0] = hn::GetLane(hn::SumOfLanes(d, first));
  result.across[1] = hn::GetLane(hn::SumOfLanes(d, second));
}

void contract(const DensityLayout& layout, const double* HWY_RESTRICT gradient, const double* HWY_RESTRICT Y, double* HWY_RESTRICT S) {
  const D d;
  const std::size_t N = hn::Lanes(d);
  for (std::size_t l = 0; l < layout.count.size(); ++l) {
    const std::size_t width = layout.padded[l];
    const double* const g = gradient + layout.offset[l];
    for (std::size_t n = 0; n < width; n += N) {
      V sum = hn::Zero(d);
      for (std::size_t m = 0; m <= 2 * l; ++m) sum = hn::MulAdd(hn::Set(d, Y[l * l + m]), hn::LoadU(d, g + m * width + n), sum);
      hn::StoreU(sum, d, S + layout.radial_offset[l] + n);
    }
  }
}

void multiply_add(std::size_t count, double factor, const double* HWY_RESTRICT a, const double* HWY_RESTRICT b, double* HWY_RESTRICT out) {
  const D d;
  const std::size_t N = hn::Lanes(d);
  const V f = hn::Set(d, factor);
  std::size_t k = 0;
  for (; k + N <= count; k += N) hn::StoreU(hn::MulAdd(hn::Mul(f, hn::LoadU(d, a + k)), hn::LoadU(d, b + k), hn::LoadU(d, out + k)), d, out + k);
  for (; k < count; ++k) out[k] += factor * a[k] * b[k];
}

void sums(const ProductTree& tree, const double* HWY_RESTRICT A, double* HWY_RESTRICT value, double* HWY_RESTRICT density) {
  const D d;
  const std::size_t N = hn::Lanes(d), P = tree.densities;
  hn::StoreU(hn::Set(d, 1.0), d, value);
  for (std::size_t k = 1; k < tree.parent.size(); ++k)
    hn::StoreU(hn::Mul(hn::LoadU(d, value + tree.parent[k] * N), hn::LoadU(d, A + tree.factor[k] * N)), d, value + k * N);
  for (std::size_t p = 0; p < P; ++p) {
    V sum = hn::Zero(d);
    for (std::size_t t = 0; t < tree.term.size(); ++t) sum = hn::MulAdd(hn::Set(d, tree.coefficient[t * P + p]), hn::LoadU(d, value + tree.term[t] * N), sum);
    hn::StoreU(sum, d, density + p * N);
  }
}

void sums_gradient(const ProductTree& tree, const double* HWY_RESTRICT A, const double* HWY_RESTRICT value, const double* HWY_RESTRICT weight,
                   double* HWY_RESTRICT adjoint, double* HWY_RESTRICT gradient) {
  const D d;
  const std::size_t N = hn::Lanes(d), P = tree.densities, nodes = tree.parent.size();
  for (std::size_t k = 0; k < nodes; ++k) hn::StoreU(hn::Zero(d), d, adjoint + k * N);
  for (std::size_t t = 0; t < tree.term.size(); ++t) {
    V sum = hn::Zero(d);
    for (std::size_t p = 0; p < P; ++p) sum = hn::MulAdd(hn::Set(d, tree.coefficient[t * P + p]), hn::LoadU(d, weight + p * N), sum);
    hn::StoreU(sum, d, adjoint + tree.term[t] * N);
  }
  for (std::size_t k = nodes; k-- > 1;) {
    const V own = hn::LoadU(d, adjoint + k * N);
    double* const above = adjoint + tree.parent[k] * N;
    double* const g = gradient + tree.factor[k] * N;
    hn::StoreU(hn::MulAdd(own, hn::LoadU(d, value + tree.parent[k] * N), hn::LoadU(d, g)), d, g);
    hn::StoreU(hn::MulAdd(own, hn::LoadU(d, A + tree.factor[k] * N), hn::LoadU(d, above)), d, above);
  }
}

}  // namespace saltus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saltus::kernels {

HWY_EXPORT(tree_lanes);
HWY_EXPORT(interpolate);
HWY_EXPORT(accumulate);
HWY_EXPORT(gradient_of);
HWY_EXPORT(contract);
HWY_EXPORT(multiply_add);
HWY_EXPORT(sums);
HWY_EXPORT(sums_gradient);

DensityLayout make_density_layout(const std::vector<int>& count) {
  const std::size_t lanes = product_lanes();
  DensityLayout layout;
  layout.count = count;
  for (std::size_t l = 0; l < count.size(); ++l) {
    const std::size_t width = (static_cast<std::size_t>(count[l]) + lanes - 1) / lanes * lanes;
    layout.padded.push_back(width);
    layout.radial_offset.push_back(layout.radial);
    layout.offset.push_back(layout.features);
    layout.radial += width;
    layout.features += (2 * l + 1) * width;
  }
  return layout;
}

std::size_t product_lanes() { return HWY_DYNAMIC_DISPATCH(tree_lanes)(); }

void interpolate_radial(std::size_t radial, const double* low, const double* high, double t, double step, double* value, double* slope) {
  HWY_DYNAMIC_DISPATCH(interpolate)(radial, low, high, t, step, value, slope);
}

void add_density(const DensityLayout& layout, const double* R, const double* Y, double* A) { HWY_DYNAMIC_DISPATCH(accumulate)(layout, R, Y, A); }

DensityGradient density_gradient(const DensityLayout& layout, const double* gradient, const double* R, const double* slope, const double* Y, const double* tangent) {
  DensityGradient result;
  HWY_DYNAMIC_DISPATCH(gradient_of)(layout, gradient, R, slope, Y, tangent, result);
  return result;
}

void contract_harmonics(const DensityLayout& layout, const double* gradient, const double* Y, double* S) {
  HWY_DYNAMIC_DISPATCH(contract)(layout, gradient, Y, S);
}

void add_product(std::size_t count, double factor, const double* a, const double* b, double* out) { HWY_DYNAMIC_DISPATCH(multiply_add)(count, factor, a, b, out); }

void product_sums(const ProductTree& tree, const double* A, double* value, double* density) { HWY_DYNAMIC_DISPATCH(sums)(tree, A, value, density); }

void product_gradient(const ProductTree& tree, const double* A, const double* value, const double* weight, double* adjoint, double* gradient) {
  HWY_DYNAMIC_DISPATCH(sums_gradient)(tree, A, value, weight, adjoint, gradient);
}

}  // namespace saltus::kernels
#endif
