// Covariance of the mean-square displacement over all windows of one Brownian path whose positions are seen with noise:
//   Cov(MSD_i, MSD_j) = 2 / (K_i K_j) sum_{a,b} c², c = s² overlap(a,i;b,j) + noise terms, K_i = N - i + 1 windows of N steps
// Reference: Qian, Sheetz, Elson, Biophys. J. 60 (1991) 910; Bullerjahn et al., J. Chem. Phys. 153 (2020) 024116.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace saltus::kinetics {

/// Sums over all pairs of windows (a, i) and (b, j), over K_i K_j, matrices [l * l]: of overlap², of overlap · n and of n², where
/// n is the covariance of the noise of both windows over the variance of the noise. With covariances c = step · overlap +
/// noise · n of two kinds of displacements, sum c_1 c_2 is step_1 step_2 · step + (step_1 noise_2 + step_2 noise_1) · mixed +
/// noise_1 noise_2 · noise.
struct WindowSums {
  std::size_t lags = 0;
  std::vector<double> step, mixed, noise;
};

/// Lags from 1 to n_steps. Throws Error{usage} otherwise.
WindowSums window_sums(std::span<const std::int64_t> lag, std::int64_t n_steps);

/// Exact covariance of the windowed MSD of one particle in one dimension, [l * l] row major: Brownian steps of variance
/// step_variance, each position seen with independent noise of variance noise_variance. For n particles and d dimensions:
/// times d / n. Lags from 1 to n_steps. Throws Error{usage} otherwise.
std::vector<double> brownian_msd_covariance(std::span<const std::int64_t> lag, std::int64_t n_steps,
                                            double step_variance, double noise_variance = 0);

}  // namespace saltus::kinetics
