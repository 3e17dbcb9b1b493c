// The plan as resolved, for people and machines.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "saltus/runs/execute.hpp"
#include "saltus/runs/plan.hpp"

namespace saltus::runs {

/// Settings with values, units and meanings, defaults marked '*', then the stages.
std::string explain_text(const Plan& plan);

/// {"plan", "title", "settings": [{"table", "name", "values": [{"key", "value", "unit", "default", "help"}]}], "stages": [{"name",
/// "kind", "depends_on"}]}
nlohmann::ordered_json explain_json(const Plan& plan);

/// What the registry keeps of a plan.
RunHeader header_of(const Plan& plan);

}  // namespace saltus::runs
