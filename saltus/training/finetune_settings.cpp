#include "saltus/training/finetune_settings.hpp"

#include <string_view>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

FinetuneSettings published_recipe(const std::string& family) {
  FinetuneSettings s;
  if (family == "sevennet") {
    s.learning_rate = 0.004;
    s.schedule = "exponential";
    s.stress_loss_unit = "kbar";
    s.frozen = {"energy_scale", "energy_shift"};
  } else if (family == "mace") {
    s.loss = "universal";
    s.force_weight = 10;
    s.stress_weight = 10;
    s.epochs = 200;
    s.batch = 5;
    s.learning_rate = 0.01;
    s.amsgrad = true;
    s.weight_decay = 5e-7;
    s.decayed = {"interactions.*.linear.*", "interactions.*.skip.*", "products.*"};
    s.clip_norm = 10;
    s.ema_decay = 0.99;
    s.schedule = "plateau";
    s.schedule_factor = 0.8;
    s.schedule_epochs = 50;
    s.frozen = {"atomic_energies", "scale", "shift"};
  } else if (family == "mattersim") {
    s.stress_weight = 0.1;
    s.stress_loss_unit = "gpa";
    s.epochs = 1000;
    s.batch = 16;
    s.learning_rate = 2e-4;
    s.adam_epsilon = 1e-7;
    s.clip_norm = 1;
    s.ema_decay = 0.99;
    s.schedule = "step";
    s.schedule_factor = 0.95;
    s.schedule_epochs = 10;
    s.patience = 10;
    s.frozen = {"energy_scale", "energy_shift"};
  } else {
    throw Error(ErrorKind::unsupported, fmt::format("models of the family '{}' cannot be fine-tuned; sevennet, mace and mattersim can", family));
  }
  return s;
}

bool matches_pattern(const std::string& pattern, const std::string& name) {
  const std::string_view p = pattern, n = name;
  std::size_t i = 0, k = 0, star = std::string_view::npos, resumed = 0;
  while (k < n.size()) {
    if (i < p.size() && p[i] == '*') {
      star = i++;
      resumed = k;
    } else if (i < p.size() && p[i] == n[k]) {
      ++i;
      ++k;
    } else if (star != std::string_view::npos) {
      i = star + 1;
      k = ++resumed;
    } else {
      return false;
    }
  }
  while (i < p.size() && p[i] == '*') ++i;
  return i == p.size();
}

}  // namespace saltus
