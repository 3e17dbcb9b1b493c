// Everything that an interrupted fine-tuning goes on from, and its file: a safetensors container written beside and renamed.
#pragma once

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "saltus/training/learning_rate.hpp"
#include "saltus/training/torch/finetune.hpp"
#include "saltus/training/torch/optimizer.hpp"

namespace saltus::training {

struct TrainingState {
  std::int64_t epoch = 0, step = 0;     ///< next to be done, from 0
  double loss_sum = 0, norm_sum = 0;    ///< over the steps of this epoch
  Tensors trained, averages, best;
  Adam adam;
  PlateauState plateau;
  double best_loss = std::numeric_limits<double>::infinity();
  std::int64_t best_epoch = 0, epochs_since_best = 0;
  double seconds = 0;
  std::vector<EpochRow> rows;
};

/// The learning curve as comma-separated values with a header.
std::string learning_curve(const std::vector<EpochRow>& rows);

/// `fingerprint`: what the training is made of; a state is loaded for the same only.
void save_state(const std::filesystem::path& path, const std::string& fingerprint, const TrainingState& state);
/// `fresh` has the shapes. Throws Error{usage} for another fingerprint, Error{format} for a damaged file.
TrainingState load_state(const std::filesystem::path& path, const std::string& fingerprint, TrainingState fresh);

}  // namespace saltus::training
