#include "saltus/kinetics/jackknife.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/distributions.hpp"

namespace saltus::kinetics {

namespace {

double mean_of(std::span<const double> x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

}  // namespace

std::vector<double> leave_one_out_means(std::span<const double> block_value) {
  const auto count = static_cast<double>(block_value.size());
  const double mean = mean_of(block_value);
  std::vector<double> result;
  for (const double value : block_value) result.push_back(mean + (mean - value) / (count - 1));
  return result;
}

double jackknife_error(std::span<const double> replicate) {
  if (replicate.size() < 2) throw Error(ErrorKind::usage, "a jackknife needs at least two blocks");
  const double mean = mean_of(replicate);
  double square = 0;
  for (const double x : replicate) square += (x - mean) * (x - mean);
  const auto count = static_cast<double>(replicate.size());
  return std::sqrt((count - 1) / count * square);
}

double jackknife_bias(double value, std::span<const double> replicate) {
  return static_cast<double>(replicate.size() - 1) * (mean_of(replicate) - value);
}

Estimate jackknife_estimate(double value, std::span<const double> replicate) {
  const double half = student_t(0.95, static_cast<int>(replicate.size()) - 1) * jackknife_error(replicate);
  return {value, value - half, value + half};
}

std::optional<Estimate> jackknife_estimate_of_positive(double value, std::span<const double> replicate) {
  if (!(value > 0) || !std::all_of(replicate.begin(), replicate.end(), [](double x) { return x > 0; })) return {};
  std::vector<double> logarithm;
  for (const double x : replicate) logarithm.push_back(std::log(x));
  const Estimate on_log = jackknife_estimate(std::log(value), logarithm);
  return Estimate{value, std::exp(on_log.low), std::exp(on_log.high)};
}

Plateau plateau_of(std::span<const SeriesMember> series, double min_span) {
  if (series.empty()) throw Error(ErrorKind::usage, "plateau: the series is empty");
  const int degrees = static_cast<int>(series.front().replicate.size()) - 1;
  const auto flat_from = [&](std::size_t k, double t) {
    return std::all_of(series.begin() + static_cast<std::ptrdiff_t>(k) + 1, series.end(), [&](const SeriesMember& later) {
      std::vector<double> difference;
      for (std::size_t b = 0; b < later.replicate.size(); ++b) {
        difference.push_back(later.replicate[b] - series[k].replicate[b]);
      }
      return std::abs(later.value - series[k].value) <= t * jackknife_error(difference);
    });
  };
  std::size_t last = 0;
  for (std::size_t k = 1; k < series.size() && series[k].abscissa * min_span <= series.back().abscissa; ++k) last = k;
  const double strict = student_t(0.5, degrees);
  for (std::size_t k = 0; k <= last; ++k) {
    if (flat_from(k, strict)) return {k, true};
  }
  return {last, flat_from(last, student_t(0.95, degrees))};
}

}  // namespace saltus::kinetics
