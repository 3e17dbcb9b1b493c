#include "saltus/kinetics/diffusion_profile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <Eigen/Dense>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/kinetics/distributions.hpp"

namespace saltus::kinetics {

namespace {

using Vector = Eigen::VectorXd;
using Matrix = Eigen::MatrixXd;

constexpr std::size_t quadrature_points = 121;
// Of the variance that smoothing may hide. All of it covers 99 % of the points where D is constant or bends gently; with half of it, 97 % of the points of six
// shapes were covered (periodic and walled, layered and flat; 18 sets of 2000 particles and 400 ps), 96 to 99 % of each.
constexpr double smoothing_share = 0.5;
constexpr double least_exits = 20;
constexpr double model_error = 0.005;  // relative, of times; of logits absolute: what the frame correction and the bins of F leave
constexpr double default_sigma = 0.06;

double weight_of(std::span<const double> weight, std::size_t unit) { return weight.empty() ? 1.0 : weight[unit]; }

ExitSums total(const WindowExits& window, std::span<const double> weight = {}) {
  ExitSums sum;
  for (std::size_t u = 0; u < window.unit.size(); ++u) {
    const double w = weight_of(weight, u);
    const ExitSums& s = window.unit[u];
    sum.exits += w * s.exits;
    sum.above += w * s.above;
    sum.time += w * s.time;
    sum.censored += w * s.censored;
    sum.censored_time += w * s.censored_time;
  }
  return sum;
}

std::size_t units_with_exits(const WindowExits& window) {
  return static_cast<std::size_t>(std::count_if(window.unit.begin(), window.unit.end(), [](const ExitSums& s) { return s.exits > 0; }));
}

struct Datum {
  std::size_t used = 0;  // index into the windows of the fit
  bool side = false;     // logit p+; else ln T
  double value = 0, error = 1;
};

/// What one fit is made of: F is fixed, the knots of ln D move.
class Problem {
 public:
  Problem(const ExitData& data, std::span<const ExitWindow> windows, FittedProfile profile, std::vector<Datum> datum)
      : data_(data), windows_(windows), profile_(std::move(profile)), datum_(std::move(datum)), walls_{data.wall_low_ang, data.wall_high_ang} {}

  std::size_t knots() const { return profile_.ln_diffusion.size(); }
  std::size_t data_count() const { return datum_.size(); }
  const FittedProfile& profile() const { return profile_; }
  void set_knots(const Vector& p) { std::copy(p.begin(), p.end(), profile_.ln_diffusion.begin()); }

  FrameExit exit_of(std::size_t used) const {
    return frame_exit(windows_[used], [this](double z) { return profile_.free_energy_kt(z); }, [this](double z) { return profile_.diffusion_ang2_fs(z); },
                      data_.frame_interval_fs, walls_, quadrature_points);
  }

  Vector residual(const Vector& p) {
    set_knots(p);
    std::vector<FrameExit> exit;
    for (std::size_t w = 0; w < windows_.size(); ++w) exit.push_back(exit_of(w));
    return residual_of(exit);
  }

  /// Residuals and their derivatives by differences: a window sees few knots.
  Vector residual(const Vector& p, Matrix& jacobian) {
    set_knots(p);
    constexpr double shift = 1e-4;
    jacobian.setZero(static_cast<Eigen::Index>(datum_.size()), p.size());
    std::vector<FrameExit> exit;
    for (std::size_t w = 0; w < windows_.size(); ++w) exit.push_back(exit_of(w));
    std::vector<std::vector<std::size_t>> of_window(windows_.size());
    for (std::size_t d = 0; d < datum_.size(); ++d) of_window[datum_[d].used].push_back(d);
    for (std::size_t w = 0; w < windows_.size(); ++w) {
      for (const std::size_t k : seen_knots(windows_[w])) {
        profile_.ln_diffusion[k] += shift;
        const FrameExit moved = exit_of(w);
        profile_.ln_diffusion[k] -= shift;
        for (const std::size_t d : of_window[w]) {
          jacobian(static_cast<Eigen::Index>(d), static_cast<Eigen::Index>(k)) = (prediction(datum_[d], moved) - prediction(datum_[d], exit[w])) / (shift * datum_[d].error);
        }
      }
    }
    return residual_of(exit);
  }

 private:
  static double prediction(const Datum& datum, const FrameExit& exit) {
    return datum.side ? std::log(exit.above / (1 - exit.above)) : std::log(exit.time_fs);
  }
  Vector residual_of(const std::vector<FrameExit>& exit) const {
    Vector r(static_cast<Eigen::Index>(datum_.size()));
    for (std::size_t d = 0; d < datum_.size(); ++d) {
      r[static_cast<Eigen::Index>(d)] = (prediction(datum_[d], exit[datum_[d].used]) - datum_[d].value) / datum_[d].error;
    }
    return r;
  }
  /// Knots that may change what `window` predicts, edges moved outward by up to half its half-width included.
  std::vector<std::size_t> seen_knots(const ExitWindow& window) const {
    const double spacing = profile_.knot_spacing_ang, reach = 1.5 * window.half_width_ang;
    const auto n = static_cast<long>(knots()), whole = std::lround(profile_.period_ang / spacing);
    const long slack = whole > 0 && !profile_.periodic_knots ? 1 : 0;  // then a period need not be whole knots
    const auto low = static_cast<long>(std::floor((window.centre_ang - reach - profile_.first_knot_ang) / spacing)) - slack;
    const auto high = static_cast<long>(std::ceil((window.centre_ang + reach - profile_.first_knot_ang) / spacing)) + slack;
    std::vector<std::size_t> result;
    for (long k = 0; k < n; ++k) {
      bool seen = false;
      for (const long image : {-whole, 0L, whole}) seen |= k + image >= low && k + image <= high;
      if (seen) result.push_back(static_cast<std::size_t>(k));
    }
    return result;
  }

  const ExitData& data_;
  std::span<const ExitWindow> windows_;
  FittedProfile profile_;
  std::vector<Datum> datum_;
  CoordinateWalls walls_;
};

/// Second differences [rows, knots].
Matrix second_differences(std::size_t knots, bool periodic) {
  const auto n = static_cast<Eigen::Index>(knots);
  const Eigen::Index rows = periodic ? n : std::max<Eigen::Index>(n - 2, 0);
  Matrix result = Matrix::Zero(rows, n);
  for (Eigen::Index k = 0; k < rows; ++k) {
    result(k, k) += 1;
    result(k, (k + 1) % n) -= 2;
    result(k, (k + 2) % n) += 1;
  }
  return result;
}

struct Fit {
  Vector p, residual;
  Matrix jacobian;
};

/// Levenberg–Marquardt, until an iteration gains less than `tolerance` of the cost. Without the Jacobian of the end only p is meant.
Fit minimise(Problem& problem, Vector p, const Matrix& penalty, double sigma, double misfit, double tolerance, bool with_jacobian = true) {
  const Matrix curvature = penalty.transpose() * penalty / (sigma * sigma);
  const double scale = 1 / (misfit * misfit);
  Fit fit;
  fit.p = std::move(p);
  fit.residual = problem.residual(fit.p, fit.jacobian);
  const auto cost = [&](const Vector& at, const Vector& r) { return scale * r.squaredNorm() + at.dot(curvature * at); };
  double now = cost(fit.p, fit.residual), damping = 1e-4;
  for (int iteration = 0; iteration < 40; ++iteration) {
    Matrix normal = scale * fit.jacobian.transpose() * fit.jacobian + curvature;
    const Vector gradient = scale * fit.jacobian.transpose() * fit.residual + curvature * fit.p;
    bool better = false;
    double gain = 0;
    for (int attempt = 0; attempt < 12 && !better; ++attempt) {
      Matrix damped = normal;
      damped.diagonal().array() += damping * (normal.diagonal().array() + 1e-9 * normal.diagonal().maxCoeff());
      Vector step = -damped.llt().solve(gradient);
      const double longest = step.cwiseAbs().maxCoeff();
      if (!std::isfinite(longest)) throw Error(ErrorKind::numeric, "fit of a diffusion profile: the step is not finite");
      if (longest > 1) step /= longest;
      const Vector trial = fit.p + step;
      const Vector r = problem.residual(trial);
      const double then = cost(trial, r);
      if (then <= now) {
        gain = now - then;
        fit.p = trial;
        now = then;
        better = true;
        damping = std::max(damping / 10, 1e-9);
      } else {
        damping *= 10;
      }
    }
    if (!better) break;
    if (gain < tolerance) break;
    fit.residual = problem.residual(fit.p, fit.jacobian);
  }
  if (with_jacobian) fit.residual = problem.residual(fit.p, fit.jacobian);
  return fit;
}

struct Strength {
  double sigma = default_sigma, misfit = 1;
};

/// Means of ln σ and ln s over the evidence of the model linearised at `fit`, flat in both: where data hardly tell, σ stays in the middle.
Strength strength_by_evidence(const Fit& fit, const Matrix& penalty, std::optional<double> given_sigma) {
  std::vector<double> sigmas, misfits;
  if (given_sigma) sigmas = {*given_sigma};
  else
    for (int k = 0; k < 24; ++k) sigmas.push_back(0.01 * std::pow(50.0, k / 23.0));
  for (int k = 0; k < 16; ++k) misfits.push_back(std::pow(10.0, k / 15.0));
  const Matrix data = fit.jacobian.transpose() * fit.jacobian, rough = penalty.transpose() * penalty;
  const Vector target = fit.jacobian * fit.p - fit.residual;  // J p = target
  const Vector right = fit.jacobian.transpose() * target;
  const auto rank = static_cast<double>(Eigen::FullPivLU<Matrix>(rough).rank()), n = static_cast<double>(target.size());
  std::vector<double> evidence, ln_sigma, ln_misfit;
  for (const double sigma : sigmas)
    for (const double misfit : misfits) {
      const double scale = 1 / (misfit * misfit), strength = 1 / (sigma * sigma);
      const Matrix normal = scale * data + strength * rough;
      const Eigen::LLT<Matrix> factor(normal);
      const Vector p = factor.solve(scale * right);
      const double ln_determinant = 2 * Matrix(factor.matrixL()).diagonal().array().log().sum();
      const double cost = scale * (fit.jacobian * p - target).squaredNorm() + strength * (penalty * p).squaredNorm();
      evidence.push_back(-0.5 * cost - n * std::log(misfit) - rank * std::log(sigma) - 0.5 * ln_determinant);
      ln_sigma.push_back(std::log(sigma));
      ln_misfit.push_back(std::log(misfit));
    }
  const double best = *std::max_element(evidence.begin(), evidence.end());
  double weights = 0, mean_sigma = 0, mean_misfit = 0;
  for (std::size_t k = 0; k < evidence.size(); ++k) {
    const double w = std::exp(evidence[k] - best);
    weights += w;
    mean_sigma += w * ln_sigma[k];
    mean_misfit += w * ln_misfit[k];
  }
  return {std::exp(mean_sigma / weights), std::exp(mean_misfit / weights)};
}

struct UsedWindow {
  std::size_t window = 0;
  double time_error = 0;                   // of ln T
  std::optional<double> side_error;        // of logit p+
};

std::vector<Datum> data_of(const ExitData& data, std::span<const UsedWindow> used, std::span<const double> weight, bool sides) {
  std::vector<Datum> result;
  for (std::size_t k = 0; k < used.size(); ++k) {
    const ExitSums sum = total(data.window[used[k].window], weight);
    if (!(sum.exits > 0)) continue;
    result.push_back({k, false, std::log((sum.time + sum.censored_time) / sum.exits * data.frame_interval_fs), std::hypot(used[k].time_error, model_error)});
    if (sides && used[k].side_error && sum.above > 0 && sum.above < sum.exits) {
      result.push_back({k, true, std::log(sum.above / (sum.exits - sum.above)), std::hypot(*used[k].side_error, 2 * model_error)});
    }
  }
  return result;
}

void check(const ExitData& data, const DiffusionProfileSettings& settings) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorKind::usage, "diffusion profile: " + what); };
  if (!(settings.knot_spacing_ang > 0)) refuse("the spacing of knots must be positive");
  if (settings.penalty_sigma && !(*settings.penalty_sigma > 0)) refuse("the penalty's sigma must be positive");
  if (settings.bootstrap < 0) refuse("the number of bootstrap draws must not be negative");
  if (!(data.frame_interval_fs > 0)) refuse("the interval of frames must be positive");
  if (data.window.empty()) refuse("there are no windows");
  if (data.bins < 2 || !(data.histogram_bin_ang > 0) || data.histogram.size() != data.bins * data.units()) refuse("the histogram does not have bins for each unit");
  for (const WindowExits& w : data.window)
    if (w.unit.size() != data.units()) refuse("windows have different numbers of units");
  if (data.units() < 2) refuse("at least two units (particles or blocks of time) are needed to know errors");
}

/// A window's part within the walls.
std::pair<double, double> range_of(const ExitWindow& w, const ExitData& data) {
  const double low = w.centre_ang - w.half_width_ang, high = w.centre_ang + w.half_width_ang;
  return {data.wall_low_ang ? std::max(low, *data.wall_low_ang) : low, data.wall_high_ang ? std::min(high, *data.wall_high_ang) : high};
}

/// Places of the used windows' range on the coordinate: from the first knot on, round the period where it has one.
void place_knots(FittedProfile& profile, const ExitData& data, std::span<const UsedWindow> used, double spacing) {
  std::vector<std::pair<double, double>> range;
  for (const UsedWindow& u : used) range.push_back(range_of(data.window[u.window].window, data));
  std::sort(range.begin(), range.end());
  if (profile.period_ang > 0) {
    // the widest gap of the circle is where the range begins; none: windows go round
    const double period = profile.period_ang;
    double reach = range.front().second, gap = 0, begin = 0, end = 0;
    for (std::size_t k = 1; k <= range.size(); ++k) {
      const double next = k < range.size() ? range[k].first : range.front().first + period;
      if (next - reach > gap) {
        gap = next - reach;
        begin = k < range.size() ? range[k].first : range.front().first;
        end = reach;
      }
      if (k < range.size()) reach = std::max(reach, range[k].second);
    }
    if (gap < 1e-9) {
      const auto knots = std::max(4L, std::lround(period / spacing));
      profile.periodic_knots = true;
      profile.knot_spacing_ang = period / static_cast<double>(knots);
      // a knot at the first window's centre
      const ExitWindow& first = data.window[used.front().window].window;
      profile.first_knot_ang = first.centre_ang;
      profile.low_ang = first.centre_ang;
      profile.high_ang = first.centre_ang + period;
      profile.ln_diffusion.assign(static_cast<std::size_t>(knots), 0.0);
      return;
    }
    profile.low_ang = begin;
    profile.high_ang = begin + std::fmod(end - begin + 2 * period, period);
  } else {
    profile.low_ang = range.front().first;
    profile.high_ang = 0;
    for (const auto& r : range) profile.high_ang = std::max(profile.high_ang, r.second);
    if (profile.high_ang < profile.low_ang) profile.high_ang = std::max_element(range.begin(), range.end(), [](auto& a, auto& b) { return a.second < b.second; })->second;
  }
  const auto intervals = std::max(1L, std::lround((profile.high_ang - profile.low_ang) / spacing));
  profile.knot_spacing_ang = (profile.high_ang - profile.low_ang) / static_cast<double>(intervals);
  profile.first_knot_ang = profile.low_ang;
  profile.ln_diffusion.assign(static_cast<std::size_t>(intervals) + 1, 0.0);
}

/// Weights of the knots in ln D at z.
Vector knot_weights(const FittedProfile& profile, double z) {
  FittedProfile unit = profile;
  Vector result(static_cast<Eigen::Index>(profile.ln_diffusion.size()));
  for (std::size_t k = 0; k < profile.ln_diffusion.size(); ++k) {
    std::fill(unit.ln_diffusion.begin(), unit.ln_diffusion.end(), 0.0);
    unit.ln_diffusion[k] = 1;
    result[static_cast<Eigen::Index>(k)] = std::log(unit.diffusion_ang2_fs(z));
  }
  return result;
}

double spread(const std::vector<double>& x) {
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
  double square = 0;
  for (const double v : x) square += (v - mean) * (v - mean);
  return std::sqrt(square / static_cast<double>(x.size() - 1));
}

/// The bins whose middles z lies between, and how far from the first to the second.
struct BinsBeside {
  std::size_t first, second;
  double part;
};

BinsBeside beside(const FittedProfile& profile, double z_ang) {
  const std::size_t count = profile.bin_free_energy_kt.size();
  const auto n = static_cast<double>(count);
  if (count < 2) return {0, 0, 0};
  double place = (z_ang - profile.histogram_low_ang) / profile.bin_ang - 0.5;
  if (profile.period_ang > 0) {
    place -= n * std::floor(place / n);
    const auto k = std::min(static_cast<std::size_t>(place), count - 1);
    return {k, k + 1 == count ? 0 : k + 1, place - static_cast<double>(k)};
  }
  place = std::clamp(place, -0.5, n - 0.5);
  const auto k = static_cast<std::size_t>(std::clamp(std::floor(place), 0.0, n - 2));
  return {k, k + 1, place - static_cast<double>(k)};
}

}  // namespace

double FittedProfile::free_energy_kt(double z_ang) const {
  const auto [first, second, part] = beside(*this, z_ang);
  return (1 - part) * bin_free_energy_kt[first] + part * bin_free_energy_kt[second];
}

double FittedProfile::diffusion_ang2_fs(double z_ang) const {
  const std::size_t n = ln_diffusion.size();
  double place = (z_ang - first_knot_ang) / knot_spacing_ang;
  if (periodic_knots) {
    const auto count = static_cast<double>(n);
    place -= count * std::floor(place / count);
    const std::size_t k = std::min(static_cast<std::size_t>(place), n - 1);
    const double part = place - static_cast<double>(k);
    return std::exp((1 - part) * ln_diffusion[k] + part * ln_diffusion[k + 1 == n ? 0 : k + 1]);
  }
  if (period_ang > 0) {  // the image nearest to the middle of the range
    const double middle = 0.5 * static_cast<double>(n - 1), whole = period_ang / knot_spacing_ang;
    place -= whole * std::round((place - middle) / whole);
  }
  place = std::clamp(place, 0.0, static_cast<double>(n - 1));
  const std::size_t k = n < 2 ? 0 : std::min(static_cast<std::size_t>(place), n - 2);
  const double part = place - static_cast<double>(k);
  return n < 2 ? std::exp(ln_diffusion[0]) : std::exp((1 - part) * ln_diffusion[k] + part * ln_diffusion[k + 1]);
}

ExitData with_half_width(const ExitData& data, double half_width_ang) {
  ExitData result = data;
  std::erase_if(result.window, [&](const WindowExits& w) { return std::abs(w.window.half_width_ang - half_width_ang) > 1e-6; });
  return result;
}

std::vector<double> half_widths_ang(const ExitData& data) {
  std::vector<double> result;
  for (const WindowExits& w : data.window) result.push_back(w.window.half_width_ang);
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end(), [](double a, double b) { return std::abs(a - b) <= 1e-6; }), result.end());
  return result;
}

std::optional<MeanWithError> mean_exit_time_fs(const WindowExits& window, double frame_interval_fs) {
  const ExitSums sum = total(window);
  if (!(sum.exits > 0) || units_with_exits(window) < 2) return {};
  const double mean = (sum.time + sum.censored_time) / sum.exits;
  double square = 0;
  for (const ExitSums& s : window.unit) {
    const double q = s.time + s.censored_time - mean * s.exits;
    square += q * q;
  }
  const auto n = static_cast<double>(window.unit.size());
  return MeanWithError{mean * frame_interval_fs, std::sqrt(square * n / (n - 1)) / sum.exits * frame_interval_fs};
}

std::optional<MeanWithError> share_above(const WindowExits& window) {
  const ExitSums sum = total(window);
  if (!(sum.above > 0) || !(sum.above < sum.exits) || units_with_exits(window) < 2) return {};
  const double share = sum.above / sum.exits;
  double square = 0;
  for (const ExitSums& s : window.unit) {
    const double q = s.above - share * s.exits;
    square += q * q;
  }
  const auto n = static_cast<double>(window.unit.size());
  return MeanWithError{share, std::sqrt(square * n / (n - 1)) / sum.exits};
}

MeanWithError free_energy_curvature(const ExitData& data, const FittedProfile& profile, const ExitWindow& window) {
  std::vector<std::pair<std::size_t, double>> weight;  // F'' = Σ weight F over bins
  constexpr int points = 20;
  const double third = 2 * window.half_width_ang / 3, low = window.centre_ang - window.half_width_ang;
  for (int k = 0; k < 3 * points; ++k) {
    const auto [first, second, part] = beside(profile, low + third * (k + 0.5) / points);
    const double sign = (k / points == 1 ? -2.0 : 1.0) / (points * third * third);
    weight.emplace_back(first, sign * (1 - part));
    weight.emplace_back(second, sign * part);
  }
  MeanWithError result{0, std::numeric_limits<double>::infinity()};
  for (const auto& [bin, w] : weight) result.value += w * profile.bin_free_energy_kt[bin];
  const std::size_t units = data.units();
  if (units < 2) return result;
  const auto count = [&](std::size_t unit, std::size_t bin) { return static_cast<double>(data.histogram[unit * data.bins + bin]); };
  for (auto& [bin, w] : weight) {
    double total = 1;
    for (std::size_t u = 0; u < units; ++u) total += count(u, bin);
    w /= total;
  }
  double sum = 0, square = 0;  // of what each unit changes: F = −ln Σ n_u
  for (std::size_t u = 0; u < units; ++u) {
    double change = 0;
    for (const auto& [bin, w] : weight) change += w * count(u, bin);
    sum += change;
    square += change * change;
  }
  const auto n = static_cast<double>(units);
  result.error = std::sqrt(std::max(0.0, square - sum * sum / n) * n / (n - 1));
  return result;
}

FittedProfile free_energy_profile(const ExitData& data, std::span<const double> unit_weight) {
  FittedProfile profile;
  profile.histogram_low_ang = data.histogram_low_ang;
  profile.bin_ang = data.histogram_bin_ang;
  const double covered = static_cast<double>(data.bins) * data.histogram_bin_ang;
  if (data.period_ang > 0 && covered > data.period_ang - 0.5 * data.histogram_bin_ang) profile.period_ang = data.period_ang;
  std::vector<double> count(data.bins, 0.0);
  for (std::size_t u = 0; u < data.units(); ++u) {
    const double w = weight_of(unit_weight, u);
    if (w == 0) continue;
    const float* of_unit = data.histogram.data() + u * data.bins;
    for (std::size_t b = 0; b < data.bins; ++b) count[b] += w * static_cast<double>(of_unit[b]);
  }
  double sum = 0, width_sum = 0;
  std::vector<double> density(data.bins);
  for (std::size_t b = 0; b < data.bins; ++b) {
    double low = data.histogram_low_ang + static_cast<double>(b) * data.histogram_bin_ang, high = low + data.histogram_bin_ang;
    if (data.wall_low_ang) low = std::max(low, *data.wall_low_ang);
    if (data.wall_high_ang) high = std::min(high, *data.wall_high_ang);
    if (profile.period_ang > 0) high = std::min(high, data.histogram_low_ang + data.period_ang);
    const double width = std::max(high - low, 0.05 * data.histogram_bin_ang);
    density[b] = (count[b] + 1) / width;
    if (count[b] > 0) {
      sum += count[b];
      width_sum += width;
    }
  }
  if (!(sum > 0)) throw Error(ErrorKind::usage, "free energy of a coordinate: the histogram is empty");
  for (std::size_t b = 0; b < data.bins; ++b) profile.bin_free_energy_kt.push_back(-std::log(density[b] * width_sum / sum));
  return profile;
}

DiffusionProfile fit_diffusion_profile(const ExitData& data, const DiffusionProfileSettings& settings) {
  check(data, settings);
  DiffusionProfile result;

  std::vector<UsedWindow> used;
  std::vector<ExitWindow> windows;
  double all_starts = 0, all_exits = 0;
  for (std::size_t k = 0; k < data.window.size(); ++k) {
    const WindowExits& w = data.window[k];
    const ExitSums sum = total(w);
    all_starts += sum.exits + sum.censored;
    all_exits += sum.exits;
    const auto omit = [&](const std::string& why) { result.omitted.push_back({k, why}); };
    const auto time = mean_exit_time_fs(w, data.frame_interval_fs);
    if (!time || sum.exits < least_exits) {
      const std::size_t units = units_with_exits(w);
      omit(fmt::format("{:.0f} exits of {:.0f} starts, from {} unit{}: 20 from two units are needed", sum.exits, sum.exits + sum.censored, units, units == 1 ? "" : "s"));
      continue;
    }
    const double low = w.window.centre_ang - w.window.half_width_ang, high = w.window.centre_ang + w.window.half_width_ang;
    const bool low_wall = data.wall_low_ang && low <= *data.wall_low_ang, high_wall = data.wall_high_ang && high >= *data.wall_high_ang;
    if (low_wall && high_wall) {
      omit("a wall on either side");
      continue;
    }
    const double sigma = w.window.half_width_ang * std::sqrt(data.frame_interval_fs / time->value);
    if ((data.wall_low_ang && !low_wall && low - *data.wall_low_ang < 1.5 * sigma) || (data.wall_high_ang && !high_wall && *data.wall_high_ang - high < 1.5 * sigma)) {
      omit("an edge lies closer to a wall than particles step between frames; move it beyond the wall or farther away");
      continue;
    }
    UsedWindow u{k, time->error / time->value, {}};
    const auto above = share_above(w);
    if (above && !low_wall && !high_wall) u.side_error = above->error / (above->value * (1 - above->value));
    used.push_back(u);
    windows.push_back(w.window);
  }
  if (used.empty())
    throw Error(ErrorKind::usage, fmt::format("diffusion profile: none of {} windows can be used, {:.0f} exits of {:.0f} starts in all; the first: {}. Longer data, or other windows", data.window.size(),
                                              all_exits, all_starts, result.omitted.front().reason));

  FittedProfile profile = free_energy_profile(data);
  place_knots(profile, data, used, settings.knot_spacing_ang);
  const std::vector<Datum> datum = data_of(data, used, {}, settings.use_sides);
  const Matrix penalty = second_differences(profile.ln_diffusion.size(), profile.periodic_knots);

  // begin with L²/2T of the window nearest to each knot
  Vector p(static_cast<Eigen::Index>(profile.ln_diffusion.size()));
  for (Eigen::Index k = 0; k < p.size(); ++k) {
    const double z = profile.first_knot_ang + static_cast<double>(k) * profile.knot_spacing_ang;
    double nearest = 1e300;
    for (const UsedWindow& u : used) {
      const WindowExits& w = data.window[u.window];
      double distance = z - w.window.centre_ang;
      if (profile.period_ang > 0) distance -= profile.period_ang * std::round(distance / profile.period_ang);
      if (std::abs(distance) >= nearest) continue;
      nearest = std::abs(distance);
      p[k] = std::log(w.window.half_width_ang * w.window.half_width_ang / (2 * mean_exit_time_fs(w, data.frame_interval_fs)->value));
    }
  }

  Problem problem(data, windows, profile, datum);
  Strength strength{settings.penalty_sigma.value_or(default_sigma), 1};
  Fit fit = minimise(problem, p, penalty, strength.sigma, strength.misfit, 1e-3);
  for (int round = 0; round < 2; ++round) {
    strength = strength_by_evidence(fit, penalty, settings.penalty_sigma);
    fit = minimise(problem, fit.p, penalty, strength.sigma, strength.misfit, 1e-6);
  }
  problem.set_knots(fit.p);
  result.fitted = problem.profile();
  result.penalty_sigma = strength.sigma;
  result.misfit = strength.misfit;

  const Matrix data_curvature = fit.jacobian.transpose() * fit.jacobian / (strength.misfit * strength.misfit);
  const Matrix rough = penalty.transpose() * penalty / (strength.sigma * strength.sigma);
  const Matrix inverse = (data_curvature + rough).llt().solve(Matrix::Identity(p.size(), p.size()));
  const Matrix resolution = inverse * data_curvature;
  const Matrix smoothing = inverse * rough * inverse;
  result.data = datum.size();
  result.effective_parameters = resolution.trace();
  result.chi2_per_datum = fit.residual.squaredNorm() / std::max(1.0, static_cast<double>(datum.size()) - result.effective_parameters);

  for (std::size_t k = 0; k < used.size(); ++k) {
    const FrameExit exit = problem.exit_of(k);
    const auto time = mean_exit_time_fs(data.window[used[k].window], data.frame_interval_fs);
    WindowFit w{used[k].window, time->value, time->error, exit.time_fs, {}, {}, {}};
    if (used[k].side_error) {
      const auto above = share_above(data.window[used[k].window]);
      w.above = above->value;
      w.above_error = above->error;
      w.above_model = exit.above;
    }
    result.windows.push_back(w);
  }

  // points, one for each centre of what a window has within the walls: beside a wall D has weight there, and none at the wall itself
  const auto middle = [&](std::size_t k) {
    const auto [low, high] = range_of(windows[k], data);
    return 0.5 * (low + high);
  };
  std::vector<std::size_t> order(used.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return std::pair(middle(a), windows[a].half_width_ang) < std::pair(middle(b), windows[b].half_width_ang); });
  std::vector<Vector> weights;
  const double frame_step = std::sqrt(2 * data.frame_interval_fs);
  for (const std::size_t k : order) {
    const ExitWindow& w = windows[k];
    const ExitSums sum = total(data.window[used[k].window]);
    const double z = middle(k);
    if (result.points.empty() || z - result.points.back().z_ang > 1e-6) {
      ProfilePoint point;
      point.z_ang = z;
      const double d = result.fitted.diffusion_ang2_fs(z), f = result.fitted.free_energy_kt(z);
      point.diffusion_ang2_fs = {d, d, d};
      point.free_energy_kt = {f, f, f};
      weights.push_back(knot_weights(result.fitted, z));
      point.resolution = weights.back().dot(resolution.diagonal());
      point.unresolved = point.resolution < 0.05;
      point.windows_covering = static_cast<int>(std::count_if(windows.begin(), windows.end(), [&](const ExitWindow& other) {
        double distance = other.centre_ang - z;
        if (profile.period_ang > 0) distance -= profile.period_ang * std::round(distance / profile.period_ang);
        return std::abs(distance) < other.half_width_ang;
      }));
      result.points.push_back(point);
    }
    ProfilePoint& point = result.points.back();
    const MeanWithError curvature = free_energy_curvature(data, result.fitted, w);
    point.curved |= significant(curvature) && std::abs(curvature.value) * w.half_width_ang * w.half_width_ang > 0.2;
    point.coarse_frames |= w.half_width_ang < 2 * frame_step * std::sqrt(point.diffusion_ang2_fs.value);
    point.censored |= sum.censored > 0.01 * (sum.exits + sum.censored);
    point.one_sided |= sum.above == 0 || sum.above == sum.exits;
  }

  // bins with counts
  std::vector<std::size_t> bins;
  for (std::size_t b = 0; b < data.bins; ++b) {
    double count = 0;
    for (std::size_t u = 0; u < data.units(); ++u) count += static_cast<double>(data.histogram[u * data.bins + b]);
    if (!(count > 0)) continue;
    bins.push_back(b);
    const double f = result.fitted.bin_free_energy_kt[b];
    result.free_energy.push_back({data.histogram_low_ang + (static_cast<double>(b) + 0.5) * data.histogram_bin_ang, {f, f, f}});
  }
  if (settings.bootstrap < 2) return result;

  const auto draws = static_cast<std::size_t>(settings.bootstrap);
  std::vector<FittedProfile> drawn(draws);
  parallel_chunks(draws, 1, [&](std::size_t first, std::size_t last) {
    for (std::size_t d = first; d < last; ++d) {
      Random random(settings.seed, d + 1);
      std::vector<double> weight(data.units(), 0.0);
      for (std::size_t u = 0; u < data.units(); ++u) weight[random.below(data.units())] += 1;
      FittedProfile of_draw = free_energy_profile(data, weight);
      of_draw.first_knot_ang = profile.first_knot_ang;
      of_draw.knot_spacing_ang = profile.knot_spacing_ang;
      of_draw.periodic_knots = profile.periodic_knots;
      of_draw.low_ang = profile.low_ang;
      of_draw.high_ang = profile.high_ang;
      of_draw.ln_diffusion = result.fitted.ln_diffusion;
      Problem again(data, windows, std::move(of_draw), data_of(data, used, weight, settings.use_sides));
      const Fit refit = minimise(again, fit.p, penalty, strength.sigma, strength.misfit, 0.01, false);
      again.set_knots(refit.p);
      drawn[d] = again.profile();
    }
  });
  result.draws = settings.bootstrap;

  // The spread of a hundred draws is known to 7 %, their outermost ones to 15 %: intervals from the spread, of ln D and of F.
  const auto n_units = static_cast<double>(data.units());
  const double factor = student_t(0.95, static_cast<int>(data.units()) - 1) * std::sqrt(n_units / (n_units - 1));
  std::vector<double> value(draws);
  for (std::size_t k = 0; k < result.points.size(); ++k) {
    ProfilePoint& point = result.points[k];
    for (std::size_t d = 0; d < draws; ++d) value[d] = std::log(drawn[d].diffusion_ang2_fs(point.z_ang));
    const double noise = factor * strength.misfit * spread(value), smooth = weights[k].dot(smoothing * weights[k]);
    const double half = std::sqrt(noise * noise + smoothing_share * normal_95 * normal_95 * smooth);
    const double ln_d = std::log(point.diffusion_ang2_fs.value);
    point.diffusion_ang2_fs.low = std::exp(ln_d - half);
    point.diffusion_ang2_fs.high = std::exp(ln_d + half);
    for (std::size_t d = 0; d < draws; ++d) value[d] = drawn[d].free_energy_kt(point.z_ang);
    const double half_f = factor * spread(value);
    point.free_energy_kt.low -= half_f;
    point.free_energy_kt.high += half_f;
  }
  for (std::size_t k = 0; k < bins.size(); ++k) {
    for (std::size_t d = 0; d < draws; ++d) value[d] = drawn[d].bin_free_energy_kt[bins[k]];
    const double half_f = factor * spread(value);
    result.free_energy[k].free_energy_kt.low -= half_f;
    result.free_energy[k].free_energy_kt.high += half_f;
  }
  return result;
}

}  // namespace saltus::kinetics
