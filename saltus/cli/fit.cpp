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
  bool json = false;
};

void print_table(const AceFit& fit, const std::string& out) {
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

int run_fit(const Options& options) {
  std::vector<TrainingSet> sets;
  for (const std::string& file : options.sets) {
    refuse_overwriting(file, options.out);
    sets.push_back({std::filesystem::path(file).stem().string(), file, options.labels});
  }
  listen_for_signals();
  const AceFit fit = fit_ace(sets, options.fit, interruptible(progress_line(), stop_requested));
  save_ace(options.out, fit.parameters);
  for (const std::string& warning : fit.warnings) print_warning(warning);
  if (!options.json) {
    print_table(fit, options.out);
    return 0;
  }
  nlohmann::ordered_json document{{"file", options.out}};
  document.update(nlohmann::ordered_json::parse(runs::fit_json_text(fit, false)));
  fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  return 0;
}

}  // namespace

std::function<int()> set_up_fit(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  AceFitSettings& fit = o->fit;
  app.add_option("SETS", o->sets, "labelled data sets: energies and forces")->type_name("FILE")->required();
  app.add_option("--out", o->out, "model file to write (safetensors)")->type_name("FILE")->required();
  add_label_options(app, o->labels);
  app.add_option("--cutoff-ang", fit.basis.cutoff_ang, "of all pairs, Å")->capture_default_str();
  app.add_option("--body-order", fit.basis.body_order, "2, 3 or 4")->capture_default_str();
  app.add_option("--radial-two-body", fit.basis.radial_two_body, "radial functions of a pair")->capture_default_str();
  app.add_option("--degree-three-body", fit.basis.degree_three_body, "bound of sum n + sum l")->capture_default_str();
  app.add_option("--l-max-three-body", fit.basis.l_max_three_body, "largest angular momentum")->capture_default_str();
  app.add_option("--degree-four-body", fit.basis.degree_four_body, "bound of sum n + sum l")->capture_default_str();
  app.add_option("--l-max-four-body", fit.basis.l_max_four_body, "largest angular momentum")->capture_default_str();
  app.add_option("--energy-weight", fit.energy_weight, "of an energy per atom (eV) beside a force (eV/Å)")->capture_default_str();
  app.add_option("--ridge-tolerance", fit.ridge_tolerance, "of the validation loss: the strongest ridge within it")->capture_default_str();
  app.add_option("--roughness-power", fit.roughness_power, "the ridge grows with roughness to this power")->capture_default_str();
  app.add_option("--repulsion-reach", fit.repulsion_reach, "end of the repulsion over the sum of covalent radii")->capture_default_str();
  app.add_option("--pairs-where-data-begin", fit.pairs_where_data_begin,
                 "pairs per frame closer than where the fit speaks")->capture_default_str();
  app.add_option("--test", fit.test_fraction, "last part of each set, never fitted")->capture_default_str();
  app.add_option("--valid", fit.valid_fraction, "in blocks before it, to choose the ridge")->capture_default_str();
  app.add_option("--gap-fs", fit.gap_fs, "left out between blocks, fs")->capture_default_str();
  app.add_flag("--json", o->json, "errors as one JSON document");
  app.footer(
      "Each set is split by blocks of time: neighbouring AIMD frames are nearly the same. Errors are given for\n"
      "each part, energies raw, mean-aligned and composition-aligned, forces also relative to their rms.\n"
      "Example:\n"
      "  saltus fit li15si4_900K.extxyz li15si4_vacancy_1200K.extxyz --out model.safetensors");
  return [o] { return run_fit(*o); };
}

}  // namespace saltus::cli
