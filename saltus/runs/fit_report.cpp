#include "saltus/runs/fit_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/units.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;
using units::mev_per_ev;

namespace {

constexpr std::size_t points_shown = 1200;  // of a parity plot, per set

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

json candidate_json(const AceFitSettings& settings) {
  const AceBasisSettings& basis = settings.basis;
  return {{"cutoff_ang", basis.cutoff_ang},
          {"body_order", basis.body_order},
          {"radial_two_body", basis.radial_two_body},
          {"degree_three_body", basis.degree_three_body},
          {"l_max_three_body", basis.l_max_three_body},
          {"degree_four_body", basis.degree_four_body},
          {"l_max_four_body", basis.l_max_four_body},
          {"roughness_power", settings.roughness_power},
          {"repulsion_reach", settings.repulsion_reach},
          {"pairs_where_data_begin", settings.pairs_where_data_begin}};
}

json trial_json(const RidgeTrial& trial) {
  return {{"ridge", trial.ridge},
          {"train_force_rmse_mev_ang", mev_per_ev * trial.train_force_rmse_ev_ang},
          {"valid_force_rmse_mev_ang", mev_per_ev * trial.valid_force_rmse_ev_ang},
          {"valid_energy_rmse_mev_per_atom", mev_per_ev * trial.valid_energy_rmse_ev_per_atom},
          {"valid_loss", trial.valid_loss}};
}

}  // namespace

const char* name_of(SplitPart part) {
  return part == SplitPart::train ? "train" : part == SplitPart::valid ? "valid" : "test";
}

std::string fit_json_text(const AceFit& fit, bool with_parity) {
  const AceBasisSettings& basis = fit.parameters.basis;
  json document{{"summary", fmt::format("Linear atomic cluster expansion, body order {}, cutoff {} Å: {} functions per element, {} unknowns, fitted "
                                        "to energies and forces; no stress labels were used.",
                                        basis.body_order, basis.cutoff_ang, fit.functions_per_element, fit.unknowns)},
                {"functions_per_element", fit.functions_per_element},
                {"unknowns", fit.unknowns},
                {"chosen_ridge", fit.chosen_ridge},
                {"elements", json::array()},
                {"errors", json::array()},
                {"candidates", json::array()},
                {"chosen_candidate", fit.chosen_candidate},
                {"trials", json::array()}};
  for (const std::uint8_t element : fit.parameters.elements) document["elements"].push_back(std::string(symbol_of(element)));
  for (const AceFitCandidate& candidate : fit.candidates) {
    json one = candidate_json(candidate.settings);
    one["functions_per_element"] = candidate.functions_per_element;
    one.update(trial_json(candidate.chosen));
    document["candidates"].push_back(one);
  }
  for (const RidgeTrial& trial : fit.trials) document["trials"].push_back(trial_json(trial));
  if (with_parity) document["parity"] = {{"energy", json::array()}, {"force", json::array()}};
  for (const SetErrors& set : fit.errors) {
    document["errors"].push_back(errors_json(set));
    if (!with_parity || set.part != SplitPart::test) continue;
    document["parity"]["energy"].push_back(parity_json(set.set, set.energy_parity, true));
    document["parity"]["force"].push_back(parity_json(set.set, set.force_parity, false));
  }
  return document.dump() + "\n";
}

}  // namespace saltus::runs
