// Sums of products of differences, what a mean-square displacement tensor is made of: SIMD with run-time dispatch (Highway).
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace saltus::kernels {

/// Three coordinates of as many points.
struct Coordinates {
  std::span<const double> x, y, z;
};

/// Σ dx², Σ dy², Σ dz², Σ dx dy, Σ dx dz, Σ dy dz
using DifferenceProducts = std::array<double, 6>;

/// As many lags as one pass takes: each value is loaded once for all of them.
constexpr std::size_t lags_per_pass = 4;

/// sums[l] += sums over k from first to first + count of products of  d = r[k] − r[k − lag[l]].
///
/// lag   as many as sums, at most lags_per_pass, none above first
/// first + count at most the number of points
void add_difference_products(const Coordinates& r, std::size_t first, std::size_t count, std::span<const std::size_t> lag,
                             std::span<DifferenceProducts> sums);

}  // namespace saltus::kernels
