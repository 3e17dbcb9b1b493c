#include "saltus/training/torch/optimizer.hpp"

#include <algorithm>
#include <cmath>

namespace saltus::training {

namespace {

constexpr double beta_mean = 0.9, beta_square = 0.999;

Tensors zeros_like(const Tensors& tensors) {
  Tensors result;
  for (const auto& [name, tensor] : tensors) result[name] = at::zeros_like(tensor);
  return result;
}

}  // namespace

double clip_gradients(Tensors& gradients, double most) {
  const at::NoGradGuard no_grad;
  double square = 0;
  for (const auto& [name, gradient] : gradients) square += gradient.to(at::kDouble).square().sum().item<double>();
  const double norm = std::sqrt(square), factor = most / (norm + 1e-6);
  if (most > 0 && factor < 1)
    for (auto& [name, gradient] : gradients) gradient = gradient * factor;
  return norm;
}

Adam::Adam(const FinetuneSettings& settings, const Tensors& parameters) : settings_(settings), mean_(zeros_like(parameters)), square_(zeros_like(parameters)) {
  if (settings.amsgrad) largest_ = zeros_like(parameters);
}

void Adam::step(Tensors& parameters, const Tensors& gradients, double rate) {
  const at::NoGradGuard no_grad;
  ++steps_;
  const double correct_mean = 1 - std::pow(beta_mean, static_cast<double>(steps_)), correct_square = 1 - std::pow(beta_square, static_cast<double>(steps_));
  for (const auto& [name, gradient] : gradients) {
    at::Tensor& p = parameters.at(name);
    at::Tensor g = gradient;
    const bool decays = settings_.weight_decay > 0 && std::any_of(settings_.decayed.begin(), settings_.decayed.end(), [&](const std::string& pattern) { return matches_pattern(pattern, name); });
    if (decays && settings_.optimizer == "adamw") p.mul_(1 - rate * settings_.weight_decay);
    else if (decays) g = g + settings_.weight_decay * p;
    at::Tensor &mean = mean_.at(name), &square = square_.at(name);
    mean.mul_(beta_mean).add_(g, 1 - beta_mean);
    square.mul_(beta_square).addcmul_(g, g, 1 - beta_square);
    at::Tensor scale = square;
    if (settings_.amsgrad) {
      at::Tensor& largest = largest_.at(name);
      largest.copy_(at::maximum(largest, square));
      scale = largest;
    }
    p.addcdiv_(mean, scale.sqrt().div_(std::sqrt(correct_square)).add_(settings_.adam_epsilon), -rate / correct_mean);
  }
}

Tensors Adam::state() const {
  Tensors all;
  for (const auto& [name, tensor] : mean_) all["mean/" + name] = tensor;
  for (const auto& [name, tensor] : square_) all["square/" + name] = tensor;
  for (const auto& [name, tensor] : largest_) all["largest/" + name] = tensor;
  return all;
}

void Adam::set_state(const Tensors& state, std::int64_t steps) {
  for (auto& [name, tensor] : mean_) tensor.copy_(state.at("mean/" + name));
  for (auto& [name, tensor] : square_) tensor.copy_(state.at("square/" + name));
  for (auto& [name, tensor] : largest_) tensor.copy_(state.at("largest/" + name));
  steps_ = steps;
}

void average(Tensors& averages, const Tensors& weights, double decay, std::int64_t updates) {
  const at::NoGradGuard no_grad;
  const double n = static_cast<double>(updates), d = std::min(decay, (1 + n) / (10 + n));
  for (auto& [name, tensor] : averages) tensor.mul_(d).add_(weights.at(name), 1 - d);
}

}  // namespace saltus::training
