#include "saltus/kinetics/linear_trend.hpp"

#include <cmath>

#include "saltus/base/error.hpp"
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

}  // namespace saltus::kinetics
