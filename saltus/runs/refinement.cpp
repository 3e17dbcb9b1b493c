#include "saltus/runs/refinement.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/runs/ab_initio_frames.hpp"
#include "saltus/runs/molecular_dynamics.hpp"
#include "saltus/training/label_errors.hpp"

namespace saltus::runs {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

namespace {

constexpr double thermostat_time_fs = 100;  // short: what is wanted is the ensemble, not the dynamics
constexpr std::int64_t measure_every_fs = 20;

std::int64_t steps_in(double time_fs, double timestep_fs) { return std::max<std::int64_t>(1, std::llround(time_fs / timestep_fs)); }

/// Of the measure that a potential has.
struct DoubtLimits {
  double stop, select, done;
};

DoubtLimits limits_of(const RefinementSettings& s, bool committee) {
  return committee ? DoubtLimits{s.stop_spread_ev_ang, s.select_spread_ev_ang, s.spread_limit_ev_ang} : DoubtLimits{s.stop_extrapolation, s.select_extrapolation, s.extrapolation_limit};
}

MolecularDynamicsSettings dynamics_of(const RefinementSettings& settings, bool committee, double factor, double kelvin, std::uint64_t seed) {
  MolecularDynamicsSettings md;
  md.seed = seed;
  md.temperature_kelvin = kelvin;
  md.single_precision = false;
  (committee ? md.max_force_spread_ev_ang : md.max_extrapolation) = limits_of(settings, committee).stop / factor;
  LoopSettings& loop = md.loop;
  loop.timestep_fs = settings.timestep_fs;
  loop.write_stride = steps_in(settings.frame_spacing_fs, settings.timestep_fs);
  loop.steps = steps_in(units::fs_per_ps * settings.sampling_ps, settings.timestep_fs);
  loop.thermostat = VelocityRescaling{kelvin, thermostat_time_fs};
  loop.extrapolation_stride = steps_in(measure_every_fs, settings.timestep_fs);
  loop.log_stride = loop.extrapolation_stride;
  loop.checkpoint_stride = 5 * loop.write_stride;  // a run that ends early leaves what it had seen by then
  return md;
}

const char* doubt_key(bool committee) { return committee ? "max_force_spread_ev_ang" : "max_extrapolation"; }

json to_json(const SimulationOutcome& s, bool committee) {
  return {{"temperature_kelvin", s.temperature_kelvin}, {"simulated_ps", s.simulated_ps}, {doubt_key(committee), s.doubt}, {"ended_early", s.ended_early}};
}

SimulationOutcome simulation_from(const json& document, bool committee) {
  return {document.at("temperature_kelvin"), document.at("simulated_ps"), document.at(doubt_key(committee)), document.at("ended_early")};
}

json to_json(const std::optional<HeldOutErrors>& errors) {
  if (!errors) return nullptr;
  return {{"frames", errors->frames}, {"force_rmse_ev_ang", errors->force_rmse_ev_ang}, {"force_rms_ev_ang", errors->force_rms_ev_ang},
          {"energy_rmse_aligned_ev_per_atom", errors->energy_rmse_aligned_ev_per_atom}};
}

/// One simulation, done before or now.
SimulationOutcome simulate(const RefinementSettings& settings, const RefinementInput& input, const Potential& potential, double factor, const std::string& sha256, double kelvin, std::uint64_t seed,
                           const fs::path& folder, const Progress& progress, const Stop& stop) {
  const bool committee = potential.info().has_spread;
  const fs::path record = folder.string() + ".json";
  if (fs::exists(record)) return simulation_from(json::parse(read_file(record)), committee);
  SimulationOutcome outcome{kelvin, 0, 0, ""};
  const MolecularDynamicsSettings md = dynamics_of(settings, committee, factor, kelvin, seed);
  const Progress named = [&](const ProgressReport& report) {
    if (progress) progress({fmt::format("{}/{}", folder.parent_path().filename().string(), folder.filename().string()), report.done, report.total, report.note, report.unit});
  };
  try {
    const auto summary = run_molecular_dynamics(md, input.start, potential, sha256, folder, named, stop);
    if (!summary.finished) throw Interrupted{fmt::format("{}, step {} of {}", folder.filename().string(), summary.step, md.loop.steps), true};
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::numeric) throw;
    outcome.ended_early = error.what();
  }
  std::error_code error;
  if (fs::exists(folder / "log.csv", error)) {
    for (const LogRow& row : read_md_log(folder / "log.csv")) {
      outcome.simulated_ps = std::max(outcome.simulated_ps, row.time_fs / units::fs_per_ps);
      outcome.doubt = std::max(outcome.doubt, factor * (committee ? row.max_force_spread_ev_ang : row.max_extrapolation).value_or(0));
    }
  }
  if (!outcome.ended_early.empty()) outcome.doubt = std::max(outcome.doubt, limits_of(settings, committee).stop);
  write_file_atomically(record, to_json(outcome, committee).dump() + "\n");
  return outcome;
}

struct Candidate {
  Frame frame;
  double doubt = 0;
};

/// Root mean square displacement between two frames of the same atoms; infinity for others.
double difference_ang(const Frame& a, const Frame& b) {
  if (a.atoms->atomic_number != b.atoms->atomic_number || !(a.cell == b.cell)) return std::numeric_limits<double>::infinity();
  double square = 0;
  for (std::size_t i = 0; i < a.size(); ++i) square += norm2(a.cell.minimum_image(a.position_ang[i] - b.position_ang[i]));
  return std::sqrt(square / static_cast<double>(a.size()));
}

/// The most doubtful first, each different from those chosen and from those known.
std::vector<Frame> choose(std::vector<Candidate> candidates, const std::vector<Frame>& known, std::size_t wanted, double least_difference_ang) {
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.doubt > b.doubt; });
  std::vector<Frame> chosen;
  for (const Candidate& candidate : candidates) {
    if (chosen.size() == wanted) break;
    const auto near = [&](const Frame& other) { return difference_ang(candidate.frame, other) < least_difference_ang; };
    if (std::none_of(chosen.begin(), chosen.end(), near) && std::none_of(known.begin(), known.end(), near)) chosen.push_back(candidate.frame);
  }
  return chosen;
}

/// Frames of a simulation with an atom beyond the limit; the one that it ended with too, if it ended early.
std::vector<Candidate> candidates_in(const fs::path& simulation, const Potential& potential, double factor, double beyond) {
  std::vector<Candidate> candidates;
  Workspace workspace;
  for (const fs::path& file : {simulation / "trajectory", simulation / "failed.extxyz"}) {
    std::error_code error;
    if (!fs::exists(file, error) || (fs::is_directory(file, error) && fs::is_empty(file, error))) continue;
    const auto reader = open_trajectory(file);
    for (Frame frame; reader->read_next(frame);) {
      const bool committee = potential.info().has_spread;
      const Evaluation evaluation = evaluate_one(potential, frame, {.forces = committee, .extrapolation = !committee, .spread = committee}, workspace);
      const std::vector<double>& doubt = committee ? evaluation.force_spread_ev_ang : evaluation.extrapolation;
      const double most = factor * *std::max_element(doubt.begin(), doubt.end());
      if (most > beyond && std::isfinite(most)) candidates.push_back({frame, most});
    }
  }
  return candidates;
}

void write_frames(const fs::path& file, const std::vector<Frame>& frames) {
  const auto writer = create_trajectory(file);
  for (const Frame& frame : frames) writer->write(frame);
  writer->commit();
}

HeldOutErrors errors_of(const Potential& potential, const std::vector<Frame>& frames) {
  LabelErrorCollector collector;
  Workspace workspace;
  for (const Frame& frame : frames) collector.add(frame, evaluate_one(potential, frame, {.forces = true}, workspace));
  const LabelErrors errors = collector.finish();
  return {errors.frames, errors.forces.rmse_ev_ang, errors.forces.reference_rms_ev_ang, errors.composition_aligned.rmse_ev_per_atom};
}

double largest(const std::vector<SimulationOutcome>& simulations) {
  double most = 0;
  for (const SimulationOutcome& s : simulations) most = std::max(most, s.doubt);
  return most;
}

}  // namespace

std::string to_json_text(const Refinement& refinement) {
  json rounds = json::array();
  const auto simulations = [&](const std::vector<SimulationOutcome>& list) {
    json result = json::array();
    for (const SimulationOutcome& s : list) result.push_back(to_json(s, refinement.committee));
    return result;
  };
  for (const RefinementRound& round : refinement.rounds)
    rounds.push_back({{"simulations", simulations(round.simulations)}, {"spread_factor", refinement.committee ? json(round.spread_factor) : json()}, {"candidates", round.candidates}, {"labels", json::parse(quality_json_text(round.labels))},
                      {"trained", round.trained}, {"held_out", round.held_out}, {"before", to_json(round.before)}, {"after", to_json(round.after)}});
  return json{{"measure", doubt_key(refinement.committee)}, {"rounds", rounds}, {"last_check", simulations(refinement.last_check)}, {"ended", refinement.ended}, {"within_limits", refinement.within_limits}}.dump();
}

PotentialMaker refit(std::vector<TrainingSet> sets, std::vector<AceFitSettings> candidates) {
  return [sets = std::move(sets), candidates = std::move(candidates)](const std::vector<fs::path>& added, const fs::path& folder, const Progress& progress, const Stop& stop,
                                                                      std::vector<std::string>& warnings) {
    const fs::path model = folder / "model.safetensors";
    if (fs::exists(model)) return model;
    std::vector<TrainingSet> all = sets;
    for (const fs::path& file : added) all.push_back({file.parent_path().filename().string(), file, {}, true});
    const AceFit fit = fit_ace(all, candidates, interruptible(progress, stop));
    save_ace(model, fit.parameters);
    warnings.insert(warnings.end(), fit.warnings.begin(), fit.warnings.end());
    return model;
  };
}

double spread_factor(const Potential& committee, const std::vector<Frame>& frames) {
  double error = 0, spread = 0;
  Workspace workspace;
  for (const Frame& frame : frames) {
    const Evaluation evaluation = evaluate_one(committee, frame, {.forces = true, .spread = true}, workspace);
    for (std::size_t i = 0; i < frame.size(); ++i) {
      error += norm2(evaluation.force_ev_ang[i] - frame.force_ev_ang[i]);
      spread += evaluation.force_spread_ev_ang[i] * evaluation.force_spread_ev_ang[i];
    }
  }
  if (frames.empty()) throw Error(ErrorKind::usage, "a committee's spread is scaled by labelled frames that are held out, and there are none");
  if (!(spread > 0)) throw Error(ErrorKind::numeric, "the members of the committee do not differ: their spread tells nothing");
  return std::sqrt(error / spread);
}

Refinement refine(const RefinementSettings& settings, const RefinementInput& input, const fs::path& folder, const Progress& progress, const Stop& stop) {
  if (settings.temperatures_kelvin.empty()) throw Error(ErrorKind::usage, "a refinement needs a temperature to simulate at");
  Refinement result;
  std::vector<fs::path> added;
  std::vector<Frame> known{input.start}, held_out;  // known: what need not be labelled
  const auto train_in = [&](const std::string& name, const Progress& told) {
    fs::create_directories(folder / name);
    std::vector<std::string> warnings;
    result.model = input.train(added, folder / name, told, stop, warnings);
    for (const std::string& warning : warnings) result.warnings.push_back(fmt::format("{}: {}", name, warning));
  };
  result.model = input.model;
  if (input.model.empty()) train_in("start", progress);
  std::size_t labels = 0;
  for (std::int64_t r = 1;; ++r) {
    const auto potential = load_potential(result.model, input.network);
    result.committee = potential->info().has_spread;
    if (!result.committee && !potential->info().has_extrapolation)
      throw Error(ErrorKind::unsupported, fmt::format("a refinement needs a committee, or a potential that measures how far it extrapolates; one of kind {} does not", potential->info().kind));
    std::vector<Frame> unseen = input.unseen;
    unseen.insert(unseen.end(), held_out.begin(), held_out.end());
    const double factor = result.committee ? spread_factor(*potential, unseen) : 1;
    const DoubtLimits limits = limits_of(settings, result.committee);
    const bool spent = r > settings.max_rounds || labels >= static_cast<std::size_t>(settings.max_labels);
    const fs::path place = folder / (spent ? "check" : fmt::format("round-{}", r));
    fs::create_directories(place);
    RefinementRound round;
    round.spread_factor = factor;
    const std::string sha256 = sha256_of_path(result.model);
    std::vector<Candidate> candidates;
    for (std::size_t t = 0; t < settings.temperatures_kelvin.size(); ++t) {
      const double kelvin = settings.temperatures_kelvin[t];
      const fs::path md = place / fmt::format("md-{:g}K", kelvin);
      const std::uint64_t seed = settings.seed + 100 * static_cast<std::uint64_t>(r) + t;
      round.simulations.push_back(simulate(settings, input, *potential, factor, sha256, kelvin, seed, md, progress, stop));
      if (!spent)
        for (Candidate& candidate : candidates_in(md, *potential, factor, limits.select)) candidates.push_back(std::move(candidate));
    }
    const double most = largest(round.simulations);
    const bool error_kept = !held_out.empty() && errors_of(*potential, held_out).force_rmse_ev_ang <= settings.force_limit_ev_ang;
    if (most <= limits.done && (error_kept || candidates.empty())) {
      result.within_limits = error_kept;
      result.last_check = round.simulations;
      result.ended = error_kept ? fmt::format("the force error on what is held out and the {} are within their limits", result.committee ? "spread of the committee" : "extrapolation of the simulations")
                                : fmt::format("no frame of the simulations was {}: there was nothing to label", result.committee ? "one that the committee doubts" : "beyond the training data");
      return result;
    }
    if (spent) {
      result.last_check = round.simulations;
      result.ended = r > settings.max_rounds ? fmt::format("{} rounds were done, as many as 'max_rounds' allows", settings.max_rounds)
                                             : fmt::format("{} labels were made; 'max_labels' allows {}", labels, settings.max_labels);
      result.warnings.push_back("the refinement ended before its limits were kept: " + result.ended);
      return result;
    }
    round.candidates = candidates.size();
    const fs::path chosen_file = place / "chosen.extxyz", labels_file = place / "labels.extxyz";
    if (!fs::exists(chosen_file)) {
      const auto wanted = std::min<std::size_t>(static_cast<std::size_t>(settings.frames_per_round), static_cast<std::size_t>(settings.max_labels) - labels);
      const std::vector<Frame> chosen = choose(std::move(candidates), known, wanted, settings.difference_ang);
      if (chosen.empty()) {
        result.last_check = round.simulations;
        result.ended = fmt::format("no frame {} was different from those that had labels", result.committee ? "that the committee doubts" : "beyond the training data");
        result.warnings.push_back("the refinement ended before its limits were kept: " + result.ended);
        return result;
      }
      write_frames(chosen_file, chosen);
    }
    LabelSettings label{input.method, input.base_folder, settings.jobs, 5, false};
    const Progress named = [&](const ProgressReport& report) {
      if (progress) progress({fmt::format("round-{}/{}", r, report.task), report.done, report.total, report.note, report.unit});
    };
    const LabelSummary summary = label_frames(label, read_frames(chosen_file), place / "cp2k", labels_file, named, stop);
    round.labels = summary.quality;
    for (const RefusedFrame& frame : summary.quality.refused) result.warnings.push_back(fmt::format("round {}: frame {} is no label: {}", r, frame.step, frame.why));
    std::vector<Frame> train;
    std::size_t k = 0;
    for (Frame& frame : read_frames(labels_file)) {
      const bool kept_out = k++ % static_cast<std::size_t>(settings.held_out_every) == static_cast<std::size_t>(settings.held_out_every) - 1;
      (kept_out ? held_out : train).push_back(frame);
      round.held_out += kept_out;
      known.push_back(std::move(frame));
      ++labels;
    }
    round.trained = train.size();
    if (train.empty()) throw Error(ErrorKind::numeric, fmt::format("round {}: no label to train on", r));
    if (!held_out.empty()) round.before = errors_of(*potential, held_out);
    write_frames(place / "train.extxyz", train);
    added.push_back(place / "train.extxyz");
    train_in(fmt::format("round-{}", r), named);
    if (!held_out.empty()) round.after = errors_of(*load_potential(result.model, input.network), held_out);
    result.rounds.push_back(std::move(round));
    write_file_atomically(folder / "refine.json", to_json_text(result) + "\n");
  }
}

}  // namespace saltus::runs
