// A fine-tuning on the command line: a line per epoch while it runs, the document beside the model, the table before and after or JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "saltus/cli/finetune_options.hpp"
#include "saltus/training/torch/finetune.hpp"

namespace saltus::cli {

struct TrainedModel {
  training::FinetuneResult result;
  nlohmann::ordered_json document;  ///< as written beside the model, which it calls by name (runs/finetune_result.hpp)
};

/// Trains, tells each epoch, and writes the document.
TrainedModel train_model(const training::FinetuneInput& input);

/// The table, or with --json the document, with the model as the options name it.
void print_trained(const TrainedModel& trained, const FinetuneOptions& options);

}  // namespace saltus::cli
