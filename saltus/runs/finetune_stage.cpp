#include "saltus/runs/plan_stages.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/threads.hpp"
#include "saltus/runs/explain.hpp"
#include "saltus/runs/finetune_result.hpp"
#include "saltus/runs/trainer_program.hpp"
// Not called here: the program that trains is made from it, and a change of it is a new version of this stage.
#include "saltus/training/torch/finetune.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;

namespace {

StageResult finetune(const Plan& plan, const StageContext& context) {
  const std::filesystem::path model = context.folder / "model.safetensors";
  run_trainer({trainer_program().string(), "--plan", plan.file.string(), "--plan-sha256", header_of(plan).plan_sha256, "--model",
               (context.inputs.at("model") / "model.safetensors").string(), "--out", model.string(), "--threads", fmt::format("{}", thread_count())},
              context.stop, context.say);
  return finetune_result(model);
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
