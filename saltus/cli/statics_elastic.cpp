// saltus statics elastic MODEL FRAME, saltus statics eos MODEL FRAME
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/units.hpp"
#include "saltus/cli/analysis_output.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/statics_kinds.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/statics/elastic_constants.hpp"
#include "saltus/statics/equation_of_state.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;
using units::gpa_per_ev_ang3;

constexpr double worth_a_warning_gpa = 0.1;

struct ElasticOptions {
  StaticsOptions common;
  ElasticSettings settings;
  bool clamped = false;
};

Json moduli_json(const Moduli& m) { return {{"bulk_gpa", m.bulk_ev_ang3 * gpa_per_ev_ang3}, {"shear_gpa", m.shear_ev_ang3 * gpa_per_ev_ang3}}; }

int run_elastic(ElasticOptions o) {
  listen_for_signals();
  const auto [potential, frame] = read_subject(o.common, true);
  o.settings.relaxation = relaxation_of(o.common);
  o.settings.relax_atoms = !o.clamped;
  const ElasticConstants c = elastic_constants(frame, *potential, o.settings, interruptible(progress_line(), stop_requested));
  double residual = 0;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) residual = std::max(residual, std::abs(c.stress_ev_ang3[a][b]) * gpa_per_ev_ang3);
  if (residual > worth_a_warning_gpa)
    print_warning(fmt::format("the frame has a stress of {:.3g} GPa: constants are those of a crystal without stress after 'saltus statics optimize --cell full'", residual));
  if (c.not_converged > 0) print_warning(fmt::format("{} of 12 relaxations of strained cells are not converged: more --max-iterations", c.not_converged));
  if (!c.stable) print_warning("the crystal is not stable: a strain lowers the energy (Reuss and Hill averages are left out)");
  if (o.common.json) {
    Json document{{"model", o.common.model}, {"input", o.common.start.file.string()}, {"formula", formula(*frame.atoms)}, {"strain", o.settings.strain}, {"relaxed_atoms", !o.clamped},
                  {"not_converged", c.not_converged}, {"stiffness_gpa", Json::array()}, {"largest_asymmetry_gpa", c.largest_asymmetry_ev_ang3 * gpa_per_ev_ang3},
                  {"largest_stress_gpa", residual}, {"eigenvalues_gpa", Json::array()}, {"stable", c.stable}, {"voigt", moduli_json(c.voigt)}};
    for (const auto& row : c.stiffness_ev_ang3) {
      Json numbers = Json::array();
      for (const double value : row) numbers.push_back(value * gpa_per_ev_ang3);
      document["stiffness_gpa"].push_back(std::move(numbers));
    }
    for (const double value : c.eigenvalue_ev_ang3) document["eigenvalues_gpa"].push_back(value * gpa_per_ev_ang3);
    document["reuss"] = c.stable ? moduli_json(c.reuss) : Json(nullptr);
    document["hill"] = c.stable ? moduli_json(c.hill()) : Json(nullptr);
    print_json(document);
    return 0;
  }
  fmt::print("{}: {}, elastic constants in GPa (xx yy zz yz xz xy)\n\n", o.common.start.file.string(), formula(*frame.atoms));
  for (const auto& row : c.stiffness_ev_ang3) {
    for (const double value : row) fmt::print(" {:>10.3f}", value * gpa_per_ev_ang3);
    fmt::print("\n");
  }
  fmt::print("\nasymmetry       {:.3g} GPa at most, before the mean with the transpose\n", c.largest_asymmetry_ev_ang3 * gpa_per_ev_ang3);
  fmt::print("stress          {:.3g} GPa at most, of the frame\n", residual);
  fmt::print("stability       least eigenvalue {:.4g} GPa: {}\n\n", c.eigenvalue_ev_ang3[0] * gpa_per_ev_ang3, c.stable ? "stable" : "not stable");
  fmt::print("{:<14} {:>10} {:>10}\n", "GPa", "bulk", "shear");
  const auto row = [](const char* name, const Moduli& m) { fmt::print("{:<14} {:>10.3f} {:>10.3f}\n", name, m.bulk_ev_ang3 * gpa_per_ev_ang3, m.shear_ev_ang3 * gpa_per_ev_ang3); };
  row("Voigt", c.voigt);
  if (c.stable) {
    row("Reuss", c.reuss);
    row("Hill", c.hill());
  }
  return 0;
}

struct EosOptions {
  StaticsOptions common;
  EquationOfStateSettings settings;
};

int run_eos(EosOptions o) {
  listen_for_signals();
  const auto [potential, frame] = read_subject(o.common, true);
  o.settings.relaxation = relaxation_of(o.common);
  const EquationOfState eos = equation_of_state(frame, *potential, o.settings, interruptible(progress_line(), stop_requested));
  if (eos.not_converged > 0) print_warning(fmt::format("{} of {} volumes are not converged: more --max-iterations", eos.not_converged, eos.volume_ang3.size()));
  const auto [least, most] = std::minmax_element(eos.volume_ang3.begin(), eos.volume_ang3.end());
  if (eos.fit.volume_ang3 < *least || eos.fit.volume_ang3 > *most)
    print_warning("the volume of least energy lies outside the volumes computed: begin from a frame nearer to it, or with a wider --range");
  const auto estimate = [&](double BirchMurnaghan::*member, double factor) {
    std::vector<double> replicates;
    for (const BirchMurnaghan& fit : eos.without) replicates.push_back(factor * (fit.*member));
    return kinetics::jackknife_estimate(factor * (eos.fit.*member), replicates);
  };
  struct Row {
    const char *key, *name, *unit;
    Estimate estimate;
    int decimals;
  };
  const std::vector<Row> rows{{"energy_ev", "energy", "eV", estimate(&BirchMurnaghan::energy_ev, 1), 6},
                              {"volume_ang3", "volume", "Å³", estimate(&BirchMurnaghan::volume_ang3, 1), 4},
                              {"bulk_modulus_gpa", "bulk modulus", "GPa", estimate(&BirchMurnaghan::bulk_ev_ang3, gpa_per_ev_ang3), 3},
                              {"bulk_modulus_derivative", "its derivative", "", estimate(&BirchMurnaghan::bulk_derivative, 1), 3}};
  if (o.common.json) {
    Json document{{"model", o.common.model}, {"input", o.common.start.file.string()}, {"formula", formula(*frame.atoms)}, {"not_converged", eos.not_converged}};
    for (const Row& row : rows) document[row.key] = {{"value", row.estimate.value}, {"low", number_or_null(row.estimate.low)}, {"high", number_or_null(row.estimate.high)}};
    document["rms_ev"] = eos.fit.rms_ev;
    document["volumes_ang3"] = eos.volume_ang3;
    document["energies_ev"] = eos.energy_ev;
    print_json(document);
    return 0;
  }
  fmt::print("{}: {}, {} atoms; Birch-Murnaghan, third order\n\n", o.common.start.file.string(), formula(*frame.atoms), frame.size());
  for (const Row& row : rows)
    fmt::print("{:<15} {:>14.{}f} {:<4} (95 %: {:.{}f} … {:.{}f})\n", row.name, row.estimate.value, row.decimals, row.unit, row.estimate.low, row.decimals, row.estimate.high, row.decimals);
  fmt::print("residual        {:>14.3g} eV\n\n{:>14} {:>16} {:>12}\n", eos.fit.rms_ev, "volume, Å³", "energy, eV", "fit − it, eV");
  for (std::size_t k = 0; k < eos.volume_ang3.size(); ++k)
    fmt::print("{:>14.4f} {:>16.6f} {:>12.2e}\n", eos.volume_ang3[k], eos.energy_ev[k], energy_ev(eos.fit, eos.volume_ang3[k]) - eos.energy_ev[k]);
  return 0;
}

}  // namespace

std::function<int()> set_up_elastic(CLI::App& kind) {
  const auto o = std::make_shared<ElasticOptions>();
  add_statics_options(kind, o->common);
  kind.add_option("--strain", o->settings.strain, "of each of the six strains, up and down (default 0.005)")->check(CLI::Range(1e-6, 0.1));
  kind.add_flag("--clamped", o->clamped, "atoms follow the strain: no internal relaxation");
  add_relaxation_options(kind, o->common);
  add_trust_stress(kind, o->common);
  kind.footer("From the stress at twelve strains, atoms relaxed at each. The frame should be a minimum without stress\n"
              "(saltus statics optimize --cell full). Engineering shear strains; averages of Voigt, Reuss, Hill.\n\nExample:\n"
              "  saltus statics elastic model.safetensors minimum.extxyz --trust-stress");
  return [o] { return run_elastic(*o); };
}

std::function<int()> set_up_eos(CLI::App& kind) {
  const auto o = std::make_shared<EosOptions>();
  add_statics_options(kind, o->common);
  kind.add_option("--points", o->settings.points, "volumes (default 9)")->check(CLI::Range(6, 1000));
  kind.add_option("--range", o->settings.range, "of the volume on both sides, relative (default 0.06)")->check(CLI::Range(1e-4, 0.5));
  add_relaxation_options(kind, o->common);
  add_trust_stress(kind, o->common);
  kind.footer("The shape of the cell is kept, atoms are relaxed at each volume. Intervals are from fits that leave out one\n"
              "volume each (jackknife): they tell how well the third order describes the curve.\n\nExample:\n"
              "  saltus statics eos model.safetensors minimum.extxyz --trust-stress");
  return [o] { return run_eos(*o); };
}

}  // namespace saltus::cli
