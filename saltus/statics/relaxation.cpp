#include "saltus/statics/relaxation.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"

namespace saltus {

namespace {

Mat3 scaled(const Mat3& m, double s) { return {{s * m[0], s * m[1], s * m[2]}}; }

Mat3 projected(const Mat3& m, CellMotion motion) {
  Mat3 result;
  if (motion == CellMotion::fixed) return result;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) {
      if (motion == CellMotion::full) result[a][b] = (m[a][b] + m[b][a]) / 2;
      else if (a == b) result[a][a] = motion == CellMotion::anisotropic ? m[a][a] : (m[0][0] + m[1][1] + m[2][2]) / 3;
    }
  return result;
}

double largest_component(const Mat3& m) {
  double most = 0;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) most = std::max(most, std::abs(m[a][b]));
  return most;
}

void check(const Frame& frame, const RelaxationSettings& s) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw Error(ErrorKind::usage, std::string("optimisation: ") + what);
  };
  require(frame.atoms && frame.size() > 0, "the frame has no atoms");
  require(s.force_tolerance_ev_ang > 0 && s.stress_tolerance_ev_ang3 > 0, "tolerances must be positive");
  require(std::isfinite(s.pressure_ev_ang3), "the pressure must be finite");
  const auto& periodic = frame.cell.periodic();
  require(s.cell == CellMotion::fixed || (periodic[0] && periodic[1] && periodic[2]), "a free cell must be periodic along all three lattice vectors");
}

}  // namespace

CellMotion cell_motion_named(std::string_view name) {
  if (name == "fixed") return CellMotion::fixed;
  if (name == "hydrostatic") return CellMotion::hydrostatic;
  if (name == "anisotropic") return CellMotion::anisotropic;
  if (name == "full") return CellMotion::full;
  throw Error(ErrorKind::usage, fmt::format("'{}' is no motion of the cell: fixed, hydrostatic, anisotropic or full", name));
}

void require_virial(const Evaluation& evaluation) {
  if (!evaluation.virial_ev) throw Error(ErrorKind::unsupported, "this potential gives no stress for such a cell, which this needs");
}

Mat3 stress_ev_ang3(const Mat3& virial_ev, const Cell& cell) { return scaled(virial_ev, -1 / cell.volume_ang3()); }

Relaxation relax(const Frame& start, const Potential& potential, const RelaxationSettings& settings, const Progress& progress) {
  check(start, settings);
  const std::size_t n = start.size();
  const bool free_cell = settings.cell != CellMotion::fixed;
  const double length = free_cell ? std::sqrt(static_cast<double>(n)) * std::cbrt(start.cell.volume_ang3() / static_cast<double>(n)) : 1;
  const Want want{.forces = true, .virial = start.cell.has_vectors()};

  Relaxation result;
  result.frame.atoms = start.atoms;
  result.frame.cell = start.cell;
  result.frame.step = start.step;
  result.frame.time_fs = start.time_fs;
  Workspace workspace;
  workspace.skin_ang = free_cell ? 0 : 0.3;
  Evaluation evaluation;
  bool first = true;

  // Points: the atoms as in the first cell, then the rows of the deformation minus one, times the length.
  std::vector<Vec3> point = start.position_ang;
  if (free_cell) point.resize(n + 3);
  const Objective enthalpy = [&](std::span<const Vec3> x, std::span<Vec3> gradient) {
    Frame& frame = result.frame;
    Mat3 deformation = Mat3::identity();
    frame.position_ang.assign(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(n));
    if (free_cell) {
      for (int a = 0; a < 3; ++a) deformation[a] += x[n + static_cast<std::size_t>(a)] / length;
      if (!(determinant(deformation) > 0.05 && determinant(deformation) < 20))
        throw Error(ErrorKind::numeric, "the optimisation lets the cell collapse or fly apart: does the potential know this material at this density?");
      frame.cell = Cell(start.cell.rows_ang() * deformation, start.cell.periodic());
      for (Vec3& r : frame.position_ang) r = r * deformation;
    }
    potential.evaluate({frame.atoms.get(), {&frame.cell, 1}, frame.position_ang}, want, workspace, {&evaluation, 1});
    if (first) result.first_energy_ev = evaluation.energy_ev;
    first = false;
    for (std::size_t i = 0; i < n; ++i) gradient[i] = -(deformation * evaluation.force_ev_ang[i]);
    if (!free_cell) return evaluation.energy_ev;
    require_virial(evaluation);
    const double pv = settings.pressure_ev_ang3 * frame.cell.volume_ang3();
    Mat3 pull = *evaluation.virial_ev;
    for (int a = 0; a < 3; ++a) pull[a][a] -= pv;
    const Mat3 slope = projected(scaled(transpose(inverse(deformation)) * pull, -1 / length), settings.cell);
    for (int a = 0; a < 3; ++a) gradient[n + static_cast<std::size_t>(a)] = slope[a];
    return evaluation.energy_ev + pv;
  };
  const Converged converged = [&](std::size_t iterations) {
    double force2 = 0;
    for (const Vec3& f : evaluation.force_ev_ang) force2 = std::max(force2, norm2(f));
    result.largest_force_ev_ang = std::sqrt(force2);
    if (free_cell) {
      Mat3 excess = stress_ev_ang3(*evaluation.virial_ev, result.frame.cell);
      for (int a = 0; a < 3; ++a) excess[a][a] += settings.pressure_ev_ang3;
      result.largest_stress_ev_ang3 = largest_component(projected(excess, settings.cell));
    }
    if (progress)
      progress({"optimisation", static_cast<double>(iterations), static_cast<double>(settings.minimizer.max_iterations),
                fmt::format("{:.4g} eV/Å{}", result.largest_force_ev_ang, free_cell ? fmt::format(", {:.3g} GPa", result.largest_stress_ev_ang3 * units::gpa_per_ev_ang3) : ""), "iterations"});
    return result.largest_force_ev_ang <= settings.force_tolerance_ev_ang && result.largest_stress_ev_ang3 <= settings.stress_tolerance_ev_ang3;
  };
  const MinimizerEnd end = minimize(enthalpy, point, settings.minimizer, converged);
  result.converged = end.converged || converged(end.iterations);
  result.iterations = end.iterations;
  result.evaluations = end.evaluations;
  result.frame.energy_ev = evaluation.energy_ev;
  result.frame.force_ev_ang = evaluation.force_ev_ang;
  result.frame.virial_ev = evaluation.virial_ev;
  return result;
}

}  // namespace saltus
