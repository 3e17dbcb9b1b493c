#include "saltus/cli/train/finetune_output.hpp"

#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/runs/finetune_result.hpp"

namespace saltus::cli {

using json = nlohmann::ordered_json;
using training::EpochRow;
using training::FinetuneResult;
using training::HeldOutErrors;
using units::gpa_per_ev_ang3;
using units::mev_per_ev;

namespace {

std::string time_text(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  return seconds < 90 * 60 ? fmt::format("{:.0f} min", seconds / 60) : fmt::format("{:.1f} h", seconds / 3600);
}

template <class Value>
std::optional<Estimate> interval_of(const HeldOutErrors& errors, Value value) {
  if (errors.without.size() < 2) return {};
  std::vector<double> replicate;
  for (const LabelErrors& without : errors.without) replicate.push_back(value(without));
  return kinetics::jackknife_estimate_of_positive(value(errors.all), replicate);
}

template <class Value>
void put(json& object, const std::string& name, bool has, const HeldOutErrors& errors, Value value) {
  const auto interval = has ? interval_of(errors, value) : std::nullopt;
  object[name] = has ? json(value(errors.all)) : json(nullptr);
  object["low_" + name] = interval ? json(interval->low) : json(nullptr);
  object["high_" + name] = interval ? json(interval->high) : json(nullptr);
}

json errors_json(const HeldOutErrors& errors) {
  const LabelErrors& e = errors.all;
  json object{{"set", errors.set.empty() ? json("all") : json(errors.set)}, {"frames", e.frames}};
  put(object, "energy_rmse_ev_per_atom", true, errors, [](const LabelErrors& x) { return x.raw.rmse_ev_per_atom; });
  put(object, "energy_rmse_aligned_ev_per_atom", true, errors, [](const LabelErrors& x) { return x.composition_aligned.rmse_ev_per_atom; });
  put(object, "force_rmse_ev_ang", true, errors, [](const LabelErrors& x) { return x.forces.rmse_ev_ang; });
  object["force_mae_ev_ang"] = e.forces.mae_ev_ang;
  object["force_rms_ev_ang"] = e.forces.reference_rms_ev_ang;
  object["force_rmse_relative"] = e.forces.relative();
  object["force_cosine"] = e.forces.cosine;
  put(object, "stress_rmse_ev_ang3", e.stress.frames > 0, errors, [](const LabelErrors& x) { return x.stress.rmse_ev_ang3; });
  object["elements"] = json::object();
  for (const auto& [z, forces] : e.forces_of_element)
    object["elements"][std::string(symbol_of(z))] = {{"force_rmse_ev_ang", forces.rmse_ev_ang}, {"force_mae_ev_ang", forces.mae_ev_ang}, {"force_rmse_relative", forces.relative()}};
  return object;
}

void print_row(const std::string& name, const HeldOutErrors& errors) {
  const LabelErrors& e = errors.all;
  const auto interval = interval_of(errors, [](const LabelErrors& x) { return x.forces.rmse_ev_ang; });
  fmt::print("{:<34} {:>6} {:>10.2f} {:>8.3f} {:>8.1f} {:>17} {:>7.1f} {:>6.1f} % {:>7.4f} {:>7}\n", name, e.frames, mev_per_ev * e.raw.rmse_ev_per_atom,
             mev_per_ev * e.composition_aligned.rmse_ev_per_atom, mev_per_ev * e.forces.rmse_ev_ang,
             interval ? fmt::format("{:.1f} … {:.1f}", mev_per_ev * interval->low, mev_per_ev * interval->high) : "–", mev_per_ev * e.forces.mae_ev_ang, 100 * e.forces.relative(),
             e.forces.cosine, e.stress.frames > 0 ? fmt::format("{:.3f}", gpa_per_ev_ang3 * e.stress.rmse_ev_ang3) : "–");
}

std::string epoch_line(const EpochRow& row) {
  std::string text = fmt::format("finetune: epoch {:>3} of {}: loss {:.4g}, validation {:.4g}{}; energy {:.2f} meV/atom, forces {:.1f} meV/Å", row.epoch, row.epochs, row.train_loss, row.valid_loss,
                                 row.best ? " (best)" : "", mev_per_ev * row.valid_energy_rmse_aligned_ev_per_atom, mev_per_ev * row.valid_force_rmse_ev_ang);
  if (row.valid_stress_rmse_ev_ang3 > 0) text += fmt::format(", stress {:.3f} GPa", gpa_per_ev_ang3 * row.valid_stress_rmse_ev_ang3);
  return text + fmt::format("; rate {:.2g}, {} left", row.learning_rate, time_text(row.seconds_left));
}

void print_finetune_table(const FinetuneResult& r, const std::string& out) {
  fmt::print("{} of {} numbers trained on {} frames; {} frames chose epoch {}{}\n", r.trained_numbers, r.numbers, r.train_frames, r.valid_frames, r.best_epoch,
             r.ended == "patience" ? "; it ended before the last epoch, for want of a better one" : "");
  if (r.replay_frames > 0) fmt::print("{} replay frames\n", r.replay_frames);
  if (!r.element.empty()) {
    fmt::print("reference energies moved by, eV:");
    for (std::size_t k = 0; k < r.element.size(); ++k) fmt::print(" {} {:.4f}", r.element[k], r.reference_shift_ev[k]);
    fmt::print("\n");
  }
  fmt::print("\n{:<34} {:>6} {:>19} {:>50} {:>7}\n", "held out", "", "energy, meV/atom", "force, meV/Å", "stress,");
  fmt::print("{:<34} {:>6} {:>10} {:>8} {:>8} {:>17} {:>7} {:>8} {:>7} {:>7}\n", "", "frames", "raw", "aligned", "RMSE", "95 %", "MAE", "relative", "cosine", "GPa");
  for (std::size_t k = 0; k < r.before.size(); ++k) {
    const std::string set = r.before[k].set.empty() ? "all" : r.before[k].set;
    print_row(set + ", before", r.before[k]);
    print_row(set + ", after", r.after[k]);
  }
  fmt::print("\nwritten to {}\n", out);
}

json finetune_json(const FinetuneResult& r, const std::string& model, const std::string& out, const std::string& settings_json) {
  json document{{"file", out}, {"model", model}, {"family", r.family}, {"trained_numbers", r.trained_numbers}, {"numbers", r.numbers}, {"train_frames", r.train_frames},
                {"valid_frames", r.valid_frames}, {"test_frames", r.test_frames}, {"replay_frames", r.replay_frames}, {"stress_labels", r.stress_labels}, {"best_epoch", r.best_epoch},
                {"ended", r.ended}, {"libtorch", training::libtorch_version()}, {"settings", json::parse(settings_json)}};
  document["reference_shift_ev"] = json::object();
  for (std::size_t k = 0; k < r.element.size(); ++k) document["reference_shift_ev"][r.element[k]] = r.reference_shift_ev[k];
  for (const auto& [name, list] : {std::pair{"before", &r.before}, std::pair{"after", &r.after}}) {
    document[name] = json::array();
    for (const HeldOutErrors& errors : *list) document[name].push_back(errors_json(errors));
  }
  document["epochs"] = json::array();
  for (const EpochRow& row : r.epochs)
    document["epochs"].push_back({{"epoch", row.epoch}, {"learning_rate", row.learning_rate}, {"train_loss", row.train_loss}, {"valid_loss", row.valid_loss},
                                  {"valid_energy_rmse_aligned_ev_per_atom", row.valid_energy_rmse_aligned_ev_per_atom}, {"valid_force_rmse_ev_ang", row.valid_force_rmse_ev_ang},
                                  {"gradient_norm", row.gradient_norm}, {"seconds", row.seconds}, {"best", row.best}});
  document["warnings"] = r.warnings;
  return document;
}

}  // namespace

TrainedModel train_model(const training::FinetuneInput& input) {
  TrainedModel trained{training::finetune(input, progress_line(), stop_requested, [](const EpochRow& row) { say_progress(epoch_line(row)); }), {}};
  trained.document = finetune_json(trained.result, input.model.string(), input.out.filename().string(), input.settings_text);
  write_file_atomically(runs::finetune_document(input.out), trained.document.dump(2) + "\n");
  return trained;
}

void print_trained(const TrainedModel& trained, const FinetuneOptions& options) {
  if (!options.json) {
    print_finetune_table(trained.result, options.out);
    return;
  }
  json document = trained.document;
  document["file"] = options.out;
  print_json(document);
}

}  // namespace saltus::cli
