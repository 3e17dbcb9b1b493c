#include "saltus/kinetics/linear_trend.hpp"

#include <algorithm>
#include <cmath>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/distributions.hpp"
#include "saltus/kinetics/jackknife.hpp"

namespace saltus::kinetics {

Estimate slope_estimate(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size() || x.size() < 3) throw Error(ErrorKind::usage, "a slope needs three points or more");
  const auto n = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    mean_x += x[k] / n;
    mean_y += y[k] / n;
  }
  double xx = 0, xy = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    xx += (x[k] - mean_x) * (x[k] - mean_x);
    xy += (x[k] - mean_x) * (y[k] - mean_y);
  }
  if (!(xx > 0)) throw Error(ErrorKind::usage, "a slope needs points at different places");
  const double slope = xy / xx;
  double residual = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double r = y[k] - mean_y - slope * (x[k] - mean_x);
    residual += r * r;
  }
  const double half = student_t(0.95, static_cast<int>(x.size()) - 2) * std::sqrt(residual / ((n - 2) * xx));
  return {slope, slope - half, slope + half};
}

WeightedLine weighted_line(std::span<const double> x, std::span<const double> y, std::span<const double> error) {
  if (x.size() != y.size() || x.size() != error.size() || x.size() < 2)
    throw Error(ErrorKind::usage, "a line needs two points or more, each with its error");
  double weight = 0, mean_x = 0, mean_y = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    if (!(error[k] > 0) || !std::isfinite(error[k]) || !std::isfinite(x[k]) || !std::isfinite(y[k]))
      throw Error(ErrorKind::usage, "a line needs finite points whose errors are positive");
    const double w = 1 / (error[k] * error[k]);
    weight += w;
    mean_x += w * x[k];
    mean_y += w * y[k];
  }
  WeightedLine line;
  line.centre = mean_x / weight;
  line.value = mean_y / weight;
  double xx = 0, xy = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double w = 1 / (error[k] * error[k]);
    xx += w * (x[k] - line.centre) * (x[k] - line.centre);
    xy += w * (x[k] - line.centre) * (y[k] - line.value);
  }
  const auto [least, most] = std::minmax_element(x.begin(), x.end());
  if (!(*most - *least > 1e-12 * std::max(std::abs(*most), std::abs(*least))) || !(xx > 0))
    throw Error(ErrorKind::usage, "a line needs points at different places");
  line.slope = xy / xx;
  line.value_error = 1 / std::sqrt(weight);
  line.slope_error = 1 / std::sqrt(xx);
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double r = (y[k] - line.value - line.slope * (x[k] - line.centre)) / error[k];
    line.chi2 += r * r;
  }
  line.degrees = static_cast<int>(x.size()) - 2;
  line.standard_errors_95 = normal_95;
  if (line.degrees == 0) return line;
  line.probability = chi_squared_tail(line.chi2, line.degrees);
  line.scattered = line.probability < 0.05;
  if (line.scattered) {
    const double factor = std::sqrt(line.chi2 / line.degrees);
    line.value_error *= factor;
    line.slope_error *= factor;
    line.standard_errors_95 = student_t(0.95, line.degrees);
  }
  return line;
}

Estimate value_at(const WeightedLine& line, double x) {
  const double distance = x - line.centre, value = line.value + line.slope * distance;
  const double half = line.standard_errors_95 * std::hypot(line.value_error, line.slope_error * distance);
  return {value, value - half, value + half};
}

Estimate slope_of(const WeightedLine& line) {
  const double half = line.standard_errors_95 * line.slope_error;
  return {line.slope, line.slope - half, line.slope + half};
}

}  // namespace saltus::kinetics
