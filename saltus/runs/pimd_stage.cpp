#include "saltus/runs/plan_stages.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/units.hpp"
#include "saltus/engines/open_potential.hpp"
#include "saltus/potentials/builtin.hpp"
#include "saltus/runs/analysis_page.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/runs/ring_dynamics.hpp"
#include "saltus/runs/ring_estimates.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;

namespace {

constexpr std::size_t rows_shown = 1500;
constexpr double end_of_paths = 0.1;  // ñ at the longest displacement that leaves little to a continuation

std::filesystem::path model_file(const Plan& plan, const std::string& model) { return (plan.file.parent_path() / model).lexically_normal(); }

/// A file's own content decides, not its name.
bool is_file(const std::string& model) { return !model.empty() && !is_remote(model) && !is_builtin(model); }

std::string opened(const Plan& plan, const std::string& model) { return is_file(model) ? model_file(plan, model).string() : model; }

std::string identity_of(const std::string& opened) { return is_remote(opened) ? opened : is_builtin(opened) ? identity(builtin_choice(opened)) : sha256_of_path(opened); }

/// Of production; the largest between rows that are shown.
ChartCurve curve_of(const RingLog& log, const std::string& name, const std::string& column, double factor, double offset, bool largest) {
  ChartCurve curve{name, {}, {}};
  const std::size_t c = log.index_of(column), time = log.index_of("time_fs");
  std::vector<const std::vector<double>*> rows;
  for (const auto& row : log.row)
    if (row[0] >= 0 && !std::isnan(row[c])) rows.push_back(&row);
  const std::size_t stride = std::max<std::size_t>(1, (rows.size() + rows_shown - 1) / rows_shown);
  std::vector<double> value;
  for (std::size_t k = 0; k < rows.size(); k += stride) {
    double shown = (*rows[k])[c];
    for (std::size_t j = k; largest && j < std::min(k + stride, rows.size()); ++j) shown = std::max(shown, (*rows[j])[c]);
    curve.x.push_back((*rows[k])[time] / units::fs_per_ps);
    value.push_back(factor * shown + offset);
  }
  curve.y = without_intervals(value);
  return curve;
}

AnalysisPage page_of(const PimdSettings& pimd, const RingDynamicsSummary& summary, const RingLog& log, const Frame& start) {
  AnalysisPage page{"pimd", fmt::format("pimd-{}: {}", pimd.name, summary.formula), {}, {}, {}, {}, {}};
  page.sentences.push_back(fmt::format("{} atoms, {} bead{} at {:g} K for {:g} ps after {:g} ps of equilibration; time step {:g} fs, {}, {}{}: {:.3g} steps/s.", summary.atoms, summary.beads,
                                       summary.beads == 1 ? "" : "s", pimd.temperature_kelvin, summary.time_fs / units::fs_per_ps,
                                       static_cast<double>(pimd.equilibration_steps) * pimd.timestep_fs / units::fs_per_ps, pimd.timestep_fs, pimd.splitting, pimd.thermostat,
                                       pimd.restraints.empty() ? "" : fmt::format("; distances held: {}", fmt::join(pimd.restraints, ", ")), summary.steps_per_s));
  const double first = log.row.empty() ? 0 : log.row.front()[log.index_of("potential_ev")];
  page.charts.push_back({"pimd_energy_" + pimd.name, "Potential energy, mean over the beads, from the first row of the log.", "time, ps", "energy, eV", false,
                         {curve_of(log, "potential", "potential_ev", 1, -first, false)}, std::nullopt, std::nullopt});
  ChartCurve conserved = curve_of(log, "conserved", "conserved_ev", units::mev_per_ev / static_cast<double>(start.size() * summary.beads), 0, false);
  if (!conserved.y.empty()) {
    const double begin = conserved.y.front().value;
    for (Estimate& e : conserved.y) e.value -= begin;
  }
  page.charts.push_back({"pimd_conserved_" + pimd.name, "Drift of the ring polymer's energy less what the thermostats put in.", "time, ps", "meV per atom and bead", false, {conserved}, std::nullopt, std::nullopt});
  ChartCurve doubt = curve_of(log, "largest", "max_extrapolation", 1, 0, true);
  if (!doubt.x.empty())
    page.charts.push_back({"pimd_extrapolation_" + pimd.name, "Largest extrapolation of any atom of any bead: 1 is the edge of the training data.", "time, ps", "extrapolation", false, {doubt},
                           std::nullopt, std::nullopt});
  for (const MomentumDistribution& d : summary.momentum) {
    if (d.density_ang.empty()) continue;
    const std::string suffix = pimd.name + "_" + d.species;
    ChartCurve path{"measured", d.displacement_ang, d.end_to_end, true}, free{"free particle", d.displacement_ang, without_intervals(d.free_end_to_end)};
    page.charts.push_back({"pimd_end_to_end_" + suffix, fmt::format("End-to-end distribution ñ(x) of open paths of {}, with 95 % intervals: the Fourier transform of its momentum along a direction.", d.species),
                           "x, Å", "ñ", false, {path, free}, std::nullopt, std::nullopt});
    ChartCurve quantum{"quantum", d.wave_number_per_ang, d.density_ang}, classical{"classical", d.wave_number_per_ang, without_intervals(d.classical_density_ang)};
    page.charts.push_back({"pimd_momentum_" + suffix, fmt::format("Distribution of the momentum of {} along a direction, averaged over directions, with its 95 % band.", d.species), "p/ħ, 1/Å",
                           "n(p/ħ), Å", false, {quantum, classical}, std::nullopt, std::nullopt});
    if (d.end_to_end.back().value > end_of_paths)
      page.sentences.push_back(fmt::format("ñ of {} is still {:.2g} at {:g} Å, beyond which it is taken for that of a Gaussian: n(p) below {:.2g}/Å rests on it.", d.species, d.end_to_end.back().value,
                                           d.displacement_ang.back(), 1 / d.displacement_ang.back()));
  }
  return page;
}

StageResult simulate(const Plan& plan, const PimdSettings& pimd, const StageContext& context) {
  const bool own = !pimd.model.empty(), two = !pimd.reference_model.empty();
  const std::string model = own ? opened(plan, pimd.model) : (context.inputs.at(potential_stage(plan)) / "model.safetensors").string(), cheap = opened(plan, pimd.reference_model);
  WarningList heard;
  const RemoteContext remote_context{context.stop, [&](const std::string& warning) {
                                       if (context.say) context.say(warning);
                                       heard.add(warning);
                                     }};
  const auto potential = open_potential(model, own ? network_settings(pimd) : potential_settings(plan), remote_context);
  const auto reference = two ? open_potential(cheap, {}, remote_context) : nullptr;
  const Frame start = starting_frame(start_of(plan, pimd));
  const RingDynamicsSettings settings = ring_dynamics_of(with_paths(plan.file, pimd), static_cast<std::uint64_t>(plan.seed + pimd.seed_offset));
  const Progress progress = [&](const ProgressReport& report) {
    if (context.progress) context.progress({"pimd-" + pimd.name, report.done, report.total, report.note, report.unit});
  };
  const RingDynamicsSummary summary = run_atom_ring_dynamics(settings, start, *potential, two ? identity_of(model) + " on " + identity_of(cheap) : identity_of(model), context.folder, progress, context.stop,
                                                             heard, reference.get());
  if (!summary.finished) throw Interrupted{fmt::format("step {} of {}", summary.step, settings.loop.steps), true};
  const Frame first = read_frames(context.folder / "trajectory").front();  // with the masses of the run
  const RingLog log = read_ring_log(context.folder / "log.csv", ring_log_columns(ring_species(*first.atoms), settings.loop.log));
  write_file_atomically(context.folder / "pimd.json", json_of(page_of(pimd, summary, log, start)) + "\n");
  StageResult result;
  result.estimates = summary.estimates;
  result.warnings = summary.warnings.first;
  for (const NamedEstimate& e : summary.estimates) {
    if (e.has_interval && !e.note.empty() && e.estimate) result.warnings.push_back(e.name + ": " + e.note);
    if (e.name == "max_extrapolation" && e.estimate && e.estimate->value > 1)
      result.warnings.push_back(fmt::format("beads went beyond the training data: largest extrapolation {:.3g} (1 is its edge)", e.estimate->value));
  }
  if (!is_builtin(model) && !potential->info().has_extrapolation && !potential->info().has_spread)
    result.warnings.push_back(fmt::format("a potential of kind {} measures neither extrapolation nor spread: the run was not watched for them", potential->info().kind));
  result.series.push_back({"page", "pimd.json"});
  return result;
}

}  // namespace

Stage pimd_stage(const Plan& plan, const PimdSettings& pimd) {
  Stage stage;
  stage.name = "pimd-" + pimd.name;
  stage.kind = "pimd";
  stage.resumable = true;
  stage.depends_on = {"data-" + pimd.initial};
  if (pimd.model.empty()) stage.depends_on.insert(stage.depends_on.begin(), potential_stage(plan));
  else if (is_file(pimd.model)) stage.input_files.push_back(model_file(plan, pimd.model));
  if (is_file(pimd.reference_model)) stage.input_files.push_back(model_file(plan, pimd.reference_model));
  if (!pimd.gle_file.empty()) stage.input_files.push_back(with_paths(plan.file, pimd).gle_file);
  json settings = json::parse(settings_json(plan, "pimd", pimd.name));
  settings.erase("gle_file");
  settings["seed"] = plan.seed + pimd.seed_offset;
  for (const auto& [key, name] : {std::pair{"model", &pimd.model}, std::pair{"reference_model", &pimd.reference_model}}) {
    if (is_file(*name)) settings[key] = "file";
    if (is_builtin(*name)) settings[key] = identity(builtin_choice(*name));
  }
  if (pimd.model.empty())
    for (const char* key : {"arithmetic", "head"}) settings.erase(key);
  stage.settings = settings.dump();
  stage.run = [plan, pimd](const StageContext& context) { return simulate(plan, pimd, context); };
  return stage;
}

}  // namespace saltus::runs
