#include "saltus/runs/estimate_json.hpp"

#include <cmath>

#include <nlohmann/json.hpp>

namespace saltus::runs {

using json = nlohmann::ordered_json;

namespace {
json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }
}  // namespace

json value_low_high(const Estimate& e) { return {{"value", number(e.value)}, {"low", number(e.low)}, {"high", number(e.high)}}; }

json to_json(const NamedEstimate& estimate, const std::string& stage) {
  const bool known = estimate.estimate && std::isfinite(estimate.estimate->value);
  const bool interval = known && estimate.has_interval;
  json object{{"name", estimate.name},
              {"value", known ? json(estimate.estimate->value) : json(nullptr)},
              {"low", interval ? number(estimate.estimate->low) : json(nullptr)},
              {"high", interval ? number(estimate.estimate->high) : json(nullptr)},
              {"unit", estimate.unit}};
  if (!stage.empty()) object["stage"] = stage;
  std::string note = estimate.note;
  if (note.empty() && !known) note = "undetermined";
  if (note.empty() && !interval) note = "a single figure, without interval";
  if (!note.empty()) object["note"] = note;
  return object;
}

NamedEstimate estimate_from_json(const json& object) {
  NamedEstimate result;
  result.name = object.at("name").get<std::string>();
  result.unit = object.at("unit").get<std::string>();
  result.note = object.value("note", "");
  if (object.at("value").is_null()) return result;
  const double value = object.at("value").get<double>();
  result.has_interval = object.at("low").is_number() && object.at("high").is_number();
  result.estimate = result.has_interval ? Estimate{value, object.at("low").get<double>(), object.at("high").get<double>()}
                                        : Estimate{value, value, value};
  return result;
}

}  // namespace saltus::runs
