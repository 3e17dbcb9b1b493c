#include "saltus/runs/fit_stage.hpp"

#include <fmt/format.h>

#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/runs/fit_report.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/runs/plan_stages.hpp"
#include "saltus/training/ace_fit.hpp"

namespace saltus::runs {

using units::mev_per_ev;

namespace {

StageResult fit(const Plan& plan, const std::vector<AceFitSettings>& candidates, const StageContext& context) {
  std::vector<TrainingSet> sets;
  for (const DataSettings& data : plan.data) sets.push_back({data.name, data_file(plan, data), read_options(plan, data)});
  const AceFit fitted = fit_ace(sets, candidates, interruptible(context.progress, context.stop));
  save_ace(context.folder / "model.safetensors", fitted.parameters);

  return fit_result(fitted, context.folder);
}

}  // namespace

std::vector<AceFitSettings> ace_candidates(const FitSettings& fit) {
  AceFitSettings base;
  base.energy_weight = fit.energy_weight;
  base.test_fraction = fit.test_fraction;
  base.valid_fraction = fit.valid_fraction;
  base.valid_blocks = static_cast<int>(fit.valid_blocks);
  base.gap_fs = fit.gap_fs;
  base.ridge_tolerance = fit.ridge_tolerance;
  base.reference_ridge = fit.reference_ridge;
  return combinations(base, {fit.cutoff_ang, fit.body_order, fit.radial_two_body, fit.degree_three_body, fit.l_max_three_body,
                             fit.degree_four_body, fit.l_max_four_body, fit.roughness_power, fit.repulsion_reach,
                             fit.pairs_where_data_begin});
}

StageResult fit_result(const AceFit& fitted, const std::filesystem::path& folder) {
  StageResult result;
  const auto figure = [&](const std::string& name, double value, const char* unit, const std::string& note) {
    result.estimates.push_back({name, Estimate{value, value, value}, false, unit, note});
  };
  for (const SetErrors& set : fitted.errors) {
    if (set.part != SplitPart::test) continue;
    const std::string note = fmt::format("held-out test block, {} frames; one block gives no interval", set.errors.frames);
    figure("force_rmse_relative_" + set.set, set.errors.forces.relative(), "", note);
    figure("force_rmse_" + set.set, mev_per_ev * set.errors.forces.rmse_ev_ang, "mev_ang", note);
    figure("energy_rmse_aligned_" + set.set, mev_per_ev * set.errors.composition_aligned.rmse_ev_per_atom, "mev_per_atom", note);
    figure("energy_rmse_raw_" + set.set, mev_per_ev * set.errors.raw.rmse_ev_per_atom, "mev_per_atom", note);
  }
  figure("functions_per_element", static_cast<double>(fitted.functions_per_element), "", "size of the basis");
  write_file_atomically(folder / "fit.json", fit_json_text(fitted, true));
  result.series.push_back({"fit", "fit.json"});
  result.warnings = fitted.warnings;
  return result;
}

Stage fit_stage(const Plan& plan) {
  Stage stage;
  stage.name = "fit";
  stage.kind = "fit";
  for (const DataSettings& data : plan.data) stage.depends_on.push_back("data-" + data.name);
  stage.settings = settings_json(plan, "fit");
  stage.run = [plan, candidates = ace_candidates(plan.fit)](const StageContext& context) { return fit(plan, candidates, context); };
  return stage;
}

}  // namespace saltus::runs
