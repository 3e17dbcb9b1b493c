// The list of stages of a plan: data → fit and refine, or model, finetune, refine and distill → md → pimd → proton → wannier → kinetics → passage → arrhenius.
#include "saltus/runs/plan_stages.hpp"

namespace saltus::runs {

std::string teacher_stage(const Plan& plan) { return plan.refine ? "refine" : plan.finetune ? "finetune" : "model"; }

std::string potential_stage(const Plan& plan) { return plan.distill ? "distill" : plan.model ? teacher_stage(plan) : plan.refine ? "refine" : "fit"; }

std::vector<Stage> stages_of(const Plan& plan) {
  std::vector<Stage> stages;
  for (const DataSettings& data : plan.data) stages.push_back(data_stage(plan, data));
  if (plan.model) stages.push_back(model_stage(plan));
  if (plan.finetune) stages.push_back(finetune_stage(plan));
  if (plan.fits) stages.push_back(fit_stage(plan));
  if (plan.refine) stages.push_back(refine_stage(plan));
  if (plan.distill) stages.push_back(distill_stage(plan));
  for (const MdSettings& md : plan.md) stages.push_back(md_stage(plan, md));
  for (const PimdSettings& pimd : plan.pimd) stages.push_back(pimd_stage(plan, pimd));
  for (const ProtonSettings& proton : plan.proton) stages.push_back(proton_stage(plan, proton));
  for (const CentresSettings& wannier : plan.wannier) stages.push_back(wannier_stage(plan, wannier));
  for (const KineticsSettings& kinetics : plan.kinetics) stages.push_back(kinetics_stage(plan, kinetics));
  for (const FirstPassageSettings& passage : plan.passage) stages.push_back(passage_stage(plan, passage));
  for (const ArrheniusSettings& arrhenius : plan.arrhenius) stages.push_back(arrhenius_stage(plan, arrhenius));
  return stages;
}

}  // namespace saltus::runs
