// Sums of products of differences, what a mean-square displacement tensor is made of: SIMD with run-time dispatch (Highway).
#pragma once

#include <array>
#include <span>

namespace saltus::kernels {

/// Three coordinates of as many points.
struct Coordinates {
  std::span<const double> x, y, z;
};

/// sums += Σ dx², Σ dy², Σ dz², Σ dx dy, Σ dx dz, Σ dy dz  with  d = now − then, all of the same length.
void add_difference_products(const Coordinates& then, const Coordinates& now, std::array<double, 6>& sums);

}  // namespace saltus::kernels
