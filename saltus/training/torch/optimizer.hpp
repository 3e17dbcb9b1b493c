// Adam and AdamW with AMSGrad and weight decay of chosen parameters, clipped gradients, and averaged weights.
// References: Kingma and Ba, arXiv:1412.6980; Reddi et al., arXiv:1904.09237; Loshchilov and Hutter, arXiv:1711.05101.
#pragma once

#include <map>
#include <string>

#include "saltus/training/finetune_settings.hpp"
#include "saltus/training/torch/network.hpp"

namespace saltus::training {

/// Scales all gradients so that the norm of all together is at most `most`; returns the norm before.
double clip_gradients(Tensors& gradients, double most);

class Adam {
 public:
  Adam() = default;
  /// State of zeros for these parameters.
  Adam(const FinetuneSettings& settings, const Tensors& parameters);
  /// Changes the parameters in place. A parameter without a gradient stays.
  void step(Tensors& parameters, const Tensors& gradients, double rate);

  /// All that a resumed training needs, by names like "mean/NAME".
  Tensors state() const;
  void set_state(const Tensors& state, std::int64_t steps);
  std::int64_t steps() const { return steps_; }

 private:
  FinetuneSettings settings_;
  std::int64_t steps_ = 0;
  Tensors mean_, square_, largest_;
};

/// Exponential average of weights:  a ← d a + (1 − d) w, d = min(decay, (1 + n)/(10 + n)) after n updates.
void average(Tensors& averages, const Tensors& weights, double decay, std::int64_t updates);

}  // namespace saltus::training
