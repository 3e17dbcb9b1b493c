#include "saltus/runs/plan_stages.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/units.hpp"
#include "saltus/runs/explain.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/runs/trainer_program.hpp"
// Not called here: the program that trains is made from it, and a change of it is a new version of this stage.
#include "saltus/training/torch/finetune.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;
using units::mev_per_ev;

namespace {

constexpr const char* errors_file = "model_finetune.json";

/// A figure of one set, with the interval that the trainer gives beside it; units are changed by `factor`.
NamedEstimate figure(const json& errors, const std::string& key, const std::string& name, double factor, const char* unit, const std::string& note) {
  const double value = factor * errors.at(key).get<double>();
  const json low = errors.value("low_" + key, json()), high = errors.value("high_" + key, json());
  const bool has_interval = low.is_number() && high.is_number();
  return {name, has_interval ? Estimate{value, factor * low.get<double>(), factor * high.get<double>()} : Estimate{value, value, value}, has_interval, unit, note};
}

StageResult finetune(const Plan& plan, const StageContext& context) {
  run_trainer({trainer_program().string(), "--plan", plan.file.string(), "--plan-sha256", header_of(plan).plan_sha256, "--model",
               (context.inputs.at("model") / "model.safetensors").string(), "--out", (context.folder / "model.safetensors").string(), "--threads",
               fmt::format("{}", thread_count())},
              context.stop, context.say);
  const json document = json::parse(read_file(context.folder / errors_file));
  StageResult result;
  for (const char* when : {"before", "after"})
    for (const json& errors : document.at(when)) {
      if (errors.at("set") == "all") continue;
      const std::string set = errors.at("set");
      const std::string note = fmt::format("{} fine-tuning, on the last {} frames of {}, which were not trained on", when, errors.at("frames").get<std::size_t>(), set);
      const auto add = [&](const char* key, const char* what, double factor, const char* unit) {
        result.estimates.push_back(figure(errors, key, fmt::format("{}_{}_{}", what, when, set), factor, unit, note));
      };
      add("force_rmse_relative", "force_rmse_relative", 1, "");
      add("force_rmse_ev_ang", "force_rmse", mev_per_ev, "mev_ang");
      add("energy_rmse_aligned_ev_per_atom", "energy_rmse_aligned", mev_per_ev, "mev_per_atom");
      add("energy_rmse_ev_per_atom", "energy_rmse_raw", mev_per_ev, "mev_per_atom");
    }
  for (const json& warning : document.at("warnings")) result.warnings.push_back(warning);
  result.series.push_back({"finetune", errors_file});
  return result;
}

}  // namespace

Stage finetune_stage(const Plan& plan) {
  Stage stage;
  stage.name = "finetune";
  stage.kind = "finetune";
  stage.resumable = true;
  stage.depends_on = {"model"};
  for (const DataSettings& data : plan.data) stage.depends_on.push_back("data-" + data.name);
  json settings = json::parse(settings_json(plan, "finetune"));
  settings["head"] = plan.model->head;
  stage.settings = settings.dump();
  stage.run = [plan](const StageContext& context) { return finetune(plan, context); };
  return stage;
}

}  // namespace saltus::runs
