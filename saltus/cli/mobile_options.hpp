// What the analyses of the paths of one species share: its options, and the first lines of what they print.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "saltus/cli/analysis_output.hpp"
#include "saltus/runs/mobile_pass.hpp"

namespace saltus::cli {

struct MobileOptions {
  std::string mobile, framework;
};

/// Adds --species and --framework.
void add_mobile_options(CLI::App& kind, MobileOptions& options);

/// The species of the options and the blocks of the analysis. Throws Error{usage} for what is no element.
runs::MobileSettings settings_of(const MobileOptions& own, const AnalysisOptions& options);

/// "FILE: Li60Si16, 260 frames 2 fs apart, 60 Li, relative to Si"
std::string subject_of(const runs::MobilePass& pass, const MobileOptions& own, const AnalysisOptions& options);

/// "input" to "steps_flagged", with "atoms" and "cell_length_ang" (the cube root of the volume; null without one).
nlohmann::ordered_json document_of(const runs::MobilePass& pass, const MobileOptions& own, const AnalysisOptions& options);

/// "1.234 Å²/ps (95 %: 1.1 … 1.4)", or the note.
std::string coefficient_text(const std::optional<Estimate>& diffusion_ang2_per_ps, const std::string& note);

}  // namespace saltus::cli
