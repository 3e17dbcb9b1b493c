// saltus refine PLAN.toml: the plan as far as its refined potential.
#include "saltus/cli/commands.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/execute.hpp"
#include "saltus/runs/explain.hpp"
#include "saltus/runs/plan.hpp"
#include "saltus/runs/registry.hpp"
#include "saltus/runs/stage.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string plan, folder = "saltus-runs";
  bool json = false;
};

void print_rounds(const nlohmann::ordered_json& refined) {
  const auto error = [](const nlohmann::ordered_json& e) { return e.is_null() ? std::string("-") : fmt::format("{:.1f}", 1000 * e.at("force_rmse_ev_ang").get<double>()); };
  const std::string measure = refined.at("measure");
  const auto most = [&](const nlohmann::ordered_json& simulations) {
    double value = 0;
    for (const auto& s : simulations) value = std::max(value, s.at(measure).get<double>());
    return value;
  };
  fmt::print("{:>5} {:>13} {:>10} {:>7} {:>8} {:>8} {:>12} {:>12}\n", "round", measure == "max_extrapolation" ? "extrapolation" : "spread, eV/Å", "candidates", "labels", "refused", "held out", "force before", "after, meV/Å");
  std::size_t k = 0;
  for (const auto& round : refined.at("rounds"))
    fmt::print("{:>5} {:>13.3g} {:>10} {:>7} {:>8} {:>8} {:>12} {:>12}\n", ++k, most(round.at("simulations")), round.at("candidates").get<std::size_t>(), round.at("labels").at("frames").get<std::size_t>(),
               round.at("labels").at("refused").size(), round.at("held_out").get<std::size_t>(), error(round.at("before")), error(round.at("after")));
  if (!refined.at("last_check").empty()) fmt::print("{:>5} {:>13.3g}\n", "last", most(refined.at("last_check")));
  fmt::print("\nended: {}\n", refined.at("ended").get<std::string>());
}

int run_refine(const Options& options) {
  const runs::Plan plan = runs::read_plan(options.plan);
  if (!plan.refine) throw Error(ErrorKind::usage, fmt::format("{} has no [refine]", options.plan));
  std::vector<runs::Stage> stages;
  for (runs::Stage& stage : runs::stages_of(plan)) {
    stages.push_back(std::move(stage));
    if (stages.back().name == "refine") break;
  }
  listen_for_signals();
  const runs::RunOutcome outcome = runs::run_stages(runs::header_of(plan), stages, options.folder, {progress_line(), say_progress, print_warning, stop_requested});
  const runs::Registry registry(options.folder, false);
  const auto record = registry.run(outcome.run);
  const auto stage = std::find_if(record->stages.begin(), record->stages.end(), [](const runs::StageRecord& s) { return s.name == "refine"; });
  const std::filesystem::path found = std::filesystem::path(options.folder) / "artifacts" / registry.artifact(stage->key).value().second;
  const nlohmann::ordered_json refined = nlohmann::ordered_json::parse(read_file(found / "refine.json"));
  if (options.json) {
    nlohmann::ordered_json document{{"run", outcome.run}, {"model", (found / "model.safetensors").string()}};
    document.update(refined);
    print_json(document);
    return 0;
  }
  print_rounds(refined);
  fmt::print("the potential is {}\n", (found / "model.safetensors").string());
  return 0;
}

}  // namespace

std::function<int()> set_up_refine(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("PLAN", options->plan, "plan file (TOML) with [fit] or [finetune], [cp2k] and [refine]")->type_name("FILE")->required();
  app.add_option("--out", options->folder, "folder of the registry and the artifacts (default saltus-runs)")->type_name("FOLDER");
  app.add_flag("--json", options->json, "one JSON document instead of text");
  app.footer(
      "Rounds of: MD with the potential; frames beyond its training data, or on which a committee of fine-tuned models\n"
      "does not agree; labels by CP2K; training with them. Stopped or killed, the same command goes on; 'saltus run' of\n"
      "the plan goes on with its simulations.\n\nExample:\n"
      "  saltus refine examples/li15si4/refine.toml");
  return [options] { return run_refine(*options); };
}

}  // namespace saltus::cli
