#include "saltus/runs/plan_stages.hpp"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/files.hpp"
#include "saltus/runs/analysis_page.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/runs/wannier_report.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;

namespace {

std::filesystem::path file_of(const Plan& plan, const std::string& name) { return (plan.file.parent_path() / name).lexically_normal(); }

AnalysisPage page_of(const CentresSettings& settings, const WannierReport& report) {
  AnalysisPage page{"wannier", "Wannier centres: " + settings.name, {}, report.verdict, {}, {}, {}};
  page.sentences.insert(page.sentences.begin(), fmt::format("{}, {} frames of {} centres.", report.formula, report.frames, report.centres));
  Chart distances{"wannier_distances_" + settings.name, "Distances of centres from their atoms, with 95 % bands.", "distance, Å", "density, 1/Å", false, {}, {}, {}};
  for (const CentreGroup& group : report.groups) distances.curves.push_back({group.name, report.distance_ang, group.density_per_ang});
  page.charts.push_back(std::move(distances));
  for (const SharingGroup& group : report.sharing) {
    page.charts.push_back({"wannier_sharing_" + settings.name + "_" + group.name, "Mean sharing coordinate of the electrons, λ_W, over the place of the proton, ν, in " + group.name + ", with its 95 % band.",
                           "ν, Å", "λ_W, Å", false, {{"mean", group.nu_at_ang, group.lambda_at_nu_ang}}, {}, {}});
    page.charts.push_back({"wannier_sides_" + settings.name + "_" + group.name, "Distances of the two centres beside the proton from their atoms, over ν, with 95 % bands: equal where they cross.", "ν, Å",
                           "distance, Å", false, {{"d(D,X_DH)", group.nu_at_ang, group.donor_at_nu_ang}, {"d(A,X_AH)", group.nu_at_ang, group.acceptor_at_nu_ang}}, {}, {}});
  }
  return page;
}

StageResult analyze(const Plan& plan, const CentresSettings& settings, const StageContext& context) {
  WannierInput input;
  input.centres = {file_of(plan, settings.centres)};
  if (!settings.spreads.empty()) input.spreads = {file_of(plan, settings.spreads)};
  input.trajectory = file_of(plan, settings.trajectory);
  input.charge = static_cast<int>(settings.charge);
  WannierSettings own;
  own.largest_distance_ang = settings.largest_distance_ang;
  const Progress progress = interruptible([&](const ProgressReport& report) {
    if (context.progress) context.progress({"wannier-" + settings.name, report.done, report.total, report.note, report.unit});
  }, context.stop);
  const WannierReport report = analyze_wannier(input, own, progress);
  StageResult result;
  const auto add = [&](const std::string& name, const Estimate& e, const char* unit) {
    if (std::isfinite(e.value)) result.estimates.push_back({name, e, std::isfinite(e.low), unit, ""});
  };
  for (const CentreGroup& group : report.groups) {
    add("distance: " + group.name, group.distance_ang, "ang");
    if (group.spread_ang2) add("spread: " + group.name, *group.spread_ang2, "ang2");
  }
  for (const SharingGroup& group : report.sharing) {
    add(group.name + ": correlation of sharing and proton", group.correlation, "");
    add(group.name + ": slope of sharing over proton", group.slope, "");
    add(group.name + ": sharing at nu = 0", group.lambda_at_zero_ang, "ang");
  }
  result.warnings = report.warnings;
  write_file_atomically(context.folder / "wannier.json", json_of(page_of(settings, report)) + "\n");
  result.series.push_back({"page", "wannier.json"});
  return result;
}

}  // namespace

Stage wannier_stage(const Plan& plan, const CentresSettings& settings) {
  Stage stage;
  stage.name = "wannier-" + settings.name;
  stage.kind = "wannier";
  json own = json::parse(settings_json(plan, "wannier", settings.name));
  for (const auto& [key, file] : {std::pair{"centres", &settings.centres}, std::pair{"spreads", &settings.spreads}, std::pair{"trajectory", &settings.trajectory}}) {
    if (!file->empty()) stage.input_files.push_back(file_of(plan, *file));
    own.erase(key);  // the content counts, not the name
  }
  stage.settings = own.dump();
  stage.run = [plan, settings](const StageContext& context) { return analyze(plan, settings, context); };
  return stage;
}

}  // namespace saltus::runs
