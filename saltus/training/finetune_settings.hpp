// Settings of a fine-tuning, the same for every family of models; the defaults of a family are its published recipe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace saltus {

struct FinetuneSettings {
  // Data
  double test_fraction = 0.2;       ///< last part of each set, never trained on
  double valid_fraction = 0.15;     ///< validation blocks inside the rest
  std::int64_t valid_blocks = 2;
  double gap_fs = 50;               ///< left out at each border between parts
  std::int64_t train_every = 1;     ///< one training frame in so many
  bool reference_energies = true;   ///< re-estimated by least squares over composition before training
  /// Small: AIMD of one crystal and of the same with a vacancy have nearly one composition, and what tells their elements apart must count.
  double reference_ridge = 1e-9;
  // Loss: Σ weight · mean of f(error), the energy per atom
  std::string loss = "huber";       ///< mse, huber, universal
  double huber_delta = 0.01;
  double energy_weight = 1, force_weight = 1, stress_weight = 0.01;
  std::string stress_loss_unit = "ev_ang3";  ///< of a stress error in the loss: ev_ang3, gpa, kbar
  // Optimiser
  std::int64_t epochs = 100;
  std::int64_t batch = 4;           ///< configurations a step
  std::string optimizer = "adam";   ///< adam, adamw
  double learning_rate = 1e-3;
  bool amsgrad = false;
  double adam_epsilon = 1e-8;
  double weight_decay = 0;
  std::vector<std::string> decayed = {"*"};  ///< parameters that decay, by name
  double clip_norm = 0;             ///< of the gradient; 0 = not clipped
  double ema_decay = 0;             ///< of the averaged weights, which are validated and saved; 0 = off
  // Schedule
  std::string schedule = "constant";  ///< constant, exponential, step, cosine, plateau, one_cycle
  double schedule_factor = 0.99;      ///< exponential, step, plateau
  std::int64_t schedule_epochs = 10;  ///< of a step; patience of plateau
  double warmup_fraction = 0.05;      ///< one_cycle
  double final_factor = 0.01;         ///< cosine, one_cycle: last learning rate over the highest
  double min_learning_rate = 0;
  std::int64_t patience = 0;          ///< epochs without a better validation loss before it stops; 0 = never
  double stage_two_start = 0;         ///< fraction of the epochs; 0 = no second stage
  double stage_two_energy_weight = 1000, stage_two_rate_factor = 0.1;
  // What is trained
  std::vector<std::string> frozen;    ///< parameters that stay, by name
  std::int64_t lora_rank = 0;         ///< > 0: low-rank changes of the linear maps only
  double lora_alpha = 1;              ///< the change is alpha/rank · A B
  double replay_weight = 1;           ///< of a replay configuration in the loss
  double replay_ratio = 1;            ///< replay configurations for each training one
  // Machine
  std::string precision = "model";    ///< model, single, double
  std::string device = "cpu";         ///< cpu, cuda, cuda:1
  bool fused = true;                  ///< the fused convolution, on cpu
  std::int64_t seed = 1;
  double checkpoint_minutes = 5;

  bool operator==(const FinetuneSettings&) const = default;
};

/// The published recipe of "sevennet", "mace" or "mattersim". Throws Error{unsupported} for another family.
FinetuneSettings published_recipe(const std::string& family);

/// Whether a name fits a pattern in which * stands for any text.
bool matches_pattern(const std::string& pattern, const std::string& name);

}  // namespace saltus
