// saltus explain PLAN.toml: the plan as resolved, before anything runs.
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/runs/explain.hpp"
#include "saltus/runs/plan.hpp"
#include "saltus/runs/stage.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string plan;
  bool json = false;
};

int explain(const Options& options) {
  const runs::Plan plan = runs::read_plan(options.plan);
  if (options.json) fmt::print("{}\n", runs::explain_json(plan).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  else fmt::print("{}", runs::explain_text(plan));
  return 0;
}

}  // namespace

std::function<int()> set_up_explain(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("PLAN", options->plan, "plan file (TOML)")->required();
  app.add_flag("--json", options->json, "one JSON document instead of text");
  app.footer(
      "Every setting with its value, unit and meaning; '*' marks defaults. Then the stages in their order.\n"
      "Runs nothing.\n\nExample:\n"
      "  saltus explain examples/li15si4/plan.toml");
  return [options] { return explain(*options); };
}

}  // namespace saltus::cli
