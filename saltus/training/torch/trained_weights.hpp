// Which tensors of a model are trained and how: all but the frozen ones, or low-rank changes of its linear maps; with a replay set, a second head.
// Reference: Hu et al., arXiv:2106.09685 (low-rank adaptation): W + alpha/rank · A B, B = 0 at the start.
#pragma once

#include <string>
#include <vector>

#include "saltus/training/finetune_settings.hpp"
#include "saltus/training/torch/network.hpp"

namespace saltus::training {

Tensors copy(const Tensors& tensors);
Network::Weights weights_of(const Tensors& tensors);

class TrainedWeights {
 public:
  /// Throws Error{usage} when a pattern of frozen parameters fits none, or nothing is left to train.
  TrainedWeights(const PublishedModel& model, const Placement& placement, const FinetuneSettings& settings, bool second_head, std::uint64_t lora_stream);

  /// What is trained, as it is at the start: weights by their names, low-rank factors as NAME.lora_a and NAME.lora_b, weights of the
  /// replay head as replay/NAME.
  const Tensors& start() const { return start_; }
  std::size_t trained_numbers() const;

  /// All tensors of the network with these values; `replay`: of the second head, which has the reference energies of the model as it came.
  Tensors effective(const Tensors& trained, bool replay) const;

  /// Adds to the reference energies of the first head, per species.
  void shift_reference_energies(const std::vector<double>& shift_ev, std::int64_t head);

 private:
  Tensors all_, start_;
  at::Tensor replay_reference_;
  std::string reference_name_;
  double lora_factor_ = 0;
};

}  // namespace saltus::training
