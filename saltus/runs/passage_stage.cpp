#include "saltus/runs/plan_stages.hpp"

#include <nlohmann/json.hpp>

#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/runs/passage_output.hpp"
#include "saltus/runs/plan_files.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;

namespace {

std::filesystem::path file_of(const Plan& plan, const std::string& name) { return (plan.file.parent_path() / name).lexically_normal(); }

SurfaceCoordinate coordinate_of(const FirstPassageSettings& settings) {
  SurfaceCoordinate coordinate;
  coordinate.molecules = settings.molecules;
  coordinate.surface = settings.surface;
  coordinate.normal = settings.normal;
  coordinate.kind = settings.distance;
  coordinate.side = settings.side;
  coordinate.interface_width_ang = settings.interface_width_ang;
  coordinate.rule = settings.whole == "bonds" ? MoleculeRule::bonds : settings.whole == "residues" ? MoleculeRule::residues : MoleculeRule::atoms;
  return coordinate;
}

PassageSettings study_of(const Plan& plan, const FirstPassageSettings& settings) {
  PassageSettings study;
  study.half_widths_ang = settings.half_widths_ang;
  study.start_half_width_ang = settings.start_half_width_ang;
  study.spacing_ang = settings.spacing_ang;
  study.centres_ang = settings.centres_ang;
  if (!settings.range_ang.empty()) study.range_ang = {settings.range_ang[0], settings.range_ang[1]};
  if (!settings.walls_ang.empty()) study.wall_low_ang = settings.walls_ang[0];
  if (settings.walls_ang.size() > 1) study.wall_high_ang = settings.walls_ang[1];
  study.histogram_bin_ang = settings.bin_ang;
  study.knot_spacing_ang = settings.knot_spacing_ang;
  if (settings.penalty_sigma > 0) study.penalty_sigma = settings.penalty_sigma;
  study.time_blocks = static_cast<std::size_t>(settings.time_blocks);
  study.bootstrap = static_cast<int>(settings.bootstrap);
  study.seed = static_cast<std::uint64_t>(plan.seed + settings.seed_offset);
  return study;
}

PassageCoordinates coordinates_of(const Plan& plan, const FirstPassageSettings& settings, const StageContext& context, const Progress& progress) {
  if (!settings.coordinates.empty()) return open_passage_array(file_of(plan, settings.coordinates), settings.frame_interval_fs, settings.period_ang);
  TrajectoryInput input;
  if (settings.trajectory.empty()) input.path = context.inputs.at("md-" + settings.md) / "trajectory";
  else input.path = file_of(plan, settings.trajectory);
  if (!settings.topology.empty()) input.read.topology = file_of(plan, settings.topology);
  input.time_step_fs = settings.time_step_fs;
  input.skip_fs = settings.skip_ps * units::fs_per_ps;
  input.every = static_cast<std::size_t>(settings.every);
  return read_passage_coordinates(input, coordinate_of(settings), progress);
}

StageResult analyze(const Plan& plan, const FirstPassageSettings& settings, const StageContext& context) {
  const std::string name = "passage-" + settings.name;
  const Progress progress = interruptible([&](const ProgressReport& report) {
    if (context.progress) context.progress({name + ": " + report.task, report.done, report.total, report.note, report.unit});
  }, context.stop);
  const PassageSettings study = study_of(plan, settings);
  const PassageReport report = study_passage(coordinates_of(plan, settings, context, progress), study, progress);
  StageResult result;
  result.estimates = passage_estimates(report);
  result.warnings = report.warnings;
  if (report.verdict.usability != kinetics::Usability::usable)
    for (const std::string& reason : report.verdict.reasons) result.warnings.push_back(std::string("D(z) is ") + kinetics::name(report.verdict.usability) + ": " + reason);
  write_file_atomically(context.folder / "passage.json", passage_document(report, study).dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  AnalysisPage page = passage_page(report, study, "First passages: " + settings.name);
  for (Chart& chart : page.charts) chart.name += "_" + settings.name;
  page.sentences.insert(page.sentences.begin(), report.subject + ".");
  write_file_atomically(context.folder / "page.json", json_of(page) + "\n");
  result.series.push_back({"page", "page.json"});
  return result;
}

}  // namespace

Stage passage_stage(const Plan& plan, const FirstPassageSettings& settings) {
  Stage stage;
  stage.name = "passage-" + settings.name;
  stage.kind = "passage";
  if (!settings.md.empty()) stage.depends_on = {"md-" + settings.md};
  json own = json::parse(settings_json(plan, "passage", settings.name));
  for (const auto& [key, file] : {std::pair{"trajectory", &settings.trajectory}, std::pair{"topology", &settings.topology}, std::pair{"coordinates", &settings.coordinates}}) {
    if (!file->empty()) stage.input_files.push_back(file_of(plan, *file));
    own.erase(key);  // the content counts, not the name
  }
  own["seed"] = plan.seed + settings.seed_offset;
  stage.settings = own.dump();
  stage.run = [plan, settings](const StageContext& context) { return analyze(plan, settings, context); };
  return stage;
}

}  // namespace saltus::runs
