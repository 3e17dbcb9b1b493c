#include "saltus/runs/plan_stages.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/analysis/assignment.hpp"
#include "saltus/analysis/framework.hpp"
#include "saltus/analysis/mean_framework.hpp"
#include "saltus/analysis/paths.hpp"
#include "saltus/analysis/sites.hpp"
#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/jump_classes.hpp"
#include "saltus/kinetics/jump_rates.hpp"
#include "saltus/kinetics/kinetics_estimate.hpp"
#include "saltus/kinetics/transition_counts.hpp"
#include "saltus/runs/estimate_json.hpp"
#include "saltus/runs/kinetics_model.hpp"
#include "saltus/runs/mobile_pass.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/runs/scene_json.hpp"
#include "saltus/runs/site_symmetry.hpp"
#include "saltus/runs/sites_report.hpp"
#include "saltus/runs/trajectory_source.hpp"
#include "saltus/runs/whole_paths.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;
using units::fs_per_ps;

namespace {

json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

int element_of(const std::string& symbol) {
  const auto element = atomic_number_of(symbol);
  if (!element) throw Error(ErrorKind::usage, fmt::format("'{}' is no element", symbol));
  return *element;
}

TrajectoryInput trajectory_of(const Plan& plan, const KineticsSettings& settings) {
  const auto file_of = [&](const std::string& name) { return (plan.file.parent_path() / name).lexically_normal(); };
  TrajectoryInput input;
  input.path = file_of(settings.trajectory);
  if (!settings.topology.empty()) input.read.topology = file_of(settings.topology);
  input.time_step_fs = settings.time_step_fs;
  return input;
}

std::int64_t frames_of(double time_ps, double spacing_fs) {
  return std::max<std::int64_t>(1, std::llround(time_ps * fs_per_ps / spacing_fs));
}

kinetics::EstimationSettings estimation_of(const KineticsSettings& settings, double spacing_fs) {
  kinetics::EstimationSettings result;
  result.n_blocks = static_cast<int>(settings.blocks);
  result.min_jumps = settings.min_jumps;
  for (double lag_ps : settings.lags_ps) result.lag_frames.push_back(frames_of(lag_ps, spacing_fs));
  std::sort(result.lag_frames.begin(), result.lag_frames.end());
  result.lag_frames.erase(std::unique(result.lag_frames.begin(), result.lag_frames.end()), result.lag_frames.end());
  if (!settings.msd_fit_ps.empty()) {
    result.fit.first_lag_frames = frames_of(settings.msd_fit_ps[0], spacing_fs);
    result.fit.last_lag_frames = frames_of(settings.msd_fit_ps[1], spacing_fs);
  }
  return result;
}

std::string bonds_text(const std::string& element, const FrameworkCheck& check) {
  return fmt::format("{0}–{0} pairs closer than {1:.2f} Å: {2:.1f} per frame in the first third, {3:.1f} in the last", element, check.bond_ang,
                     check.bonds_first, check.bonds_last);
}

json framework_json(const std::string& element, const FrameworkCheck& check) {
  const std::string rest = check.moved_atoms == 0 ? "no atom left its place"
                                                  : fmt::format("without the {} atoms that left their places {:.3f} and {:.3f} Å²", check.moved_atoms,
                                                                check.resting_middle_ang2, check.resting_long_ang2);
  json object{{"element", element},
              {"text", fmt::format("Yes, by these tests: its mean-square displacement is {:.3f} Å² at a tenth of the length and {:.3f} Å² at half "
                                   "of it; {}; rms displacement over nearest-neighbour distance (Lindemann) {:.3f}; the first peak of g(r) stands "
                                   "{:.1f} times above the minimum behind it at the beginning and {:.1f} times at the end. {}.",
                                   check.msd_middle_ang2, check.msd_long_ang2, rest, check.lindemann,
                                   check.peak_contrast_first, check.peak_contrast_last, bonds_text(element, check))},
              {"lag_ps", json::array()},
              {"msd_ang2", check.msd_ang2},
              {"r_ang", check.rdf_first.r_ang},
              {"rdf", {{{"name", "first third"}, {"g", check.rdf_first.g}}, {{"name", "last third"}, {"g", check.rdf_last.g}}}}};
  for (double lag_fs : check.lag_fs) object["lag_ps"].push_back(lag_fs / fs_per_ps);
  if (check.moved_atoms > 0) {
    object["moved_atoms"] = check.moved_atoms;
    object["resting_msd_ang2"] = check.resting_msd_ang2;
  }
  return object;
}

json msd_json(const kinetics::KineticsEstimate& estimate) {
  const double spacing_ps = estimate.frame_spacing_fs / fs_per_ps;
  json object;
  for (const char* column : {"lag_ps", "trajectory_ang2", "low", "high"}) object[column] = json::array();
  for (std::size_t k = 0; k < estimate.msd.lag_frames.size(); ++k) {
    const double value = kinetics::trace(estimate.msd.tensor_ang2[k]);
    std::vector<double> block;
    for (const auto& tensor : estimate.msd.block_tensor_ang2) block.push_back(kinetics::trace(tensor[k]));
    const Estimate interval = kinetics::jackknife_estimate(value, kinetics::leave_one_out_means(block));
    object["lag_ps"].push_back(static_cast<double>(estimate.msd.lag_frames[k]) * spacing_ps);
    object["trajectory_ang2"].push_back(value);
    object["low"].push_back(number(std::max(0.0, interval.low)));
    object["high"].push_back(number(interval.high));
  }
  if (estimate.fit) {
    object["fit_from_ps"] = static_cast<double>(estimate.fit->first_lag_frames) * spacing_ps;
    object["fit_to_ps"] = static_cast<double>(estimate.fit->last_lag_frames) * spacing_ps;
  }
  if (!estimate.model_msd.empty()) {
    const double vibration = estimate.vibration_ang2.value_or(0);
    json model{{"name", estimate.vibration_ang2 ? "vibrations added" : ""}, {"lag_ps", json::array()}, {"msd_ang2", json::array()}};
    for (const kinetics::ModelMsdPoint& point : estimate.model_msd) {
      model["lag_ps"].push_back(point.time_fs / fs_per_ps);
      model["msd_ang2"].push_back(point.msd_ang2 + vibration);
    }
    object["model"] = std::move(model);
  }
  return object;
}

json lags_json(const kinetics::KineticsEstimate& estimate) {
  json object;
  for (const char* column : {"lag_ps", "value", "low", "high"}) object[column] = json::array();
  for (const kinetics::LagEstimate& lag : estimate.lags) {
    object["lag_ps"].push_back(lag.lag_fs / fs_per_ps);
    const auto& d = lag.diffusion_ang2_fs;
    object["value"].push_back(d ? number(fs_per_ps * d->value) : json(nullptr));
    object["low"].push_back(d ? number(fs_per_ps * d->low) : json(nullptr));
    object["high"].push_back(d ? number(fs_per_ps * d->high) : json(nullptr));
  }
  if (estimate.plateau) {
    object["plateau_from_ps"] = estimate.lags[*estimate.plateau].lag_fs / fs_per_ps;
    object["plateau_to_ps"] = estimate.lags.back().lag_fs / fs_per_ps;
  }
  return object;
}

json timescales_json(const kinetics::KineticsEstimate& estimate) {
  json object{{"lag_ps", json::array()}, {"processes", json::array()}};
  std::size_t processes = 0;
  for (const kinetics::LagEstimate& lag : estimate.lags) {
    object["lag_ps"].push_back(lag.lag_fs / fs_per_ps);
    processes = std::max(processes, lag.timescales.size());
  }
  for (std::size_t m = 0; m < processes; ++m) {
    json process{{"value", json::array()}, {"low", json::array()}, {"high", json::array()}};
    for (const kinetics::LagEstimate& lag : estimate.lags) {
      const kinetics::Timescale* time = m < lag.timescales.size() ? &lag.timescales[m] : nullptr;
      const bool band = time && time->interval_fs;
      process["value"].push_back(time && time->value_fs ? number(*time->value_fs / fs_per_ps) : json(nullptr));
      process["low"].push_back(band ? number(time->interval_fs->low / fs_per_ps) : json(nullptr));
      process["high"].push_back(band ? number(time->interval_fs->high / fs_per_ps) : json(nullptr));
    }
    object["processes"].push_back(std::move(process));
  }
  return object;
}

/// The models count each jump by itself: symmetry does not pool them, but what it says of them is tested.
std::vector<std::string> warnings_of(const kinetics::SiteTrajectory& visits, const SiteSymmetry& symmetry, int n_blocks) {
  const std::vector<std::int64_t> bounds = kinetics::block_bounds(visits.n_frames, n_blocks);
  std::vector<kinetics::TransitionCounts> blocks;
  for (std::size_t b = 0; b + 1 < bounds.size(); ++b) blocks.push_back(kinetics::count_transitions(visits, 1, {bounds[b], bounds[b + 1] + 1}));
  const kinetics::JumpClasses jumps = kinetics::jump_classes(kinetics::sum_counts(blocks), state_maps(symmetry), kinetics::jump_dispersion(blocks));
  if (!jumps.differ()) return {};
  return {unequal_jumps(jumps)};
}

std::string symmetry_text(const std::optional<SiteSymmetry>& symmetry) {
  if (!symmetry) return "";
  return fmt::format(" Space group {} (number {}) of the mean framework within {:.3g} Å, imposed on density and sites: atoms of the framework at most {:.3f} Å "
                     "from where it puts them, sites {:.3f} Å; {} sites follow by symmetry alone.",
                     symmetry->group.symbol, symmetry->group.number, symmetry->tolerance_ang, symmetry->framework_shift_ang,
                     symmetry->positions.largest_shift_ang, symmetry->positions.added);
}

json sites_json(const Sites& sites, const std::optional<SiteSymmetry>& symmetry, const SiteVisits& visits, const CoreSensitivity& sensitivity,
                const kinetics::JumpStatistics& jumps, double spacing_fs) {
  const std::vector<double> nearest = nearest_site_distance_ang(sites);
  const AssignmentReport& report = visits.report;
  const double cells = sites.fold[0] * sites.fold[1] * sites.fold[2];
  json object{{"text", fmt::format("Peaks of the ion density in the frame of the framework{}. An ion keeps its site until it enters the core of "
                                   "another. Outside all cores {:.1f} % of the time; before the first core {:.2f} %; {:.1f} % of the jumps go back at "
                                   "once. {} jumps; {} with core radii 10 % smaller and {} with radii 10 % larger.{}", cells > 1 ? fmt::format(", {} cells folded into one", cells) : "", 100 * report.outside_fraction,
                                   100 * report.undefined_fraction, 100 * report.flicker_fraction, sensitivity.jumps,
                                   sensitivity.jumps_smaller, sensitivity.jumps_larger, symmetry_text(symmetry))},
              {"columns", {"site", "a", "b", "c", "occupation", "core radius, Å", "nearest site, Å", "departures", "mean residence, ps"}},
              {"occupation_column", 4},
              {"rows", json::array()}};
  for (std::size_t k = 0; k < sites.size(); ++k)
    object["rows"].push_back({k + 1, sites.position[k].a, sites.position[k].b, sites.position[k].c, visits.occupation[k],
                              visits.core_radius_ang[k], nearest[k], jumps.departures[k],
                              number(jumps.mean_residence_frames[k] * spacing_fs / fs_per_ps)});
  if (symmetry) {  // as the last column: the others keep their places
    object["columns"].push_back("Wyckoff position");
    for (std::size_t k = 0; k < sites.size(); ++k) object["rows"][k].push_back(symmetry->label[symmetry->positions.orbit[k]]);
  }
  return object;
}

/// D as reported: none when the interval's centre is not positive, for then it is not told from zero.
struct Coefficient {
  std::optional<Estimate> value;  ///< Å²/ps
  std::string note;
};

Coefficient coefficient_of(const std::optional<Estimate>& per_fs, const std::string& note) {
  if (!per_fs) return {std::nullopt, note};
  const Estimate value = per_ps(*per_fs);
  if (value.value > 0) return {value, note};
  return {std::nullopt, fmt::format("not told from zero: {:.2g} Å²/ps (95 %: {:.2g} … {:.2g}); a longer simulation is needed", value.value, value.low,
                                    value.high)};
}

/// null when undetermined
json coefficient_json(const Coefficient& coefficient) {
  if (!coefficient.value) return nullptr;
  return {{"value", coefficient.value->value}, {"low", number(coefficient.value->low)}, {"high", number(coefficient.value->high)}};
}

struct Routes {
  Coefficient msd, msm;
  std::optional<Estimate> difference;  ///< Å²/ps; when both are determined
  bool agree = false;
};

Routes routes_of(const kinetics::KineticsEstimate& estimate) {
  Routes routes{coefficient_of(estimate.diffusion_msd_ang2_fs, estimate.diffusion_msd_note),
                coefficient_of(estimate.diffusion_msm_ang2_fs, estimate.diffusion_msm_note), std::nullopt, false};
  if (routes.msd.value && routes.msm.value && estimate.comparison) {
    routes.difference = per_ps(estimate.comparison->difference_ang2_fs);
    routes.agree = estimate.comparison->agree;
  }
  return routes;
}

json agreement_json(const Routes& routes, bool plateau) {
  if (!routes.difference) return {{"agree", nullptr}, {"text", "At least one of the two coefficients is undetermined."}};
  const Estimate& difference = *routes.difference;
  return {{"agree", routes.agree},
          {"text", fmt::format("{} within the 95 % interval of the other. Model minus MSD over the same time blocks: {:.3g} Å²/ps (95 %: {:.3g} … "
                               "{:.3g}). {}.", routes.agree ? "Each value lies" : "Not each value lies", difference.value, difference.low, difference.high,
                               plateau ? "D of the model is taken where its plateau begins" : "D of the model shows no plateau within the lags that can be seen")}};
}

void add_estimates(const kinetics::KineticsEstimate& estimate, const Routes& routes, const KineticsSettings& settings,
                   const AssignmentReport& report, StageResult& result) {
  result.estimates.push_back({"diffusion_msd", routes.msd.value, true, "ang2_per_ps", routes.msd.note});
  if (routes.msd.value)
    for (std::size_t k = 0; k < 3; ++k) {
      const kinetics::DiffusionTensor& tensor = estimate.fit->tensor;
      const Vec3& axis = tensor.axis[k];
      const std::optional<double>& error = tensor.axis_error_degrees[k];
      result.estimates.push_back({fmt::format("diffusion_msd_axis_{}", k + 1), per_ps(tensor.eigenvalue_ang2_fs[k]), true, "ang2_per_ps",
                                  fmt::format("principal, along {:.2f} {:.2f} {:.2f}{}", axis.x, axis.y, axis.z,
                                              error ? fmt::format(", within {:.2g}°", *error) : "; not told from the value beside it, so that the axis is not determined")});
    }
  result.estimates.push_back({"diffusion_msm", routes.msm.value, true, "ang2_per_ps", routes.msm.note});
  NamedEstimate difference{"diffusion_difference", routes.difference, true, "ang2_per_ps", "needs both coefficients"};
  NamedEstimate agree{"routes_agree", std::nullopt, false, "", "needs both coefficients"};
  if (routes.difference) {
    difference.note = "Markov model minus MSD, over the same time blocks";
    const double flag = routes.agree ? 1 : 0;
    agree.estimate = Estimate{flag, flag, flag};
    agree.note = "1 when each value lies within the interval of the other";
  }
  result.estimates.push_back(difference);
  result.estimates.push_back(agree);
  const auto figure = [&](const char* name, double value, const char* unit, const std::string& note) {
    result.estimates.push_back({name, Estimate{value, value, value}, false, unit, note});
  };
  figure("jumps", static_cast<double>(report.jumps), "", fmt::format("completed, core to core; fewer than {} leave D undetermined", settings.min_jumps));
  if (estimate.reported)
    figure("msm_lag", estimate.lags[*estimate.reported].lag_fs / fs_per_ps, "ps",
           estimate.plateau ? "where the plateau of D(lag) begins" : "no plateau found; the longest lag that could begin one");
  if (estimate.fit)
    figure("independent_particles", estimate.fit->independent_particles, "", "ions that would, moving independently, scatter as the blocks do");
}

StageResult analyze(const Plan& plan, const KineticsSettings& settings, const StageContext& context) {
  const Progress progress = interruptible(context.progress, context.stop);
  const std::string name = "kinetics-" + settings.name;
  StageResult result;
  TrajectoryInput source;
  const double temperature_kelvin = temperature_of(plan, settings);
  if (settings.trajectory.empty()) source.path = context.inputs.at("md-" + settings.md) / "trajectory";
  else source = trajectory_of(plan, settings);
  const Progress of_stage = [&](const ProgressReport& report) {
    if (progress) progress({name + ": " + report.task, report.done, report.total, report.note, report.unit});
  };
  Int3 fold;
  for (std::size_t axis = 0; axis < 3; ++axis) fold[axis] = static_cast<int>(settings.fold[axis]);
  WholePaths trajectory = read_whole_paths(source, PathSettings{element_of(settings.mobile), element_of(settings.framework)}, fold, of_stage);
  Paths& paths = trajectory.paths;
  const double spacing_fs = paths.frame_spacing_fs;
  const auto warn = [&](const std::vector<std::string>& warnings) {
    result.warnings.insert(result.warnings.end(), warnings.begin(), warnings.end());
  };
  warn(trajectory.warnings);

  const FrameworkCheck check = check_framework(paths.cell, paths.framework_site_path(), paths.frames, spacing_fs);
  if (!check.crystalline)
    throw Error(ErrorKind::numeric, fmt::format("the {} framework does not stay crystalline: {}. Sites have no meaning then: lower the temperature or "
                                                "mend the potential", settings.framework, check.reason));

  if (check.has_bonds())
    warn({fmt::format("the {} framework has bonds that its crystal has not: {}. D is that of a crystal with this defect", settings.framework,
                      bonds_text(settings.framework, check))});
  if (check.moved_atoms > 0)
    warn({fmt::format("{} of {} {} atoms of the framework left their places: its mean-square displacement is {:.3f} Å² at a tenth of the length and "
                      "{:.3f} Å² at half of it, without them {:.3f} and {:.3f} Å²", check.moved_atoms, paths.framework.size(), settings.framework,
                      check.msd_middle_ang2, check.msd_long_ang2, check.resting_middle_ang2, check.resting_long_ang2)});

  report_progress(progress, name + ": sites", 0, 0);

  SiteSettings site_settings;
  site_settings.fold = fold;
  std::optional<SiteSymmetry> symmetry;
  std::vector<Vec3> framework_ang;
  if (settings.symmetry) {
    const Cell cell = folded(paths.cell, fold);
    framework_ang = mean_framework_ang(cell, paths);
    symmetry = find_symmetry(cell, framework_ang, settings.symmetry_tolerance_ang, result.warnings);
    site_settings.symmetry = symmetry->group.operations;
  }
  Sites sites = find_sites(paths.cell, paths.site_path(), paths.frames, site_settings);
  if (symmetry) impose_symmetry(*symmetry, framework_ang, site_settings, sites, result.warnings);
  AssignmentSettings assignment;
  if (settings.core_radius_ang > 0) assignment.core_radius_ang = settings.core_radius_ang;
  report_progress(progress, name + ": jumps", 0, 0);
  const SiteVisits visits = assign_sites(sites, paths.site_path(), paths.frames, spacing_fs, assignment);
  warn(visits.report.warnings);
  const CoreSensitivity sensitivity = core_sensitivity(sites, visits, paths.site_path());

  kinetics::KineticsInput input;
  input.visits = site_trajectory_of(visits, sites.size());
  for (const Fractional& site : sites.position) input.site_ang.push_back(sites.cell.to_cartesian(site));
  input.lattice_rows_ang = sites.cell.rows_ang();
  input.n_particles = paths.mobile.size();
  input.frame_spacing_fs = spacing_fs;
  input.position_ang = std::move(paths.mobile_ang);
  const kinetics::KineticsEstimate estimate = kinetics::estimate_kinetics(input, estimation_of(settings, spacing_fs), of_stage);
  if (symmetry) warn(warnings_of(input.visits, *symmetry, static_cast<int>(settings.blocks)));

  const Routes routes = routes_of(estimate);
  const std::int64_t site_count = static_cast<std::int64_t>(sites.size()) * sites.fold[0] * sites.fold[1] * sites.fold[2];
  const std::int64_t empty = site_count - static_cast<std::int64_t>(paths.mobile.size());
  const double length_ps = static_cast<double>(paths.frames - 1) * spacing_fs / fs_per_ps;
  json chart{{"system",
              {{"formula", trajectory.formula},
               {"atoms", trajectory.atoms},
               {"temperature_kelvin", temperature_kelvin > 0 ? json(temperature_kelvin) : json(nullptr)},
               {"length_ps", length_ps},
               {"carriers", fmt::format("{} {} on {} sites: {} empty", paths.mobile.size(), settings.mobile, site_count, empty)}}},
             {"coefficients_ang2_per_ps", {{"msd", coefficient_json(routes.msd)}, {"msm", coefficient_json(routes.msm)}}},
             {"agreement", agreement_json(routes, estimate.plateau.has_value())},
             {"framework", framework_json(settings.framework, check)},
             {"msd", msd_json(estimate)},
             {"diffusion", lags_json(estimate)},
             {"timescales", timescales_json(estimate)},
             {"sites", sites_json(sites, symmetry, visits, sensitivity, estimate.jumps, spacing_fs)},
             {"scene", scene_json(sites, visits, paths, settings.mobile, settings.framework)}};
  if (estimate.fit) {
    const double ions = estimate.fit->independent_particles, all = static_cast<double>(paths.mobile.size());
    chart["summary"] = fmt::format("Intervals: Student's t over {} time blocks of {:.1f} ps. {}", settings.blocks,
                                   length_ps / static_cast<double>(settings.blocks),
                                   ions < all ? fmt::format("The blocks scatter as {:.1f} independent ions would, out of {}: where one vacancy moves "
                                                            "them all, ions are not independent.", ions, paths.mobile.size())
                                              : "The blocks scatter no more than independent ions would.");
  }
  add_estimates(estimate, routes, settings, visits.report, result);
  add_model_reading(input, estimate, static_cast<int>(settings.blocks), of_stage, chart, result.estimates);
  write_file_atomically(context.folder / "kinetics.json", chart.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  result.series.push_back({"kinetics", "kinetics.json"});
  return result;
}

}  // namespace

Stage kinetics_stage(const Plan& plan, const KineticsSettings& settings) {
  Stage stage;
  stage.name = "kinetics-" + settings.name;
  stage.kind = "kinetics";
  if (settings.trajectory.empty()) {
    stage.depends_on = {"md-" + settings.md};
  } else {
    const TrajectoryInput input = trajectory_of(plan, settings);
    stage.input_files = {input.path};
    if (!input.read.topology.empty()) stage.input_files.push_back(input.read.topology);
  }
  stage.settings = settings_json(plan, "kinetics", settings.name);
  stage.run = [plan, settings](const StageContext& context) { return analyze(plan, settings, context); };
  return stage;
}

}  // namespace saltus::runs
