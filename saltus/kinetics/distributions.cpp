#include "saltus/kinetics/distributions.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

namespace {

// P(|T| <= t), finite sums for whole degrees of freedom (Abramowitz and Stegun 26.7.3, 26.7.4).
double inside_probability(double t, int degrees) {
  const double theta = std::atan(t / std::sqrt(degrees)), c2 = std::cos(theta) * std::cos(theta);
  double term = 1, series = 0;
  if (degrees % 2 == 0) {
    for (int k = 0; k < degrees / 2; ++k) {
      if (k > 0) term *= c2 * (2 * k - 1) / (2 * k);
      series += term;
    }
    return std::sin(theta) * series;
  }
  for (int k = 0; k < (degrees - 1) / 2; ++k) {
    if (k > 0) term *= c2 * (2 * k) / (2 * k + 1);
    series += term;
  }
  return 2 / std::numbers::pi * (theta + std::sin(theta) * std::cos(theta) * series);
}

}  // namespace

double student_t(double confidence, int degrees) {
  if (!(confidence > 0 && confidence < 1) || degrees < 1) {
    throw Error(ErrorKind::usage, "Student's t: confidence must lie in (0, 1) and degrees of freedom be at least 1");
  }
  double low = 0, high = 1;
  while (inside_probability(high, degrees) < confidence && high < 1e12) high *= 2;
  for (int step = 0; step < 200 && high - low > 1e-14 * high; ++step) {
    const double middle = 0.5 * (low + high);
    (inside_probability(middle, degrees) < confidence ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

double chi_squared_tail(double chi2, int degrees) {
  if (degrees < 1) throw Error(ErrorKind::usage, "chi-squared: at least one degree of freedom is needed");
  if (!(chi2 > 0)) return 1;
  // Abramowitz and Stegun 26.4.4, 26.4.5: finite sums of x^(k/2) exp(-x/2) / Gamma(k/2 + 1).
  const bool even = degrees % 2 == 0;
  double tail = even ? 0 : std::erfc(std::sqrt(chi2 / 2));
  for (int k = even ? 0 : 1; k < degrees; k += 2) {
    const double half = k / 2.0;
    tail += std::exp(half * std::log(chi2 / 2) - chi2 / 2 - std::lgamma(half + 1));
  }
  return std::min(tail, 1.0);
}

}  // namespace saltus::kinetics
