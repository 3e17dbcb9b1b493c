#include "saltus/kinetics/lag_dependence.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include "saltus/kinetics/distributions.hpp"

namespace saltus::kinetics {

std::optional<std::size_t> constant_from(std::span<const SeriesMember> series) {
  for (std::size_t k = 0; k + 2 < series.size(); ++k) {
    const SeriesMember& here = series[k];
    if (here.replicate.size() < 2) continue;
    const double t = student_t(1 - 0.05 / static_cast<double>(series.size() - k - 1), static_cast<int>(here.replicate.size()) - 1);
    bool constant = true;
    for (std::size_t j = k + 1; j < series.size() && constant; ++j) {
      std::vector<double> difference = series[j].replicate;
      for (std::size_t b = 0; b < difference.size(); ++b) difference[b] -= here.replicate[b];
      constant = std::abs(series[j].value - here.value) <= t * jackknife_error(difference);
    }
    if (constant) return k;
  }
  return std::nullopt;
}

std::optional<std::size_t> level_from(std::span<const Timescale> slowest) {
  std::vector<SeriesMember> series;
  std::vector<std::size_t> member;
  for (std::size_t k = 0; k < slowest.size(); ++k) {
    const Timescale& time = slowest[k];
    if (!time.resolved || !time.value_fs || !(*time.value_fs > 0) || time.replicate_fs.empty()) continue;
    SeriesMember logarithm{static_cast<double>(k), std::log(*time.value_fs), {}};
    for (const double t : time.replicate_fs) {
      if (!(t > 0)) break;
      logarithm.replicate.push_back(std::log(t));
    }
    if (logarithm.replicate.size() != time.replicate_fs.size()) continue;
    series.push_back(std::move(logarithm));
    member.push_back(k);
  }
  const auto from = constant_from(series);
  return from ? std::optional(member[*from]) : std::nullopt;
}

}  // namespace saltus::kinetics
