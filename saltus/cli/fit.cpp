// saltus fit: a linear ACE from labelled frames.
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/runs/fit_report.hpp"
#include "saltus/training/ace_fit.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::vector<std::string> sets;
  std::string out;
  ReadOptions labels;
  AceFitSettings fit;
  AceFitGrid grid;
  bool json = false;
};

void print_candidates(const AceFit& fit) {
  fmt::print("settings tried, with their errors on the validation blocks\n\n{:>6} {:>5} {:>7} {:>9} {:>9} {:>9} {:>9} {:>6} {:>9} {:>8} {:>7} {:>8}\n",
             "cutoff", "body", "radial", "degree 3", "degree 4", "roughness", "repulsion", "begin", "functions", "ridge", "F,", "E,");
  fmt::print("{:>6} {:>87} {:>8}\n", "Å", "meV/Å", "meV/atom");
  for (std::size_t k = 0; k < fit.candidates.size(); ++k) {
    const auto& [settings, functions, chosen] = fit.candidates[k];
    const AceBasisSettings& basis = settings.basis;
    const auto degree = [&](int order, int sum, int l) { return basis.body_order < order ? "–" : fmt::format("{} l≤{}", sum, l); };
    fmt::print("{:>6} {:>5} {:>7} {:>9} {:>9} {:>9} {:>9} {:>6} {:>9} {:>8.1e} {:>7.2f} {:>8.3f}{}\n", basis.cutoff_ang, basis.body_order,
               basis.radial_two_body, degree(3, basis.degree_three_body, basis.l_max_three_body),
               degree(4, basis.degree_four_body, basis.l_max_four_body), settings.roughness_power, settings.repulsion_reach,
               settings.pairs_where_data_begin, functions, chosen.ridge, 1e3 * chosen.valid_force_rmse_ev_ang,
               1e3 * chosen.valid_energy_rmse_ev_per_atom, k == fit.chosen_candidate ? "  chosen" : "");
  }
  fmt::print("\n");
}

void print_table(const AceFit& fit, const std::string& out) {
  if (fit.candidates.size() > 1) print_candidates(fit);
  fmt::print("{} functions per element, {} unknowns; ridge {:.2g} chosen on the validation blocks; no stress labels were used\n\n",
             fit.functions_per_element, fit.unknowns, fit.chosen_ridge);
  fmt::print("{:<24} {:<5} {:>6}  {:>30}  {:>22}\n", "set", "part", "frames", "energy RMSE, meV/atom", "force, meV/Å");
  fmt::print("{:<24} {:<5} {:>6}  {:>9} {:>9} {:>10}  {:>7} {:>7} {:>6}\n", "", "", "", "raw", "mean-al.", "compos.-al.", "RMSE", "MAE", "rel.");
  for (const SetErrors& e : fit.errors) {
    const LabelErrors& x = e.errors;
    fmt::print("{:<24} {:<5} {:>6}  {:>9.3f} {:>9.3f} {:>11.3f}  {:>7.1f} {:>7.1f} {:>5.1f} %\n", e.set, runs::name_of(e.part), x.frames,
               1e3 * x.raw.rmse_ev_per_atom, 1e3 * x.mean_aligned.rmse_ev_per_atom, 1e3 * x.composition_aligned.rmse_ev_per_atom,
               1e3 * x.forces.rmse_ev_ang, 1e3 * x.forces.mae_ev_ang, 100 * x.forces.relative());
    for (const auto& [z, forces] : x.forces_of_element)
      fmt::print("  {:<68} {:>10.1f} {:>7.1f} {:>5.1f} %\n", symbol_of(z), 1e3 * forces.rmse_ev_ang, 1e3 * forces.mae_ev_ang, 100 * forces.relative());
  }
  fmt::print("\nwritten to {}\n", out);
}

/// An option that takes one value, or several separated by commas, of which the validation blocks choose.
template <class T, class D>
void add_tried(CLI::App& app, const char* name, std::vector<T>& values, D standard, const char* help) {
  app.add_option(name, values, fmt::format("{} (default {})", help, standard))->delimiter(',')->allow_extra_args(false);
}

void add_number(CLI::App& app, const char* name, double& value, const char* help) {
  app.add_option(name, value, fmt::format("{} (default {})", help, value));
}

int run_fit(const Options& options) {
  std::vector<TrainingSet> sets;
  for (const std::string& file : options.sets) {
    refuse_overwriting(file, options.out);
    sets.push_back({std::filesystem::path(file).stem().string(), file, options.labels});
  }
  listen_for_signals();
  const AceFit fit = fit_ace(sets, combinations(options.fit, options.grid), interruptible(progress_line(), stop_requested));
  save_ace(options.out, fit.parameters);
  for (const std::string& warning : fit.warnings) print_warning(warning);
  if (!options.json) {
    print_table(fit, options.out);
    return 0;
  }
  nlohmann::ordered_json document{{"file", options.out}};
  document.update(nlohmann::ordered_json::parse(runs::fit_json_text(fit, false)));
  print_json(document);
  return 0;
}

}  // namespace

std::function<int()> set_up_fit(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  AceFitSettings& fit = o->fit;
  app.add_option("SETS", o->sets, "labelled data sets: energies and forces")->type_name("FILE")->required();
  app.add_option("--out", o->out, "model file to write (safetensors)")->type_name("FILE")->required();
  add_label_options(app, o->labels);
  const AceBasisSettings& basis = fit.basis;
  add_tried(app, "--cutoff-ang", o->grid.cutoff_ang, basis.cutoff_ang, "of all pairs, Å");
  add_tried(app, "--body-order", o->grid.body_order, basis.body_order, "2, 3 or 4");
  add_tried(app, "--radial-two-body", o->grid.radial_two_body, basis.radial_two_body, "radial functions of a pair");
  add_tried(app, "--degree-three-body", o->grid.degree_three_body, basis.degree_three_body, "bound of sum n + sum l");
  add_tried(app, "--l-max-three-body", o->grid.l_max_three_body, basis.l_max_three_body, "largest angular momentum");
  add_tried(app, "--degree-four-body", o->grid.degree_four_body, basis.degree_four_body, "bound of sum n + sum l");
  add_tried(app, "--l-max-four-body", o->grid.l_max_four_body, basis.l_max_four_body, "largest angular momentum");
  add_number(app, "--energy-weight", fit.energy_weight, "of an energy per atom (eV) beside a force (eV/Å)");
  add_number(app, "--ridge-tolerance", fit.ridge_tolerance, "of the validation loss: the strongest ridge within it");
  add_tried(app, "--roughness-power", o->grid.roughness_power, fit.roughness_power, "the ridge grows with roughness to this power");
  add_tried(app, "--repulsion-reach", o->grid.repulsion_reach, fit.repulsion_reach,
            "end of the repulsion over the sum of covalent radii");
  add_tried(app, "--pairs-where-data-begin", o->grid.pairs_where_data_begin, fit.pairs_where_data_begin,
            "pairs per frame closer than where the fit speaks");
  add_number(app, "--test", fit.test_fraction, "last part of each set, never fitted");
  add_number(app, "--valid", fit.valid_fraction, "in blocks before it, to choose ridge and settings");
  add_number(app, "--gap-fs", fit.gap_fs, "left out between blocks, fs");
  app.add_flag("--json", o->json, "errors as one JSON document");
  app.footer(
      "Each set is split by blocks of time: neighbouring AIMD frames are nearly the same. Errors are given for\n"
      "each part, energies raw, mean-aligned and composition-aligned, forces also relative to their rms.\n"
      "From --cutoff-ang to --l-max-four-body, and of --roughness-power, --repulsion-reach and\n"
      "--pairs-where-data-begin, several values may be given: 5,5.5,6. The validation blocks choose.\n"
      "Example:\n"
      "  saltus fit li15si4_900K.extxyz li15si4_vacancy_1200K.extxyz --out model.safetensors");
  return [o] { return run_fit(*o); };
}

}  // namespace saltus::cli
