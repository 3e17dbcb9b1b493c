#include "saltus/statics/equation_of_state.hpp"

#include <cmath>

#include <Eigen/Dense>

#include "saltus/base/error.hpp"

namespace saltus {

BirchMurnaghan fit_birch_murnaghan(std::span<const double> volume_ang3, std::span<const double> energy_ev) {
  const std::size_t n = volume_ang3.size();
  if (n < 5 || energy_ev.size() != n) throw Error(ErrorKind::usage, "an equation of state needs five points or more");
  double middle = 0, mean = 0;
  for (const double v : volume_ang3) {
    if (!(v > 0)) throw Error(ErrorKind::usage, "an equation of state needs positive volumes");
    middle += std::pow(v, -2.0 / 3) / static_cast<double>(n);
  }
  for (const double e : energy_ev) mean += e / static_cast<double>(n);
  // About the middle and the mean, for a well-conditioned fit.
  Eigen::MatrixXd powers(static_cast<Eigen::Index>(n), 4);
  Eigen::VectorXd energy(static_cast<Eigen::Index>(n));
  for (std::size_t k = 0; k < n; ++k) {
    const double x = std::pow(volume_ang3[k], -2.0 / 3) / middle - 1;
    double power = 1;
    for (int p = 0; p < 4; ++p, power *= x) powers(static_cast<Eigen::Index>(k), p) = power;
    energy(static_cast<Eigen::Index>(k)) = energy_ev[k] - mean;
  }
  const Eigen::VectorXd c = powers.colPivHouseholderQr().solve(energy);
  const double discriminant = c(2) * c(2) - 3 * c(3) * c(1);
  // The root of the slope with positive curvature, in the form that has no difference of large numbers.
  const double x = discriminant > 0 && c(2) + std::sqrt(discriminant) > 0 ? -c(1) / (c(2) + std::sqrt(discriminant)) : -1;
  if (!(x > -1)) throw Error(ErrorKind::numeric, "the equation of state has no minimum: begin nearer to the equilibrium volume, or with a wider range");
  const double x0 = middle * (1 + x), curvature = (2 * c(2) + 6 * c(3) * x) / (middle * middle), cubic = c(3) / (middle * middle * middle);
  BirchMurnaghan fit;
  fit.volume_ang3 = std::pow(x0, -1.5);
  fit.energy_ev = mean + c(0) + x * (c(1) + x * (c(2) + x * c(3)));
  fit.bulk_ev_ang3 = 4.0 / 9 * curvature * x0 * x0 / fit.volume_ang3;
  fit.bulk_derivative = 4 + 16 * cubic * x0 * x0 * x0 / (9 * fit.volume_ang3 * fit.bulk_ev_ang3);
  fit.rms_ev = std::sqrt((powers * c - energy).squaredNorm() / static_cast<double>(n));
  return fit;
}

double energy_ev(const BirchMurnaghan& fit, double volume_ang3) {
  const double y = std::pow(fit.volume_ang3 / volume_ang3, 2.0 / 3) - 1;
  return fit.energy_ev + 9 * fit.volume_ang3 * fit.bulk_ev_ang3 / 16 * y * y * (2 + (fit.bulk_derivative - 4) * y);
}

EquationOfState equation_of_state(const Frame& frame, const Potential& potential, const EquationOfStateSettings& settings, const Progress& progress) {
  if (settings.points < 6 || settings.points > 1000) throw Error(ErrorKind::usage, "equation of state: 6 to 1000 points");
  if (!(settings.range > 0 && settings.range <= 0.5)) throw Error(ErrorKind::usage, "equation of state: the range of the volume must lie in (0, 0.5]");
  const auto& periodic = frame.cell.periodic();
  if (!(periodic[0] && periodic[1] && periodic[2])) throw Error(ErrorKind::usage, "an equation of state needs a cell that is periodic along all three lattice vectors");
  EquationOfState result;
  RelaxationSettings relaxation = settings.relaxation;
  relaxation.cell = CellMotion::fixed;
  for (std::size_t k = 0; k < settings.points; ++k) {
    const double part = 1 + settings.range * (2 * static_cast<double>(k) / static_cast<double>(settings.points - 1) - 1), scale = std::cbrt(part);
    Frame scaled = frame;
    Mat3 rows = frame.cell.rows_ang();
    for (int a = 0; a < 3; ++a) rows[a] *= scale;
    scaled.cell = Cell(rows, frame.cell.periodic());
    for (Vec3& r : scaled.position_ang) r *= scale;
    const Relaxation relaxed = relax(scaled, potential, relaxation);
    result.evaluations += relaxed.evaluations;
    if (!relaxed.converged) ++result.not_converged;
    result.volume_ang3.push_back(relaxed.frame.cell.volume_ang3());
    result.energy_ev.push_back(*relaxed.frame.energy_ev);
    report_progress(progress, "equation of state", static_cast<double>(k + 1), static_cast<double>(settings.points), "volumes");
  }
  result.fit = fit_birch_murnaghan(result.volume_ang3, result.energy_ev);
  for (std::size_t out = 0; out < settings.points; ++out) {
    std::vector<double> volume = result.volume_ang3, energy = result.energy_ev;
    volume.erase(volume.begin() + static_cast<std::ptrdiff_t>(out));
    energy.erase(energy.begin() + static_cast<std::ptrdiff_t>(out));
    result.without.push_back(fit_birch_murnaghan(volume, energy));
  }
  return result;
}

}  // namespace saltus
