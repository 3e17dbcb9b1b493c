#include "saltus/runs/plan_stages.hpp"

#include <set>

#include <fmt/format.h>

#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/runs/fit_report.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/training/ace_fit.hpp"

namespace saltus::runs {

using units::mev_per_ev;

namespace {

AceFitSettings ace_settings(const FitSettings& fit) {
  AceFitSettings settings;
  settings.basis = {fit.cutoff_ang,
                    static_cast<int>(fit.body_order),
                    static_cast<int>(fit.radial_two_body),
                    static_cast<int>(fit.degree_three_body),
                    static_cast<int>(fit.l_max_three_body),
                    static_cast<int>(fit.degree_four_body),
                    static_cast<int>(fit.l_max_four_body)};
  settings.energy_weight = fit.energy_weight;
  settings.test_fraction = fit.test_fraction;
  settings.valid_fraction = fit.valid_fraction;
  settings.valid_blocks = static_cast<int>(fit.valid_blocks);
  settings.gap_fs = fit.gap_fs;
  settings.roughness_power = fit.roughness_power;
  settings.ridge_tolerance = fit.ridge_tolerance;
  settings.reference_ridge = fit.reference_ridge;
  settings.repulsion_reach = fit.repulsion_reach;
  settings.pairs_where_data_begin = fit.pairs_where_data_begin;
  return settings;
}

StageResult fit(const Plan& plan, const StageContext& context) {
  std::vector<TrainingSet> sets;
  for (const DataSettings& data : plan.data) sets.push_back({data.name, data_file(plan, data), read_options(plan, data)});
  const AceFitSettings settings = ace_settings(plan.fit);
  const AceFit fitted = fit_ace(sets, settings, context.progress);
  save_ace(context.folder / "model.safetensors", fitted.parameters);

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
  write_file_atomically(context.folder / "fit.json", fit_json_text(fitted, true));
  result.series.push_back({"fit", "fit.json"});
  result.warnings = fitted.warnings;
  return result;
}

}  // namespace

Stage fit_stage(const Plan& plan) {
  Stage stage;
  stage.name = "fit";
  stage.kind = "fit";
  for (const DataSettings& data : plan.data) stage.depends_on.push_back("data-" + data.name);
  stage.settings = settings_json(plan, "fit");
  stage.run = [plan](const StageContext& context) { return fit(plan, context); };
  return stage;
}

}  // namespace saltus::runs
