#include "saltus/kinetics/diffusion_fit.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

namespace {

constexpr double dimensions = 3;

struct LineWeights {
  Eigen::VectorXd slope, offset;  // linear functionals of the MSD values
};

LineWeights line_weights(const Eigen::VectorXd& time, const Eigen::MatrixXd& covariance) {
  const Eigen::VectorXd scale = covariance.diagonal().cwiseSqrt().cwiseInverse();
  Eigen::MatrixXd correlation = scale.asDiagonal() * covariance * scale.asDiagonal();
  correlation.diagonal().array() += 1e-10;  // floor on its eigenvalues
  Eigen::MatrixXd design(time.size(), 2);
  design.col(0).setOnes();
  design.col(1) = time;
  const Eigen::MatrixXd scaled_design = scale.asDiagonal() * design;
  const Eigen::MatrixXd solved = correlation.llt().solve(scaled_design);
  const Eigen::Matrix2d normal = scaled_design.transpose() * solved;
  const Eigen::Matrix2d inverse = normal.llt().solve(Eigen::Matrix2d::Identity());
  const Eigen::MatrixXd weights = inverse * solved.transpose() * scale.asDiagonal();
  return {weights.row(1).transpose(), weights.row(0).transpose()};
}

}  // namespace

std::vector<double> brownian_msd_covariance(std::span<const std::int64_t> lag, std::int64_t n_steps,
                                            double step_variance, double noise_variance) {
  const std::size_t n = lag.size();
  std::vector<double> covariance(n * n);
  for (std::size_t p = 0; p < n; ++p) {
    const std::int64_t i = lag[p], ki = n_steps - i + 1;
    if (i < 1 || ki < 1) throw Error(ErrorKind::usage, "MSD covariance: lags must lie between 1 and the number of steps");
    for (std::size_t q = 0; q <= p; ++q) {
      const std::int64_t j = lag[q], kj = n_steps - j + 1;
      double sum = 0;
      // All pairs of windows whose starts differ by `shift` look alike.
      for (std::int64_t shift = -j; shift <= i; ++shift) {
        const std::int64_t pairs = std::min(ki, kj - shift) - std::max<std::int64_t>(0, -shift);
        if (pairs <= 0) continue;
        const std::int64_t overlap = std::min(i, shift + j) - std::max<std::int64_t>(0, shift);
        const double noise = noise_variance * ((shift == i - j) + (shift == 0) - (shift == i) - (shift == -j));
        const double c = step_variance * static_cast<double>(overlap) + noise;
        sum += static_cast<double>(pairs) * c * c;
      }
      covariance[p * n + q] = covariance[q * n + p] = 2 * sum / (static_cast<double>(ki) * static_cast<double>(kj));
    }
  }
  return covariance;
}

DiffusionFit fit_diffusion(const MsdCurve& curve, double frame_spacing_fs, const DiffusionFitSettings& settings) {
  const std::size_t blocks = curve.block_tensor_ang2.size();
  const std::int64_t block_steps = (curve.n_frames - 1) / static_cast<std::int64_t>(blocks);
  const std::int64_t last = settings.last_lag_frames.value_or(block_steps / 2);
  std::vector<std::size_t> used;
  for (std::size_t l = 0; l < curve.lag_frames.size(); ++l) {
    if (curve.lag_frames[l] <= last && curve.lag_frames[l] >= settings.first_lag_frames.value_or(1)) used.push_back(l);
  }
  if (used.size() < 4) {
    throw Error(ErrorKind::usage, "diffusion from the MSD: fewer than four lags in the fit window; "
                                  "give a longer trajectory, fewer time blocks or a wider window");
  }
  const auto n = static_cast<Eigen::Index>(used.size());
  std::vector<std::int64_t> lags;
  Eigen::VectorXd time(n), whole(n);
  for (Eigen::Index k = 0; k < n; ++k) {
    const std::size_t l = used[static_cast<std::size_t>(k)];
    lags.push_back(curve.lag_frames[l]);
    time(k) = static_cast<double>(curve.lag_frames[l]) * frame_spacing_fs;
    whole(k) = trace(curve.tensor_ang2[l]);
  }
  // Weights depend on noise over step variance; both come from the line through both ends, then from the fit.
  double slope = std::max(0.0, (whole(n - 1) - whole(0)) / (time(n - 1) - time(0)));
  double offset = std::max(0.0, whole(0) - slope * time(0));
  const auto covariance_of = [&](std::int64_t n_steps) -> Eigen::MatrixXd {
    const double noise_variance = offset / (2 * dimensions);
    double step_variance = std::max(slope * frame_spacing_fs / dimensions, 1e-9 * noise_variance);
    if (!(step_variance > 0)) step_variance = 1;  // nothing moves: any weights give zero
    const std::vector<double> values = brownian_msd_covariance(lags, n_steps, step_variance, noise_variance);
    return dimensions * Eigen::Map<const Eigen::MatrixXd>(values.data(), n, n);
  };
  Eigen::MatrixXd covariance;
  LineWeights weights;
  for (int round = 0; round < 3; ++round) {
    covariance = covariance_of(block_steps);
    weights = line_weights(time, covariance);
    slope = std::max(0.0, weights.slope.dot(whole));
    offset = std::max(0.0, weights.offset.dot(whole));
  }

  const auto from = [&](Eigen::Index first) {
    return line_weights(time.tail(n - first), covariance.bottomRightCorner(n - first, n - first));
  };
  const auto component_slope = [&](const LineWeights& w, Eigen::Index first, auto&& value) {
    double result = 0;
    for (Eigen::Index k = first; k < n; ++k) result += w.slope(k - first) * value(used[static_cast<std::size_t>(k)]);
    return result;
  };
  DiffusionFit fit;
  std::vector<SeriesMember> series;
  std::vector<LineWeights> line;
  for (Eigen::Index first = 0; first + 4 <= n; ++first) {
    if (first > 0 && (settings.first_lag_frames || 2 * lags[static_cast<std::size_t>(first)] > last)) break;
    line.push_back(from(first));
    std::vector<double> block_value;
    for (std::size_t b = 0; b < blocks; ++b) {
      block_value.push_back(component_slope(line.back(), first, [&](std::size_t l) {
                              return trace(curve.block_tensor_ang2[b][l]);
                            }) / (2 * dimensions));
    }
    series.push_back({time(first), line.back().slope.dot(whole.tail(n - first)) / (2 * dimensions),
                      leave_one_out_means(block_value)});
    fit.candidate_lag_frames.push_back(lags[static_cast<std::size_t>(first)]);
    fit.candidate_ang2_fs.push_back(series.back().value);
  }
  const Plateau chosen = settings.first_lag_frames ? Plateau{0, true} : plateau_of(series, 1.5);
  fit.linear_regime_found = chosen.flat;
  const std::size_t start = chosen.start;
  const auto first = static_cast<Eigen::Index>(start);
  const LineWeights& w = line[start];
  fit.first_lag_frames = lags[start];
  fit.last_lag_frames = lags.back();
  fit.replicate_ang2_fs = series[start].replicate;
  fit.diffusion_ang2_fs = jackknife_estimate(series[start].value, fit.replicate_ang2_fs);
  fit.diffusion_ang2_fs.low = std::max(fit.diffusion_ang2_fs.low, std::min(0.0, series[start].value));
  fit.offset_ang2 = w.offset.dot(whole.tail(n - first));
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      fit.tensor_ang2_fs[i][j] =
          component_slope(w, first, [&](std::size_t l) { return curve.tensor_ang2[l][i][j]; }) / 2;
    }
  }
  // The model for one particle and one block, against the scatter of the blocks. Its steps are those of the window: a fit that
  // begins at the first lag takes vibrations for steps.
  slope = 2 * dimensions * std::max(0.0, fit.diffusion_ang2_fs.value);
  offset = std::max(0.0, fit.offset_ang2);
  covariance = covariance_of(block_steps);
  const auto model_error = [&](const Eigen::MatrixXd& sigma) {
    return std::sqrt(w.slope.dot(sigma.bottomRightCorner(n - first, n - first) * w.slope)) / (2 * dimensions);
  };
  const double block_scatter = jackknife_error(fit.replicate_ang2_fs) * std::sqrt(static_cast<double>(blocks));
  fit.independent_particles = block_scatter > 0 ? std::pow(model_error(covariance) / block_scatter, 2) : 0;
  const double half = 1.959964 * model_error(covariance_of(curve.n_frames - 1)) /
                      std::sqrt(static_cast<double>(curve.n_particles));
  fit.model_diffusion_ang2_fs = {series[start].value, series[start].value - half, series[start].value + half};
  return fit;
}

}  // namespace saltus::kinetics
