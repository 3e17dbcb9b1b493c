// What a run has shown: as one JSON document, and as one self-contained page. Reads the registry and the artifacts' JSON only.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "saltus/runs/registry.hpp"

namespace saltus::runs {

/// {"run", "title", "plan", "version", "state", "started", "finished", "estimates": [{"name", "value", "low", "high", "unit",
/// "stage"}], "warnings": [{"stage", "text"}]}; estimates in the order of the plan's stages.
nlohmann::ordered_json report_json(const Registry& registry, const RunRecord& run);

/// {"runs": [report_json of each]}
nlohmann::ordered_json comparison_json(const Registry& registry, std::span<const RunRecord> runs);

/// The HTML page. `folder` is the registry's; chart files that are no longer there leave their charts out.
std::string report_page(const Registry& registry, const RunRecord& run, const std::filesystem::path& folder);

/// Several runs beside each other on one page: estimates, settings that differ, charts of the same kind laid over each other.
std::string comparison_page(const Registry& registry, std::span<const RunRecord> runs, const std::filesystem::path& folder);

/// A page from its data, as web/report.js reads it: one run, {"runs": […]}, or one analysis of a trajectory (analysis_page.hpp).
std::string page_of(const nlohmann::ordered_json& data, const std::string& title);

}  // namespace saltus::runs
