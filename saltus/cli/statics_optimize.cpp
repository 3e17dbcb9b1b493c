// saltus statics optimize MODEL FRAME
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/units.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/statics_kinds.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;
using units::gpa_per_ev_ang3;

struct Options {
  StaticsOptions common;
  std::string cell = "fixed", out;
  double pressure_gpa = 0, stress_tolerance_gpa = 0.01;
};

Json rows_of(const Mat3& m, double factor) {
  Json rows = Json::array();
  for (int a = 0; a < 3; ++a) rows.push_back({factor * m[a][0], factor * m[a][1], factor * m[a][2]});
  return rows;
}

int run_optimize(const Options& o) {
  listen_for_signals();
  RelaxationSettings settings = relaxation_of(o.common);
  settings.cell = cell_motion_named(o.cell);
  settings.pressure_ev_ang3 = o.pressure_gpa / gpa_per_ev_ang3;
  settings.stress_tolerance_ev_ang3 = o.stress_tolerance_gpa / gpa_per_ev_ang3;
  const auto [potential, frame] = read_subject(o.common, settings.cell != CellMotion::fixed);
  const Relaxation r = relax(frame, *potential, settings, interruptible(progress_line(), stop_requested));
  if (!r.converged)
    print_warning(fmt::format("not converged after {} iterations: the largest force is {:.3g} eV/Å; more --max-iterations, or the other --minimizer", r.iterations, r.largest_force_ev_ang));
  if (!o.out.empty()) write_frames(o.out, {&r.frame, 1});
  const auto n = static_cast<double>(r.frame.size());
  const bool periodic = r.frame.cell.has_vectors(), free_cell = settings.cell != CellMotion::fixed;
  if (o.common.json) {
    Json document{{"model", o.common.model},
                  {"input", o.common.start.file.string()},
                  {"atoms", r.frame.size()},
                  {"formula", formula(*r.frame.atoms)},
                  {"converged", r.converged},
                  {"iterations", r.iterations},
                  {"evaluations", r.evaluations},
                  {"first_energy_ev", r.first_energy_ev},
                  {"energy_ev", *r.frame.energy_ev},
                  {"largest_force_ev_ang", r.largest_force_ev_ang}};
    if (free_cell) {
      document["pressure_gpa"] = o.pressure_gpa;
      document["largest_stress_gpa"] = r.largest_stress_ev_ang3 * gpa_per_ev_ang3;
    }
    if (periodic) {
      document["volume_ang3"] = r.frame.cell.volume_ang3();
      document["first_volume_ang3"] = frame.cell.volume_ang3();
      document["cell_ang"] = rows_of(r.frame.cell.rows_ang(), 1);
      document["stress_gpa"] = rows_of(stress_ev_ang3(*r.frame.virial_ev, r.frame.cell), gpa_per_ev_ang3);
    }
    if (!o.out.empty()) document["out"] = o.out;
    print_json(document);
    return 0;
  }
  fmt::print("{}: {}, {} atoms, {} in {} iterations\n", o.common.start.file.string(), formula(*r.frame.atoms), r.frame.size(), r.converged ? "converged" : "not converged", r.iterations);
  fmt::print("energy         {:.6f} eV ({:.6f} eV per atom; {:.6f} eV below the frame)\n", *r.frame.energy_ev, *r.frame.energy_ev / n, r.first_energy_ev - *r.frame.energy_ev);
  fmt::print("largest force  {:.3g} eV/Å\n", r.largest_force_ev_ang);
  if (periodic) fmt::print("volume         {:.4f} Å³ ({:.4f} Å³ per atom; {:+.3f} %)\n", r.frame.cell.volume_ang3(), r.frame.cell.volume_ang3() / n,
                           100 * (r.frame.cell.volume_ang3() / frame.cell.volume_ang3() - 1));
  if (free_cell) {
    fmt::print("stress         {:.3g} GPa at most, beyond the pressure\n", r.largest_stress_ev_ang3 * gpa_per_ev_ang3);
    fmt::print("cell           ");
    for (int a = 0; a < 3; ++a) {
      const Vec3& row = r.frame.cell.rows_ang()[a];
      fmt::print("{:10.5f} {:10.5f} {:10.5f} Å\n{}", row.x, row.y, row.z, a < 2 ? "               " : "");
    }
  }
  if (!o.out.empty()) fmt::print("written to {}\n", o.out);
  return 0;
}

}  // namespace

std::function<int()> set_up_optimize(CLI::App& kind) {
  const auto o = std::make_shared<Options>();
  add_statics_options(kind, o->common);
  kind.add_option("--supercell", o->common.supercell, "repeats along a b c (default 1 1 1)")->expected(3)->check(CLI::Range(1, 64));
  kind.add_option("--cell", o->cell, "fixed (default), hydrostatic, anisotropic (x, y, z) or full: what of it may change")
      ->check(CLI::IsMember({"fixed", "hydrostatic", "anisotropic", "full"}));
  kind.add_option("--pressure-gpa", o->pressure_gpa, "on a cell that may change, GPa (default 0)");
  kind.add_option("--stress-tolerance-gpa", o->stress_tolerance_gpa, "largest component of stress + pressure at the end, GPa (default 0.01)")->check(CLI::PositiveNumber);
  add_relaxation_options(kind, o->common);
  add_trust_stress(kind, o->common);
  kind.add_option("--out", o->out, "the minimum as extXYZ, with energy, forces and virial")->type_name("FILE");
  kind.footer("A minimum near the frame, not the lowest of all; what is not converged is written too, with a warning.\n\nExample:\n"
              "  saltus statics optimize li15si4.safetensors examples/li15si4/li15si4_900K.extxyz \\\n    --out minimum.extxyz");
  return [o] { return run_optimize(*o); };
}

}  // namespace saltus::cli
