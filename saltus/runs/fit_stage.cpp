#include "saltus/runs/plan_stages.hpp"

#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/training/ace_fit.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;
using units::mev_per_ev;

namespace {

constexpr std::size_t points_shown = 1200;  // of a parity plot, per set

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
  settings.reference_ridge = fit.reference_ridge;
  return settings;
}

const char* name_of(SplitPart part) {
  return part == SplitPart::train ? "train" : part == SplitPart::valid ? "valid" : "test";
}

json parity_json(const std::string& set, const std::vector<ParityPoint>& points, bool remove_mean_error) {
  double shift = 0;
  if (remove_mean_error && !points.empty()) {
    for (const ParityPoint& point : points) shift += point.predicted - point.reference;
    shift /= static_cast<double>(points.size());
  }
  json object{{"set", set}, {"reference", json::array()}, {"predicted", json::array()}};
  const std::size_t stride = (points.size() + points_shown - 1) / points_shown;
  for (std::size_t k = 0; k < points.size(); k += stride) {
    object["reference"].push_back(points[k].reference);
    object["predicted"].push_back(points[k].predicted - shift);
  }
  return object;
}

json errors_json(const SetErrors& set) {
  const LabelErrors& e = set.errors;
  json object{{"set", set.set},
              {"part", name_of(set.part)},
              {"frames", e.frames},
              {"energy_rmse_raw_mev_per_atom", mev_per_ev * e.raw.rmse_ev_per_atom},
              {"energy_rmse_mean_aligned_mev_per_atom", mev_per_ev * e.mean_aligned.rmse_ev_per_atom},
              {"energy_rmse_aligned_mev_per_atom", mev_per_ev * e.composition_aligned.rmse_ev_per_atom},
              {"force_rmse_mev_ang", mev_per_ev * e.forces.rmse_ev_ang},
              {"force_mae_mev_ang", mev_per_ev * e.forces.mae_ev_ang},
              {"force_rms_mev_ang", mev_per_ev * e.forces.reference_rms_ev_ang},
              {"force_rmse_relative", e.forces.relative()},
              {"elements", json::object()}};
  for (const auto& [element, forces] : e.forces_of_element)
    object["elements"][std::string(symbol_of(element))] = {{"force_rmse_mev_ang", mev_per_ev * forces.rmse_ev_ang},
                                                           {"force_mae_mev_ang", mev_per_ev * forces.mae_ev_ang},
                                                           {"force_rms_mev_ang", mev_per_ev * forces.reference_rms_ev_ang}};
  return object;
}

StageResult fit(const Plan& plan, const StageContext& context) {
  std::vector<TrainingSet> sets;
  for (const DataSettings& data : plan.data) sets.push_back({data.name, data_file(plan, data), read_options(data)});
  const AceFitSettings settings = ace_settings(plan.fit);
  const AceFit fitted = fit_ace(sets, settings, context.progress);
  save_ace(context.folder / "model.safetensors", fitted.parameters);

  json chart{{"summary", fmt::format("Linear atomic cluster expansion, body order {}, cutoff {} Å: {} functions per element, {} unknowns, fitted "
                                     "to energies and forces of {} sets; no stress labels were used.",
                                     settings.basis.body_order, settings.basis.cutoff_ang, fitted.functions_per_element, fitted.unknowns,
                                     sets.size())},
             {"chosen_ridge", fitted.chosen_ridge},
             {"elements", json::array()},
             {"errors", json::array()},
             {"trials", json::array()},
             {"parity", {{"energy", json::array()}, {"force", json::array()}}}};
  for (std::uint8_t element : fitted.parameters.elements) chart["elements"].push_back(std::string(symbol_of(element)));
  for (const RidgeTrial& trial : fitted.trials)
    chart["trials"].push_back({{"ridge", trial.ridge},
                               {"train_force_rmse_mev_ang", mev_per_ev * trial.train_force_rmse_ev_ang},
                               {"valid_force_rmse_mev_ang", mev_per_ev * trial.valid_force_rmse_ev_ang},
                               {"valid_energy_rmse_mev_per_atom", mev_per_ev * trial.valid_energy_rmse_ev_per_atom},
                               {"valid_loss", trial.valid_loss}});

  StageResult result;
  const auto figure = [&](const std::string& name, double value, const char* unit, const std::string& note) {
    result.estimates.push_back({name, Estimate{value, value, value}, false, unit, note});
  };
  for (const SetErrors& set : fitted.errors) {
    chart["errors"].push_back(errors_json(set));
    if (set.part != SplitPart::test) continue;
    chart["parity"]["energy"].push_back(parity_json(set.set, set.energy_parity, true));
    chart["parity"]["force"].push_back(parity_json(set.set, set.force_parity, false));
    const std::string note = fmt::format("held-out test block, {} frames; one block gives no interval", set.errors.frames);
    figure("force_rmse_relative_" + set.set, set.errors.forces.relative(), "", note);
    figure("force_rmse_" + set.set, mev_per_ev * set.errors.forces.rmse_ev_ang, "mev_ang", note);
    figure("energy_rmse_aligned_" + set.set, mev_per_ev * set.errors.composition_aligned.rmse_ev_per_atom, "mev_per_atom", note);
    figure("energy_rmse_raw_" + set.set, mev_per_ev * set.errors.raw.rmse_ev_per_atom, "mev_per_atom", note);
  }
  figure("functions_per_element", static_cast<double>(fitted.functions_per_element), "", "size of the basis");
  write_file_atomically(context.folder / "fit.json", chart.dump() + "\n");
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
