#include "saltus/kinetics/diffusion_fit.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/brownian_covariance.hpp"
#include "saltus/kinetics/distributions.hpp"
#include "saltus/kinetics/linear_trend.hpp"

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

double chi_squared(const Eigen::VectorXd& residual, const Eigen::MatrixXd& covariance) {
  const Eigen::VectorXd scale = covariance.diagonal().cwiseSqrt().cwiseInverse();
  Eigen::MatrixXd correlation = scale.asDiagonal() * covariance * scale.asDiagonal();
  correlation.diagonal().array() += 1e-10;
  const Eigen::VectorXd scaled_residual = scale.asDiagonal() * residual;
  return scaled_residual.dot(correlation.llt().solve(scaled_residual));
}

Eigen::MatrixXd product_of(const WindowSums& sums, double step1, double noise1, double step2, double noise2) {
  const auto matrix = [&](const std::vector<double>& values) {
    return Eigen::Map<const Eigen::MatrixXd>(values.data(), static_cast<Eigen::Index>(sums.lags), static_cast<Eigen::Index>(sums.lags));
  };
  return step1 * step2 * matrix(sums.step) + (step1 * noise2 + step2 * noise1) * matrix(sums.mixed) + noise1 * noise2 * matrix(sums.noise);
}

/// Covariances of a step along the axes, and of the noise of a position. Those of the window: a fit that begins at the first lag takes
/// vibrations for steps.
struct Motion {
  Mat3 step, noise;
};

/// The nearest thing to a covariance: variances that are not negative, correlations of one at most.
Mat3 covariance_near(Mat3 m) {
  for (int i = 0; i < 3; ++i) m[i][i] = std::max(m[i][i], 0.0);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      const double most = std::sqrt(m[i][i] * m[j][j]);
      m[i][j] = std::clamp(m[i][j], -most, most);
    }
  }
  return m;
}

/// Of the trace of the tensor of one particle.
Eigen::MatrixXd trace_covariance(const Motion& m, const WindowSums& sums) {
  const auto n = static_cast<Eigen::Index>(sums.lags);
  Eigen::MatrixXd total = Eigen::MatrixXd::Zero(n, n);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) total += 2 * product_of(sums, m.step[i][j], m.noise[i][j], m.step[i][j], m.noise[i][j]);
  return total;
}

/// Standard errors for one particle, of D along two axes (half the slope of their component) and of the mean D. The slope takes the
/// last lags, with these weights.
struct ModelErrors {
  std::array<double, 6> component{};
  double mean = 0;
};

ModelErrors model_errors(const Eigen::VectorXd& slope, const Motion& m, const WindowSums& sums) {
  const auto error = [&](const Eigen::MatrixXd& covariance) {
    return std::sqrt(std::max(0.0, slope.dot(covariance.bottomRightCorner(slope.size(), slope.size()) * slope)));
  };
  ModelErrors errors;
  for (std::size_t k = 0; k < 6; ++k) {
    const auto [i, j] = tensor_components[k];
    errors.component[k] = error(product_of(sums, m.step[i][i], m.noise[i][i], m.step[j][j], m.noise[j][j]) +
                                product_of(sums, m.step[i][j], m.noise[i][j], m.step[i][j], m.noise[i][j])) / 2;
  }
  errors.mean = error(trace_covariance(m, sums)) / (2 * dimensions);
  return errors;
}

struct Deviation {
  double chi2 = 0, probability = 1;
  int degrees = 0;
};

double normal_above(double x) { return 0.5 * std::erfc(x / std::sqrt(2.0)); }

// x with normal_above(x) = tail, by bisection.
double normal_quantile_above(double tail) {
  double low = -40, high = 40;
  for (int step = 0; step < 200 && high - low > 1e-14; ++step) {
    const double middle = 0.5 * (low + high);
    (normal_above(middle) > tail ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

Estimate interval_of_nonnegative(double value, double error) {
  if (!(error > 0)) throw Error(ErrorKind::usage, "a normal distribution needs a positive standard error");
  const double positive = normal_above(-value / error);
  const double half = error * normal_quantile_above(0.5 - 0.475 * positive);
  if (value - half >= 0) return {value, value - half, value + half};
  // So far below zero that the tail is that of an exponential.
  const double high = value < -30 * error ? error * error * std::log(20.0) / -value : value + error * normal_quantile_above(0.05 * positive);
  return {std::max(value, 0.0), 0, high};
}

bool DiffusionFit::errors_differ() const {
  return model_error_ang2_fs > 2 * block_error_ang2_fs || block_error_ang2_fs > 2 * model_error_ang2_fs;
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
  const WindowSums of_block = window_sums(lags, block_steps), of_whole = window_sums(lags, curve.n_frames - 1);
  const auto covariance_of = [&](const WindowSums& sums) -> Eigen::MatrixXd {
    const double noise_variance = offset / (2 * dimensions);
    double step_variance = std::max(slope * frame_spacing_fs / dimensions, 1e-9 * noise_variance);
    if (!(step_variance > 0)) step_variance = 1;  // nothing moves: any weights give zero
    return 2 * dimensions * product_of(sums, step_variance, noise_variance, step_variance, noise_variance);
  };
  Eigen::MatrixXd covariance;
  LineWeights weights;
  for (int round = 0; round < 3; ++round) {
    covariance = covariance_of(of_block);
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
  const auto count = static_cast<double>(blocks);
  const auto motion_of = [&](std::size_t start) {
    const auto first = static_cast<Eigen::Index>(start);
    Motion motion;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) {
        double along = 0, beside = 0;
        for (Eigen::Index k = first; k < n; ++k) {
          const double value = curve.tensor_ang2[used[static_cast<std::size_t>(k)]][i][j];
          along += line[start].slope(k - first) * value;
          beside += line[start].offset(k - first) * value;
        }
        motion.step[i][j] = along * frame_spacing_fs;
        motion.noise[i][j] = beside / 2;
      }
    }
    return Motion{covariance_near(motion.step), covariance_near(motion.noise)};
  };
  const auto independent_particles = [&](std::size_t start, const Motion& m) {
    const double block_scatter = jackknife_error(series[start].replicate) * std::sqrt(count);
    return block_scatter > 0 ? std::pow(model_errors(line[start].slope, m, of_block).mean / block_scatter, 2) : 0;
  };
  const auto deviation_of = [&](std::size_t start) {
    const auto first = static_cast<Eigen::Index>(start);
    const Motion m = motion_of(start);
    if (!(trace(m.step) + trace(m.noise) > 0)) return Deviation{};  // nothing moves
    // Blocks tell how many particles move independently within a factor; they are believed where that is far from all.
    const auto all = static_cast<double>(curve.n_particles);
    const double scatter_as = independent_particles(start, m);
    const double particles = scatter_as > 0 && scatter_as < all / 2 ? scatter_as : all;
    const double a0 = line[start].offset.dot(whole.tail(n - first)), rise = line[start].slope.dot(whole.tail(n - first));
    const Eigen::VectorXd residual = (whole.tail(n - first) - rise * time.tail(n - first)).array() - a0;
    Deviation deviation;
    deviation.chi2 = particles * chi_squared(residual, trace_covariance(m, of_whole).bottomRightCorner(n - first, n - first));
    deviation.degrees = static_cast<int>(n - first) - 2;
    deviation.probability = chi_squared_tail(deviation.chi2, deviation.degrees);
    return deviation;
  };

  Plateau chosen{0, true};
  if (!settings.first_lag_frames && settings.start == WindowStart::plateau) chosen = plateau_of(series, 1.5);
  if (!settings.first_lag_frames && settings.start == WindowStart::chi2) {
    chosen = {series.size() - 1, false};
    for (std::size_t k = 0; k < series.size() && !chosen.flat; ++k)
      if (deviation_of(k).probability >= 0.05) chosen = {k, true};
  }
  fit.linear_regime_found = chosen.flat;
  const std::size_t start = chosen.start;
  const auto first = static_cast<Eigen::Index>(start);
  const LineWeights& w = line[start];
  fit.first_lag_frames = lags[start];
  fit.last_lag_frames = lags.back();
  fit.replicate_ang2_fs = series[start].replicate;
  fit.diffusion_ang2_fs = jackknife_estimate(series[start].value, fit.replicate_ang2_fs);
  fit.diffusion_ang2_fs.low = std::max(fit.diffusion_ang2_fs.low, std::min(0.0, series[start].value));
  fit.block_error_ang2_fs = jackknife_error(fit.replicate_ang2_fs);
  fit.offset_ang2 = w.offset.dot(whole.tail(n - first));
  std::vector<Mat3> replicate(blocks);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      fit.tensor_ang2_fs[i][j] =
          component_slope(w, first, [&](std::size_t l) { return curve.tensor_ang2[l][i][j]; }) / 2;
      std::vector<double> block_value;
      for (std::size_t b = 0; b < blocks; ++b)
        block_value.push_back(component_slope(w, first, [&](std::size_t l) { return curve.block_tensor_ang2[b][l][i][j]; }) / 2);
      const std::vector<double> left_out = leave_one_out_means(block_value);
      for (std::size_t b = 0; b < blocks; ++b) replicate[b][i][j] = left_out[b];
    }
  }
  fit.tensor = diffusion_tensor(fit.tensor_ang2_fs, replicate);
  const Motion motion = motion_of(start);
  fit.independent_particles = independent_particles(start, motion);
  const ModelErrors errors = model_errors(w.slope, motion, of_whole);
  const double particles = std::sqrt(static_cast<double>(curve.n_particles));
  for (std::size_t k = 0; k < 6; ++k) fit.tensor.model_error_ang2_fs[k] = errors.component[k] / particles;
  fit.model_error_ang2_fs = errors.mean / particles;
  fit.model_diffusion_ang2_fs = fit.model_error_ang2_fs > 0 ? interval_of_nonnegative(series[start].value, fit.model_error_ang2_fs)
                                                            : Estimate{series[start].value, series[start].value, series[start].value};
  const Deviation deviation = deviation_of(start);
  fit.chi2 = deviation.chi2;
  fit.chi2_degrees = deviation.degrees;
  fit.chi2_probability = deviation.probability;
  return fit;
}

}  // namespace saltus::kinetics
