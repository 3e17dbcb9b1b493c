#include "saltus/kinetics/network_modes.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Eigenvalues>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

std::vector<RelaxationMode> relaxation_modes(const NetworkMoments& moments, bool lag_form) {
  const auto n = static_cast<Eigen::Index>(moments.pi.size());
  if (n > 3000) {
    throw Error(ErrorKind::unsupported,
                "relaxation modes: " + std::to_string(n) + " sites; the whole matrix is diagonalised, at most 3000");
  }
  // -Q (or I - T) symmetrised; the diagonal is the sum of what leaves, so that slow modes keep their digits.
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(n, n);
  for (const Transition& t : moments.transitions) {
    const double scale = std::sqrt(moments.pi[static_cast<std::size_t>(t.from)] / moments.pi[static_cast<std::size_t>(t.to)]);
    matrix(t.from, t.from) += t.probability;
    matrix(t.from, t.to) -= 0.5 * scale * t.probability;
    matrix(t.to, t.from) -= 0.5 * scale * t.probability;
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);
  if (solver.info() != Eigen::Success) throw Error(ErrorKind::numeric, "relaxation modes: the eigenvalues do not converge");
  std::vector<RelaxationMode> modes;
  for (Eigen::Index m = 1; m < n; ++m) {
    RelaxationMode mode;
    const double rate = solver.eigenvalues()(m);
    if (!lag_form) mode.time = 1 / rate;
    else if (rate < 1) mode.time = -1 / std::log1p(-rate);
    Vec3 c;
    for (Eigen::Index a = 0; a < n; ++a) {
      const auto site = static_cast<std::size_t>(a);
      const double root = std::sqrt(moments.pi[site]);
      mode.right.push_back(solver.eigenvectors()(a, m) / root);
      c += root * solver.eigenvectors()(a, m) * moments.mean_ang[site];
    }
    mode.diffusion_ang2 = scaled(outer(c, c), 1 / rate);
    modes.push_back(std::move(mode));
  }
  return modes;
}

std::vector<double> driven_relaxation_times(const NetworkMoments& moments, bool lag_form) {
  const auto n = static_cast<Eigen::Index>(moments.pi.size());
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(n, n);
  for (const Transition& t : moments.transitions) {
    matrix(t.from, t.to) += t.probability;
    matrix(t.from, t.from) -= t.probability;
  }
  const Eigen::EigenSolver<Eigen::MatrixXd> solver(matrix, false);
  std::vector<double> times;
  for (const std::complex<double>& value : solver.eigenvalues())
    times.push_back(lag_form ? -1 / std::log(std::abs(1.0 + value)) : -1 / value.real());
  // The stationary eigenvalue, zero up to rounding, has the largest |time|.
  const auto stationary = std::max_element(times.begin(), times.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
  times.erase(stationary);
  std::sort(times.begin(), times.end(), std::greater<>());
  return times;
}

}  // namespace saltus::kinetics
