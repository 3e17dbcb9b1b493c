#include "saltus/kinetics/brownian_covariance.hpp"

#include <algorithm>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

WindowSums window_sums(std::span<const std::int64_t> lag, std::int64_t n_steps) {
  const std::size_t n = lag.size();
  WindowSums sums{n, std::vector<double>(n * n), std::vector<double>(n * n), std::vector<double>(n * n)};
  for (std::size_t p = 0; p < n; ++p) {
    const std::int64_t i = lag[p], ki = n_steps - i + 1;
    if (i < 1 || ki < 1) throw Error(ErrorKind::usage, "MSD covariance: lags must lie between 1 and the number of steps");
    for (std::size_t q = 0; q <= p; ++q) {
      const std::int64_t j = lag[q], kj = n_steps - j + 1;
      double step = 0, mixed = 0, noise = 0;
      // All pairs of windows whose starts differ by `shift` look alike.
      for (std::int64_t shift = -j; shift <= i; ++shift) {
        const std::int64_t alike = std::min(ki, kj - shift) - std::max<std::int64_t>(0, -shift);
        if (alike <= 0) continue;
        const auto count = static_cast<double>(alike);
        const auto overlap = static_cast<double>(std::min(i, shift + j) - std::max<std::int64_t>(0, shift));
        const double seen = (shift == i - j) + (shift == 0) - (shift == i) - (shift == -j);
        step += count * overlap * overlap;
        mixed += count * overlap * seen;
        noise += count * seen * seen;
      }
      const double pairs = static_cast<double>(ki) * static_cast<double>(kj);
      sums.step[p * n + q] = sums.step[q * n + p] = step / pairs;
      sums.mixed[p * n + q] = sums.mixed[q * n + p] = mixed / pairs;
      sums.noise[p * n + q] = sums.noise[q * n + p] = noise / pairs;
    }
  }
  return sums;
}

std::vector<double> brownian_msd_covariance(std::span<const std::int64_t> lag, std::int64_t n_steps, double step_variance,
                                            double noise_variance) {
  const WindowSums sums = window_sums(lag, n_steps);
  std::vector<double> covariance(sums.step.size());
  for (std::size_t k = 0; k < covariance.size(); ++k)
    covariance[k] = 2 * (step_variance * step_variance * sums.step[k] + 2 * step_variance * noise_variance * sums.mixed[k] +
                         noise_variance * noise_variance * sums.noise[k]);
  return covariance;
}

}  // namespace saltus::kinetics
