// A fine-tuning as a run of one stage: kept in a folder of artifacts and in its registry, for 'saltus runs' and 'saltus report'.
#pragma once

#include "saltus/cli/finetune_options.hpp"
#include "saltus/training/torch/finetune.hpp"

namespace saltus::cli {

/// Trains, or finds that the same was trained before; copies model, errors and learning curve to where the options say, and prints.
/// Returns the exit code. Throws what training::finetune and runs::run_stages throw.
int finetune_recorded(const training::FinetuneInput& input, const FinetuneOptions& options);

}  // namespace saltus::cli
