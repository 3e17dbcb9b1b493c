// A value with its first two derivatives by one variable: the chain rule carried along.
#pragma once

#include <cmath>

namespace saltus::kernels {

struct Jet {
  double value = 0, first = 0, second = 0;
};

/// f(a) from f, f', f'' at a.value.
inline Jet chain(const Jet& a, double f, double df, double d2f) {
  return {f, df * a.first, d2f * a.first * a.first + df * a.second};
}
inline Jet operator+(const Jet& a, const Jet& b) { return {a.value + b.value, a.first + b.first, a.second + b.second}; }
inline Jet operator+(const Jet& a, double c) { return {a.value + c, a.first, a.second}; }
inline Jet operator-(const Jet& a, const Jet& b) { return {a.value - b.value, a.first - b.first, a.second - b.second}; }
inline Jet operator*(double c, const Jet& a) { return {c * a.value, c * a.first, c * a.second}; }
inline Jet operator*(const Jet& a, const Jet& b) {
  return {a.value * b.value, a.first * b.value + a.value * b.first,
          a.second * b.value + 2 * a.first * b.first + a.value * b.second};
}
inline Jet reciprocal(const Jet& a) {
  const double i = 1 / a.value;
  return chain(a, i, -i * i, 2 * i * i * i);
}
inline Jet sin(const Jet& a) {
  const double s = std::sin(a.value);
  return chain(a, s, std::cos(a.value), -s);
}
inline Jet exp(const Jet& a) {
  const double e = std::exp(a.value);
  return chain(a, e, e, e);
}
/// a^n for a > 0.
inline Jet pow(const Jet& a, double n) {
  const double p = std::pow(a.value, n), i = 1 / a.value;
  return chain(a, p, n * p * i, n * (n - 1) * p * i * i);
}

}  // namespace saltus::kernels
