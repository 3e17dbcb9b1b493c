// saltus evaluate MODEL… DATA: errors of models on the same labelled frames.
#include "saltus/cli/commands.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/network_options.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/probe_output.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/runs/model_evaluation.hpp"
#include "saltus/runs/model_probes.hpp"
#include "saltus/runs/trajectory_agreement.hpp"

namespace saltus::cli {

using json = nlohmann::ordered_json;
using units::mev_per_ev;

namespace {

struct Options {
  std::vector<std::string> files;  // models, then the data
  runs::EvaluationInput input;
  NetworkOptions network;
  std::string out;
  runs::AgreementSettings agreement;
  runs::ProbeSettings probe;
  bool probes = false, json = false;
};

/// Without an interval the ends are null.
void put(json& object, const std::string& name, bool has, double value, const std::optional<Estimate>& interval) {
  object[name] = has ? json(value) : json(nullptr);
  object["low_" + name] = has && interval ? json(interval->low) : json(nullptr);
  object["high_" + name] = has && interval ? json(interval->high) : json(nullptr);
}

json force_json(const ForceErrors& e) {
  return {{"force_rmse_ev_ang", e.rmse_ev_ang}, {"force_mae_ev_ang", e.mae_ev_ang}, {"force_rms_ev_ang", e.reference_rms_ev_ang},
          {"force_rmse_relative", e.relative()}, {"force_cosine", e.cosine}};
}

json to_json(const runs::ModelErrors& model) {
  const LabelErrors& e = model.errors;
  const bool energy = e.energies > 0, forces = e.forces.components > 0, stress = e.stress.frames > 0;
  json object{{"model", model.model}, {"kind", model.info.kind}, {"frames", model.frames}};
  put(object, "energy_rmse_ev_per_atom", energy, e.raw.rmse_ev_per_atom, model.energy_raw_ev_per_atom);
  object["energy_rmse_mean_aligned_ev_per_atom"] = energy ? json(e.mean_aligned.rmse_ev_per_atom) : json(nullptr);
  put(object, "energy_rmse_aligned_ev_per_atom", energy, e.composition_aligned.rmse_ev_per_atom, model.energy_aligned_ev_per_atom);
  put(object, "force_rmse_ev_ang", forces, e.forces.rmse_ev_ang, model.force_ev_ang);
  const json others = force_json(e.forces);
  for (const char* key : {"force_mae_ev_ang", "force_rms_ev_ang", "force_rmse_relative", "force_cosine"}) object[key] = forces ? others[key] : json(nullptr);
  put(object, "stress_rmse_ev_ang3", stress, e.stress.rmse_ev_ang3, model.stress_ev_ang3);
  object["stress_rms_ev_ang3"] = stress ? json(e.stress.reference_rms_ev_ang3) : json(nullptr);
  object["elements"] = json::object();
  for (const auto& [z, of_element] : e.forces_of_element) object["elements"][std::string(symbol_of(z))] = force_json(of_element);
  object["warnings"] = model.warnings;
  return object;
}

json to_json(const runs::Deviation& d) { return {{"deviation", d.value}, {"by_chance", d.by_chance ? json(*d.by_chance) : json(nullptr)}}; }

json to_json(const runs::TrajectoryAgreement& a) {
  json object{{"temperature_kelvin", a.temperature_kelvin}, {"timestep_fs", a.timestep_fs}, {"length_ps", a.length_ps}, {"reference_length_ps", a.reference_length_ps}, {"rdf", json::object()}};
  for (const runs::PairDeviation& pair : a.pairs) object["rdf"][fmt::format("{}-{}", symbol_of(pair.first), symbol_of(pair.second))] = to_json(pair.rdf);
  object["spectrum"] = a.spectrum ? to_json(*a.spectrum) : json(nullptr);
  return object;
}

std::string percent(const runs::Deviation& d) {
  return d.by_chance ? fmt::format("{:.1f} ({:.1f})", 100 * d.value, 100 * *d.by_chance) : fmt::format("{:.1f}", 100 * d.value);
}

void print_agreement(const std::vector<std::string>& models, const std::vector<runs::TrajectoryAgreement>& agreements, const std::string& reference) {
  const runs::TrajectoryAgreement& any = agreements.front();
  fmt::print("\nOwn dynamics of {:.3g} ps at {:.0f} K beside {} of {:.3g} ps: percent apart (by chance)\n", any.length_ps, any.temperature_kelvin, reference, any.reference_length_ps);
  std::size_t width = 8;
  for (const std::string& model : models) width = std::max(width, std::filesystem::path(model).filename().string().size());
  fmt::print("{:<{}}", "model", width);
  for (const runs::PairDeviation& pair : any.pairs) fmt::print(" {:>14}", fmt::format("g(r) {}-{}", symbol_of(pair.first), symbol_of(pair.second)));
  fmt::print(" {:>14}\n", "spectrum");
  for (std::size_t k = 0; k < models.size(); ++k) {
    fmt::print("{:<{}}", std::filesystem::path(models[k]).filename().string(), width);
    for (const runs::PairDeviation& pair : agreements[k].pairs) fmt::print(" {:>14}", percent(pair.rdf));
    fmt::print(" {:>14}\n", agreements[k].spectrum ? percent(*agreements[k].spectrum) : "–");
  }
}

std::string in_milli(bool has, double value, int decimals) { return has ? fmt::format("{:.{}f}", mev_per_ev * value, decimals) : "–"; }

std::string interval_text(bool has, const std::optional<Estimate>& e, int decimals) {
  return has && e ? fmt::format("{:.{}f} … {:.{}f}", mev_per_ev * e->low, decimals, mev_per_ev * e->high, decimals) : "";
}

void print_table(const std::vector<runs::ModelErrors>& models) {
  std::size_t width = 8;
  const auto short_name = [](const runs::ModelErrors& model) { return std::filesystem::path(model.model).filename().string(); };
  for (const runs::ModelErrors& model : models) width = std::max(width, short_name(model).size());
  fmt::print("{:<{}} {:>6} {:>17} {:>52} {:>7}\n", "", width, "", "energy, meV/atom", "force, meV/Å", "stress,");
  fmt::print("{:<{}} {:>6} {:>8} {:>8} {:>8} {:>17} {:>8} {:>8} {:>7} {:>7}\n", "model", width, "frames", "raw", "aligned", "RMSE", "95 %", "MAE", "relative", "cosine",
             "meV/Å³");
  const auto force_row = [&](std::string_view name, const std::string& before, const ForceErrors& f, const std::string& interval, const std::string& stress) {
    const bool has = f.components > 0;
    std::string line = fmt::format("{:<{}} {:>24} {:>8} {:>17} {:>8} {:>8} {:>7} {:>7}", name, width, before, in_milli(has, f.rmse_ev_ang, 1), interval, in_milli(has, f.mae_ev_ang, 1),
               has ? fmt::format("{:.1f} %", 100 * f.relative()) : "–", has ? fmt::format("{:.4f}", f.cosine) : "–", stress);
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  };
  for (const runs::ModelErrors& model : models) {
    const LabelErrors& e = model.errors;
    const bool energy = e.energies > 0;
    force_row(short_name(model),
              fmt::format("{:>6} {:>8} {:>8}", model.frames, in_milli(energy, e.raw.rmse_ev_per_atom, 2), in_milli(energy, e.composition_aligned.rmse_ev_per_atom, 2)),
              e.forces, interval_text(e.forces.components > 0, model.force_ev_ang, 1), in_milli(e.stress.frames > 0, e.stress.rmse_ev_ang3, 2));
    for (const auto& [z, of_element] : e.forces_of_element) force_row(fmt::format("  {}", symbol_of(z)), "", of_element, "", "");
  }
}

void print_results(const std::vector<runs::ModelErrors>& models, const Options& options) {
  const LabelErrors& errors = models.front().errors;
  if (errors.energies > 0 || errors.forces.components > 0) print_table(models);
  else fmt::print("{}: {} frames without labels: nothing to compare\n", options.input.data.string(), models.front().frames);
  if (!options.out.empty()) fmt::print("written to {}\n", options.out);
}

/// Of the first frame of the data, which needs no labels.
int run_probes(const Options& options, const std::vector<std::unique_ptr<Potential>>& potentials) {
  Frame frame;
  if (!open_trajectory(options.input.data, options.input.read)->read_next(frame)) throw Error(ErrorKind::usage, fmt::format("{}: no frames", options.input.data.string()));
  const Progress progress = interruptible(progress_line(), stop_requested);
  std::vector<std::pair<std::string, runs::ModelProbes>> models;
  json document{{"data", options.input.data.string()}, {"models", json::array()}};
  for (std::size_t k = 0; k < potentials.size(); ++k) {
    models.emplace_back(options.files[k], runs::probe_model(*potentials[k], frame, options.probe, progress));
    json object{{"model", options.files[k]}, {"kind", potentials[k]->info().kind}};
    object.update(json::parse(runs::to_json_text(models.back().second)));
    document["models"].push_back(std::move(object));
  }
  if (options.json) print_json(document);
  else fmt::print("{}", table_of(models));
  return 0;
}

int run_evaluate(Options options) {
  if (options.files.size() < 2) throw Error(ErrorKind::usage, "evaluate needs a model and a data set: saltus evaluate MODEL DATA");
  options.input.data = options.files.back();
  if (options.input.data.extension() == ".safetensors")
    throw Error(ErrorKind::usage, fmt::format("{} is a model; the last file must be the data set", options.files.back()));
  options.files.pop_back();
  if (!options.out.empty() && options.files.size() > 1) throw Error(ErrorKind::usage, "--out takes the word of one model; name one");
  if (!options.out.empty()) refuse_overwriting(options.input.data, options.out);
  options.input.out = options.out;
  options.agreement.reference.read = options.input.read;
  std::vector<std::unique_ptr<Potential>> potentials;
  for (const std::string& file : options.files) potentials.push_back(load_potential(file, settings_of(options.network)));
  listen_for_signals();
  if (options.probes) return run_probes(options, potentials);
  const Progress progress = interruptible(progress_line(), stop_requested);
  std::vector<runs::ModelErrors> models;
  json document{{"data", options.input.data.string()}, {"models", json::array()}};
  for (std::size_t k = 0; k < potentials.size(); ++k) {
    models.push_back(runs::evaluate_model(*potentials[k], options.files[k], options.input, progress));
    document["models"].push_back(to_json(models.back()));
    for (const std::string& warning : models.back().warnings) print_warning(warning);
  }
  std::vector<runs::TrajectoryAgreement> agreements;
  for (std::size_t k = 0; k < potentials.size() && !options.agreement.reference.path.empty(); ++k) {
    agreements.push_back(runs::compare_trajectories(*potentials[k], options.agreement, progress_line(), stop_requested));
    document["models"][k]["trajectory"] = to_json(agreements.back());
    for (const std::string& warning : agreements.back().warnings) print_warning(warning);
  }
  if (options.json) print_json(document);
  else print_results(models, options);
  if (!options.json && !agreements.empty()) print_agreement(options.files, agreements, options.agreement.reference.path.string());
  return 0;
}

}  // namespace

std::function<int()> set_up_evaluate(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  app.add_option("FILES", o->files, "model files or builtin:NAME, then the labelled data set")->type_name("FILE")->required();
  app.add_option("--out", o->out, "data set to write: the frames with energy, forces and virial of the model")->type_name("FILE");
  app.add_option("--every", o->input.every, "one frame in N (default 1)")->check(CLI::PositiveNumber);
  app.add_option("--trajectory", o->agreement.reference.path, "AIMD to compare own dynamics with: g(r), vibrational spectrum")->type_name("FILE");
  app.add_option("--length-ps", o->agreement.length_ps, "of these dynamics, ps (default: as long as that)")->check(CLI::PositiveNumber);
  app.add_option("--temperature-kelvin", o->agreement.temperature_kelvin, "of these dynamics, K (default: the mean of that)")->check(CLI::PositiveNumber);
  app.add_flag("--probes", o->probes, "instead, of the first frame: gradient, rotation, pairs, constant energy, cost");
  app.add_option("--probe-steps", o->probe.steps, "of that constant energy, at 300 K; 0: none (default 400)")->check(CLI::NonNegativeNumber);
  add_network_options(app, o->network);
  add_label_options(app, o->input.read);
  add_source_options(app, o->input.read);
  app.add_flag("--json", o->json, "one JSON document instead of a table");
  app.footer(
      "Energies of two methods differ by a constant for each element, which no kinetics feel: aligned is without it.\n"
      "Errors are root mean squares but for MAE, relative to that of the forces; 95 % is from blocks of frames.\n"
      "Of two g(r) or spectra p and q the part apart is ∫|p − q|/∫(p + q); what time blocks scatter is 'by chance'.\n\nExample:\n"
      "  saltus evaluate li15si4.safetensors examples/li15si4/li15si4_hot_1500K.extxyz");
  return [o] { return run_evaluate(*o); };
}

}  // namespace saltus::cli
