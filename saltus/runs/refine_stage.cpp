#include "saltus/runs/plan_stages.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/runs/fit_stage.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/runs/refinement.hpp"

namespace saltus::runs {

using units::mev_per_ev;

namespace {

StageResult run_refinement(const Plan& plan, const std::vector<AceFitSettings>& candidates, const StageContext& context) {
  RefinementInput input;
  input.model = context.inputs.at("fit") / "model.safetensors";
  input.start = starting_frame(start_of(plan, *plan.refine));
  for (const DataSettings& data : plan.data) input.sets.push_back({data.name, data_file(plan, data), read_options(plan, data)});
  input.candidates = candidates;
  input.method = *plan.cp2k;
  input.base_folder = plan.file.parent_path().empty() ? std::filesystem::path(".") : plan.file.parent_path();
  const Refinement refined = refine(*plan.refine, input, context.folder, context.progress, context.stop);
  write_file_atomically(context.folder / "model.safetensors", read_file(refined.model));
  write_file_atomically(context.folder / "refine.json", to_json_text(refined) + "\n");

  StageResult result;
  result.series.push_back({"refine", "refine.json"});
  result.warnings = refined.warnings;
  const auto figure = [&](const std::string& name, double value, const char* unit, const std::string& note) {
    result.estimates.push_back({name, Estimate{value, value, value}, false, unit, note});
  };
  std::size_t labels = 0;
  for (std::size_t r = 0; r < refined.rounds.size(); ++r) {
    const RefinementRound& round = refined.rounds[r];
    labels += round.trained + round.held_out;
    const std::string number = fmt::format("_round_{}", r + 1);
    if (round.before) figure("force_rmse_before" + number, mev_per_ev * round.before->force_rmse_ev_ang, "mev_ang", fmt::format("on {} held-out labels, before this round's fit", round.before->frames));
    if (round.after) figure("force_rmse_after" + number, mev_per_ev * round.after->force_rmse_ev_ang, "mev_ang", fmt::format("on the same {} labels, after it", round.after->frames));
    double most = 0;
    for (const SimulationOutcome& s : round.simulations) most = std::max(most, s.max_extrapolation);
    figure("max_extrapolation" + number, most, "", "of the simulations before this round's fit; 1 is the edge of the training data");
  }
  double most = 0;
  for (const SimulationOutcome& s : refined.last_check) most = std::max(most, s.max_extrapolation);
  figure("max_extrapolation_last", most, "", "of the simulations with the last potential");
  figure("labels", static_cast<double>(labels), "", "computed by CP2K");
  return result;
}

}  // namespace

Stage refine_stage(const Plan& plan) {
  Stage stage;
  stage.name = "refine";
  stage.kind = "refine";
  stage.resumable = true;
  stage.depends_on = {"fit"};
  for (const DataSettings& data : plan.data) stage.depends_on.push_back("data-" + data.name);
  nlohmann::ordered_json settings = nlohmann::ordered_json::parse(settings_json(plan, "refine"));
  settings["cp2k"] = nlohmann::ordered_json::parse(settings_json(plan, "cp2k"));
  for (const char* key : {"program", "data_folder", "ranks", "launcher", "check_program"}) settings["cp2k"].erase(key);
  settings.erase("jobs");
  settings["fit"] = nlohmann::ordered_json::parse(settings_json(plan, "fit"));
  settings["seed"] = plan.refine->seed;
  stage.settings = settings.dump();
  // Basis sets of the user's own are part of the method.
  for (const auto* list : {&plan.cp2k->basis_files, &plan.cp2k->potential_files})
    for (const std::string& name : *list) {
      const std::filesystem::path own = (plan.file.parent_path() / name).lexically_normal();
      std::error_code error;
      if (std::filesystem::is_regular_file(own, error)) stage.input_files.push_back(own);
    }
  stage.run = [plan, candidates = ace_candidates(plan.fit)](const StageContext& context) { return run_refinement(plan, candidates, context); };
  return stage;
}

}  // namespace saltus::runs
