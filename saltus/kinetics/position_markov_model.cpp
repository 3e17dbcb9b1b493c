#include "saltus/kinetics/position_markov_model.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>

#include <Eigen/Dense>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/jackknife.hpp"

namespace saltus::kinetics {

namespace {

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;
using Index = Eigen::Index;

/// Bins with transitions that follow one another, and their counts symmetrised: N ← (N + Nᵀ)/2.
struct Run {
  std::vector<std::size_t> bin;
  bool closed = false;  // the last neighbours the first
  Matrix counts;
  Vector root;          // √π

  Index edges() const { return static_cast<Index>(bin.size()) - (closed ? 0 : 1); }
};

Run run_of(std::span<const double> transitions, const CoordinateBins& bins) {
  const std::size_t n = bins.count;
  if (transitions.size() != n * n) throw Error(ErrorKind::usage, "binned diffusion: transitions are not a square matrix of the bins");
  std::vector<char> seen(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) seen[i] |= transitions[i * n + j] + transitions[j * n + i] > 0;
  }
  Run run;
  run.closed = bins.period_ang > 0 && n > 2 && std::all_of(seen.begin(), seen.end(), [](char s) { return s; });
  if (run.closed) {
    run.bin.resize(n);
    std::iota(run.bin.begin(), run.bin.end(), 0U);
  } else {
    const std::size_t turns = bins.period_ang > 0 ? 2 * n : n;
    std::vector<std::size_t> now;
    for (std::size_t k = 0; k < turns; ++k) {
      if (seen[k % n]) now.push_back(k % n);
      else now.clear();
      if (now.size() > run.bin.size() && now.size() <= n) run.bin = now;
    }
  }
  if (run.bin.size() < 2) throw Error(ErrorKind::usage, "binned diffusion: fewer than two neighbouring bins have transitions; wider bins, or longer data");
  const auto m = static_cast<Index>(run.bin.size());
  run.counts.resize(m, m);
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < m; ++j) {
      const std::size_t a = run.bin[static_cast<std::size_t>(i)], b = run.bin[static_cast<std::size_t>(j)];
      run.counts(i, j) = 0.5 * (transitions[a * n + b] + transitions[b * n + a]);
    }
  }
  run.root = run.counts.rowwise().sum().cwiseMax(1e-12).cwiseSqrt();
  return run;
}

/// ln L and its gradient in ln S by the formula of Daleckii and Krein for the derivative of exp(τS).
double log_likelihood(const Run& run, double lag, const Vector& ln_s, Vector& gradient) {
  const Index n = run.counts.rows(), edges = run.edges();
  Matrix rates = Matrix::Zero(n, n);
  for (Index e = 0; e < edges; ++e) {
    const Index i = e, j = (e + 1) % n;
    const double s = std::exp(ln_s[e]);
    rates(i, j) += s;
    rates(j, i) += s;
    rates(i, i) -= s * run.root[j] / run.root[i];
    rates(j, j) -= s * run.root[i] / run.root[j];
  }
  const Eigen::SelfAdjointEigenSolver<Matrix> modes(rates);
  if (modes.info() != Eigen::Success) throw Error(ErrorKind::numeric, "binned diffusion: rates have no eigenvalues");
  const Matrix& u = modes.eigenvectors();
  const Vector grown = (lag * modes.eigenvalues()).array().exp();
  const Matrix e = u * grown.asDiagonal() * u.transpose();
  double value = 0;
  Matrix m = Matrix::Zero(n, n);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      if (!(run.counts(i, j) > 0)) continue;
      const double p = std::max(e(i, j) * run.root[j] / run.root[i], 1e-300);
      value += run.counts(i, j) * std::log(p);
      m(i, j) = run.counts(i, j) / std::max(e(i, j), 1e-300);
    }
  }
  Matrix inner = u.transpose() * (0.5 * (m + m.transpose())) * u;
  for (Index k = 0; k < n; ++k) {
    for (Index l = 0; l < n; ++l) {
      const double difference = modes.eigenvalues()[k] - modes.eigenvalues()[l], middle = 0.5 * lag * (modes.eigenvalues()[k] + modes.eigenvalues()[l]);
      const double x = 0.5 * lag * difference;
      inner(k, l) *= lag * std::exp(middle) * (std::abs(x) < 1e-5 ? 1 + x * x / 6 : std::sinh(x) / x);
    }
  }
  const Matrix g = u * inner * u.transpose();
  gradient.resize(edges);
  for (Index k = 0; k < edges; ++k) {
    const Index i = k, j = (k + 1) % n;
    gradient[k] = std::exp(ln_s[k]) * (2 * g(i, j) - g(i, i) * run.root[j] / run.root[i] - g(j, j) * run.root[i] / run.root[j]);
  }
  return value;
}

/// Limited-memory BFGS on −ln L per transition.
struct Maximum {
  Vector ln_s;
  double value = 0;
  bool converged = false;
};

constexpr double farthest = 7;  // of ln D from where it begins: lags so long that they tell nothing of D let it run away

Maximum maximise(const Run& run, double lag, Vector start) {
  const double scale = 1 / run.counts.sum();
  const Vector first = start;
  Maximum best{std::move(start), 0, false};
  Vector gradient;
  double value = -scale * log_likelihood(run, lag, best.ln_s, gradient);
  gradient *= -scale;
  std::deque<std::pair<Vector, Vector>> pairs;
  const double enough = 1e-7 / static_cast<double>(best.ln_s.size());
  for (int iteration = 0; iteration < 200 && gradient.allFinite(); ++iteration) {
    if (gradient.cwiseAbs().maxCoeff() < enough) {
      best.converged = true;
      break;
    }
    Vector direction = gradient;
    std::vector<double> alpha(pairs.size());
    for (std::size_t k = pairs.size(); k-- > 0;) {
      alpha[k] = pairs[k].first.dot(direction) / pairs[k].first.dot(pairs[k].second);
      direction -= alpha[k] * pairs[k].second;
    }
    direction *= pairs.empty() ? 0.1 / gradient.cwiseAbs().maxCoeff() : pairs.back().first.dot(pairs.back().second) / pairs.back().second.squaredNorm();
    for (std::size_t k = 0; k < pairs.size(); ++k) direction += (alpha[k] - pairs[k].second.dot(direction) / pairs[k].first.dot(pairs[k].second)) * pairs[k].first;
    direction = -direction;
    const double longest = direction.cwiseAbs().maxCoeff();
    if (longest > 1) direction /= longest;
    double slope = gradient.dot(direction);
    if (!(slope < 0)) {
      pairs.clear();
      direction = -gradient * (0.1 / gradient.cwiseAbs().maxCoeff());
      slope = gradient.dot(direction);
    }
    double step = 1;
    bool better = false;
    for (int attempt = 0; attempt < 30 && !better; ++attempt, step /= 2) {
      const Vector trial = best.ln_s + step * direction;
      if ((trial - first).cwiseAbs().maxCoeff() > farthest) continue;
      Vector there;
      const double then = -scale * log_likelihood(run, lag, trial, there);
      there *= -scale;
      if (!(then <= value + 1e-4 * step * slope)) continue;
      const Vector moved = trial - best.ln_s, turned = there - gradient;
      if (moved.dot(turned) > 1e-12 * moved.norm() * turned.norm()) pairs.emplace_back(moved, turned);
      if (pairs.size() > 12) pairs.pop_front();
      best.ln_s = trial;
      gradient = there;
      value = then;
      better = true;
    }
    if (!better) {  // down to rounding
      best.converged = gradient.cwiseAbs().maxCoeff() < 100 * enough;
      break;
    }
  }
  best.value = -value / scale;
  return best;
}

/// S of a uniform D with the squared displacement of the counts.
Vector first_guess(const Run& run, double lag) {
  double square = 0;
  const Index n = run.counts.rows();
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      const Index apart = std::abs(i - j);
      const auto d = static_cast<double>(run.closed ? std::min(apart, n - apart) : apart);
      square += run.counts(i, j) * d * d;
    }
  }
  return Vector::Constant(run.edges(), std::log(std::max(square / run.counts.sum(), 1e-3) / (2 * lag)));
}

std::vector<double> edges_of(const Run& run, const CoordinateBins& bins) {
  std::vector<double> result;
  for (Index e = 0; e < run.edges(); ++e) result.push_back(bins.low_ang + static_cast<double>(run.bin[static_cast<std::size_t>(e)] + 1) * bins.width_ang);
  return result;
}

/// Value at 1/τ → 0 of the line through D(1/τ); one lag: the value itself.
double at_infinite_lag(std::span<const double> lag, std::span<const double> d) {
  if (lag.size() == 1) return d[0];
  double x = 0, y = 0, xx = 0, xy = 0;
  const auto n = static_cast<double>(lag.size());
  for (std::size_t k = 0; k < lag.size(); ++k) {
    x += 1 / lag[k] / n;
    y += d[k] / n;
  }
  for (std::size_t k = 0; k < lag.size(); ++k) {
    xx += (1 / lag[k] - x) * (1 / lag[k] - x);
    xy += (1 / lag[k] - x) * (d[k] - y);
  }
  return y - xy / xx * x;
}

}  // namespace

PositionCounter::PositionCounter(CoordinateBins bins, std::vector<int> lag_frames, std::size_t particles, std::size_t groups) : particles_(particles) {
  const auto refuse = [](const char* what) { throw Error(ErrorKind::usage, std::string("counts of positions: ") + what); };
  if (bins.count < 2 || !(bins.width_ang > 0)) refuse("at least two bins of positive width are needed");
  if (bins.period_ang > 0 && std::abs(bins.period_ang - static_cast<double>(bins.count) * bins.width_ang) > 1e-6 * bins.period_ang) refuse("bins must fill the period");
  if (lag_frames.empty() || *std::min_element(lag_frames.begin(), lag_frames.end()) < 1) refuse("lags must be at least one frame");
  if (particles == 0) refuse("there are no particles");
  counts_.groups = std::clamp<std::size_t>(groups, 1, particles);
  counts_.bins = bins;
  std::sort(lag_frames.begin(), lag_frames.end());
  lag_frames.erase(std::unique(lag_frames.begin(), lag_frames.end()), lag_frames.end());
  counts_.lag_frames = std::move(lag_frames);
  counts_.transitions.assign(counts_.lag_frames.size() * counts_.groups, std::vector<double>(bins.count * bins.count, 0.0));
  for (auto* sums : {&counts_.steps, &counts_.displacement_ang, &counts_.displacement2_ang2}) sums->assign(counts_.groups * bins.count, 0.0);
  ring_.assign(static_cast<std::size_t>(counts_.lag_frames.back()) * particles, -1);
  last_.assign(particles, 0);
}

void PositionCounter::end_segment() {
  std::fill(ring_.begin(), ring_.end(), -1);
  kept_ = 0;
}

void PositionCounter::add(std::span<const float> coordinates) {
  if (coordinates.size() % particles_ != 0) throw Error(ErrorKind::usage, "counts of positions: a block does not hold whole frames");
  const CoordinateBins& bins = counts_.bins;
  const auto deep = static_cast<std::uint64_t>(counts_.lag_frames.back());
  for (std::size_t first = 0; first < coordinates.size(); first += particles_, ++frame_) {
    for (std::size_t p = 0; p < particles_; ++p) {
      const float z = coordinates[first + p];
      double place = (static_cast<double>(z) - bins.low_ang) / bins.width_ang;
      if (bins.period_ang > 0) place -= static_cast<double>(bins.count) * std::floor(place / static_cast<double>(bins.count));
      std::int32_t bin = -1;
      if (place >= 0 && place <= static_cast<double>(bins.count)) {
        bin = static_cast<std::int32_t>(place);
        if (static_cast<std::size_t>(bin) == bins.count) bin = bins.period_ang > 0 ? 0 : -1;
      }
      const std::size_t group = p * counts_.groups / particles_;
      for (std::size_t l = 0; bin >= 0 && l < counts_.lag_frames.size(); ++l) {
        const auto lag = static_cast<std::uint64_t>(counts_.lag_frames[l]);
        if (lag > kept_) break;
        const std::int32_t from = ring_[static_cast<std::size_t>((frame_ - lag) % deep) * particles_ + p];
        if (from >= 0) ++counts_.transitions[l * counts_.groups + group][static_cast<std::size_t>(from) * bins.count + static_cast<std::size_t>(bin)];
      }
      const std::int32_t before = kept_ > 0 ? ring_[static_cast<std::size_t>((frame_ - 1) % deep) * particles_ + p] : -1;
      if (before >= 0 && std::isfinite(z)) {
        double step = static_cast<double>(z) - static_cast<double>(last_[p]);
        if (bins.period_ang > 0) step -= bins.period_ang * std::round(step / bins.period_ang);
        const std::size_t at = group * bins.count + static_cast<std::size_t>(before);
        ++counts_.steps[at];
        counts_.displacement_ang[at] += step;
        counts_.displacement2_ang2[at] += step * step;
      }
      last_[p] = z;
      ring_[static_cast<std::size_t>(frame_ % deep) * particles_ + p] = bin;
    }
    kept_ = std::min<std::size_t>(kept_ + 1, static_cast<std::size_t>(deep));
  }
}

double binned_log_likelihood(std::span<const double> transitions, const CoordinateBins& bins, double lag_fs, std::span<const double> diffusion_ang2_fs,
                             std::vector<double>& gradient) {
  const Run run = run_of(transitions, bins);
  if (static_cast<Index>(diffusion_ang2_fs.size()) != run.edges()) throw Error(ErrorKind::usage, "binned diffusion: one D for each edge between bins with transitions");
  Vector ln_s(run.edges()), g;
  for (Index e = 0; e < run.edges(); ++e) ln_s[e] = std::log(diffusion_ang2_fs[static_cast<std::size_t>(e)] / (bins.width_ang * bins.width_ang));
  const double value = log_likelihood(run, lag_fs, ln_s, g);
  gradient.assign(g.begin(), g.end());
  return value;
}

BinnedDiffusion fit_binned_diffusion(std::span<const double> transitions, const CoordinateBins& bins, double lag_fs) {
  if (!(lag_fs > 0)) throw Error(ErrorKind::usage, "binned diffusion: the lag must be positive");
  const Run run = run_of(transitions, bins);
  const Maximum best = maximise(run, lag_fs, first_guess(run, lag_fs));
  BinnedDiffusion result;
  result.edge_ang = edges_of(run, bins);
  for (const double s : best.ln_s) result.diffusion_ang2_fs.push_back(std::exp(s) * bins.width_ang * bins.width_ang);
  result.log_likelihood = best.value;
  result.converged = best.converged;
  return result;
}

BinnedDiffusionProfile binned_diffusion_profile(const PositionCounts& counts, double frame_interval_fs) {
  const std::size_t lags = counts.lag_frames.size(), groups = counts.groups, size = counts.bins.count * counts.bins.count;
  if (!(frame_interval_fs > 0)) throw Error(ErrorKind::usage, "binned diffusion: the interval of frames must be positive");
  if (lags == 0 || counts.transitions.size() != lags * groups) throw Error(ErrorKind::usage, "binned diffusion: nothing was counted");
  BinnedDiffusionProfile result;
  for (const int lag : counts.lag_frames) result.lag_fs.push_back(lag * frame_interval_fs);
  std::vector<std::vector<double>> whole(lags, std::vector<double>(size, 0.0));
  for (std::size_t l = 0; l < lags; ++l)
    for (std::size_t g = 0; g < groups; ++g)
      for (std::size_t k = 0; k < size; ++k) whole[l][k] += counts.transitions[l * groups + g][k];

  // all of it, then each group left out; a bin that only one group has seen keeps a trace of it, so that all fits have the same edges
  const std::size_t left_out = groups > 1 ? groups : 0;
  std::vector<BinnedDiffusion> fit(lags * (left_out + 1));
  parallel_chunks(fit.size(), 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t k = first; k < last; ++k) {
      const std::size_t l = k / (left_out + 1), g = k % (left_out + 1);
      std::vector<double> these = whole[l];
      if (g > 0)
        for (std::size_t e = 0; e < size; ++e) {
          if (whole[l][e] > 0) these[e] = std::max(these[e] - counts.transitions[l * groups + g - 1][e], 1e-3);
        }
      fit[k] = fit_binned_diffusion(these, counts.bins, result.lag_fs[l]);
    }
  });
  const auto of = [&](std::size_t l, std::size_t g) -> const BinnedDiffusion& { return fit[l * (left_out + 1) + g]; };
  std::vector<double> edges = of(0, 0).edge_ang;
  for (std::size_t l = 1; l < lags; ++l) {
    std::erase_if(edges, [&](double z) { return std::find(of(l, 0).edge_ang.begin(), of(l, 0).edge_ang.end(), z) == of(l, 0).edge_ang.end(); });
  }
  const auto value = [](const BinnedDiffusion& f, double z) {
    return f.diffusion_ang2_fs[static_cast<std::size_t>(std::find(f.edge_ang.begin(), f.edge_ang.end(), z) - f.edge_ang.begin())];
  };
  double slowest = 0;
  for (const double z : edges) {
    BinnedDiffusionPoint point{z, {}, {}};
    std::vector<double> replicate;
    for (std::size_t g = 0; g <= left_out; ++g) {
      std::vector<double> d;
      for (std::size_t l = 0; l < lags; ++l) d.push_back(value(of(l, g), z));
      if (g == 0) point.at_lag_ang2_fs = d;
      else replicate.push_back(at_infinite_lag(result.lag_fs, d));
    }
    const double d = at_infinite_lag(result.lag_fs, point.at_lag_ang2_fs);
    if (replicate.size() > 1) point.diffusion_ang2_fs = jackknife_estimate_of_positive(d, replicate);
    slowest = d > 0 ? std::max(slowest, 1 / d) : slowest;
    result.points.push_back(std::move(point));
  }
  std::sort(result.points.begin(), result.points.end(), [](const auto& a, const auto& b) { return a.z_ang < b.z_ang; });
  const double least = 5 * counts.bins.width_ang * counts.bins.width_ang / 12 * slowest;
  if (result.lag_fs.front() < least) {
    result.warnings.push_back("the shortest lag, " + std::to_string(result.lag_fs.front()) + " fs, is below five times dz²/12D where D is smallest (" + std::to_string(least) +
                              " fs): longer lags or narrower bins");
  }
  for (std::size_t l = 0; l < lags; ++l) {
    if (!of(l, 0).converged) result.warnings.push_back("the likelihood at lag " + std::to_string(result.lag_fs[l]) + " fs did not reach its maximum");
  }
  return result;
}

std::vector<KramersMoyalPoint> kramers_moyal_profile(const PositionCounts& counts, double frame_interval_fs) {
  if (!(frame_interval_fs > 0)) throw Error(ErrorKind::usage, "Kramers–Moyal coefficients: the interval of frames must be positive");
  std::vector<KramersMoyalPoint> result;
  for (std::size_t b = 0; b < counts.bins.count; ++b) {
    double n = 0, x = 0, xx = 0;
    const auto at = [&](std::size_t g) { return g * counts.bins.count + b; };
    for (std::size_t g = 0; g < counts.groups; ++g) {
      n += counts.steps[at(g)];
      x += counts.displacement_ang[at(g)];
      xx += counts.displacement2_ang2[at(g)];
    }
    if (!(n > 0)) continue;
    const auto diffusion = [&](double steps, double sum, double sum2) { return (sum2 / steps - sum * sum / (steps * steps)) / (2 * frame_interval_fs); };
    KramersMoyalPoint point{counts.bins.low_ang + (static_cast<double>(b) + 0.5) * counts.bins.width_ang, n, {}, {}};
    std::vector<double> drifts, diffusions;
    for (std::size_t g = 0; g < counts.groups; ++g) {
      const double steps = n - counts.steps[at(g)];
      if (!(steps > 1)) break;
      drifts.push_back((x - counts.displacement_ang[at(g)]) / steps / frame_interval_fs);
      diffusions.push_back(diffusion(steps, x - counts.displacement_ang[at(g)], xx - counts.displacement2_ang2[at(g)]));
    }
    if (counts.groups > 1 && drifts.size() == counts.groups) {
      point.drift_ang_fs = jackknife_estimate(x / n / frame_interval_fs, drifts);
      point.diffusion_ang2_fs = jackknife_estimate_of_positive(diffusion(n, x, xx), diffusions);
    }
    result.push_back(std::move(point));
  }
  return result;
}

}  // namespace saltus::kinetics
