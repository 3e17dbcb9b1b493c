// The kinds of saltus analyze, one file each: saltus/cli/analyze_KIND.cpp.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "saltus/cli/analysis_output.hpp"

namespace saltus::cli {

struct AnalysisKind {
  const char* name;
  const char* summary;
  /// Adds the options and the help of this kind; returns what to run after parsing.
  std::function<AnalysisOutput()> (*set_up)(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
  bool own_input = false;  ///< reads other files than a trajectory: has --json, --csv and --page in common only
};

/// In the order of the help page.
std::span<const AnalysisKind> analysis_kinds();

std::function<AnalysisOutput()> set_up_msd(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_haven(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_van_hove(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_arrhenius(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_finite_size(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_beads(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_rdf(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_vacf(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_vdos(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_density(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_proton(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_hbonds(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_temperature(CLI::App& kind,
                                                   const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_wannier(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);
std::function<AnalysisOutput()> set_up_dipole(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options);

}  // namespace saltus::cli
