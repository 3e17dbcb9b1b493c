#include "saltus/runs/model_probes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include <time.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/units.hpp"
#include "saltus/dynamics/loop.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;

namespace {

constexpr double short_range = 0.75;  // of the sum of covalent radii: no pair of elements binds there
constexpr double dimer_step_ang = 0.01, window_ang = 0.02, fine_step_ang = 0.001;
constexpr double significant_ev = 1e-3;
constexpr std::size_t at_once = 64;
constexpr double scan_ang = 0.3, scan_step_ang = 0.005;

double component_rms(const std::vector<Vec3>& forces) {
  double sum = 0;
  for (const Vec3& f : forces) sum += norm2(f);
  return std::sqrt(sum / (3 * static_cast<double>(forces.size())));
}

GradientProbe probe_gradient(const Potential& potential, const Frame& frame, const Evaluation& here, const ProbeSettings& settings, Workspace& workspace,
                             const Progress& progress) {
  GradientProbe probe;
  probe.force_rms_ev_ang = component_rms(here.force_ev_ang);
  const std::size_t atoms = std::min(settings.atoms, frame.size());
  const double h = settings.displacement_ang;
  Frame moved = frame;
  for (std::size_t k = 0; k < atoms; ++k) {
    const std::size_t atom = k * frame.size() / atoms;
    for (int axis = 0; axis < 3; ++axis) {
      const auto energy_ev = [&](double shift) {
        moved.position_ang[atom] = frame.position_ang[atom];
        moved.position_ang[atom][axis] += shift;
        return evaluate_one(potential, moved, {.forces = false}, workspace).energy_ev;
      };
      const double slope = (8 * (energy_ev(h) - energy_ev(-h)) - (energy_ev(2 * h) - energy_ev(-2 * h))) / (12 * h);
      const double deviation = std::abs(here.force_ev_ang[atom][axis] + slope);
      ++probe.components;
      if (deviation > probe.largest_ev_ang) {
        probe.largest_ev_ang = deviation;
        probe.atom = atom;
      }
    }
    moved.position_ang[atom] = frame.position_ang[atom];
    report_progress(progress, "forces by differences", static_cast<double>(k + 1), static_cast<double>(atoms), "atoms");
  }
  return probe;
}

/// Rotation by `angle` about a unit vector, for row vectors. Rodrigues' formula.
Mat3 rotation_about(const Vec3& axis, double angle) {
  Mat3 matrix;
  for (int i = 0; i < 3; ++i) {
    Vec3 v;
    v[i] = 1;
    matrix[i] = std::cos(angle) * v + std::sin(angle) * cross(axis, v) + (1 - std::cos(angle)) * dot(axis, v) * axis;
  }
  return matrix;
}

RotationProbe probe_rotation(const Potential& potential, const Frame& frame, const Evaluation& here, Workspace& workspace) {
  RotationProbe probe;
  const double rms = component_rms(here.force_ev_ang);
  for (const auto& [axis, angle] : {std::pair{Vec3{1, 2, 3}, 0.7}, std::pair{Vec3{-2, 1, 0.5}, 1.9}, std::pair{Vec3{0.3, -1, 2}, 2.8}}) {
    const Mat3 turn = rotation_about(axis / norm(axis), angle);
    Frame turned = frame;
    if (frame.cell.has_vectors()) turned.cell = Cell(frame.cell.rows_ang() * turn, frame.cell.periodic());
    for (Vec3& r : turned.position_ang) r = r * turn;
    const Evaluation there = evaluate_one(potential, turned, {.forces = true}, workspace);
    probe.energy_ev_per_atom = std::max(probe.energy_ev_per_atom, std::abs(there.energy_ev - here.energy_ev) / static_cast<double>(frame.size()));
    for (std::size_t i = 0; i < frame.size(); ++i) probe.force_ev_ang = std::max(probe.force_ev_ang, norm(there.force_ev_ang[i] - here.force_ev_ang[i] * turn));
  }
  probe.relative = rms > 0 ? probe.force_ev_ang / rms : 0;
  return probe;
}

ScanProbe probe_scan(const Potential& potential, const Frame& frame, Workspace& workspace, const Progress& progress) {
  ScanProbe probe{scan_ang, scan_step_ang, 0, 0};
  const Vec3 along = Vec3{1, 2, 3} / norm(Vec3{1, 2, 3});
  const std::size_t steps = static_cast<std::size_t>(std::lround(scan_ang / scan_step_ang)) + 1;
  std::vector<double> energy_ev, force_ev_ang;
  Frame moved = frame;
  for (std::size_t k = 0; k < steps; ++k) {
    moved.position_ang[0] = frame.position_ang[0] + (static_cast<double>(k) * scan_step_ang - scan_ang / 2) * along;
    const Evaluation there = evaluate_one(potential, moved, {.forces = true}, workspace);
    energy_ev.push_back(there.energy_ev);
    force_ev_ang.push_back(dot(there.force_ev_ang[0], along));
    report_progress(progress, "slow scan", static_cast<double>(k + 1), static_cast<double>(steps), "steps");
  }
  for (std::size_t k = 1; k < steps; ++k)
    probe.energy_jump_ev = std::max(probe.energy_jump_ev, std::abs(energy_ev[k] - energy_ev[k - 1] + scan_step_ang * (force_ev_ang[k] + force_ev_ang[k - 1]) / 2));
  for (std::size_t k = 2; k + 1 < steps; ++k) {
    const auto change = [&](std::size_t j) { return force_ev_ang[j] - force_ev_ang[j - 1]; };
    probe.force_jump_ev_ang = std::max(probe.force_jump_ev_ang, std::abs(change(k) - (change(k - 1) + change(k + 1)) / 2));
  }
  return probe;
}

/// Energies and forces along the line, positive where the atoms repel.
struct DimerCurve {
  std::vector<double> r_ang, energy_ev, force_ev_ang;
};

DimerCurve dimer_curve(const Potential& potential, const Atoms& atoms, double from_ang, double to_ang, double step_ang) {
  DimerCurve curve;
  const std::size_t points = static_cast<std::size_t>(std::ceil((to_ang - from_ang) / step_ang - 1e-6)) + 1;
  for (std::size_t k = 0; k < points; ++k) curve.r_ang.push_back(from_ang + static_cast<double>(k) * step_ang);
  Workspace workspace;
  for (std::size_t first = 0; first < points; first += at_once) {
    const std::size_t count = std::min(at_once, points - first);
    const std::vector<Cell> cells(count);
    std::vector<Vec3> positions;
    for (std::size_t k = 0; k < count; ++k) {
      // Off the axes, where models with a grid of directions are at their best.
      const Vec3 along = Vec3{2, 1, 3} / norm(Vec3{2, 1, 3});
      positions.push_back({});
      positions.push_back(curve.r_ang[first + k] * along);
    }
    std::vector<Evaluation> results(count);
    potential.evaluate({&atoms, cells, positions}, {.forces = true}, workspace, results);
    for (std::size_t k = 0; k < count; ++k) {
      curve.energy_ev.push_back(results[k].energy_ev);
      curve.force_ev_ang.push_back(dot(results[k].force_ev_ang[1], positions[2 * k + 1]) / curve.r_ang[first + k]);
    }
  }
  return curve;
}

void judge_dimer(const DimerCurve& curve, double separate_ev, double short_ang, DimerProbe& probe) {
  bool within = false;
  double highest = -std::numeric_limits<double>::infinity();
  probe.nearest_ang = curve.r_ang.back();
  for (std::size_t k = curve.r_ang.size(); k-- > 0;) {  // from outside
    const double energy = curve.energy_ev[k] - separate_ev, force = curve.force_ev_ang[k];
    if (!std::isfinite(energy) || !std::isfinite(force)) {
      probe.not_finite_ang = curve.r_ang[k];
      return;
    }
    within = curve.r_ang[k] <= short_ang;
    if (!within) {
      if (energy < probe.depth_ev) {
        probe.depth_ev = energy;
        probe.nearest_ang = curve.r_ang[k];
      }
      if (k > 0 && k + 1 < curve.r_ang.size() && energy < -significant_ev && curve.energy_ev[k] < curve.energy_ev[k - 1] && curve.energy_ev[k] <= curve.energy_ev[k + 1]) ++probe.minima;
    }
    highest = std::max(highest, energy);
    if (within && force < 0 && !probe.attractive_below_ang) {
      probe.attractive_below_ang = curve.r_ang[k];
      probe.barrier_ev = highest;
    }
  }
  probe.wall_ev = curve.energy_ev.front() - separate_ev;
}

DimerProbe probe_dimer(const Potential& potential, int first, int second) {
  DimerProbe probe;
  probe.first = first;
  probe.second = second;
  const double radii = covalent_radius_ang(first) + covalent_radius_ang(second), cutoff = potential.cutoff_ang();
  probe.from_ang = std::min(0.5, radii / 2);
  probe.to_ang = cutoff + 0.5;
  const Atoms atoms = atoms_of({static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(second)});
  try {
    const double separate_ev = dimer_curve(potential, atoms, probe.to_ang, probe.to_ang, 1).energy_ev.front();
    judge_dimer(dimer_curve(potential, atoms, probe.from_ang, probe.to_ang, dimer_step_ang), separate_ev, short_range * radii, probe);
    const DimerCurve edge = dimer_curve(potential, atoms, cutoff - window_ang, cutoff + window_ang, fine_step_ang);
    for (std::size_t k = 1; k < edge.r_ang.size(); ++k) {
      probe.cutoff_energy_jump_ev = std::max(probe.cutoff_energy_jump_ev, std::abs(edge.energy_ev[k] - edge.energy_ev[k - 1]));
      probe.cutoff_force_jump_ev_ang = std::max(probe.cutoff_force_jump_ev_ang, std::abs(edge.force_ev_ang[k] - edge.force_ev_ang[k - 1]));
    }
  } catch (const Error& error) {
    probe.failure = error.what();
  }
  return probe;
}

ConservationProbe probe_conservation(const Potential& potential, const Frame& frame, const ProbeSettings& settings, const Progress& progress) {
  const auto& numbers = frame.atoms->atomic_number;
  const bool hydrogen = std::find(numbers.begin(), numbers.end(), 1) != numbers.end();
  ConservationProbe probe;
  probe.timestep_fs = settings.timestep_fs > 0 ? settings.timestep_fs : hydrogen ? 0.5 : 1;
  LoopSettings loop;
  loop.timestep_fs = probe.timestep_fs;
  loop.steps = settings.steps;
  loop.write_stride = loop.checkpoint_stride = loop.extrapolation_stride = 0;
  loop.log_stride = 1;
  loop.temperature_limit_kelvin = 100 * std::max(300.0, settings.temperature_kelvin);
  Random random(settings.seed, 0);
  State state = state_of(frame, random);
  draw_velocities(state, settings.temperature_kelvin, random);
  state.random = random;
  std::vector<std::pair<double, double>> rows;
  LoopSinks sinks;
  sinks.log = [&](const LogRow& row) { rows.emplace_back(row.time_fs, row.conserved_ev); };
  sinks.progress = progress;
  begin_dynamics(state, loop);
  try {
    run_dynamics(state, potential, loop, sinks);
  } catch (const Error& error) {
    probe.failure = error.what();
  }
  probe.length_ps = rows.empty() ? 0 : rows.back().first / units::fs_per_ps;
  double t = 0, e = 0, tt = 0, te = 0, ee = 0;
  for (const auto& [time, energy] : rows) {
    t += time / static_cast<double>(rows.size());
    e += energy / static_cast<double>(rows.size());
  }
  for (const auto& [time, energy] : rows) {
    tt += (time - t) * (time - t);
    te += (time - t) * (energy - e);
    ee += (energy - e) * (energy - e);
  }
  if (tt > 0) {
    const double per_atom = units::mev_per_ev / static_cast<double>(frame.size());
    probe.drift_mev_per_atom_ps = te / tt * per_atom * units::fs_per_ps;
    probe.fluctuation_mev_per_atom = std::sqrt(std::max(0.0, ee - te * te / tt) / static_cast<double>(rows.size())) * per_atom;
  }
  return probe;
}

/// One thread for as long as it lives.
struct OneThread {
  int before = thread_count();
  OneThread() { set_thread_count(1); }
  ~OneThread() { set_thread_count(before); }
};

/// Of this thread: what other programs take meanwhile does not count.
double processor_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double cost_microsecond_per_atom_step(const Potential& potential, const Frame& frame) {
  const OneThread alone;
  Workspace workspace;
  workspace.skin_ang = 1;  // as MD has it
  evaluate_one(potential, frame, {.forces = true}, workspace);
  double best_s = std::numeric_limits<double>::infinity(), sum_s = 0;
  for (int k = 0; k < 100 && (k < 3 || sum_s < 0.5); ++k) {
    const double begin_s = processor_seconds();
    evaluate_one(potential, frame, {.forces = true}, workspace);
    const double seconds = processor_seconds() - begin_s;
    best_s = std::min(best_s, seconds);
    sum_s += seconds;
  }
  return 1e6 * best_s / static_cast<double>(frame.size());
}

}  // namespace

std::string unknown_elements(const Potential& potential, const Atoms& atoms) {
  const auto& known = potential.info().elements;
  std::vector<std::string> unknown;
  if (known.empty()) return "";
  for (const std::uint8_t z : std::set<std::uint8_t>(atoms.atomic_number.begin(), atoms.atomic_number.end()))
    if (std::find(known.begin(), known.end(), z) == known.end()) unknown.emplace_back(symbol_of(z));
  return join(unknown);
}

ModelProbes probe_model(const Potential& potential, const Frame& frame, const ProbeSettings& settings, const Progress& progress) {
  if (frame.size() == 0) throw Error(ErrorKind::usage, "a frame without atoms tells nothing of a model");
  ModelProbes probes;
  probes.formula = formula(*frame.atoms);
  probes.atoms = frame.size();
  Workspace workspace;
  const Evaluation here = evaluate_one(potential, frame, {.forces = true}, workspace);
  probes.gradient = probe_gradient(potential, frame, here, settings, workspace, progress);
  probes.rotation = probe_rotation(potential, frame, here, workspace);
  if (frame.size() > 1) probes.scan = probe_scan(potential, frame, workspace, progress);
  const std::set<int> elements(frame.atoms->atomic_number.begin(), frame.atoms->atomic_number.end());
  for (auto a = elements.begin(); a != elements.end(); ++a)
    for (auto b = a; b != elements.end(); ++b) {
      probes.dimers.push_back(probe_dimer(potential, *a, *b));
      report_progress(progress, "pairs", static_cast<double>(probes.dimers.size()), static_cast<double>(elements.size() * (elements.size() + 1) / 2), "pairs");
    }
  if (settings.steps > 0) probes.conservation = probe_conservation(potential, frame, settings, progress);
  probes.microsecond_per_atom_step = cost_microsecond_per_atom_step(potential, frame);
  return probes;
}

namespace {

json or_null(const std::optional<double>& value) { return value && std::isfinite(*value) ? json(*value) : json(nullptr); }

}  // namespace

std::string to_json_text(const ModelProbes& p) {
  json object{{"formula", p.formula}, {"atoms", p.atoms}};
  object["gradient"] = {{"components", p.gradient.components}, {"largest_ev_ang", p.gradient.largest_ev_ang}, {"force_rms_ev_ang", p.gradient.force_rms_ev_ang},
                        {"relative", p.gradient.relative()}, {"atom", p.gradient.atom + 1}};
  object["rotation"] = {{"energy_ev_per_atom", p.rotation.energy_ev_per_atom}, {"force_ev_ang", p.rotation.force_ev_ang}, {"relative", p.rotation.relative},
                        {"invariant", p.rotation.invariant()}};
  object["scan"] = nullptr;
  if (p.scan)
    object["scan"] = {{"length_ang", p.scan->length_ang}, {"step_ang", p.scan->step_ang}, {"energy_jump_ev", p.scan->energy_jump_ev}, {"force_jump_ev_ang", p.scan->force_jump_ev_ang}};
  object["dimers"] = json::array();
  for (const DimerProbe& d : p.dimers) {
    const bool whole = d.failure.empty() && !d.not_finite_ang;
    object["dimers"].push_back({{"pair", fmt::format("{}-{}", symbol_of(d.first), symbol_of(d.second))}, {"repulsive", d.repulsive()},
                                {"from_ang", d.from_ang}, {"to_ang", d.to_ang}, {"not_finite_ang", or_null(d.not_finite_ang)},
                                {"attractive_below_ang", or_null(d.attractive_below_ang)}, {"barrier_ev", or_null(d.barrier_ev)},
                                {"wall_ev", whole ? or_null(d.wall_ev) : json(nullptr)}, {"depth_ev", whole ? or_null(d.depth_ev) : json(nullptr)},
                                {"nearest_ang", whole ? or_null(d.nearest_ang) : json(nullptr)}, {"minima", d.minima},
                                {"cutoff_energy_jump_ev", or_null(d.cutoff_energy_jump_ev)}, {"cutoff_force_jump_ev_ang", or_null(d.cutoff_force_jump_ev_ang)},
                                {"failure", d.failure.empty() ? json(nullptr) : json(d.failure)}});
  }
  object["conservation"] = nullptr;
  if (p.conservation)
    object["conservation"] = {{"timestep_fs", p.conservation->timestep_fs}, {"length_ps", p.conservation->length_ps},
                              {"drift_mev_per_atom_ps", or_null(p.conservation->drift_mev_per_atom_ps)},
                              {"fluctuation_mev_per_atom", or_null(p.conservation->fluctuation_mev_per_atom)},
                              {"failure", p.conservation->failure.empty() ? json(nullptr) : json(p.conservation->failure)}};
  object["microsecond_per_atom_step"] = p.microsecond_per_atom_step;
  return object.dump();
}

}  // namespace saltus::runs
