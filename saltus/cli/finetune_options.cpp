#include "saltus/cli/finetune_options.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/cli/trajectory_options.hpp"

namespace saltus::cli {

namespace {

/// An option that stands for --set KEY=VALUE.
void add_setting(CLI::App& app, FinetuneOptions& options, const char* name, const char* key, const char* type, const char* help) {
  app.add_option_function<std::string>(name, [&options, key](const std::string& value) { options.words.push_back(fmt::format("{}={}", key, value)); }, help)->type_name(type);
}

}  // namespace

void add_finetune_options(CLI::App& app, FinetuneOptions& options) {
  app.add_option("SETS", options.sets, "labelled data sets: energies and forces, stress where there is one")->type_name("FILE");
  app.add_option("--model", options.model, "published model of SevenNet, MACE or MatterSim, or one converted or fine-tuned")->type_name("FILE");
  app.add_option("--out", options.out, "model file to write (safetensors)")->type_name("FILE");
  app.add_option("--head", options.head, "of a model with several heads or modalities: which to train");
  app.add_option("--replay", options.replay, "frames it must not forget; without labels, the model's own count")->type_name("FILE")->allow_extra_args(false);
  add_label_options(app, options.read);
  add_setting(app, options, "--epochs", "epochs", "INT", "passes through the training frames (default: the family's)");
  add_setting(app, options, "--batch", "batch", "INT", "configurations a step (default: the family's)");
  add_setting(app, options, "--learning-rate", "learning_rate", "FLOAT", "highest of the schedule (default: the family's)");
  add_setting(app, options, "--energy-weight", "energy_weight", "FLOAT", "of the energy per atom in the loss (default: the family's)");
  add_setting(app, options, "--force-weight", "force_weight", "FLOAT", "of force components in the loss (default: the family's)");
  add_setting(app, options, "--stress-weight", "stress_weight", "FLOAT", "of stress components in the loss (default: the family's)");
  add_setting(app, options, "--test", "test_fraction", "FLOAT", "last part of each set, never trained on (default 0.2)");
  add_setting(app, options, "--valid", "valid_fraction", "FLOAT", "in blocks before it, to choose the epoch by (default 0.15)");
  add_setting(app, options, "--gap-fs", "gap_fs", "FLOAT", "left out between blocks, fs (default 50)");
  add_setting(app, options, "--patience", "patience", "INT", "epochs without a better validation before it ends (default 0: never)");
  add_setting(app, options, "--lora-rank", "lora_rank", "INT", "train low-rank changes of the linear maps (default 0: all weights)");
  add_setting(app, options, "--precision", "precision", "TEXT", "single, double or model (default model: as in its file)");
  add_setting(app, options, "--device", "device", "TEXT", "cpu, cuda or cuda:N (default cpu)");
  add_setting(app, options, "--seed", "seed", "INT", "of every random choice (default 1)");
  app.add_option("--settings", options.settings_file, "TOML file of settings, read before the options above")->type_name("FILE");
  app.add_option_function<std::vector<std::string>>(
         "--set", [&options](const std::vector<std::string>& words) { options.words.insert(options.words.end(), words.begin(), words.end()); }, "one more setting, KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--runs", options.runs, "registry to record it in, for 'saltus runs' and 'saltus report'")->type_name("FOLDER");
  app.add_flag("--list-settings", options.list_settings, "all settings with the values of the model's family, as a TOML file");
  app.add_flag("--json", options.json, "errors and learning curve as one JSON document");
  app.footer(
      "Each set is split by blocks of time as by 'saltus fit'. Reference energies are re-estimated before training, by\n"
      "least squares over composition. Ctrl-C saves a checkpoint beside OUT; the same command goes on from it. Errors on\n"
      "the held-out part are given before and after. Needs libtorch: 'scripts/setup --torch', then build again.\n\n"
      "Example:\n"
      "  saltus finetune --model SevenNet-0.pt --out tuned.safetensors li15si4_900K.extxyz --epochs 20");
}

void require_finetune_files(const FinetuneOptions& options) {
  if (options.model.empty()) throw Error(ErrorKind::usage, "finetune needs a model: --model FILE");
  if (options.list_settings) return;
  if (options.sets.empty()) throw Error(ErrorKind::usage, "finetune needs at least one labelled data set");
  if (options.out.empty()) throw Error(ErrorKind::usage, "finetune needs a file to write: --out FILE");
  refuse_overwriting(options.model, options.out);
  for (const auto* list : {&options.sets, &options.replay})
    for (const std::string& set : *list) refuse_overwriting(set, options.out);
}

}  // namespace saltus::cli
