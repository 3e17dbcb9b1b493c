// Fine-tuning of a published model on labelled frames; no type of libtorch stands here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "saltus/base/progress.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/training/finetune_settings.hpp"
#include "saltus/training/label_errors.hpp"

namespace saltus::training {

struct FinetuneSet {
  std::filesystem::path path;
  ReadOptions read;
  std::string name = {};            ///< what results call it; empty: the file's name without its extension
  bool all_train = false;           ///< not split nor thinned: every frame is trained on, what is held out lies elsewhere
};

struct FinetuneInput {
  std::filesystem::path model, out;
  std::vector<FinetuneSet> sets;
  std::vector<FinetuneSet> replay;  ///< frames that the model should not forget; where they have no labels, the model gives them
  FinetuneSettings settings;
  std::string settings_text;        ///< the settings in words, for the model's metadata; a checkpoint goes on only with the same
  std::string head;                 ///< of a model with several heads or modalities
  /// Of a committee's member: trained without part `left_out`, from 1, of `parts` parts of the training frames of each set; 0 = with all.
  std::int64_t left_out = 0, parts = 0;
};

/// One line of the learning curve.
struct EpochRow {
  std::int64_t epoch = 0;           ///< from 1
  std::int64_t epochs = 0;
  double learning_rate = 0;         ///< of its last step
  double train_loss = 0, valid_loss = 0;
  double valid_energy_rmse_aligned_ev_per_atom = 0, valid_force_rmse_ev_ang = 0;
  double valid_stress_rmse_ev_ang3 = 0;  ///< 0 without labels
  double gradient_norm = 0;         ///< mean over the steps, before clipping
  double seconds = 0;               ///< since the training began, interruptions left out
  double seconds_left = 0;
  bool best = false;
};

/// Errors on frames that were not trained on; all, and without one block each of at most ten blocks of consecutive frames.
struct HeldOutErrors {
  std::string set;                  ///< empty: all sets
  LabelErrors all;
  std::vector<LabelErrors> without;
};

struct FinetuneResult {
  std::string family;
  std::size_t trained_numbers = 0, numbers = 0;
  std::size_t train_frames = 0, valid_frames = 0, test_frames = 0, replay_frames = 0;
  bool stress_labels = false;
  std::vector<std::string> element;           ///< of the shifts
  std::vector<double> reference_shift_ev;     ///< added to the reference energies before training; empty: not re-estimated
  std::vector<EpochRow> epochs;
  std::int64_t best_epoch = 0;                ///< whose weights are saved; 0 = the model as it came
  std::string ended;                          ///< why: "epochs", "patience"
  std::vector<HeldOutErrors> before, after;   ///< on the test part; before = the model as it came
  std::vector<std::string> warnings;
};

/// Trains and writes the model (a container of Saltus) and its learning curve (OUT without its extension + _learning.csv).
///
/// A checkpoint beside `out` is kept until the model is written; the same input goes on from it, on one thread to the same bits. `stop` is
/// asked between steps; then it saves one and throws Interrupted. `on_epoch` is told each epoch.
/// Throws Error{usage} for settings that cannot be meant and a checkpoint of another training, Error{format} for frames without energy or
/// forces, Error{unsupported} for elements that the model does not know or a device that is not there, Error{numeric} when the loss is no
/// longer finite.
FinetuneResult finetune(const FinetuneInput& input, const Progress& progress, const Stop& stop, const std::function<void(const EpochRow&)>& on_epoch);

/// The table of epochs beside a model of this name.
std::filesystem::path learning_curve_file(const std::filesystem::path& model);

/// "1.13.1, cpu" and the like.
std::string libtorch_version();

}  // namespace saltus::training
