#include "saltus/training/torch/trained_weights.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"

namespace saltus::training {

namespace {

const std::string replay_prefix = "replay/", lora_a = ".lora_a", lora_b = ".lora_b";

/// Linear maps are matrices; the radial networks and readouts are among them, species-wise weights are not.
bool is_linear(const at::Tensor& tensor, const std::string& name, const std::string& reference) { return tensor.dim() == 2 && name != reference && name != "energy_scale"; }

bool is_readout(const std::string& name) { return name.starts_with("readout"); }

}  // namespace

Tensors copy(const Tensors& tensors) {
  Tensors result;
  for (const auto& [name, tensor] : tensors) result[name] = tensor.detach().clone();
  return result;
}

Network::Weights weights_of(const Tensors& tensors) {
  return [&tensors](const std::string& name) -> const at::Tensor& {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw Error(ErrorKind::format, fmt::format("the model lacks the tensor '{}'", name));
    return found->second;
  };
}

TrainedWeights::TrainedWeights(const PublishedModel& model, const Placement& placement, const FinetuneSettings& settings, bool second_head, std::uint64_t lora_stream)
    : all_(tensors_of(model, placement)), reference_name_(reference_energies_name(model)) {
  const at::NoGradGuard no_grad;
  replay_reference_ = all_.at(reference_name_).clone();
  std::vector<bool> used(settings.frozen.size(), false);
  std::uint64_t stream = lora_stream << 32;
  for (const auto& [name, tensor] : all_) {
    bool frozen = !is_weight(model, name);
    for (std::size_t k = 0; k < settings.frozen.size(); ++k)
      if (matches_pattern(settings.frozen[k], name)) frozen = used[k] = true;
    if (frozen) continue;
    if (settings.lora_rank == 0) {
      start_[name] = tensor.clone();
    } else if (is_linear(tensor, name, reference_name_)) {
      const std::int64_t rank = std::min({settings.lora_rank, tensor.size(0), tensor.size(1)});
      Random random(static_cast<std::uint64_t>(settings.seed), stream++);
      at::Tensor a = at::empty({tensor.size(0), rank}, at::kDouble);
      for (std::int64_t k = 0; k < a.numel(); ++k) a.data_ptr<double>()[k] = random.normal() / std::sqrt(static_cast<double>(tensor.size(0)));
      start_[name + lora_a] = a.to(tensor.options());
      start_[name + lora_b] = at::zeros({rank, tensor.size(1)}, tensor.options());
      continue;
    }
    if (settings.lora_rank == 0 && second_head && is_readout(name)) start_[replay_prefix + name] = tensor.clone();
  }
  // The patterns of a recipe name what some of its models lack (a plain MACE has no scale).
  for (std::size_t k = 0; k < used.size(); ++k) {
    const auto& recipe = published_recipe(family(model)).frozen;
    if (!used[k] && std::find(recipe.begin(), recipe.end(), settings.frozen[k]) == recipe.end())
      throw Error(ErrorKind::usage, fmt::format("frozen: '{}' fits no parameter of the model; 'saltus models info' lists them", settings.frozen[k]));
  }
  if (start_.empty()) throw Error(ErrorKind::usage, "everything is frozen: nothing is left to train");
  if (settings.lora_rank > 0) lora_factor_ = settings.lora_alpha / static_cast<double>(settings.lora_rank);
}

std::size_t TrainedWeights::trained_numbers() const {
  std::size_t count = 0;
  for (const auto& [name, tensor] : start_) count += static_cast<std::size_t>(tensor.numel());
  return count;
}

Tensors TrainedWeights::effective(const Tensors& trained, bool replay) const {
  Tensors result = all_;
  for (const auto& [name, tensor] : trained) {
    if (name.starts_with(replay_prefix)) {
      if (replay) result[name.substr(replay_prefix.size())] = tensor;
    } else if (name.ends_with(lora_a)) {
      const std::string of = name.substr(0, name.size() - lora_a.size());
      result[of] = all_.at(of) + lora_factor_ * tensor.matmul(trained.at(of + lora_b));
    } else if (!name.ends_with(lora_b) && !(replay && trained.contains(replay_prefix + name))) {
      result[name] = tensor;
    }
  }
  if (replay) result[reference_name_] = replay_reference_;
  return result;
}

void TrainedWeights::shift_reference_energies(const std::vector<double>& shift_ev, std::int64_t head) {
  const at::NoGradGuard no_grad;
  const auto add = [&](at::Tensor& rows) {
    at::Tensor shift = at::tensor(at::ArrayRef<double>(shift_ev), at::kDouble).to(rows.options());
    rows.select(0, rows.size(0) > 1 ? head : 0).add_(shift);
  };
  at::Tensor& all = all_.at(reference_name_);
  all = all.clone();
  add(all);
  if (const auto found = start_.find(reference_name_); found != start_.end()) add(found->second);
}

}  // namespace saltus::training
