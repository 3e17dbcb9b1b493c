// An estimate as JSON: {"name", "value", "low", "high", "unit", "stage"?, "note"?}; null where there is no number.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "saltus/base/estimate.hpp"

namespace saltus::runs {

/// With "stage" when `stage` is not empty and "note" when there is one. Numbers that are not finite become null.
nlohmann::ordered_json to_json(const NamedEstimate& estimate, const std::string& stage = {});
/// {"value", "low", "high"}; null where a number is not finite.
nlohmann::ordered_json value_low_high(const Estimate& estimate);
NamedEstimate estimate_from_json(const nlohmann::ordered_json& object);

}  // namespace saltus::runs
