// Quintic Hermite interpolation of many functions at once: SIMD with run-time dispatch (Highway).
#pragma once

#include <cstddef>

namespace saltus::kernels {

/// Values at the fraction t of an interval of width `step`, and slopes if not null, of n functions.
///
/// knots  [2·3·n] at both ends: values, step · slopes, step² · second derivatives
void hermite(std::size_t n, const double* knots, double t, double step, double* value, double* slope);
void hermite(std::size_t n, const float* knots, double t, double step, float* value, float* slope);

}  // namespace saltus::kernels
