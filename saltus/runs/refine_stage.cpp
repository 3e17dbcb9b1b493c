#include "saltus/runs/plan_stages.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/files.hpp"
#include "saltus/base/threads.hpp"
#include "saltus/base/units.hpp"
#include "saltus/models/safetensors.hpp"
#include "saltus/potentials/committee.hpp"
#include "saltus/runs/explain.hpp"
#include "saltus/runs/finetune_result.hpp"
#include "saltus/runs/fit_stage.hpp"
#include "saltus/runs/held_out.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/runs/refinement.hpp"
#include "saltus/runs/trainer_program.hpp"
// Not called here: the program that trains is made from it, and a change of it is a new version of this stage.
#include "saltus/training/torch/finetune.hpp"

namespace saltus::runs {

using units::mev_per_ev;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t least_parts = 5;          // a member is trained without one of so many parts, so that it stays nearly as good
constexpr std::size_t most_unseen_of_a_set = 60;  // to scale the spread by

/// Trains the published model several times, from other seeds, on the plan's data and the labels: a committee. The first on all of it (without labels it is
/// what the stage finetune has made), each of the others without another part. Each begins as published, so that it does not depend on the way there.
PotentialMaker tune_committee(const Plan& plan, const StageContext& context) {
  return [&plan, &context](const std::vector<fs::path>& added, const fs::path& folder, const Progress&, const Stop& stop, std::vector<std::string>& warnings) {
    std::vector<TensorFile> members;
    for (std::int64_t k = 0; k < plan.refine->committee; ++k) {
      if (k == 0 && added.empty()) {
        members.push_back(read_safetensors(context.inputs.at("finetune") / "model.safetensors"));
        continue;
      }
      const fs::path member = folder / fmt::format("member-{}.safetensors", k);
      if (!fs::exists(finetune_document(member))) {  // written last
        const auto say = [&](const std::string& line) {
          if (context.say) context.say(fmt::format("{}, member {} of {}: {}", folder.filename().string(), k + 1, plan.refine->committee, line));
        };
        std::vector<std::string> words{trainer_program().string(), "--plan", plan.file.string(), "--plan-sha256", header_of(plan).plan_sha256, "--model",
                                       (context.inputs.at("model") / "model.safetensors").string(), "--out", member.string(), "--threads", fmt::format("{}", thread_count()),
                                       "--seed-offset", fmt::format("{}", k)};
        if (k > 0) words.insert(words.end(), {"--leave-out", fmt::format("{}/{}", k, std::max(least_parts, plan.refine->committee - 1))});
        for (const fs::path& file : added) words.insert(words.end(), {"--added", file.string()});
        run_trainer(words, stop, say);
      }
      for (const std::string& warning : finetune_result(member).warnings)  // of all members alike, mostly
        if (std::find(warnings.begin(), warnings.end(), warning) == warnings.end()) warnings.push_back(warning);
      members.push_back(read_safetensors(member));
    }
    const fs::path model = folder / "model.safetensors";
    write_safetensors(model, committee_of(members));
    return model;
  };
}

StageResult run_refinement(const Plan& plan, const std::vector<AceFitSettings>& candidates, const StageContext& context) {
  RefinementInput input;
  if (plan.finetune) {
    input.network = network_settings(*plan.model);
    input.train = tune_committee(plan, context);
    input.unseen = held_out_frames(plan, most_unseen_of_a_set);
  } else {
    std::vector<TrainingSet> sets;
    for (const DataSettings& data : plan.data) sets.push_back({data.name, data_file(plan, data), read_options(plan, data)});
    input.model = context.inputs.at("fit") / "model.safetensors";
    input.train = refit(std::move(sets), candidates);
  }
  input.start = starting_frame(start_of(plan, *plan.refine));
  input.method = *plan.cp2k;
  input.base_folder = plan.file.parent_path().empty() ? fs::path(".") : plan.file.parent_path();
  const Refinement refined = refine(*plan.refine, input, context.folder, context.progress, context.stop);
  write_file_atomically(context.folder / "model.safetensors", read_file(refined.model));
  write_file_atomically(context.folder / "refine.json", to_json_text(refined) + "\n");

  StageResult result;
  result.series.push_back({"refine", "refine.json"});
  result.warnings = refined.warnings;
  const auto figure = [&](const std::string& name, double value, const char* unit, const std::string& note) {
    result.estimates.push_back({name, Estimate{value, value, value}, false, unit, note});
  };
  const auto doubt = [&](const std::string& number, const std::vector<SimulationOutcome>& simulations, const char* when) {
    double most = 0;
    for (const SimulationOutcome& s : simulations) most = std::max(most, s.doubt);
    if (refined.committee) figure("max_force_spread" + number, most, "ev_ang", fmt::format("of the force on one atom among the members, scaled to the error of unseen frames, in the simulations {}", when));
    else figure("max_extrapolation" + number, most, "", fmt::format("of the simulations {}; 1 is the edge of the training data", when));
  };
  std::size_t labels = 0;
  for (std::size_t r = 0; r < refined.rounds.size(); ++r) {
    const RefinementRound& round = refined.rounds[r];
    labels += round.trained + round.held_out;
    const std::string number = fmt::format("_round_{}", r + 1);
    if (round.before) figure("force_rmse_before" + number, mev_per_ev * round.before->force_rmse_ev_ang, "mev_ang", fmt::format("on {} held-out labels, before this round's training", round.before->frames));
    if (round.after) figure("force_rmse_after" + number, mev_per_ev * round.after->force_rmse_ev_ang, "mev_ang", fmt::format("on the same {} labels, after it", round.after->frames));
    doubt(number, round.simulations, "before this round's training");
  }
  doubt("_last", refined.last_check, "with the last potential");
  figure("labels", static_cast<double>(labels), "", "computed by CP2K");
  return result;
}

}  // namespace

Stage refine_stage(const Plan& plan) {
  Stage stage;
  stage.name = "refine";
  stage.kind = "refine";
  stage.resumable = true;
  if (plan.finetune) stage.depends_on = {"model", "finetune"};
  else stage.depends_on = {"fit"};
  for (const DataSettings& data : plan.data) stage.depends_on.push_back("data-" + data.name);
  nlohmann::ordered_json settings = nlohmann::ordered_json::parse(settings_json(plan, "refine"));
  settings["cp2k"] = nlohmann::ordered_json::parse(settings_json(plan, "cp2k"));
  for (const char* key : {"preset", "program", "data_folder", "ranks", "launcher", "check_program"}) settings["cp2k"].erase(key);
  settings.erase("jobs");
  if (plan.finetune) {
    settings["finetune"] = nlohmann::ordered_json::parse(settings_json(plan, "finetune"));
    settings["head"] = plan.model->head;
    settings["arithmetic"] = plan.model->arithmetic;
  } else {
    settings["fit"] = nlohmann::ordered_json::parse(settings_json(plan, "fit"));
  }
  settings["seed"] = plan.refine->seed;
  stage.settings = settings.dump();
  // Basis sets of the user's own are part of the method.
  for (const auto* list : {&plan.cp2k->basis_files, &plan.cp2k->potential_files})
    for (const std::string& name : *list) {
      const fs::path own = (plan.file.parent_path() / name).lexically_normal();
      std::error_code error;
      if (fs::is_regular_file(own, error)) stage.input_files.push_back(own);
    }
  stage.run = [plan, candidates = plan.finetune ? std::vector<AceFitSettings>{} : ace_candidates(plan.fit)](const StageContext& context) { return run_refinement(plan, candidates, context); };
  return stage;
}

}  // namespace saltus::runs
