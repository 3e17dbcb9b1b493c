// What models are like without reference data, as a table for people.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "saltus/runs/model_probes.hpp"

namespace saltus::cli {

/// models: name and probes, all of the same frame. Ends with a line break.
std::string table_of(const std::vector<std::pair<std::string, runs::ModelProbes>>& models);

}  // namespace saltus::cli
