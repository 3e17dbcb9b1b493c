// saltus analyze temperature
#include <cmath>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/units.hpp"
#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/estimate_json.hpp"
#include "saltus/runs/temperature_report.hpp"

namespace saltus::cli {

namespace {

std::vector<Column> columns_of(const runs::TemperatureReport& report) {
  std::vector<Column> table{{"time_fs", {}}, {"temperature_kelvin", {}}};
  for (const std::string& element : report.elements) table.push_back({"temperature_" + element + "_kelvin", {}});
  if (report.has_energy)
    for (const char* energy : {"potential_energy_ev", "total_energy_ev"}) table.push_back({energy, {}});
  for (const char* axis : {"x", "y", "z"}) table.push_back({fmt::format("centre_of_mass_{}_ang", axis), {}});
  if (report.has_framework)
    for (const char* axis : {"x", "y", "z"}) table.push_back({fmt::format("framework_{}_ang", axis), {}});
  for (const runs::TemperaturePoint& point : report.series) {
    std::vector<double> row{point.time_fs, point.temperature_kelvin};
    row.insert(row.end(), point.element_kelvin.begin(), point.element_kelvin.end());
    if (report.has_energy) row.insert(row.end(), {*point.potential_ev, *point.total_ev});
    row.insert(row.end(), {point.centre_ang.x, point.centre_ang.y, point.centre_ang.z});
    if (report.has_framework)
      row.insert(row.end(), {point.framework_ang.x, point.framework_ang.y, point.framework_ang.z});
    for (std::size_t k = 0; k < row.size(); ++k) table[k].value.push_back(row[k]);
  }
  return table;
}

std::vector<runs::Chart> charts_of(const runs::TemperatureReport& report, const std::vector<Column>& table) {
  std::vector<double> time_ps;
  for (const double time_fs : table[0].value) time_ps.push_back(time_fs / units::fs_per_ps);
  const auto column = [&](const std::string& name) {
    for (const Column& c : table)
      if (c.name == name) return c.value;
    return std::vector<double>{};
  };
  // The level of the whole with its interval, under the values over time.
  const NamedEstimate& mean = report.estimates.at(0);
  runs::ChartCurve level{"mean", {time_ps.front(), time_ps.back()}, {*mean.estimate, *mean.estimate}};
  if (!mean.has_interval) level.y = runs::without_intervals(std::vector<double>(2, mean.estimate->value));
  runs::Chart temperature{"temperature", "Kinetic temperature over time, and its mean with the 95 % band.",
                          "time, ps",    "temperature, K",
                          false,         {level, {"all atoms", time_ps, runs::without_intervals(table[1].value)}},
                          std::nullopt,  std::nullopt};
  if (report.elements.size() > 1)
    for (const std::string& element : report.elements)
      temperature.curves.push_back(
          {element, time_ps, runs::without_intervals(column("temperature_" + element + "_kelvin"))});
  std::vector<runs::Chart> charts{temperature};
  if (report.has_energy) {
    runs::Chart energy{
        "energy",    "Energies over time, less their first values.", "time, ps", "energy, eV", false, {}, std::nullopt,
        std::nullopt};
    for (const auto& [name, key] :
         {std::pair{"potential", "potential_energy_ev"}, std::pair{"potential and kinetic", "total_energy_ev"}}) {
      std::vector<double> values = column(key);
      const double start = values.front();
      for (double& value : values) value -= start;
      energy.curves.push_back({name, time_ps, runs::without_intervals(values)});
    }
    charts.push_back(std::move(energy));
  }
  if (!report.has_displacements) return charts;
  const auto add_displacement = [&](const std::string& word, const std::string& key) {
    runs::Chart chart{key,          fmt::format("Displacement of the {} since the first frame.", word),
                      "time, ps",   "displacement, Å",
                      false,        {},
                      std::nullopt, std::nullopt};
    for (const char* axis : {"x", "y", "z"})
      chart.curves.push_back({axis, time_ps, runs::without_intervals(column(fmt::format("{}_{}_ang", key, axis)))});
    charts.push_back(std::move(chart));
  };
  add_displacement("centre of mass", "centre_of_mass");
  if (report.has_framework) add_displacement("framework", "framework");
  return charts;
}

AnalysisOutput output_of(const runs::TemperatureReport& report, const AnalysisOptions& options) {
  AnalysisOutput output;
  const std::string subject = fmt::format("{}: {}, {} frames over {:.6g} ps", options.path, report.formula,
                                          report.frames, report.length_fs / units::fs_per_ps);
  output.table = columns_of(report);
  output.document = {{"input", options.path},
                     {"formula", report.formula},
                     {"frames", report.frames},
                     {"length_fs", report.length_fs},
                     {"blocks", report.blocks},
                     {"block_fs", report.block_fs},
                     {"degrees_of_freedom", report.degrees_of_freedom},
                     {"independent_values", report.independent_values},
                     {"verdict", report.verdict},
                     {"estimates", nlohmann::ordered_json::array()},
                     {"frames_per_point", report.frames_per_point},
                     {"series", rows_of(output.table)}};
  output.text = fmt::format("{}\n\n{:<28} {:>12} {:>28}  {}\n", subject, "", "value", "95 %", "unit");
  for (const NamedEstimate& named : report.estimates) {
    output.document["estimates"].push_back(runs::to_json(named));
    const auto& e = named.estimate;
    output.text +=
        fmt::format("{:<28} {:>12} {:>28}  {}\n", named.name, e ? fmt::format("{:.5g}", e->value) : "undetermined",
                    e && named.has_interval ? fmt::format("{:.5g} … {:.5g}", e->low, e->high) : "", named.unit);
  }
  output.text += "\n";
  for (const std::string& sentence : report.verdict) output.text += sentence + "\n";
  output.page = {"temperature",    "Temperature and drifts", subject, report.verdict, charts_of(report, output.table),
                 report.estimates, report.warnings};
  return output;
}

}  // namespace

std::function<AnalysisOutput()> set_up_temperature(CLI::App& kind,
                                                   const std::shared_ptr<const AnalysisOptions>& options) {
  struct TemperatureOptions {
    std::string framework;
    double degrees_of_freedom = 0;
  };
  const auto own = std::make_shared<TemperatureOptions>();
  kind.add_option("--framework", own->framework, "element whose drift is followed too (default: none)");
  kind.add_option("--degrees-of-freedom", own->degrees_of_freedom,
                  "of all atoms (default 3N − 3: the total momentum is fixed)")
      ->check(CLI::PositiveNumber);
  kind.footer(
      "From the velocities of the frames. Slopes are straight lines through the means of the time blocks.\n"
      "Example:\n  saltus analyze temperature examples/li15si4/li15si4_900K.extxyz --framework Si");
  return [own, options] {
    runs::TemperatureSettings settings;
    if (!own->framework.empty()) settings.framework = element_named(own->framework);
    if (own->degrees_of_freedom > 0) settings.degrees_of_freedom = own->degrees_of_freedom;
    settings.blocks = static_cast<std::size_t>(options->blocks);
    return output_of(runs::analyze_temperature(options->input, settings, progress_line()), *options);
  };
}

}  // namespace saltus::cli
