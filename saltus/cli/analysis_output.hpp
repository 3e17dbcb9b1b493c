// What an analysis hands over, in all the forms in which it can be asked for: a table for people, JSON, CSV, a page.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "saltus/base/estimate.hpp"
#include "saltus/runs/analysis_page.hpp"
#include "saltus/runs/trajectory_source.hpp"

namespace CLI {
class App;
}

namespace saltus::cli {

/// What every kind of analysis is told.
struct AnalysisOptions {
  std::string path;
  runs::TrajectoryInput input;
  bool json = false;
  std::string csv, page;  ///< files to write; empty: none
  int blocks = 10;        ///< time blocks behind the intervals
};

/// A column of the CSV file; its name ends in its unit. What is not a number is left empty.
struct Column {
  std::string name;
  std::vector<double> value;
};

struct AnalysisOutput {
  std::string text;                 ///< for people; ends with a line break
  nlohmann::ordered_json document;  ///< --json; "warnings" is added from the page
  std::vector<Column> table;        ///< --csv
  runs::AnalysisPage page;          ///< --page; its warnings are also shown on stderr
};

/// Adds --json, --csv and --page.
void add_output_options(CLI::App& kind, AnalysisOptions& options);

/// Adds TRAJ and the options of AnalysisOptions.
void add_analysis_options(CLI::App& kind, AnalysisOptions& options);

/// Writes the files that are asked for, then prints.
void deliver(AnalysisOutput output, const AnalysisOptions& options);

/// Throws Error{usage} when `symbol` is no element.
int element_named(const std::string& symbol);

/// Three columns: the value, then low_… and high_… of the same name.
void add_columns(std::vector<Column>& table, const std::string& name, std::span<const Estimate> estimates);

/// The rows of columns of equal length as JSON objects; null for what is not a number.
nlohmann::ordered_json rows_of(std::span<const Column> table);

nlohmann::ordered_json number_or_null(double value);
/// {"value", "low", "high"}
nlohmann::ordered_json value_low_high(const Estimate& estimate);

/// "low … high", or nothing where there is no interval.
std::string interval(const Estimate& estimate, int decimals);

}  // namespace saltus::cli
