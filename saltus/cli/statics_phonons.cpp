// saltus statics phonons MODEL FRAME
#include <algorithm>
#include <cmath>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/statics_kinds.hpp"
#include "saltus/statics/phonons.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr double worth_a_warning_ev_ang = 0.01;
constexpr double thz_per_per_cm = units::light_cm_per_fs * 1e3;

struct Options {
  StaticsOptions common;
  std::vector<int> supercell{2, 2, 2}, mesh{10, 10, 10};
  std::vector<double> q, temperatures{300};
  double displacement_ang = 0.01, width_thz = 0.1;
  std::string dos;
};

std::string shown(double thz) {
  return fmt::format("{:>10.4f} {:>10.2f}{}", std::abs(thz), std::abs(thz) / thz_per_per_cm, thz < 0 ? "  imaginary" : "");
}

int run_phonons(const Options& o) {
  listen_for_signals();
  if (o.q.size() % 3 != 0) throw Error(ErrorKind::usage, "--q takes three numbers for each point: 0,0,0.5");
  for (const double kelvin : o.temperatures)
    if (!(std::isfinite(kelvin) && kelvin >= 0)) throw Error(ErrorKind::usage, "temperatures must not be negative");
  const auto [potential, frame] = read_subject(o.common, false);
  const Progress progress = interruptible(progress_line(), stop_requested);
  const ForceConstants constants = force_constants(frame, *potential, {{o.supercell[0], o.supercell[1], o.supercell[2]}, o.displacement_ang}, progress);
  if (constants.largest_force_ev_ang > worth_a_warning_ev_ang)
    print_warning(fmt::format("the frame is no minimum, it has a force of {:.3g} eV/Å: begin from 'saltus statics optimize'", constants.largest_force_ev_ang));
  std::vector<Vec3> points{{0, 0, 0}};
  for (std::size_t k = 0; k + 2 < o.q.size(); k += 3) points.push_back({o.q[k], o.q[k + 1], o.q[k + 2]});
  std::vector<std::vector<double>> of_point;
  for (const Vec3& q : points) of_point.push_back(frequencies_thz(constants, q));
  const std::vector<double> mesh = mesh_frequencies_thz(constants, {o.mesh[0], o.mesh[1], o.mesh[2]}, progress);
  const HarmonicEnergies energies = harmonic_energies(mesh, frame.size(), o.temperatures);
  if (energies.imaginary > 0)
    print_warning(fmt::format("{} of {} modes of the mesh are imaginary: no minimum, or a supercell that is too small; energies leave them out", energies.imaginary, energies.modes));
  if (!o.dos.empty()) {
    const auto [low, high] = std::minmax_element(mesh.begin(), mesh.end());
    std::vector<double> at;
    for (double f = *low - 4 * o.width_thz; f <= *high + 4 * o.width_thz; f += o.width_thz / 4) at.push_back(f);
    const std::vector<double> density = density_of_states(mesh, frame.size(), at, o.width_thz);
    std::string text = "frequency_thz,density_per_thz\n";
    for (std::size_t k = 0; k < at.size(); ++k) text += fmt::format("{:.6f},{:.8g}\n", at[k], density[k]);
    write_file_atomically(o.dos, text);
  }
  if (o.common.json) {
    Json document{{"model", o.common.model}, {"input", o.common.start.file.string()}, {"formula", formula(*frame.atoms)}, {"supercell", o.supercell}, {"displacement_ang", o.displacement_ang},
                  {"largest_force_ev_ang", constants.largest_force_ev_ang}, {"largest_asymmetry_ev_ang2", constants.largest_asymmetry_ev_ang2},
                  {"largest_sum_ev_ang2", constants.largest_sum_ev_ang2}, {"points", Json::array()}};
    for (std::size_t k = 0; k < points.size(); ++k)
      document["points"].push_back({{"q", {points[k].x, points[k].y, points[k].z}}, {"frequency_thz", of_point[k]}});
    document["mesh"] = o.mesh;
    document["modes"] = energies.modes;
    document["imaginary_modes"] = energies.imaginary;
    document["zero_point_ev"] = energies.zero_point_ev;
    document["temperatures"] = Json::array();
    for (std::size_t k = 0; k < o.temperatures.size(); ++k)
      document["temperatures"].push_back({{"kelvin", o.temperatures[k]}, {"free_energy_ev", energies.free_energy_ev[k]}, {"entropy_ev_kelvin", energies.entropy_ev_kelvin[k]},
                                          {"heat_capacity_ev_kelvin", energies.heat_capacity_ev_kelvin[k]}});
    if (!o.dos.empty()) document["density_of_states"] = o.dos;
    print_json(document);
    return 0;
  }
  fmt::print("{}: {}, {} atoms, supercell {} × {} × {}\n", o.common.start.file.string(), formula(*frame.atoms), frame.size(), o.supercell[0], o.supercell[1], o.supercell[2]);
  fmt::print("before the sum rule   {:.2g} eV/Å² at most for a translation; asymmetry {:.2g} eV/Å²\n", constants.largest_sum_ev_ang2, constants.largest_asymmetry_ev_ang2);
  for (std::size_t p = 0; p < points.size(); ++p) {
    fmt::print("\nq = ({:g}, {:g}, {:g})\n{:>6} {:>10} {:>10}\n", points[p].x, points[p].y, points[p].z, "mode", "THz", "1/cm");
    for (std::size_t k = 0; k < of_point[p].size(); ++k) fmt::print("{:>6} {}\n", k, shown(of_point[p][k]));
  }
  fmt::print("\nmesh {} × {} × {}: {} modes, {} imaginary\nzero-point energy     {:.6f} eV per cell\n\n", o.mesh[0], o.mesh[1], o.mesh[2], energies.modes, energies.imaginary,
             energies.zero_point_ev);
  fmt::print("{:>10} {:>18} {:>16} {:>18}\n", "T, K", "free energy, eV", "entropy, meV/K", "heat capacity, kB");
  for (std::size_t k = 0; k < o.temperatures.size(); ++k)
    fmt::print("{:>10g} {:>18.6f} {:>16.6f} {:>18.4f}\n", o.temperatures[k], energies.free_energy_ev[k], 1e3 * energies.entropy_ev_kelvin[k],
               energies.heat_capacity_ev_kelvin[k] / units::boltzmann_ev_per_kelvin);
  if (!o.dos.empty()) fmt::print("\nwritten to {}\n", o.dos);
  return 0;
}

}  // namespace

std::function<int()> set_up_phonons(CLI::App& kind) {
  const auto o = std::make_shared<Options>();
  add_statics_options(kind, o->common);
  kind.add_option("--supercell", o->supercell, "that holds the force constants, repeats along a b c (default 2 2 2)")->expected(3)->check(CLI::Range(1, 64));
  kind.add_option("--displacement-ang", o->displacement_ang, "of each atom, up and down, Å (default 0.01)")->check(CLI::PositiveNumber);
  kind.add_option("--q", o->q, "points beside Γ, in reciprocal lattice vectors: 0,0,0.5,0.5,0,0.5 (default: none)")->delimiter(',');
  kind.add_option("--mesh", o->mesh, "of points that holds Γ, for energies and density (default 10 10 10)")->expected(3)->check(CLI::Range(1, 200));
  kind.add_option("--temperatures-kelvin", o->temperatures, "of the free energies, K (default 300)")->delimiter(',');
  kind.add_option("--dos", o->dos, "density of states per THz and cell, as CSV")->type_name("FILE");
  kind.add_option("--width-thz", o->width_thz, "of its Gaussians, THz (default 0.1)")->check(CLI::PositiveNumber);
  kind.footer("FRAME is the cell to repeat, at a minimum. Force constants are made symmetric and obey the acoustic sum rule;\n"
              "frequencies are cycles, imaginary ones marked (negative in JSON). Energies are per cell.\n\nExample:\n"
              "  saltus statics phonons li15si4.safetensors minimum.extxyz --supercell 1 1 1 --mesh 4 4 4");
  return [o] { return run_phonons(*o); };
}

}  // namespace saltus::cli
