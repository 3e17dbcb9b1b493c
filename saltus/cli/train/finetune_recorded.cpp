#include "saltus/cli/train/finetune_recorded.hpp"

#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/train/finetune_output.hpp"
#include "saltus/runs/execute.hpp"
#include "saltus/runs/finetune_fields.hpp"
#include "saltus/runs/finetune_result.hpp"
#include "saltus/runs/registry.hpp"

namespace saltus::cli {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

namespace {

/// What the registry keeps: the settings as a plan with this one table would have them.
runs::RunHeader header_of(const training::FinetuneInput& input) {
  const json settings = json::parse(input.settings_text);
  json values = json::array();
  for (const auto& field : runs::finetune_fields())
    values.push_back({{"key", field.key}, {"value", settings.at(field.key)}, {"unit", field.unit}, {"default", false}, {"help", field.help}});
  const std::string sections = json::array({{{"table", "finetune"}, {"name", ""}, {"values", values}}}).dump();
  return {"saltus finetune", sha256(sections), "Fine-tuning of " + input.model.filename().string(), sections};
}

}  // namespace

int finetune_recorded(const training::FinetuneInput& input, const FinetuneOptions& options) {
  std::optional<TrainedModel> trained;
  runs::Stage stage;
  stage.name = stage.kind = "finetune";
  stage.resumable = true;
  stage.input_files = {input.model};
  for (const auto* list : {&input.sets, &input.replay})
    for (const training::FinetuneSet& set : *list) stage.input_files.push_back(set.path);
  json settings = json::parse(input.settings_text);
  settings["head"] = input.head;
  settings["replay_sets"] = input.replay.size();
  settings["energy_key"] = options.read.energy_key;
  settings["forces_key"] = options.read.forces_key;
  stage.settings = settings.dump();
  stage.run = [&](const runs::StageContext& context) {
    training::FinetuneInput here = input;
    here.out = context.folder / "model.safetensors";
    trained = train_model(here);
    return runs::finetune_result(here.out);
  };
  const runs::RunOutcome outcome = run_stages(header_of(input), {&stage, 1}, options.runs, {progress_line(), say_progress, print_warning, stop_requested});
  const runs::Registry registry(options.runs, false);
  const std::string key = registry.run(outcome.run)->stages.front().key;
  const fs::path folder = fs::path(options.runs) / "artifacts" / registry.artifact(key)->second, out = options.out;
  write_file_atomically(out, read_file(folder / "model.safetensors"));
  json document = json::parse(read_file(folder / runs::finetune_document("model.safetensors")));
  document["file"] = out.filename().string();
  write_file_atomically(runs::finetune_document(out), document.dump(2) + "\n");
  write_file_atomically(training::learning_curve_file(out), read_file(folder / training::learning_curve_file("model.safetensors")));
  if (trained) {
    print_trained(*trained, options);
  } else if (options.json) {
    document["file"] = options.out;
    print_json(document);
  }
  else fmt::print("nothing to do: run {} trained the same; its model is copied to {}\n", outcome.run, options.out);
  return 0;
}

}  // namespace saltus::cli
