// saltus explain PLAN.toml: the plan as resolved, before anything runs; or what a plan may hold.
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/runs/explain.hpp"
#include "saltus/runs/plan.hpp"
#include "saltus/runs/settings_reference.hpp"
#include "saltus/runs/stage.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string plan;
  bool settings = false, json = false;
};

int explain(const Options& options) {
  if (options.settings) {
    if (options.json) print_json(runs::settings_reference_json());
    else fmt::print("{}", runs::settings_text());
    return 0;
  }
  if (options.plan.empty()) throw Error(ErrorKind::usage, "explain needs a PLAN; 'saltus explain --help' shows an example");
  const runs::Plan plan = runs::read_plan(options.plan);
  if (options.json) print_json(runs::explain_json(plan));
  else fmt::print("{}", runs::explain_text(plan));
  return 0;
}

}  // namespace

std::function<int()> set_up_explain(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("PLAN", options->plan, "plan file (TOML)")->type_name("FILE");
  app.add_flag("--settings", options->settings, "what any plan may hold: settings, defaults, ranges, units");
  app.add_flag("--json", options->json, "one JSON document instead of text");
  app.footer(
      "Every setting with its value, unit and meaning; '*' marks defaults. Then the stages in their order.\n"
      "Runs nothing.\n\nExample:\n"
      "  saltus explain examples/li15si4/plan.toml");
  return [options] { return explain(*options); };
}

}  // namespace saltus::cli
