#include "saltus/runs/plan_stages.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/text.hpp"
#include "saltus/kinetics/arrhenius.hpp"
#include "saltus/runs/plan_files.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;

namespace {

constexpr int curve_points = 60;

json with_interval(const Estimate& estimate) { return {{"value", estimate.value}, {"low", estimate.low}, {"high", estimate.high}}; }

struct Points {
  std::vector<kinetics::ArrheniusPoint> known;
  std::vector<std::string> left_out;  ///< stages whose D is undetermined
};

Points points_of(const Plan& plan, const ArrheniusSettings& settings, const StageContext& context, const std::string& route) {
  Points points;
  for (const std::string& name : settings.kinetics) {
    const json page = json::parse(read_file(context.inputs.at("kinetics-" + name) / "kinetics.json"));
    const json& d = page.at("coefficients_ang2_per_ps").at(route);
    const double temperature_kelvin = temperature_of(plan, entry_named(plan.kinetics, name));
    if (d.is_null() || d.at("low").is_null() || d.at("high").is_null()) points.left_out.push_back(name);
    else points.known.push_back({temperature_kelvin, {d.at("value"), d.at("low"), d.at("high")}});
  }
  return points;
}

json curve_json(const kinetics::ArrheniusFit& fit, const std::vector<double>& at_kelvin) {
  double low = fit.lowest_kelvin, high = fit.highest_kelvin;
  for (const double kelvin : at_kelvin) {
    low = std::min(low, kelvin);
    high = std::max(high, kelvin);
  }
  json curve;
  for (int k = 0; k < curve_points; ++k) {
    const double share = static_cast<double>(k) / (curve_points - 1), kelvin = 1 / ((1 - share) / low + share / high);
    const Estimate d = kinetics::diffusion_at(fit, kelvin);
    curve["kelvin"].push_back(kelvin);
    curve["value"].push_back(d.value);
    curve["low"].push_back(d.low);
    curve["high"].push_back(d.high);
  }
  return curve;
}

StageResult fit_line(const Plan& plan, const ArrheniusSettings& settings, const StageContext& context) {
  StageResult result;
  json page{{"routes", json::array()}};
  for (const auto& [route, words] : {std::pair{"msd", "from the MSD"}, std::pair{"msm", "Markov model"}}) {
    const Points points = points_of(plan, settings, context, route);
    json entry{{"route", route}, {"name", words}, {"text", ""}, {"points", json::array()}};
    for (const kinetics::ArrheniusPoint& point : points.known) {
      json row = with_interval(point.diffusion);
      row["kelvin"] = point.temperature_kelvin;
      entry["points"].push_back(std::move(row));
    }
    if (!points.left_out.empty())
      result.warnings.push_back(fmt::format("D {} is undetermined and left out: {}", words, join(points.left_out)));
    try {
      const kinetics::ArrheniusFit fit = kinetics::fit_arrhenius(points.known);
      const double from = fit.lowest_kelvin, to = fit.highest_kelvin;
      const std::string scatter = fit.line.degrees == 0 ? "two points: nothing tells whether they lie on a line"
                                  : fit.line.scattered  ? fmt::format("the points scatter more than their intervals allow (chi² {:.1f} for {} degrees of freedom); the intervals are "
                                                                      "widened by it", fit.line.chi2, fit.line.degrees)
                                                        : fmt::format("chi² {:.1f} for {} degrees of freedom: the points lie on a line within their intervals", fit.line.chi2, fit.line.degrees);
      result.estimates.push_back({fmt::format("activation_energy_{}", route), fit.activation_energy_ev, true, "ev", fmt::format("{:.0f} to {:.0f} K; {}", from, to, scatter)});
      result.estimates.push_back({fmt::format("prefactor_{}", route), fit.prefactor, true, "ang2_per_ps", "D at infinite temperature"});
      entry["text"] = scatter;
      entry["activation_energy_ev"] = with_interval(fit.activation_energy_ev);
      entry["prefactor_ang2_per_ps"] = with_interval(fit.prefactor);
      entry["from_kelvin"] = from;
      entry["to_kelvin"] = to;
      entry["curve"] = curve_json(fit, settings.at_kelvin);
      entry["at"] = json::array();
      for (const double kelvin : settings.at_kelvin) {
        const Estimate d = kinetics::diffusion_at(fit, kelvin);
        const bool outside = kelvin < from || kelvin > to;
        json row = with_interval(d);
        row["kelvin"] = kelvin;
        row["extrapolated"] = outside;
        entry["at"].push_back(std::move(row));
        result.estimates.push_back({fmt::format("diffusion_{}_{:g}_kelvin", route, kelvin), d, true, "ang2_per_ps",
                                    outside ? fmt::format("extrapolated from {:.0f} to {:.0f} K: right only if the mechanism stays the same", from, to) : "by the line"});
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::usage) throw;  // usage: fewer than two temperatures are left
      entry["text"] = error.what();
      result.estimates.push_back({fmt::format("activation_energy_{}", route), std::nullopt, true, "ev", error.what()});
    }
    page["routes"].push_back(std::move(entry));
  }
  write_file_atomically(context.folder / "arrhenius.json", page.dump() + "\n");
  result.series.push_back({"arrhenius", "arrhenius.json"});
  return result;
}

}  // namespace

Stage arrhenius_stage(const Plan& plan, const ArrheniusSettings& settings) {
  Stage stage;
  stage.name = "arrhenius-" + settings.name;
  stage.kind = "arrhenius";
  for (const std::string& name : settings.kinetics) stage.depends_on.push_back("kinetics-" + name);
  stage.settings = settings_json(plan, "arrhenius", settings.name);
  stage.run = [plan, settings](const StageContext& context) { return fit_line(plan, settings, context); };
  return stage;
}

}  // namespace saltus::runs
