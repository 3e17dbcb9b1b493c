#include "saltus/cli/analysis_output.hpp"

#include <algorithm>
#include <cmath>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/trajectory_options.hpp"

namespace saltus::cli {

using json = nlohmann::ordered_json;

namespace {

std::string csv_of(std::span<const Column> table) {
  std::string text;
  std::size_t rows = 0;
  for (const Column& column : table) {
    text += (text.empty() ? "" : ",") + column.name;
    rows = std::max(rows, column.value.size());
  }
  text += "\n";
  for (std::size_t k = 0; k < rows; ++k)
    for (std::size_t j = 0; j < table.size(); ++j) {
      const std::vector<double>& value = table[j].value;
      if (k < value.size() && std::isfinite(value[k])) text += fmt::format("{}", value[k]);
      text += j + 1 < table.size() ? "," : "\n";
    }
  return text;
}

}  // namespace

void add_output_options(CLI::App& kind, AnalysisOptions& options) {
  kind.add_flag("--json", options.json, "one JSON document instead of a table");
  kind.add_option("--csv", options.csv, "file for the curves, full precision")->type_name("FILE");
  kind.add_option("--page", options.page, "HTML file for the charts; needs no network")->type_name("FILE");
}

void add_analysis_options(CLI::App& kind, AnalysisOptions& options) {
  kind.add_option("TRAJ", options.path, "trajectory: a file or a folder of segments")->type_name("FILE")->required();
  kind.add_option("--atoms", options.input.atoms, "only these, e.g. 'molecule H2O' (default: all)")->type_name("SELECTION");
  kind.add_option("--every", options.input.every, "one frame in N (default 1)")->check(CLI::PositiveNumber);
  kind.add_option("--skip-fs", options.input.skip_fs, "leave out the beginning, fs (default 0)")
      ->check(CLI::NonNegativeNumber);
  kind.add_option("--time-step-fs", options.input.time_step_fs,
                  "time between frames of the file, fs (default: as the file says)")
      ->check(CLI::PositiveNumber);
  add_source_options(kind, options.input.read);
  kind.add_option("--blocks", options.blocks, "time blocks behind the 95 % intervals (default 10)")
      ->check(CLI::Range(2, 1000));
  add_output_options(kind, options);
}

void deliver(AnalysisOutput output, const AnalysisOptions& options) {
  for (const std::string& warning : output.page.warnings) print_warning(warning);
  if (!options.csv.empty()) write_file_atomically(options.csv, csv_of(output.table));
  if (!options.page.empty()) write_file_atomically(options.page, runs::html_of(output.page));
  if (options.json) {
    output.document["warnings"] = output.page.warnings;
    print_json(output.document);
  } else {
    fmt::print("{}", output.text);
  }
}

int element_named(const std::string& symbol) {
  const auto found = atomic_number_of(symbol);
  if (!found) throw Error(ErrorKind::usage, fmt::format("'{}' is no element", symbol));
  return *found;
}

void add_columns(std::vector<Column>& table, const std::string& name, std::span<const Estimate> estimates) {
  Column value{name, {}}, low{"low_" + name, {}}, high{"high_" + name, {}};
  for (const Estimate& e : estimates) {
    value.value.push_back(e.value);
    low.value.push_back(e.low);
    high.value.push_back(e.high);
  }
  for (Column* column : {&value, &low, &high}) table.push_back(std::move(*column));
}

json rows_of(std::span<const Column> table) {
  json rows = json::array();
  for (std::size_t k = 0; !table.empty() && k < table[0].value.size(); ++k) {
    json row;
    for (const Column& column : table) row[column.name] = number_or_null(column.value[k]);
    rows.push_back(std::move(row));
  }
  return rows;
}

json number_or_null(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json value_low_high(const Estimate& e) {
  return {{"value", e.value}, {"low", number_or_null(e.low)}, {"high", number_or_null(e.high)}};
}

std::string interval(const Estimate& e, int decimals) {
  return std::isfinite(e.low) && std::isfinite(e.high)
             ? fmt::format("{:.{}f} … {:.{}f}", e.low, decimals, e.high, decimals)
             : "";
}

}  // namespace saltus::cli
