#include "saltus/kinetics/lag_dependence.hpp"

#include <cmath>
#include <vector>

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
  std::vector<std::size_t> known;
  for (std::size_t k = 0; k < slowest.size(); ++k)
    if (slowest[k].resolved && slowest[k].interval_fs) known.push_back(k);
  const auto agree = [&](std::size_t a, std::size_t b) {
    const Estimate &e = *slowest[a].interval_fs, &f = *slowest[b].interval_fs;
    return e.value >= f.low && e.value <= f.high && f.value >= e.low && f.value <= e.high;
  };
  for (std::size_t m = 0; m + 2 < known.size(); ++m) {
    bool level = true;
    for (std::size_t i = m; i < known.size() && level; ++i)
      for (std::size_t j = i + 1; j < known.size() && level; ++j) level = agree(known[i], known[j]);
    if (level) return known[m];
  }
  return std::nullopt;
}

}  // namespace saltus::kinetics
