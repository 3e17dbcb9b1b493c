#include "saltus/kernels/angular.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>

#include "saltus/base/error.hpp"

namespace saltus::kernels {

namespace {

void check_l(int l) {
  if (l < 0 || l > e3nn_max_l) throw Error(ErrorKind::usage, "angular momenta up to 8 are supported");
}

/// norm[l][m] = √((2l+1) (l−m)!/(l+m)! · (m > 0 ? 2 : 1))
using NormTable = std::array<std::array<double, e3nn_max_l + 1>, e3nn_max_l + 1>;

NormTable make_norms() {
  NormTable norm{};
  for (int l = 0; l <= e3nn_max_l; ++l)
    for (int m = 0; m <= l; ++m) {
      double ratio = 1;
      for (int k = l - m + 1; k <= l + m; ++k) ratio /= k;
      norm[static_cast<std::size_t>(l)][static_cast<std::size_t>(m)] = std::sqrt((2 * l + 1) * ratio * (m > 0 ? 2 : 1));
    }
  return norm;
}

double factorial(int n) {
  double product = 1;
  for (int k = 2; k <= n; ++k) product *= k;
  return product;
}

/// Clebsch-Gordan coefficient <l1 m1 l2 m2 | l3 m3>, Racah's formula.
double clebsch_gordan(int l1, int m1, int l2, int m2, int l3, int m3) {
  if (m1 + m2 != m3) return 0;
  const double front = std::sqrt((2 * l3 + 1) * factorial(l3 + l1 - l2) * factorial(l3 - l1 + l2) * factorial(l1 + l2 - l3) /
                                 factorial(l1 + l2 + l3 + 1)) *
                       std::sqrt(factorial(l3 + m3) * factorial(l3 - m3) * factorial(l1 - m1) * factorial(l1 + m1) *
                                 factorial(l2 - m2) * factorial(l2 + m2));
  double sum = 0;
  for (int k = std::max({0, l2 - l3 - m1, l1 - l3 + m2}); k <= std::min({l1 + l2 - l3, l1 - m1, l2 + m2}); ++k)
    sum += (k % 2 ? -1 : 1) / (factorial(k) * factorial(l1 + l2 - l3 - k) * factorial(l1 - m1 - k) * factorial(l2 + m2 - k) *
                               factorial(l3 - l2 + m1 + k) * factorial(l3 - l1 - m2 + k));
  return front * sum;
}

/// Coefficients of the real component `a` in the complex basis, (−i)^l included: the two entries m = ±|a|.
struct RealComponent {
  int m[2];
  std::complex<double> c[2];
  int count;
};

}  // namespace

void tangents_of(const double (&unit)[3], double (&tangent)[2][3]) {
  // Duff et al., J. Comput. Graph. Tech. 6, 1 (2017).
  const double sign = std::copysign(1.0, unit[2]), a = -1 / (sign + unit[2]), b = unit[0] * unit[1] * a;
  tangent[0][0] = 1 + sign * unit[0] * unit[0] * a;
  tangent[0][1] = sign * b;
  tangent[0][2] = -sign * unit[0];
  tangent[1][0] = b;
  tangent[1][1] = sign + unit[1] * unit[1] * a;
  tangent[1][2] = -unit[1];
}

void e3nn_harmonics(int l_max, const double (&unit)[3], const double (&tangent)[2][3], std::span<double> value,
                    std::span<double> slope) {
  check_l(l_max);
  static const NormTable norm = make_norms();
  // The usual axes (x, y, z) are e3nn's (z, x, y).
  const double x = unit[2], y = unit[0], z = unit[1];
  // Q[l][m] = d^m P_l / dz^m;  (x + iy)^m = c + is.
  double Q[e3nn_max_l + 1][e3nn_max_l + 2] = {}, c[e3nn_max_l + 1], s[e3nn_max_l + 1];
  c[0] = 1;
  s[0] = 0;
  for (int m = 1; m <= l_max; ++m) {
    c[m] = x * c[m - 1] - y * s[m - 1];
    s[m] = x * s[m - 1] + y * c[m - 1];
  }
  double diagonal = 1;
  for (int m = 0; m <= l_max; ++m) {
    Q[m][m] = diagonal;
    diagonal *= 2 * m + 1;
    if (m < l_max) Q[m + 1][m] = (2 * m + 1) * z * Q[m][m];
    for (int l = m + 2; l <= l_max; ++l) Q[l][m] = ((2 * l - 1) * z * Q[l - 1][m] - (l + m - 1) * Q[l - 2][m]) / (l - m);
  }
  for (int l = 0; l <= l_max; ++l)
    for (int m = 0; m <= l; ++m) {
      const double n = norm[static_cast<std::size_t>(l)][static_cast<std::size_t>(m)], q = n * Q[l][m];
      const auto plus = static_cast<std::size_t>(l * l + l + m), minus = static_cast<std::size_t>(l * l + l - m);
      value[plus] = q * c[m];
      if (m > 0) value[minus] = q * s[m];
      if (slope.empty()) continue;
      const double dq = n * Q[l][m + 1], cm = m > 0 ? m * c[m - 1] : 0, sm = m > 0 ? m * s[m - 1] : 0;
      for (std::size_t t = 0; t < 2; ++t) {
        const double tx = tangent[t][2], ty = tangent[t][0], tz = tangent[t][1];
        slope[2 * plus + t] = dq * tz * c[m] + q * (cm * tx - sm * ty);
        if (m > 0) slope[2 * minus + t] = dq * tz * s[m] + q * (sm * tx + cm * ty);
      }
    }
}

std::vector<double> real_3j(int l1, int l2, int l3) {
  check_l(l1);
  check_l(l2);
  check_l(l3);
  const std::size_t n1 = static_cast<std::size_t>(2 * l1 + 1), n2 = static_cast<std::size_t>(2 * l2 + 1), n3 = static_cast<std::size_t>(2 * l3 + 1);
  std::vector<double> result(n1 * n2 * n3, 0.0);
  if (l3 > l1 + l2 || l3 < std::abs(l1 - l2)) return result;
  const auto component = [](int l, int a) {
    using namespace std::complex_literals;
    static const std::complex<double> power[4] = {1.0, -1.0i, -1.0, 1.0i};
    const std::complex<double> phase = power[l % 4];
    const double half = std::sqrt(0.5), odd = a % 2 ? -1 : 1;
    // Real component a as a combination of complex ones: a < 0 sine, a > 0 cosine.
    if (a == 0) return RealComponent{{0, 0}, {phase, 0}, 1};
    if (a > 0) return RealComponent{{-a, a}, {phase * half, phase * (odd * half)}, 2};
    return RealComponent{{a, -a}, {phase * (-1.0i * half), phase * (1.0i * odd * half)}, 2};
  };
  double square = 0;
  for (int a = -l1; a <= l1; ++a)
    for (int b = -l2; b <= l2; ++b)
      for (int e = -l3; e <= l3; ++e) {
        const RealComponent A = component(l1, a), B = component(l2, b), E = component(l3, e);
        std::complex<double> sum = 0;
        for (int i = 0; i < A.count; ++i)
          for (int j = 0; j < B.count; ++j)
            for (int k = 0; k < E.count; ++k)
              sum += A.c[i] * B.c[j] * std::conj(E.c[k]) * clebsch_gordan(l1, A.m[i], l2, B.m[j], l3, E.m[k]);
        const double v = std::abs(sum.real()) < 1e-13 ? 0 : sum.real();  // rounding of what is zero by symmetry
        result[(static_cast<std::size_t>(a + l1) * n2 + static_cast<std::size_t>(b + l2)) * n3 + static_cast<std::size_t>(e + l3)] = v;
        square += v * v;
      }
  // The sign of (1 l l) and its permutations, l > 1, is the opposite of the Clebsch-Gordan coefficients' in e3nn 0.4.4, whose weights are published.
  std::array<int, 3> sorted{l1, l2, l3};
  std::sort(sorted.begin(), sorted.end());
  const double sign = sorted[0] == 1 && sorted[1] == sorted[2] && sorted[1] > 1 ? -1 : 1;
  for (double& v : result) v *= sign / std::sqrt(square);
  return result;
}

}  // namespace saltus::kernels
