#include "saltus/statics/elastic_constants.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Dense>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr std::array<std::array<int, 2>, 6> voigt{{{0, 0}, {1, 1}, {2, 2}, {1, 2}, {0, 2}, {0, 1}}};

Frame strained(const Frame& frame, std::size_t component, double size) {
  const auto [a, b] = voigt[component];
  Mat3 map = Mat3::identity();
  if (a == b) map[a][a] += size;
  else map[a][b] = map[b][a] = size / 2;
  Frame bent = frame;
  bent.cell = Cell(frame.cell.rows_ang() * map, frame.cell.periodic());
  for (Vec3& r : bent.position_ang) r = r * map;
  return bent;
}

void average(ElasticConstants& result) {
  const Mat6& c = result.stiffness_ev_ang3;
  Eigen::Matrix<double, 6, 6> stiffness, kelvin;
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 6; ++j) {
      stiffness(i, j) = c[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
      kelvin(i, j) = stiffness(i, j) * (i < 3 ? 1 : std::sqrt(2.0)) * (j < 3 ? 1 : std::sqrt(2.0));
    }
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix<double, 6, 6>> solver(kelvin);
  for (int i = 0; i < 6; ++i) result.eigenvalue_ev_ang3[static_cast<std::size_t>(i)] = solver.eigenvalues()(i);
  result.stable = result.eigenvalue_ev_ang3[0] > 0;
  const auto diagonal = [](const auto& m) { return m(0, 0) + m(1, 1) + m(2, 2); };
  const auto mixed = [](const auto& m) { return m(0, 1) + m(0, 2) + m(1, 2); };
  const auto shears = [](const auto& m) { return m(3, 3) + m(4, 4) + m(5, 5); };
  result.voigt = {(diagonal(stiffness) + 2 * mixed(stiffness)) / 9, (diagonal(stiffness) - mixed(stiffness) + 3 * shears(stiffness)) / 15};
  if (!result.stable) return;
  const Eigen::Matrix<double, 6, 6> s = stiffness.inverse();
  result.reuss = {1 / (diagonal(s) + 2 * mixed(s)), 15 / (4 * diagonal(s) - 4 * mixed(s) + 3 * shears(s))};
}

}  // namespace

ElasticConstants elastic_constants(const Frame& frame, const Potential& potential, const ElasticSettings& settings, const Progress& progress) {
  if (!(settings.strain > 0 && settings.strain <= 0.1)) throw Error(ErrorKind::usage, "elastic constants: the strain must lie in (0, 0.1]");
  const auto& periodic = frame.cell.periodic();
  if (!(periodic[0] && periodic[1] && periodic[2])) throw Error(ErrorKind::usage, "elastic constants need a cell that is periodic along all three lattice vectors");
  ElasticConstants result;
  RelaxationSettings relaxation = settings.relaxation;
  relaxation.cell = CellMotion::fixed;
  if (!settings.relax_atoms) relaxation.minimizer.max_iterations = 0;
  Workspace workspace;
  const Evaluation unstrained = evaluate_one(potential, frame, {.virial = true}, workspace);
  require_virial(unstrained);
  result.stress_ev_ang3 = stress_ev_ang3(*unstrained.virial_ev, frame.cell);
  Mat6 raw{};
  for (std::size_t j = 0; j < 6; ++j)
    for (const int sign : {1, -1}) {
      const Relaxation relaxed = relax(strained(frame, j, sign * settings.strain), potential, relaxation);
      result.evaluations += relaxed.evaluations;
      if (settings.relax_atoms && !relaxed.converged) ++result.not_converged;
      const Mat3 stress = stress_ev_ang3(*relaxed.frame.virial_ev, relaxed.frame.cell);
      for (std::size_t i = 0; i < 6; ++i) {
        const auto [a, b] = voigt[i];
        raw[i][j] += sign * (stress[a][b] + stress[b][a]) / 2 / (2 * settings.strain);
      }
      report_progress(progress, "elastic constants", static_cast<double>(2 * j + (sign < 0 ? 2 : 1)), 12, "strains");
    }
  for (std::size_t i = 0; i < 6; ++i)
    for (std::size_t j = 0; j < 6; ++j) {
      result.stiffness_ev_ang3[i][j] = (raw[i][j] + raw[j][i]) / 2;
      result.largest_asymmetry_ev_ang3 = std::max(result.largest_asymmetry_ev_ang3, std::abs(raw[i][j] - raw[j][i]));
    }
  average(result);
  return result;
}

}  // namespace saltus
