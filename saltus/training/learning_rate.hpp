// Learning rates over the epochs of a training, and when it stops: exponential, step, cosine, one cycle, plateau.
// References: Loshchilov and Hutter, arXiv:1608.03983 (cosine); Smith and Topin, arXiv:1708.07120 (one cycle).
#pragma once

#include <cstdint>
#include <limits>

#include "saltus/training/finetune_settings.hpp"

namespace saltus {

/// What the validation losses so far have led to; all of it is needed to resume.
struct PlateauState {
  double best = std::numeric_limits<double>::infinity();
  std::int64_t bad_epochs = 0;    ///< since the best, or since the last reduction
  std::int64_t reductions = 0;
  bool operator==(const PlateauState&) const = default;
};

/// Learning rate of step `step` of `steps_per_epoch` in epoch `epoch`, both counted from 0.
double learning_rate(const FinetuneSettings& settings, const PlateauState& plateau, std::int64_t epoch, std::int64_t step, std::int64_t steps_per_epoch);

/// After an epoch: fewer than `schedule_epochs` epochs without improvement leave the rate, then it is reduced.
void update(PlateauState& plateau, const FinetuneSettings& settings, double valid_loss);

/// First epoch of the second stage; `epochs` without one.
std::int64_t first_epoch_of_stage_two(const FinetuneSettings& settings);

}  // namespace saltus
