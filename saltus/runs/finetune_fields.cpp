#include "saltus/runs/finetune_fields.hpp"

#include <array>

#include "saltus/base/error.hpp"
#include "saltus/runs/setting_words.hpp"

namespace saltus::runs {

namespace {

using S = FinetuneSettings;

constexpr Choice losses[] = {{"mse", "square of the error"}, {"huber", "square below huber_delta, linear above"}, {"universal", "Huber's, narrower for large forces"}};
constexpr Choice stress_units[] = {{"ev_ang3", "eV/Å³"}, {"gpa", "GPa"}, {"kbar", "kbar"}};
constexpr Choice optimizers[] = {{"adam", "Adam; weight decay is part of the gradient"}, {"adamw", "Adam; weight decay is apart"}};
constexpr Choice schedules[] = {{"constant", "the learning rate stays"},
                                {"exponential", "times schedule_factor each epoch"},
                                {"step", "times schedule_factor every schedule_epochs"},
                                {"cosine", "down to final_factor along half a cosine"},
                                {"plateau", "times schedule_factor after schedule_epochs without a better validation loss"},
                                {"one_cycle", "up during warmup_fraction, then down to final_factor"}};
constexpr Choice kinds_of_number[] = {{"model", "as in the model file"}, {"single", "32 bits"}, {"double", "64 bits"}};

}  // namespace

std::span<const Field<FinetuneSettings>> finetune_fields() {
  static const std::array table{
      Field<S>{.key = "test_fraction", .member = &S::test_fraction, .unit = "", .help = "last part of each set, held out", .minimum = 0.01, .maximum = 0.9},
      Field<S>{.key = "valid_fraction", .member = &S::valid_fraction, .unit = "", .help = "of each set, to choose the epoch by", .minimum = 0.01, .maximum = 0.9},
      Field<S>{.key = "valid_blocks", .member = &S::valid_blocks, .unit = "", .help = "blocks of time the validation part consists of", .minimum = 1, .maximum = 100},
      Field<S>{.key = "gap_fs", .member = &S::gap_fs, .unit = "fs", .help = "left out between the parts", .minimum = 0},
      Field<S>{.key = "train_every", .member = &S::train_every, .unit = "", .help = "one training frame in so many", .minimum = 1, .maximum = 1e6},
      Field<S>{.key = "reference_energies", .member = &S::reference_energies, .unit = "", .help = "re-estimate them by least squares over composition before training"},
      Field<S>{.key = "reference_ridge", .member = &S::reference_ridge, .unit = "", .help = "ridge of the reference energies", .minimum = 1e-12, .maximum = 1},
      Field<S>{.key = "loss", .member = &S::loss, .unit = "", .help = "what an error costs", .choices = losses},
      Field<S>{.key = "huber_delta", .member = &S::huber_delta, .unit = "", .help = "error from which a Huber loss is linear", .minimum = 1e-9, .maximum = 1e6},
      Field<S>{.key = "energy_weight", .member = &S::energy_weight, .unit = "", .help = "of the energy per atom (eV) in the loss", .minimum = 0, .maximum = 1e9},
      Field<S>{.key = "force_weight", .member = &S::force_weight, .unit = "", .help = "of a force component (eV/ang)", .minimum = 0, .maximum = 1e9},
      Field<S>{.key = "stress_weight", .member = &S::stress_weight, .unit = "", .help = "of a stress component; 0 = not trained", .minimum = 0, .maximum = 1e9},
      Field<S>{.key = "stress_loss_unit", .member = &S::stress_loss_unit, .unit = "", .help = "of a stress error in the loss", .choices = stress_units},
      Field<S>{.key = "epochs", .member = &S::epochs, .unit = "", .help = "passes through the training frames", .minimum = 1, .maximum = 1e6},
      Field<S>{.key = "batch", .member = &S::batch, .unit = "", .help = "configurations a step", .minimum = 1, .maximum = 1e5},
      Field<S>{.key = "optimizer", .member = &S::optimizer, .unit = "", .help = "how weights follow the gradient", .choices = optimizers},
      Field<S>{.key = "learning_rate", .member = &S::learning_rate, .unit = "", .help = "the highest of the schedule", .minimum = 1e-12, .maximum = 10},
      Field<S>{.key = "amsgrad", .member = &S::amsgrad, .unit = "", .help = "Adam's steps never grow again"},
      Field<S>{.key = "adam_epsilon", .member = &S::adam_epsilon, .unit = "", .help = "in the denominator of Adam", .minimum = 1e-16, .maximum = 1},
      Field<S>{.key = "weight_decay", .member = &S::weight_decay, .unit = "", .help = "pull of the weights to zero", .minimum = 0, .maximum = 1},
      Field<S>{.key = "decayed", .member = &S::decayed, .unit = "", .help = "parameters it acts on, by name; * = any text"},
      Field<S>{.key = "clip_norm", .member = &S::clip_norm, .unit = "", .help = "largest norm of the gradient; 0 = any", .minimum = 0, .maximum = 1e9},
      Field<S>{.key = "ema_decay", .member = &S::ema_decay, .unit = "", .help = "of averaged weights, which are validated and saved; 0 = none", .minimum = 0, .maximum = 0.999999},
      Field<S>{.key = "schedule", .member = &S::schedule, .unit = "", .help = "of the learning rate", .choices = schedules},
      Field<S>{.key = "schedule_factor", .member = &S::schedule_factor, .unit = "", .help = "of exponential, step and plateau", .minimum = 1e-6, .maximum = 1},
      Field<S>{.key = "schedule_epochs", .member = &S::schedule_epochs, .unit = "", .help = "of step and plateau", .minimum = 1, .maximum = 1e6},
      Field<S>{.key = "warmup_fraction", .member = &S::warmup_fraction, .unit = "", .help = "of one_cycle, from a tenth of the rate up", .minimum = 0, .maximum = 0.99},
      Field<S>{.key = "final_factor", .member = &S::final_factor, .unit = "", .help = "last rate over the highest, of cosine and one_cycle", .minimum = 0, .maximum = 1},
      Field<S>{.key = "min_learning_rate", .member = &S::min_learning_rate, .unit = "", .help = "the rate never falls below", .minimum = 0, .maximum = 10},
      Field<S>{.key = "patience", .member = &S::patience, .unit = "", .help = "epochs without a better validation loss before it stops; 0 = never", .minimum = 0, .maximum = 1e6},
      Field<S>{.key = "stage_two_start", .member = &S::stage_two_start, .unit = "", .help = "fraction of the epochs before a second stage; 0 = none", .minimum = 0, .maximum = 1},
      Field<S>{.key = "stage_two_energy_weight", .member = &S::stage_two_energy_weight, .unit = "", .help = "energy_weight of the second stage", .minimum = 0, .maximum = 1e9},
      Field<S>{.key = "stage_two_rate_factor", .member = &S::stage_two_rate_factor, .unit = "", .help = "of the learning rate in it", .minimum = 1e-9, .maximum = 1},
      Field<S>{.key = "frozen", .member = &S::frozen, .unit = "", .help = "parameters that are not trained, by name; * = any text"},
      Field<S>{.key = "lora_rank", .member = &S::lora_rank, .unit = "", .help = "train only changes of this rank of the linear maps; 0 = all weights", .minimum = 0, .maximum = 4096},
      Field<S>{.key = "lora_alpha", .member = &S::lora_alpha, .unit = "", .help = "scale of these changes is lora_alpha / lora_rank", .minimum = 1e-9, .maximum = 1e6},
      Field<S>{.key = "replay_weight", .member = &S::replay_weight, .unit = "", .help = "of a replay configuration in the loss", .minimum = 0, .maximum = 1e9},
      Field<S>{.key = "replay_ratio", .member = &S::replay_ratio, .unit = "", .help = "replay configurations for each training one", .minimum = 0, .maximum = 100},
      Field<S>{.key = "precision", .member = &S::precision, .unit = "", .help = "of the arithmetic", .choices = kinds_of_number},
      Field<S>{.key = "device", .member = &S::device, .unit = "", .help = "cpu, cuda or cuda:N"},
      Field<S>{.key = "fused", .member = &S::fused, .unit = "", .help = "the convolution as one operator (cpu), which is faster"},
      Field<S>{.key = "seed", .member = &S::seed, .unit = "", .help = "of every random choice; in a plan, the plan's", .minimum = 0},
      Field<S>{.key = "checkpoint_minutes", .member = &S::checkpoint_minutes, .unit = "minutes", .help = "between checkpoints", .minimum = 0, .maximum = 1e6},
  };
  return table;
}

void set_finetune_settings(const std::vector<std::string>& words, FinetuneSettings& settings) {
  for (const std::string& word : words) {
    const std::string line = toml_of_word(word, finetune_fields(), "saltus finetune --list-settings");
    try {
      read_finetune_settings(line, word, settings);
    } catch (const Error& error) {
      throw Error(ErrorKind::usage, error.what());
    }
  }
}

std::string finetune_settings_json(const FinetuneSettings& settings) { return settings_json_text(settings, finetune_fields()); }

std::string finetune_settings_text(const FinetuneSettings& settings) { return settings_toml_text(settings, finetune_fields()); }

}  // namespace saltus::runs
