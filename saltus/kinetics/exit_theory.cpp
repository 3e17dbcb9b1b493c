#include "saltus/kinetics/exit_theory.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Dense>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/frame_correction.hpp"

namespace saltus::kinetics {

namespace {

/// ∫ from the first point to each point, trapezoids.
std::vector<double> cumulative(const std::vector<double>& f, double step) {
  std::vector<double> sum(f.size(), 0.0);
  for (std::size_t k = 1; k < f.size(); ++k) sum[k] = sum[k - 1] + 0.5 * step * (f[k - 1] + f[k]);
  return sum;
}

/// Green's function of the interval applied to `source`, the speed density included; ends as the grid says.
class ExitOperator {
 public:
  explicit ExitOperator(const ProfileGrid& grid) : grid_(grid), step_(grid.step_ang()), scale_density_(grid.points()), speed_density_(grid.points()) {
    const double lowest = *std::min_element(grid.free_energy_kt.begin(), grid.free_energy_kt.end());
    for (std::size_t k = 0; k < grid.points(); ++k) {
      const double boltzmann = std::exp(grid.free_energy_kt[k] - lowest);
      scale_density_[k] = boltzmann / grid.diffusion_ang2_fs[k];
      speed_density_[k] = 1 / boltzmann;
    }
    scale_ = cumulative(scale_density_, step_);
  }

  /// [points]; slope receives the derivative at both ends.
  std::vector<double> apply(const std::vector<double>& source, double& low_slope, double& high_slope) const {
    const std::size_t n = source.size();
    std::vector<double> weighted(n), result(n);
    for (std::size_t k = 0; k < n; ++k) weighted[k] = source[k] * speed_density_[k];
    if (grid_.low_reflects || grid_.high_reflects) {
      std::vector<double> flow = cumulative(weighted, step_);  // past z towards the end that absorbs
      const double whole = flow.back();
      if (grid_.high_reflects)
        for (double& f : flow) f = whole - f;
      for (std::size_t k = 0; k < n; ++k) flow[k] *= scale_density_[k];
      const std::vector<double> integral = cumulative(flow, step_);
      for (std::size_t k = 0; k < n; ++k) result[k] = grid_.low_reflects ? integral[n - 1] - integral[k] : integral[k];
      low_slope = grid_.low_reflects ? 0 : flow[0];
      high_slope = grid_.low_reflects ? -flow[n - 1] : 0;
      return result;
    }
    const double total = scale_[n - 1];
    std::vector<double> below(n), beyond(n);
    for (std::size_t k = 0; k < n; ++k) {
      below[k] = scale_[k] * weighted[k];
      beyond[k] = (total - scale_[k]) * weighted[k];
    }
    below = cumulative(below, step_);
    beyond = cumulative(beyond, step_);
    for (std::size_t k = 0; k < n; ++k) result[k] = ((total - scale_[k]) * below[k] + scale_[k] * (beyond[n - 1] - beyond[k])) / total;
    low_slope = scale_density_[0] * beyond[n - 1] / total;
    high_slope = -scale_density_[n - 1] * below[n - 1] / total;
    return result;
  }

  std::vector<double> above() const {
    std::vector<double> result(grid_.points(), grid_.low_reflects ? 1.0 : 0.0);
    if (grid_.low_reflects || grid_.high_reflects) return result;
    for (std::size_t k = 0; k < result.size(); ++k) result[k] = scale_[k] / scale_.back();
    return result;
  }

 private:
  const ProfileGrid& grid_;
  double step_;
  std::vector<double> scale_density_, speed_density_, scale_;
};

void check(const ProfileGrid& grid) {
  if (grid.points() < 3 || grid.diffusion_ang2_fs.size() != grid.points()) throw Error(ErrorKind::usage, "exit of an interval: at least three points with F and D each");
  if (!(grid.high_ang > grid.low_ang)) throw Error(ErrorKind::usage, "exit of an interval: it is empty");
  if (grid.low_reflects && grid.high_reflects) throw Error(ErrorKind::usage, "exit of an interval: both ends reflect, so nothing leaves it");
  for (std::size_t k = 0; k < grid.points(); ++k) {
    if (!std::isfinite(grid.free_energy_kt[k]) || !(grid.diffusion_ang2_fs[k] > 0) || !std::isfinite(grid.diffusion_ang2_fs[k])) {
      throw Error(ErrorKind::numeric, "exit of an interval: F is not finite or D not positive at " +
                                          std::to_string(grid.low_ang + static_cast<double>(k) * grid.step_ang()) + " Å");
    }
  }
}

double step_of_frame(double diffusion, double frame_interval) { return std::sqrt(2 * diffusion * frame_interval); }

constexpr int starts_in_bin = 5;

}  // namespace

ProfileGrid profile_grid(double low_ang, double high_ang, std::size_t points, const CoordinateFunction& free_energy_kt, const CoordinateFunction& diffusion_ang2_fs) {
  ProfileGrid grid;
  grid.low_ang = low_ang;
  grid.high_ang = high_ang;
  grid.free_energy_kt.reserve(points);
  grid.diffusion_ang2_fs.reserve(points);
  for (std::size_t k = 0; k < points; ++k) {
    const double z = low_ang + (high_ang - low_ang) * static_cast<double>(k) / static_cast<double>(points - 1);
    grid.free_energy_kt.push_back(free_energy_kt(z));
    grid.diffusion_ang2_fs.push_back(diffusion_ang2_fs(z));
  }
  return grid;
}

ExitMoments exit_moments(const ProfileGrid& grid) {
  check(grid);
  const ExitOperator exit(grid);
  ExitMoments moments;
  moments.above = exit.above();
  moments.time_fs = exit.apply(std::vector<double>(grid.points(), 1.0), moments.low_slope_fs_ang, moments.high_slope_fs_ang);
  double ignored_low = 0, ignored_high = 0;
  moments.time2_fs2 = exit.apply(moments.time_fs, ignored_low, ignored_high);
  for (double& t : moments.time2_fs2) t *= 2;
  return moments;
}

double at_start(const ProfileGrid& grid, const std::vector<double>& of_points, double z_ang) {
  const double place = std::clamp((z_ang - grid.low_ang) / grid.step_ang(), 0.0, static_cast<double>(grid.points() - 1));
  const std::size_t k = std::min(static_cast<std::size_t>(place), grid.points() - 2);
  const double part = place - static_cast<double>(k);
  return (1 - part) * of_points[k] + part * of_points[k + 1];
}

std::vector<double> diffusion_from_wall_times(const ProfileGrid& grid, const std::vector<double>& time_fs) {
  const std::size_t n = grid.points();
  if (n < 3 || time_fs.size() != n) throw Error(ErrorKind::usage, "D beside a wall: at least three points with F and an exit time each");
  std::vector<double> speed(n), result(n);
  for (std::size_t k = 0; k < n; ++k) speed[k] = std::exp(-grid.free_energy_kt[k]);
  const std::vector<double> within = cumulative(speed, grid.step_ang());
  for (std::size_t k = 1; k + 1 < n; ++k) {
    result[k] = within[k] / speed[k] * 2 * grid.step_ang() / (time_fs[k - 1] - time_fs[k + 1]);
  }
  result.front() = result[1];
  result.back() = result[n - 2];
  return result;
}

double drift_exit_fs(double half_width, double diffusion, double drift) {
  const double x = drift * half_width / (2 * diffusion);
  const double ratio = std::abs(x) < 1e-4 ? 1 - x * x / 3 : std::tanh(x) / x;
  return half_width * half_width / (2 * diffusion) * ratio;
}

double drift_above(double half_width, double diffusion, double drift) { return 1 / (1 + std::exp(-drift * half_width / diffusion)); }

LinearDiffusionExit linear_diffusion_exit(double half_width, double diffusion, double slope, double start) {
  if (!(diffusion - std::abs(slope) * half_width > 0)) throw Error(ErrorKind::usage, "linear D: it must be positive on the whole interval");
  if (std::abs(slope) * half_width < 1e-7 * diffusion) {
    return {(half_width * half_width - start * start) / (2 * diffusion), (start + half_width) / (2 * half_width)};
  }
  const auto integral = [&](double a, double b) { return std::log((diffusion + slope * b) / (diffusion + slope * a)) / slope; };
  const double whole = integral(-half_width, half_width), part = integral(-half_width, start);
  const double c = (2 * half_width - diffusion * whole) / (slope * whole);
  return {c * part - (start + half_width - diffusion * part) / slope, part / whole};
}

double harmonic_exit_fs(double half_width, double diffusion, double rate) {
  const double a = rate * half_width * half_width / (2 * diffusion);
  double term = 1, sum = 1;
  for (int n = 0; n < 100000 && std::abs(term) > 1e-16 * std::abs(sum); ++n) {
    term *= a * (n + 1) / ((n + 1.5) * (n + 2));
    sum += term;
  }
  return half_width * half_width / (2 * diffusion) * sum;
}

double slab_exit_uniform_fs(double width, double diffusion, double drift) {
  const double g = drift * width / diffusion;
  const double ratio = std::abs(g) < 0.01 ? 1 - g * g / 60 : 12 / g * (0.5 / std::tanh(g / 2) - 1 / g);
  return width * width / (12 * diffusion) * ratio;
}

// T(x) = W/v [ (1 − e^{−γx})/(1 − e^{−γ}) − x ] averaged over γ e^{γx}/(e^γ − 1), x = z/W.
double slab_exit_equilibrium_fs(double width, double diffusion, double drift) {
  const double g = std::abs(drift * width / diffusion);
  if (g < 0.02) return width * width / (12 * diffusion) * (1 - g * g / 20);
  const double first = 1 / -std::expm1(-g) - g / (std::expm1(g) * -std::expm1(-g));
  const double mean_place = 1 / -std::expm1(-g) - 1 / g;
  return width * width / (diffusion * g) * (first - mean_place);
}

double widened_half_width_ang(double half_width, double diffusion, double frame_interval) {
  const double step = step_of_frame(diffusion, frame_interval);
  return std::hypot(half_width + frame_shift * step, step / 2);
}

double widened_half_width_of_side_ang(double half_width, double diffusion, double frame_interval) {
  return half_width + frame_shift * step_of_frame(diffusion, frame_interval);
}

FrameExit frame_exit(const ExitWindow& window, const CoordinateFunction& free_energy, const CoordinateFunction& diffusion, double frame_interval,
                     const CoordinateWalls& walls, std::size_t points) {
  const double centre = window.centre_ang, half = window.half_width_ang;
  const bool low_reflects = walls.low_ang && centre - half <= *walls.low_ang, high_reflects = walls.high_ang && centre + half >= *walls.high_ang;
  const auto outward = [&](double edge, double side) {  // D in the middle of the shift
    const double guess = frame_shift * step_of_frame(diffusion(edge), frame_interval);
    return edge + side * frame_shift * step_of_frame(diffusion(edge + side * guess / 2), frame_interval);
  };
  const double low = low_reflects ? *walls.low_ang : outward(centre - half, -1);
  const double high = high_reflects ? *walls.high_ang : outward(centre + half, 1);
  ProfileGrid grid = profile_grid(low, high, points, free_energy, diffusion);
  grid.low_reflects = low_reflects;
  grid.high_reflects = high_reflects;
  const ExitMoments moments = exit_moments(grid);

  FrameExit result;
  result.one_sided = low_reflects || high_reflects;
  double weight_sum = 0;
  for (int k = 0; k < starts_in_bin; ++k) {
    const double z = centre + window.start_half_width_ang * (2 * k + 1 - starts_in_bin) / starts_in_bin;
    if (!(z >= low && z <= high)) continue;
    const double weight = std::exp(free_energy(std::clamp(centre, low, high)) - free_energy(z));
    weight_sum += weight;
    result.time_fs += weight * at_start(grid, moments.time_fs, z);
    result.above += weight * at_start(grid, moments.above, z);
  }
  if (!(weight_sum > 0)) throw Error(ErrorKind::usage, "a window's starts lie beyond a wall: centre " + std::to_string(centre) + " Å");
  result.time_fs /= weight_sum;
  result.above /= weight_sum;

  result.time_fs += 0.25 * frame_interval;
  return result;
}

FrameExitModel frame_exit_model(const ExitWindow& window, const CoordinateFunction& free_energy, const CoordinateFunction& diffusion, double frame_interval,
                                const CoordinateWalls& walls, std::size_t frames, std::size_t cells_per_window) {
  const double centre = window.centre_ang, half = window.half_width_ang;
  const double low = walls.low_ang ? std::max(centre - half, *walls.low_ang) : centre - half;
  const double high = walls.high_ang ? std::min(centre + half, *walls.high_ang) : centre + half;
  if (!(high > low) || cells_per_window < 3) throw Error(ErrorKind::usage, "a window lies beyond the walls: centre " + std::to_string(centre) + " Å");
  const double cell = (high - low) / static_cast<double>(cells_per_window);
  // cells beside the window, until a wall or so far that a frame does not come back
  const auto beside = [&](double edge, int side) {
    const std::optional<double>& wall = side < 0 ? walls.low_ang : walls.high_ang;
    const double reach = 6 * step_of_frame(std::max(diffusion(edge), diffusion(edge + side * half)), frame_interval);
    return std::lround((wall ? std::min(reach, side * (*wall - edge)) : reach) / cell);
  };
  const long first = beside(low, -1), inside = static_cast<long>(cells_per_window), last = first + inside;  // cells of the window
  const long cells = last + beside(high, 1);
  const auto place = [&](long k) { return low + (static_cast<double>(k - first) + 0.5) * cell; };

  // R symmetrised: neighbours S = D(edge)/cell², rates S exp(±ΔF/2)
  Eigen::VectorXd f(cells), diagonal = Eigen::VectorXd::Zero(cells), beside_diagonal(cells - 1);
  for (long k = 0; k < cells; ++k) f[k] = free_energy(place(k));
  for (long k = 0; k + 1 < cells; ++k) {
    const double s = diffusion(place(k) + cell / 2) / (cell * cell);
    beside_diagonal[k] = s;
    diagonal[k] -= s * std::exp((f[k] - f[k + 1]) / 2);
    diagonal[k + 1] -= s * std::exp((f[k + 1] - f[k]) / 2);
  }
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> modes;
  modes.computeFromTridiagonal(diagonal, beside_diagonal);
  const Eigen::VectorXd decay = (frame_interval * modes.eigenvalues()).array().exp();
  const Eigen::MatrixXd rows = modes.eigenvectors().middleRows(first, inside);
  const Eigen::MatrixXd stay = rows * decay.asDiagonal() * rows.transpose();  // symmetric form of P within the window
  const Eigen::VectorXd half_density = (-0.5 * (f.array() - f.segment(first, inside).minCoeff())).exp();

  Eigen::VectorXd start = Eigen::VectorXd::Zero(inside);
  for (long k = 0; k < inside; ++k) {
    const double z = place(first + k), reach = std::max(window.start_half_width_ang, 0.5e-6 * cell);
    const double overlap = std::min(z + cell / 2, centre + reach) - std::max(z - cell / 2, centre - reach);
    if (overlap > 0) start[k] = overlap * half_density[first + k] * half_density[first + k];
  }
  if (!(start.sum() > 0)) throw Error(ErrorKind::usage, "a window's starts lie beyond a wall: centre " + std::to_string(centre) + " Å");
  start /= start.sum();

  // in symmetric form x = v √π; P v = D^{-1/2} E D^{1/2} v
  const Eigen::VectorXd root = half_density.segment(first, inside);
  const Eigen::LLT<Eigen::MatrixXd> factor((Eigen::MatrixXd::Identity(inside, inside) - stay).eval());
  const Eigen::VectorXd begin = start.cwiseQuotient(root);
  const Eigen::VectorXd visits = factor.solve(root);       // (I − Q)⁻¹ 1
  const Eigen::VectorXd visits2 = factor.solve(visits);    // (I − Q)⁻² 1
  FrameExitModel model;
  model.time_fs = frame_interval * begin.dot(visits);
  model.time2_fs2 = frame_interval * frame_interval * (2 * begin.dot(visits2) - begin.dot(visits));
  if (cells > last) {
    const Eigen::MatrixXd outside = modes.eigenvectors().bottomRows(cells - last);
    const Eigen::VectorXd leave = rows * (decay.asDiagonal() * (outside.transpose() * half_density.tail(cells - last)));
    model.above = begin.dot(factor.solve(leave));
  }
  if (frames > 0) {
    Eigen::VectorXd v = root;
    model.survival.reserve(frames + 1);
    for (std::size_t k = 0; k <= frames; ++k) {
      model.survival.push_back(begin.dot(v));
      v = stay * v;
    }
  }
  return model;
}

}  // namespace saltus::kinetics
