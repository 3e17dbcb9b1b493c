#include "saltus/kinetics/momentum_distribution.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace saltus::kinetics {

namespace {

constexpr std::size_t points_near_zero = 3, quadrature_intervals = 2000;
constexpr double vanished = 36;  // g x² where ñ ends

}  // namespace

std::optional<double> exponent_at_zero_per_ang2(std::span<const double> displacement_ang, std::span<const double> end_to_end) {
  const std::size_t n = std::min(points_near_zero, displacement_ang.size());
  double sum = 0;
  for (std::size_t a = 0; a < n; ++a) {
    if (!(end_to_end[a] > 0) || !std::isfinite(end_to_end[a])) return std::nullopt;
    const double square = displacement_ang[a] * displacement_ang[a];
    double weight = -std::log(end_to_end[a]) / square;
    for (std::size_t b = 0; b < n; ++b) {
      const double other = displacement_ang[b] * displacement_ang[b];
      if (b != a) weight *= other / (other - square);
    }
    sum += weight;
  }
  return sum;
}

std::optional<std::vector<double>> momentum_density_ang(std::span<const double> displacement_ang, std::span<const double> end_to_end, std::span<const double> wave_number_per_ang) {
  const auto zero = exponent_at_zero_per_ang2(displacement_ang, end_to_end);
  if (!zero) return std::nullopt;
  std::vector<double> square{0}, exponent{*zero};
  for (std::size_t k = 0; k < displacement_ang.size(); ++k) {
    if (!(end_to_end[k] > 0) || !std::isfinite(end_to_end[k])) return std::nullopt;
    square.push_back(displacement_ang[k] * displacement_ang[k]);
    exponent.push_back(-std::log(end_to_end[k]) / square.back());
  }
  if (!(exponent.back() > 0)) return std::nullopt;
  const double end = std::max(displacement_ang.back(), std::sqrt(vanished / exponent.back())), step = end / quadrature_intervals;
  std::vector<double> path(quadrature_intervals + 1);
  std::size_t after = 1;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const double x = step * static_cast<double>(i), s = x * x;
    while (after < square.size() && square[after] < s) ++after;
    double g = exponent.back();
    if (after < square.size()) g = exponent[after - 1] + (exponent[after] - exponent[after - 1]) * (s - square[after - 1]) / (square[after] - square[after - 1]);
    path[i] = std::exp(-g * s);
  }
  std::vector<double> density;
  for (const double k : wave_number_per_ang) {
    double sum = 0.5 * (path.front() + path.back() * std::cos(k * end));
    for (std::size_t i = 1; i < quadrature_intervals; ++i) sum += path[i] * std::cos(k * step * static_cast<double>(i));
    density.push_back(sum * step / std::numbers::pi);
  }
  return density;
}

}  // namespace saltus::kinetics
