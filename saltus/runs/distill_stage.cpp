#include "saltus/runs/plan_stages.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/units.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/runs/distillation.hpp"
#include "saltus/runs/fit_stage.hpp"
#include "saltus/runs/held_out.hpp"
#include "saltus/runs/model_evaluation.hpp"
#include "saltus/runs/plan_files.hpp"

namespace saltus::runs {

using units::mev_per_ev;

namespace {

SamplingSettings sampling_of(const Plan& plan) {
  const DistillSettings& settings = *plan.distill;
  SamplingSettings sampling;
  sampling.temperature_kelvin = settings.temperatures_kelvin;
  sampling.timestep_fs = settings.timestep_fs;
  sampling.equilibration_ps = settings.equilibration_ps;
  sampling.sampling_ps = settings.sampling_ps;
  sampling.frames = settings.frames;
  sampling.rattled_frames = settings.rattled_frames;
  sampling.rattle_ang = settings.rattle_ang;
  sampling.strain = settings.strain;
  sampling.largest_force_ev_ang = settings.largest_force_ev_ang;
  sampling.seed = static_cast<std::uint64_t>(plan.seed + settings.seed_offset);
  return sampling;
}

/// Errors of teacher and student on what the plan's data hold out: what the distillation has lost.
void compare_with_data(const Plan& plan, const Potential& teacher, const Potential& student, const StageContext& context, StageResult& result) {
  for (const DataSettings& data : plan.data) {
    std::optional<std::size_t> from;
    try {
      from = held_out_from(plan, data);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::usage) throw;
      result.warnings.push_back(fmt::format("{} was not compared with: {}", data.name, error.what()));
    }
    if (!from) continue;
    EvaluationInput input{data_file(plan, data), read_options(plan, data), 1, {}};
    input.first = *from;
    for (const auto& [who, potential] : {std::pair{"teacher", &teacher}, std::pair{"student", &student}}) {
      const ModelErrors model = evaluate_model(*potential, who, input, interruptible(context.progress, context.stop));
      const std::string note = fmt::format("of the {} against the labels of the last {} frames of {}", who, model.frames, data.name);
      const auto scaled = [](const std::optional<Estimate>& e, double value) {
        return e ? Estimate{mev_per_ev * e->value, mev_per_ev * e->low, mev_per_ev * e->high} : Estimate{mev_per_ev * value, mev_per_ev * value, mev_per_ev * value};
      };
      if (model.errors.forces.components > 0)
        result.estimates.push_back({fmt::format("force_rmse_{}_{}", who, data.name), scaled(model.force_ev_ang, model.errors.forces.rmse_ev_ang),
                                    model.force_ev_ang.has_value(), "mev_ang", note});
      if (model.errors.energies > 0)
        result.estimates.push_back({fmt::format("energy_rmse_aligned_{}_{}", who, data.name),
                                    scaled(model.energy_aligned_ev_per_atom, model.errors.composition_aligned.rmse_ev_per_atom),
                                    model.energy_aligned_ev_per_atom.has_value(), "mev_per_atom", note});
    }
  }
}

StageResult distill(const Plan& plan, const std::vector<AceFitSettings>& candidates, const StageContext& context) {
  const std::filesystem::path model = context.inputs.at(teacher_stage(plan)) / "model.safetensors";
  const auto teacher = load_potential(model, network_settings(*plan.model));
  const std::string teacher_sha256 = sha256_of_path(model);
  const Frame start = starting_frame(start_of(plan, *plan.distill));
  const auto sets = sample_teacher(*teacher, teacher_sha256, start, sampling_of(plan), context.folder / "sampling", context.progress, context.stop);
  AceFit fitted = fit_ace(sets, candidates, interruptible(context.progress, context.stop));
  name_teacher(fitted.parameters, teacher->info().kind, teacher_sha256);
  save_ace(context.folder / "model.safetensors", fitted.parameters);
  StageResult result = fit_result(fitted, context.folder);
  const auto student = load_potential(context.folder / "model.safetensors");
  compare_with_data(plan, *teacher, *student, context, result);
  for (const auto& [name, potential] : {std::pair{"us_per_atom_teacher", teacher.get()}, std::pair{"us_per_atom_student", student.get()}}) {
    const double us = evaluation_us_per_atom(*potential, start);
    result.estimates.push_back({name, Estimate{us, us, us}, false, "us", "wall time of energy and forces per atom on the machine it ran on"});
  }
  return result;
}

}  // namespace

Stage distill_stage(const Plan& plan) {
  Stage stage;
  stage.name = "distill";
  stage.kind = "distill";
  stage.resumable = true;
  stage.depends_on = {teacher_stage(plan)};
  for (const DataSettings& data : plan.data) stage.depends_on.push_back("data-" + data.name);
  nlohmann::ordered_json settings = nlohmann::ordered_json::parse(settings_json(plan, "distill"));
  settings["fit"] = nlohmann::ordered_json::parse(settings_json(plan, "fit"));
  for (const char* key : {"arithmetic", "head"}) settings[key] = nlohmann::ordered_json::parse(settings_json(plan, "model"))[key];
  settings["seed"] = plan.seed + plan.distill->seed_offset;
  stage.settings = settings.dump();
  stage.run = [plan, candidates = ace_candidates(plan.fit)](const StageContext& context) { return distill(plan, candidates, context); };
  return stage;
}

}  // namespace saltus::runs
