// saltus run PLAN.toml: does what of a plan is not yet done.
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/execute.hpp"
#include "saltus/runs/explain.hpp"
#include "saltus/runs/plan.hpp"
#include "saltus/runs/registry.hpp"
#include "saltus/runs/report.hpp"
#include "saltus/runs/stage.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string plan, folder = "saltus-runs";
  bool json = false;
};

int run(const Options& options) {
  const runs::Plan plan = runs::read_plan(options.plan);
  const std::vector<runs::Stage> stages = runs::stages_of(plan);
  listen_for_signals();
  const runs::RunOutcome outcome = runs::run_stages(runs::header_of(plan), stages, options.folder,
                                                    {progress_line(), say_progress, print_warning, stop_requested});
  const runs::Registry registry(options.folder, false);
  const auto record = registry.run(outcome.run);
  const nlohmann::ordered_json document = runs::report_json(registry, *record);
  if (options.json) {
    nlohmann::ordered_json result{{"run", outcome.run}, {"made", outcome.made}, {"already_done", outcome.reused}};
    result["estimates"] = document.at("estimates");
    print_json(result);
    return 0;
  }
  const std::string where = options.folder == "saltus-runs" ? "" : " --runs " + options.folder;
  if (outcome.nothing_to_do)
    fmt::print("nothing to do: all {} stages of {} are done (run {}); 'saltus report{}' shows them\n", stages.size(), options.plan, outcome.run,
               where);
  else
    fmt::print("run {}: {} stages made, {} already done; 'saltus report{}' shows them\n", outcome.run, outcome.made, outcome.reused, where);
  return 0;
}

}  // namespace

std::function<int()> set_up_run(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("PLAN", options->plan, "plan file (TOML); 'saltus explain --settings' lists what it may hold")->type_name("FILE")->required();
  app.add_option("--out", options->folder, "folder of the registry and the artifacts (default saltus-runs)")->type_name("FOLDER");
  app.add_flag("--json", options->json, "one JSON document instead of text");
  app.footer(
      "Stages: data; fit, or model, finetune and distill; md, kinetics, passage, arrhenius. A stage whose artifact is there, complete, undamaged and made from the same\n"
      "inputs, settings and version is not done again; one that was interrupted goes on where it stopped.\n\nExample:\n"
      "  saltus run examples/li15si4/plan.toml");
  return [options] { return run(*options); };
}

}  // namespace saltus::cli
