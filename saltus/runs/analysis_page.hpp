// One analysis of a trajectory as a page of its own, by the machinery of the report.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "saltus/base/estimate.hpp"

namespace saltus::runs {

/// A curve with the 95 % band around it; no band where low and high are not numbers.
struct ChartCurve {
  std::string name;
  std::vector<double> x;
  std::vector<Estimate> y;
  bool points = false;  ///< dots with bars instead of a line with a band
};

struct Chart {
  std::string name;            ///< of the files that it can be saved to
  std::string caption;
  std::string x_title, y_title;  ///< with units
  bool logarithmic_x = false;
  std::vector<ChartCurve> curves;
  std::optional<std::pair<double, double>> shaded;   ///< a range of x
  std::optional<std::pair<double, double>> x_range;  ///< shown at first; none: all; not for logarithmic x
};

/// Cells as text; all columns but the first and the wide one are set flush right.
struct PageTable {
  std::string name;            ///< of the file that it can be saved to
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::optional<std::size_t> wide;  ///< column of sentences, from 0
};

struct AnalysisPage {
  std::string kind;      ///< "msd"
  std::string title, subtitle;
  std::vector<std::string> sentences;
  std::vector<Chart> charts;
  std::vector<NamedEstimate> estimates;
  std::vector<std::string> warnings;
  std::string sites = {};     ///< JSON {"columns", "rows", "occupation_column", "first": number of the first site}; one column is called "departures"; empty: none
  std::string scene = {};     ///< JSON as scene_json() gives it; empty: none
  std::vector<PageTable> tables = {};  ///< before the charts
};

/// Values without an interval.
std::vector<Estimate> without_intervals(std::span<const double> values);

/// The page as JSON: what a stage hands to the report as a series of its kind.
std::string json_of(const AnalysisPage& page);

/// The HTML page.
std::string html_of(const AnalysisPage& page);

}  // namespace saltus::runs
