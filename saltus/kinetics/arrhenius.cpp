#include "saltus/kinetics/arrhenius.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/distributions.hpp"

namespace saltus::kinetics {

namespace {

double per_thermal_energy_ev(double temperature_kelvin) { return 1 / (units::boltzmann_ev_per_kelvin * temperature_kelvin); }

Estimate exponential(const Estimate& e) { return {std::exp(e.value), std::exp(e.low), std::exp(e.high)}; }

}  // namespace

double error_of_logarithm(const Estimate& d) {
  const double symmetric = (d.high - d.value) / (normal_95 * d.value);
  if (!(d.low > 0)) return symmetric;
  return std::min(symmetric, std::log(d.high / d.low) / (2 * normal_95));
}

ArrheniusFit fit_arrhenius(std::span<const ArrheniusPoint> points) {
  std::vector<double> x, y, error;
  for (const ArrheniusPoint& point : points) {
    const Estimate& d = point.diffusion;
    const std::string place = "Arrhenius: at " + std::to_string(point.temperature_kelvin) + " K ";
    if (!(point.temperature_kelvin > 0) || !std::isfinite(point.temperature_kelvin))
      throw Error(ErrorKind::usage, "Arrhenius: temperatures must be positive, in kelvin; found " + std::to_string(point.temperature_kelvin));
    if (!(d.value > 0) || !std::isfinite(d.value)) throw Error(ErrorKind::usage, place + "D is not positive and has no logarithm");
    if (!(d.high > d.value) || !(d.low < d.value) || !std::isfinite(d.high) || !std::isfinite(d.low))
      throw Error(ErrorKind::usage, place + "D has no interval: there is no weight for it");
    x.push_back(per_thermal_energy_ev(point.temperature_kelvin));
    y.push_back(std::log(d.value));
    error.push_back(error_of_logarithm(d));
  }
  if (x.empty() || !(*std::max_element(x.begin(), x.end()) > *std::min_element(x.begin(), x.end()) * (1 + 1e-12)))
    throw Error(ErrorKind::usage, "Arrhenius: an activation energy needs D at two temperatures or more, three to see whether they lie on a line");
  ArrheniusFit fit;
  fit.line = weighted_line(x, y, error);
  const Estimate slope = slope_of(fit.line);
  fit.activation_energy_ev = {-slope.value, -slope.high, -slope.low};
  fit.prefactor = exponential(value_at(fit.line, 0));
  const auto by_temperature = [](const ArrheniusPoint& a, const ArrheniusPoint& b) { return a.temperature_kelvin < b.temperature_kelvin; };
  const auto [lowest, highest] = std::minmax_element(points.begin(), points.end(), by_temperature);
  fit.lowest_kelvin = lowest->temperature_kelvin;
  fit.highest_kelvin = highest->temperature_kelvin;
  return fit;
}

Estimate diffusion_at(const ArrheniusFit& fit, double temperature_kelvin) {
  if (!(temperature_kelvin > 0) || !std::isfinite(temperature_kelvin))
    throw Error(ErrorKind::usage, "Arrhenius: the temperature must be positive, in kelvin");
  return exponential(value_at(fit.line, per_thermal_energy_ev(temperature_kelvin)));
}

}  // namespace saltus::kinetics
