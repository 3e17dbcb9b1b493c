#include "saltus/runs/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/units.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/runs/code_version.hpp"
#include "saltus/runs/held_out.hpp"
#include "saltus/runs/model_evaluation.hpp"
#include "saltus/runs/molecular_dynamics.hpp"
#include "saltus/runs/trainer_program.hpp"

namespace saltus::runs {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

namespace {

constexpr const char* builtin_prefix = "builtin:";

/// What all models meet.
struct Setting {
  const ComparisonPlan& plan;
  fs::path folder;
  Progress progress;
  Stop stop;
  std::function<void(const std::string&)> say;
  ReadOptions read = {};
  std::vector<fs::path> files = {};          ///< of the data sets
  std::vector<std::size_t> first = {};       ///< held-out frame of each
  std::vector<Frame> example = {};           ///< first held-out frame of each
  std::string hash = {};                     ///< of data, settings but the models', program
  std::optional<AgreementSettings> agreement = {};
  std::optional<MatchedSimulation> simulation = {};
};

fs::path beside(const ComparisonPlan& plan, const std::string& file) { return (plan.file.parent_path() / file).lexically_normal(); }

std::string settings_text(const std::vector<ResolvedSection>& sections, const std::function<bool(const ResolvedSection&)>& wanted) {
  json all = json::array();
  for (const ResolvedSection& section : sections) {
    if (!wanted(section)) continue;
    json object = json::object();
    for (const ResolvedValue& value : section.values)
      if (value.key != "title" && value.key != "note") object[value.key] = json::parse(value.json);
    all.push_back(std::move(object));
  }
  return all.dump(-1, ' ', false, json::error_handler_t::replace);
}

void open_data(Setting& setting) {
  const ComparisonPlan& plan = setting.plan;
  setting.read.energy_key = plan.energy_key;
  setting.read.forces_key = plan.forces_key;
  std::string hashed = settings_text(plan.settings, [](const ResolvedSection& s) { return s.table != "model" && s.table != "data"; }) + code_version();
  for (const ComparedData& data : plan.data) {
    const fs::path file = beside(plan, data.file);
    const auto first = first_held_out(file, setting.read, {plan.budget.test_fraction, 0, 1, plan.budget.gap_fs});
    if (!first) throw Error(ErrorKind::usage, fmt::format("{}: neither energies nor forces to compare with; name them by energy_key and forces_key", file.string()));
    const auto reader = open_trajectory(file, setting.read);
    reader->seek(*first);
    Frame frame;
    reader->read_next(frame);
    setting.files.push_back(file);
    setting.first.push_back(*first);
    setting.example.push_back(std::move(frame));
    hashed += data.name + "\n" + sha256_of_path(file) + "\n";
  }
  setting.hash = sha256(hashed);
  if (!plan.md) return;
  AgreementSettings& agreement = setting.agreement.emplace();
  const auto at = std::find_if(plan.data.begin(), plan.data.end(), [&](const ComparedData& data) { return data.name == plan.md->data; });
  agreement.reference.path = setting.files[static_cast<std::size_t>(at - plan.data.begin())];
  agreement.reference.read = setting.read;
  agreement.temperature_kelvin = plan.md->temperature_kelvin;
  agreement.length_ps = plan.md->length_ps;
  agreement.equilibration_ps = plan.md->equilibration_ps;
  agreement.largest_ang = plan.md->largest_ang;
  agreement.longest_lag_fs = plan.md->longest_lag_fs;
  agreement.seed = static_cast<std::uint64_t>(plan.seed);
  setting.simulation = matched_simulation(agreement, interruptible(setting.progress, setting.stop));
}

/// A model may give no number at all.
json to_json(const std::optional<Estimate>& e) { return e && std::isfinite(e->value) && std::isfinite(e->low) && std::isfinite(e->high) ? json::array({e->value, e->low, e->high}) : json(nullptr); }

std::optional<Estimate> estimate_from(const json& value) {
  if (value.is_null()) return {};
  return Estimate{value.at(0).get<double>(), value.at(1).get<double>(), value.at(2).get<double>()};
}

json to_json(const std::vector<ComparedErrors>& list) {
  json array = json::array();
  for (const ComparedErrors& e : list)
    array.push_back({{"set", e.set}, {"frames", e.frames}, {"energy_raw", to_json(e.energy_raw_ev_per_atom)}, {"energy_aligned", to_json(e.energy_aligned_ev_per_atom)},
                     {"force", to_json(e.force_ev_ang)}, {"stress", to_json(e.stress_ev_ang3)}, {"relative", e.force_relative && std::isfinite(*e.force_relative) ? json(*e.force_relative) : json(nullptr)}});
  return array;
}

std::vector<ComparedErrors> errors_from(const json& array) {
  std::vector<ComparedErrors> list;
  for (const json& e : array)
    list.push_back({e.at("set"), e.at("frames"), estimate_from(e.at("energy_raw")), estimate_from(e.at("energy_aligned")), estimate_from(e.at("force")), estimate_from(e.at("stress")),
                    e.at("relative").is_null() ? std::nullopt : std::optional(e.at("relative").get<double>())});
  return list;
}

/// What `make` gives, kept in a file that a later call reads.
json kept(const fs::path& file, const std::function<json()>& make) {
  if (fs::exists(file)) {
    const json found = json::parse(read_file(file), nullptr, false);
    if (!found.is_discarded()) return found;
  }
  json made = make();
  write_file_atomically(file, made.dump());
  return made;
}

std::vector<ComparedErrors> held_out_errors(const Setting& setting, const Potential& potential, const std::string& name) {
  std::vector<ComparedErrors> list;
  for (std::size_t k = 0; k < setting.files.size(); ++k) {
    EvaluationInput input{setting.files[k], setting.read, static_cast<std::size_t>(setting.plan.every), {}, setting.first[k]};
    const ModelErrors errors = evaluate_model(potential, name, input, interruptible(setting.progress, setting.stop));
    const auto with = [](bool has, double value, const std::optional<Estimate>& interval) {
      return has ? std::optional(interval.value_or(Estimate{value, value, value})) : std::nullopt;
    };
    const LabelErrors& e = errors.errors;
    const bool forces = e.forces.components > 0;
    list.push_back({setting.plan.data[k].name, errors.frames, with(e.energies > 0, e.raw.rmse_ev_per_atom, errors.energy_raw_ev_per_atom),
                    with(e.energies > 0, e.composition_aligned.rmse_ev_per_atom, errors.energy_aligned_ev_per_atom), with(forces, e.forces.rmse_ev_ang, errors.force_ev_ang),
                    with(e.stress.frames > 0, e.stress.rmse_ev_ang3, errors.stress_ev_ang3), forces ? std::optional(e.forces.relative()) : std::nullopt});
  }
  return list;
}

NetworkSettings network_of(const ComparedModel& model) {
  NetworkSettings network;
  if (model.arithmetic != "file") network.precision = model.arithmetic == "float64" ? Dtype::f64 : Dtype::f32;
  if (!model.head.empty()) network.head = model.head;
  return network;
}

/// A folder of the model's own, with nothing in it that comes from something else.
fs::path model_folder(const Setting& setting, const ComparedModel& model, const std::string& file_sha256) {
  const fs::path folder = setting.folder / model.name, key_file = folder / "key";
  const std::string key = sha256(setting.hash + file_sha256 + settings_text(setting.plan.settings, [&](const ResolvedSection& s) { return s.table == "model" && s.name == model.name; }));
  if (fs::exists(folder) && !fs::exists(key_file) && !fs::is_empty(folder))
    throw Error(ErrorKind::usage, fmt::format("{} was not made by a comparison: name another folder, --out FOLDER", folder.string()));
  if (fs::exists(key_file) && read_file(key_file) != key) fs::remove_all(folder);
  fs::create_directories(folder);
  write_file_atomically(key_file, key);
  return folder;
}

/// Whether there is a tuned model; else `why` says why there is none.
bool fine_tune(const Setting& setting, const ComparedModel& model, const std::string& file, const fs::path& tuned, std::string& why) {
  if (fs::exists(tuned)) return true;
  const ComparisonBudget& budget = setting.plan.budget;
  try {
    std::vector<std::string> words{trainer_program().string(), "--model", file, "--out", tuned.string(), "--threads", fmt::format("{}", thread_count())};
    for (const fs::path& data : setting.files) words.push_back(data.string());
    if (!setting.read.energy_key.empty()) words.insert(words.end(), {"--energy-key", setting.read.energy_key});
    if (!setting.read.forces_key.empty()) words.insert(words.end(), {"--forces-key", setting.read.forces_key});
    if (!model.head.empty()) words.insert(words.end(), {"--head", model.head});
    for (const std::string& word : {fmt::format("epochs={}", budget.epochs), fmt::format("train_every={}", budget.train_every), fmt::format("test_fraction={}", budget.test_fraction),
                                    fmt::format("gap_fs={}", budget.gap_fs), fmt::format("seed={}", setting.plan.seed)})
      words.insert(words.end(), {"--set", word});
    for (const std::string& word : model.settings) words.insert(words.end(), {"--set", word});
    run_trainer(words, setting.stop, setting.say);
    return true;
  } catch (const Error& error) {
    why = error.what();
    return false;
  }
}

std::optional<MsdReport> displacement_of(const Setting& setting, const TrajectoryInput& input, std::vector<std::string>& warnings) {
  if (setting.plan.md->mobile.empty()) return {};
  MsdSettings settings;
  settings.mobile = atomic_number_of(setting.plan.md->mobile).value();
  settings.blocks = 4;
  try {
    return analyze_msd(input, settings, interruptible(setting.progress, setting.stop));
  } catch (const Error& error) {
    warnings.push_back(fmt::format("no mean-square displacement: {}", error.what()));
    return {};
  }
}

ComparedTrajectory trajectory_of(const Setting& setting, const std::string& name, const TrajectoryInput& input, std::vector<std::string>& warnings) {
  ComparedTrajectory result;
  result.name = name;
  result.curves = curves_of(input, *setting.agreement, *setting.simulation, interruptible(setting.progress, setting.stop));
  result.displacement = displacement_of(setting, input, warnings);
  return result;
}

void simulate(const Setting& setting, const Potential& potential, const std::string& sha256_of_model, const fs::path& folder, const std::optional<ComparedTrajectory>& reference,
              ModelComparison& result, std::vector<std::string>& warnings) {
  try {
    const auto summary = run_molecular_dynamics(setting.simulation->md, setting.simulation->start, potential, sha256_of_model, folder, setting.progress, setting.stop);
    if (!summary.finished) throw Interrupted{fmt::format("the simulation of {}, step {}", result.name, summary.step), true};
    TrajectoryInput own;
    own.path = folder / "trajectory";
    result.trajectory = trajectory_of(setting, result.name, own, warnings);
    result.trajectory->agreement = agreement_between(*setting.simulation, reference->curves, result.trajectory->curves);
    result.trajectory->drift_mev_per_atom_ps = summary.conserved_drift_mev_per_atom_ps;
  } catch (const Error& error) {
    result.md_reason = error.what();
  }
}

void compare_one(const Setting& setting, const ComparedModel& model, const std::optional<ComparedTrajectory>& reference, ModelComparison& result, std::vector<std::string>& warnings) {
  const bool builtin = model.file.starts_with(builtin_prefix);
  const std::string file = builtin ? model.file : beside(setting.plan, model.file).string();
  auto potential = load_potential(file, network_of(model));
  result.kind = potential->info().kind;
  std::string unknown;
  for (const Frame& frame : setting.example)
    if (unknown.empty()) unknown = unknown_elements(*potential, *frame.atoms);
  if (!unknown.empty()) {
    result.reason = fmt::format("does not know {}", unknown);
    return;
  }
  const std::string file_sha256 = builtin ? model.file : sha256_of_path(file);
  const fs::path folder = model_folder(setting, model, file_sha256);
  result.before = errors_from(kept(folder / "errors_before.json", [&] { return to_json(held_out_errors(setting, *potential, model.name)); }));
  const fs::path tuned = folder / "tuned.safetensors";
  bool is_tuned = false;
  if (model.finetune && builtin) result.finetune_reason = "a built-in model has no weights to train";
  else if (model.finetune) is_tuned = fine_tune(setting, model, file, tuned, result.finetune_reason);
  if (is_tuned) {
    potential = load_potential(tuned, network_of(model));
    result.after = errors_from(kept(folder / "errors_after.json", [&] { return to_json(held_out_errors(setting, *potential, model.name + " fine-tuned")); }));
  }
  result.probes = kept(folder / "probes.json", [&] {
    ProbeSettings probe;
    probe.steps = setting.plan.probe_steps;
    return json::parse(to_json_text(probe_model(*potential, setting.example.front(), probe, interruptible(setting.progress, setting.stop))));
  });
  if (setting.simulation) simulate(setting, *potential, is_tuned ? sha256_of_path(tuned) : file_sha256, folder / "md", reference, result, warnings);
}

}  // namespace

Comparison compare_models(const ComparisonPlan& plan, const fs::path& folder, const Progress& progress, const Stop& stop, const std::function<void(const std::string&)>& say) {
  Setting setting{plan, folder, progress, stop, say};
  Comparison comparison;
  comparison.title = plan.title.empty() ? "Models compared" : plan.title;
  try {
    open_data(setting);
    fs::create_directories(folder);
    if (setting.simulation) comparison.reference = trajectory_of(setting, plan.md->data, setting.agreement->reference, comparison.warnings);
    for (const ComparedModel& model : plan.models) {
      ModelComparison result;
      result.name = model.name;
      result.file = model.file;
      result.reason = model.note;
      if (!model.file.empty()) {
        if (say) say(fmt::format("model {}", model.name));
        try {
          compare_one(setting, model, comparison.reference, result, comparison.warnings);
        } catch (const Error& error) {
          if (error.kind() == ErrorKind::internal || error.kind() == ErrorKind::usage) throw with_place(error, fmt::format("model {}", model.name));
          result.reason = error.what();
        }
      }
      comparison.models.push_back(std::move(result));
    }
  } catch (Interrupted& interrupted) {
    interrupted.resumable = true;
    throw;
  }
  return comparison;
}

}  // namespace saltus::runs
