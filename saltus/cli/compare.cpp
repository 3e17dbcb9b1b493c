// saltus compare PLAN.toml: several models on the same data, with the same budget, on one page.
#include "saltus/cli/commands.hpp"

#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/comparison.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string plan, out;
  bool json = false, list_settings = false;
};

int run_compare(const Options& options) {
  if (options.list_settings) {
    fmt::print("{}", runs::comparison_settings_text());
    return 0;
  }
  if (options.plan.empty()) throw Error(ErrorKind::usage, "compare needs a plan: saltus compare PLAN.toml; --list-settings shows what it may hold");
  const runs::ComparisonPlan plan = runs::read_comparison_plan(options.plan);
  const std::filesystem::path folder = options.out.empty() ? std::filesystem::path(options.plan).stem().string() + "-compared" : options.out;
  listen_for_signals();
  const runs::Comparison comparison = runs::compare_models(plan, folder, progress_line(), stop_requested, say_progress);
  for (const std::string& warning : comparison.warnings) print_warning(warning);
  const nlohmann::ordered_json document = runs::document_of(comparison);
  write_file_atomically(folder / "compare.json", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  write_file_atomically(folder / "compare.html", runs::html_of(runs::page_of(comparison)));
  if (options.json) print_json(document);
  else fmt::print("{}\nwritten to {} and compare.html beside it\n", runs::text_of(comparison), (folder / "compare.json").string());
  return 0;
}

}  // namespace

std::function<int()> set_up_compare(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  app.add_option("PLAN", o->plan, "TOML file: [[model]], [[data]], [budget], [md]")->type_name("FILE");
  app.add_option("--out", o->out, "folder for compare.json, compare.html and a folder for each model (default PLAN-compared)")->type_name("FOLDER");
  app.add_flag("--list-settings", o->list_settings, "all settings of such a plan with their defaults, as a TOML file");
  app.add_flag("--json", o->json, "compare.json on stdout instead of tables");
  app.footer(
      "Each model is evaluated on the held-out part of all sets; where the plan says so, it is fine-tuned (which needs\n"
      "libtorch) and evaluated again. Then it is probed without reference data, as by 'saltus evaluate --probes', and\n"
      "simulated beside AIMD. A model that lacks an element or cannot be trained is a row that says why.\n"
      "The same command again goes on from what is done.\n\nExample:\n"
      "  saltus compare examples/li15si4/compare.toml");
  return [o] { return run_compare(*o); };
}

}  // namespace saltus::cli
