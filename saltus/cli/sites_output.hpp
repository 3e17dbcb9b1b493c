// What saltus sites found, as a table, a document and a page.
#pragma once

#include <string>
#include <vector>

#include "saltus/cli/analysis_output.hpp"
#include "saltus/runs/sites_report.hpp"

namespace saltus::cli {

struct SitesOptions {
  std::string species, framework, given, method = "density";
  std::vector<int> fold;
  double core_ang = 0;               ///< 0: from the distances
  std::string states, network, sites, counts;  ///< files to write; empty: none
  bool primitive = false, symmetry = false;
  double symmetry_tolerance_ang = 0.3;
  runs::SitesSettings settings;
};

AnalysisOutput output_of(const runs::SitesReport& report, const SitesOptions& own, const AnalysisOptions& options);

}  // namespace saltus::cli
