// What a study of first passages hands over: its JSON document, its page, its estimates. The verb and the stage [[passage]] share them.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "saltus/runs/analysis_page.hpp"
#include "saltus/runs/passage_report.hpp"

namespace saltus::runs {

/// {"subject", "frames", …, "profile": [{"z_ang", "diffusion_ang2_per_ps", …}], "windows", "survival", "free_energy", "markov", "verdict", "warnings"}
nlohmann::ordered_json passage_document(const PassageReport& report, const PassageSettings& settings);

/// The verdict in a sentence, then its reasons and remarks.
std::vector<std::string> verdict_sentences(const PassageReport& report);

/// Charts of D, F, exit times, sides and survival; kind "passage".
AnalysisPage passage_page(const PassageReport& report, const PassageSettings& settings, const std::string& title);

/// Mean of D over the profile and its range.
std::vector<NamedEstimate> passage_estimates(const PassageReport& report);

}  // namespace saltus::runs
