#include "saltus/runs/plan_stages.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/units.hpp"
#include "saltus/engines/open_potential.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/potentials/builtin.hpp"
#include "saltus/runs/molecular_dynamics.hpp"
#include "saltus/runs/plan_files.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;
using units::fs_per_ps;

namespace {

constexpr std::size_t rows_shown = 1500;
constexpr int mean_blocks = 10;
constexpr double equilibration_friction_per_fs = 0.01;

/// Whole steps in a time, at least one where the time is not zero.
std::int64_t steps_in(double time_fs, double timestep_fs) {
  return time_fs <= 0 ? 0 : std::max<std::int64_t>(1, std::llround(time_fs / timestep_fs));
}

Thermostat thermostat_of(const MdSettings& md) {
  if (md.thermostat == "langevin") return Langevin{md.temperature_kelvin, 1 / md.thermostat_time_fs};
  if (md.thermostat == "csvr") return VelocityRescaling{md.temperature_kelvin, md.thermostat_time_fs};
  return NoThermostat{};
}

std::optional<Barostat> barostat_of(const MdSettings& md) {
  if (md.barostat == "none") return std::nullopt;
  return Barostat{cell_freedom_named(md.barostat), md.pressure_gpa / units::gpa_per_ev_ang3, fs_per_ps * md.barostat_time_ps,
                  md.compressibility_per_gpa * units::gpa_per_ev_ang3};
}

MolecularDynamicsSettings dynamics_of(const Plan& plan, const MdSettings& md) {
  MolecularDynamicsSettings settings;
  settings.seed = static_cast<std::uint64_t>(plan.seed + md.seed_offset);
  settings.temperature_kelvin = md.temperature_kelvin;
  if (md.max_extrapolation > 0) settings.max_extrapolation = md.max_extrapolation;
  if (md.max_force_spread_ev_ang > 0) settings.max_force_spread_ev_ang = md.max_force_spread_ev_ang;
  settings.single_precision = md.trajectory_precision == "single";
  LoopSettings& loop = settings.loop;
  loop.timestep_fs = md.timestep_fs;
  loop.equilibration_steps = steps_in(fs_per_ps * md.equilibration_ps, md.timestep_fs);
  loop.steps = steps_in(fs_per_ps * md.production_ps, md.timestep_fs);
  loop.thermostat = thermostat_of(md);
  loop.equilibration_thermostat = Langevin{md.temperature_kelvin, equilibration_friction_per_fs};
  loop.barostat = barostat_of(md);
  settings.trust_stress = md.trust_stress;
  loop.write_stride = steps_in(md.frame_spacing_fs, md.timestep_fs);
  loop.log_stride = steps_in(md.log_spacing_fs, md.timestep_fs);
  loop.checkpoint_stride = steps_in(fs_per_ps * md.checkpoint_ps, md.timestep_fs);
  loop.skin_ang = md.skin_ang;
  return settings;
}

json chart_of(const MdSettings& md, const MolecularDynamicsSummary& summary, const std::vector<LogRow>& production) {
  json chart{{"formula", summary.formula},
             {"summary", fmt::format("{} atoms at {} K for {} ps after {} ps of equilibration, time step {} fs, thermostat {}: {:.3g} ns/day.",
                                     summary.atoms, md.temperature_kelvin, md.production_ps, md.equilibration_ps, md.timestep_fs,
                                     md.thermostat, summary.ns_per_day)},
             {"target_kelvin", md.thermostat == "none" ? json(nullptr) : json(md.temperature_kelvin)},
             {"max_extrapolation", md.max_extrapolation > 0 ? json(md.max_extrapolation) : json(nullptr)}};
  for (const char* column : {"time_ps", "temperature_kelvin", "conserved_mev_per_atom", "extrapolation", "force_spread_ev_ang"}) chart[column] = json::array();
  if (md.max_force_spread_ev_ang > 0) chart["max_force_spread_ev_ang"] = md.max_force_spread_ev_ang;
  const std::size_t stride = std::max<std::size_t>(1, (production.size() + rows_shown - 1) / rows_shown);
  for (std::size_t k = 0; k < production.size(); k += stride) {
    const LogRow& row = production[k];
    chart["time_ps"].push_back(row.time_fs / fs_per_ps);
    chart["temperature_kelvin"].push_back(row.temperature_kelvin);
    chart["conserved_mev_per_atom"].push_back(units::mev_per_ev * (row.conserved_ev - production.front().conserved_ev) /
                                              static_cast<double>(summary.atoms));
    const auto largest = [&](std::optional<double> LogRow::*measured) {
      std::optional<double> value;
      for (std::size_t j = k; j < std::min(k + stride, production.size()); ++j)
        if (production[j].*measured) value = std::max(value.value_or(0), *(production[j].*measured));
      return value ? json(*value) : json(nullptr);
    };
    chart["extrapolation"].push_back(largest(&LogRow::max_extrapolation));
    chart["force_spread_ev_ang"].push_back(largest(&LogRow::max_force_spread_ev_ang));
  }
  return chart;
}

NamedEstimate block_mean(const char* name, const char* unit, const std::vector<LogRow>& rows, const std::function<double(const LogRow&)>& value_of) {
  NamedEstimate named{name, std::nullopt, true, unit, ""};
  const std::size_t length = rows.size() / mean_blocks;
  if (length < 2) {
    named.note = "the log is too short for time blocks";
    return named;
  }
  std::vector<double> block(mean_blocks, 0.0);
  for (std::size_t k = 0; k < length * mean_blocks; ++k) block[k / length] += value_of(rows[k]) / static_cast<double>(length);
  double mean = 0;
  for (double value : block) mean += value / mean_blocks;
  named.estimate = kinetics::jackknife_estimate(mean, kinetics::leave_one_out_means(block));
  return named;
}

/// Whether a model is a name alone: clients at a socket, or a built-in one.
bool has_no_file(const std::string& model) { return is_remote(model) || is_builtin(model); }

std::filesystem::path model_file(const Plan& plan, const MdSettings& md) { return (plan.file.parent_path() / md.model).lexically_normal(); }

StageResult simulate(const Plan& plan, const MdSettings& md, const StageContext& context) {
  const bool own = !md.model.empty(), named = has_no_file(md.model);
  const std::string model = named ? md.model : own ? model_file(plan, md).string() : (context.inputs.at(potential_stage(plan)) / "model.safetensors").string();
  WarningList heard;
  const RemoteContext remote_context{context.stop, [&](const std::string& warning) {
                                       if (context.say) context.say(warning);
                                       heard.add(warning);
                                     }};
  const auto potential = open_potential(model, own ? network_settings(md) : potential_settings(plan), remote_context);
  const Frame start = starting_frame(start_of(plan, md));
  const Progress progress = [&](const ProgressReport& report) {
    if (context.progress) context.progress({"md-" + md.name, report.done, report.total, report.note, report.unit});
  };
  const MolecularDynamicsSummary summary =
      run_molecular_dynamics(dynamics_of(plan, md), start, *potential, named ? model : sha256_of_path(model), context.folder, progress, context.stop, heard);
  if (!summary.finished) throw Interrupted{fmt::format("step {} of {}", summary.step, dynamics_of(plan, md).loop.steps), true};

  std::vector<LogRow> production = read_md_log(context.folder / "log.csv");
  std::erase_if(production, [](const LogRow& row) { return row.step < 0; });
  write_file_atomically(context.folder / "md.json", chart_of(md, summary, production).dump() + "\n");

  StageResult result;
  result.warnings = summary.warnings.first;
  if (summary.warnings.count > result.warnings.size()) result.warnings.push_back(fmt::format("and {} warnings more", summary.warnings.count - result.warnings.size()));
  result.series.push_back({"md", "md.json"});
  const auto figure = [&](const char* name, double value, const char* unit, const char* note) {
    result.estimates.push_back({name, Estimate{value, value, value}, false, unit, note});
  };
  figure("ns_per_day", summary.ns_per_day, "ns_per_day", "wall time of the machine it ran on");
  result.estimates.push_back(block_mean("temperature_mean", "kelvin", production, [](const LogRow& row) { return row.temperature_kelvin; }));
  if (md.barostat != "none") {
    result.estimates.push_back(block_mean("volume_mean", "ang3", production, [](const LogRow& row) { return row.volume_ang3.value(); }));
    result.estimates.push_back(block_mean("pressure_mean", "gpa", production, [](const LogRow& row) { return row.pressure_gpa.value(); }));
  }
  figure("conserved_drift", summary.conserved_drift_mev_per_atom_ps, "mev_per_atom_ps", "slope over the production");
  if (summary.max_extrapolation) figure("max_extrapolation", *summary.max_extrapolation, "", "1 is the edge of the training data");
  if (summary.max_force_spread_ev_ang) figure("max_force_spread", *summary.max_force_spread_ev_ang, "ev_ang", "of the members of the committee on one atom");
  if (!is_builtin(md.model) && !potential->info().has_extrapolation && !potential->info().has_spread)  // those were trained on nothing
    result.warnings.push_back(fmt::format("a potential of kind {} measures neither extrapolation nor spread: the run was not watched for them", potential->info().kind));
  if (summary.max_extrapolation && *summary.max_extrapolation > 1)
    result.warnings.push_back(fmt::format("atoms went beyond the training data: largest extrapolation {:.2f} (1 is its edge, the run stops "
                                          "at {})", *summary.max_extrapolation, md.max_extrapolation));
  return result;
}

}  // namespace

Stage md_stage(const Plan& plan, const MdSettings& md) {
  Stage stage;
  stage.name = "md-" + md.name;
  stage.kind = "md";
  stage.resumable = true;
  stage.depends_on = {"data-" + md.initial};
  if (md.model.empty()) stage.depends_on.insert(stage.depends_on.begin(), potential_stage(plan));
  else if (!has_no_file(md.model)) stage.input_files.push_back(model_file(plan, md));
  json settings = json::parse(settings_json(plan, "md", md.name));
  settings["seed"] = plan.seed + md.seed_offset;
  if (is_builtin(md.model)) settings["model"] = identity(builtin_choice(md.model));
  else if (!is_remote(md.model)) settings.erase("model");  // its content counts, not its name
  if (md.model.empty())
    for (const char* key : {"arithmetic", "head"}) settings.erase(key);
  stage.settings = settings.dump();
  stage.run = [plan, md](const StageContext& context) { return simulate(plan, md, context); };
  return stage;
}

}  // namespace saltus::runs
