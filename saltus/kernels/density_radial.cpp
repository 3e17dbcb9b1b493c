#include "saltus/kernels/density_radial.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace saltus::kernels {

namespace {

constexpr double pi = std::numbers::pi;

/// ½ (1 − T_{first}(x)), ½ (1 − T_{first+1}(x)), …
void chebyshev(double x, double dx, std::size_t first, std::span<double> value, std::span<double> slope) {
  double t0 = 1, t1 = x, d0 = 0, d1 = 1;
  for (std::size_t n = 0; n < first + value.size(); ++n) {
    if (n >= first) {
      value[n - first] = 0.5 - 0.5 * t0;
      slope[n - first] = -0.5 * d0 * dx;
    }
    const double t2 = 2 * x * t1 - t0, d2 = 2 * t1 + 2 * x * d1 - d0;
    t0 = t1;
    t1 = t2;
    d0 = d1;
    d1 = d2;
  }
}

void multiply(std::span<double> value, std::span<double> slope, double f, double df) {
  for (std::size_t k = 0; k < value.size(); ++k) {
    slope[k] = slope[k] * f + value[k] * df;
    value[k] *= f;
  }
}

/// sin(a r)/(a r) and its derivative.
void sinc(double a, double r, double& value, double& slope) {
  const double x = a * r;
  if (std::abs(x) < 1e-4) {
    value = 1 - x * x / 6;
    slope = -a * x / 3;
    return;
  }
  value = std::sin(x) / x;
  slope = a * (std::cos(x) - value) / x;
}

void bessel(double cutoff, double r, std::span<double> value, std::span<double> slope) {
  double d_before = 1;
  for (std::size_t k = 0; k < value.size(); ++k) {
    const double n = static_cast<double>(k), a = n + 1, b = n + 2;
    const double front = (k % 2 ? -1 : 1) * std::numbers::sqrt2 * pi / std::pow(cutoff, 1.5) * a * b / std::sqrt(a * a + b * b);
    double u, du, v, dv;
    sinc(a * pi / cutoff, r, u, du);
    sinc(b * pi / cutoff, r, v, dv);
    value[k] = front * (u + v);
    slope[k] = front * (du + dv);
    if (k == 0) continue;
    const double e = n * n * b * b / (4 * std::pow(a, 4) + 1), d = 1 - e / d_before;
    value[k] = (value[k] + std::sqrt(e / d_before) * value[k - 1]) / std::sqrt(d);
    slope[k] = (slope[k] + std::sqrt(e / d_before) * slope[k - 1]) / std::sqrt(d);
    d_before = d;
  }
}

}  // namespace

void density_radial(DensityRadialKind kind, double parameter, double cutoff, double width, double r, std::span<double> value, std::span<double> slope) {
  if (r >= cutoff) {
    std::fill(value.begin(), value.end(), 0.0);
    std::fill(slope.begin(), slope.end(), 0.0);
    return;
  }
  switch (kind) {
    case DensityRadialKind::chebyshev_exponential: {
      const double near = std::exp(-parameter * r / cutoff), far = std::exp(-parameter);
      chebyshev(1 - 2 * (near - far) / (1 - far), 2 * parameter / cutoff * near / (1 - far), 0, value, slope);
      value[0] = 1;
      slope[0] = 0;
      multiply(value, slope, 0.5 * (1 + std::cos(pi * r / cutoff)), -0.5 * std::sin(pi * r / cutoff) * pi / cutoff);
      if (const double begin = cutoff - width; r > begin)
        multiply(value, slope, 0.5 * (1 + std::cos(pi * (r - begin) / width)), -0.5 * std::sin(pi * (r - begin) / width) * pi / width);
      return;
    }
    case DensityRadialKind::chebyshev_power: {
      const double u = 1 - r / cutoff, power = std::pow(u, parameter - 1);
      return chebyshev(1 - 2 * power * u, 2 * parameter / cutoff * power, 1, value, slope);
    }
    case DensityRadialKind::chebyshev_linear: return chebyshev(1 - r / cutoff, -1 / cutoff, 1, value, slope);
    case DensityRadialKind::simplified_bessel: return bessel(cutoff, r, value, slope);
  }
}

SmoothStep smooth_step(double r, double end, double width) {
  if (r >= end) return {1, 0};
  if (r <= end - width) return {0, 0};
  const double t = 1 - (end - r) / width;
  return {t * t * t * (10 - t * (15 - 6 * t)), 30 * t * t * (1 - t) * (1 - t) / width};
}

}  // namespace saltus::kernels
