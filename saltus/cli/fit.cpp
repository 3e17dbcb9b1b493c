// saltus fit: a linear ACE from labelled frames.
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/cli/ace_options.hpp"
#include "saltus/cli/fit_table.hpp"
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
    print_fit(fit);
    fmt::print("\nwritten to {}\n", options.out);
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
  app.add_option("SETS", o->sets, "labelled data sets: energies and forces")->type_name("FILE")->required();
  app.add_option("--out", o->out, "model file to write (safetensors)")->type_name("FILE")->required();
  add_label_options(app, o->labels);
  add_ace_basis_options(app, o->fit, o->grid);
  add_ace_fit_options(app, o->fit, o->grid);
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
