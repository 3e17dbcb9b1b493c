// saltus runs: what was run.
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/cli/print_json.hpp"
#include "saltus/runs/registry.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string folder = "saltus-runs";
  bool json = false;
};

int list_runs(const Options& options) {
  const runs::Registry registry(options.folder, false);
  const bool working = runs::is_locked(options.folder);
  nlohmann::ordered_json document{{"runs", nlohmann::ordered_json::array()}};
  if (!options.json) fmt::print("{:>5}  {:<12} {:<21} {:<21} {}\n", "run", "state", "started", "ended", "title (plan)");
  for (const runs::RunRecord& run : registry.runs()) {
    const std::string state = run.state == "running" && !working ? "interrupted" : run.state;
    if (!options.json) {
      fmt::print("{:>5}  {:<12} {:<21} {:<21} {} ({})\n", run.id, state, run.started, run.finished.empty() ? "-" : run.finished, run.title,
                 run.plan);
      if (!run.message.empty()) fmt::print("       {}\n", run.message);
      continue;
    }
    nlohmann::ordered_json entry{{"run", run.id},         {"title", run.title},       {"plan", run.plan},  {"version", run.version},
                                 {"started", run.started}, {"finished", run.finished}, {"state", state}};
    if (run.finished.empty()) entry["finished"] = nullptr;
    if (!run.message.empty()) entry["message"] = run.message;
    for (const runs::StageRecord& stage : run.stages) entry["stages"].push_back({{"name", stage.name}, {"state", stage.state}, {"key", stage.key}});
    document["runs"].push_back(std::move(entry));
  }
  if (options.json) print_json(document);
  return 0;
}

}  // namespace

std::function<int()> set_up_runs(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("--runs", options->folder, "folder of the registry (default saltus-runs)")->type_name("FOLDER");
  app.add_flag("--json", options->json, "one JSON document instead of a table");
  app.footer("Newest first; times are UTC.\n\nExample:\n  saltus runs");
  return [options] { return list_runs(*options); };
}

}  // namespace saltus::cli
