#include "saltus/kinetics/finite_size.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/distributions.hpp"

namespace saltus::kinetics {

SizeFit fit_finite_size(std::span<const SizePoint> points) {
  std::vector<double> x, y, error;
  for (const SizePoint& point : points) {
    if (!(point.size > 0) || !std::isfinite(point.size))
      throw Error(ErrorKind::usage, "finite size: sizes must be positive; found " + std::to_string(point.size));
    const Estimate& d = point.diffusion;
    const double half = std::max(d.high - d.value, d.value - d.low);
    if (!(half > 0) || !std::isfinite(half) || !std::isfinite(d.value))
      throw Error(ErrorKind::usage, "finite size: D of size " + std::to_string(point.size) + " has no interval: there is no weight for it");
    x.push_back(1 / point.size);
    y.push_back(d.value);
    error.push_back(half / normal_95);
  }
  if (x.empty() || !(*std::max_element(x.begin(), x.end()) > *std::min_element(x.begin(), x.end()) * (1 + 1e-12)))
    throw Error(ErrorKind::usage, "finite size: D in cells of two sizes or more is needed, three to see whether they lie on a line");
  SizeFit fit;
  fit.line = weighted_line(x, y, error);
  fit.bulk = value_at(fit.line, 0);
  fit.bulk.low = std::max(fit.bulk.low, std::min(0.0, fit.bulk.value));
  fit.slope = slope_of(fit.line);
  fit.resolved = fit.slope.low > 0 || fit.slope.high < 0;
  return fit;
}

}  // namespace saltus::kinetics
