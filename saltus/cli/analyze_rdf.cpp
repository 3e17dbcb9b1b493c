// saltus analyze rdf
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/rdf_report.hpp"

namespace saltus::cli {

namespace {

std::pair<int, int> element_pair(const std::string& text) {
  const auto dash = text.find('-');
  if (dash == std::string::npos)
    throw Error(ErrorKind::usage, fmt::format("'{}' is no pair of elements such as Li-Si", text));
  return {element_named(text.substr(0, dash)), element_named(text.substr(dash + 1))};
}

nlohmann::ordered_json list_of(std::span<const Estimate> estimates, double Estimate::*member) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Estimate& e : estimates) list.push_back(number_or_null(e.*member));
  return list;
}

AnalysisOutput output_of(const runs::RdfReport& report, const AnalysisOptions& options) {
  AnalysisOutput output;
  const std::string subject = fmt::format("{}: {}, {} frames", options.path, report.formula, report.frames);
  output.document = {{"input", options.path},   {"formula", report.formula}, {"frames", report.frames},
                     {"blocks", report.blocks}, {"r_ang", report.r_ang},     {"rdf", nlohmann::ordered_json::array()}};
  output.table.push_back({"r_ang", report.r_ang});
  runs::Chart g{
      "rdf",       "Radial distribution functions with 95 % bands.", "distance, Å", "g(r)", false, {}, std::nullopt,
      std::nullopt};
  runs::Chart coordination{
      "coordination", "Mean number of the second element within a distance of the first, with 95 % bands.",
      "distance, Å",  "coordination number",
      false,          {},
      std::nullopt,   std::nullopt};
  output.text = fmt::format("{}\n\n{:>8}", subject, "r, Å");
  for (const runs::PairRdf& pair : report.pairs) {
    const std::string name = fmt::format("{}-{}", symbol_of(pair.first), symbol_of(pair.second));
    nlohmann::ordered_json entry{{"pair", name}};
    for (const auto& [key, values] : {std::pair{"g", &pair.g}, std::pair{"coordination", &pair.coordination}}) {
      entry[key] = list_of(*values, &Estimate::value);
      entry[std::string("low_") + key] = list_of(*values, &Estimate::low);
      entry[std::string("high_") + key] = list_of(*values, &Estimate::high);
      add_columns(output.table, std::string(key) + "_" + name, *values);
    }
    output.document["rdf"].push_back(std::move(entry));
    g.curves.push_back({name, report.r_ang, pair.g});
    coordination.curves.push_back({name, report.r_ang, pair.coordination});
    output.text += fmt::format(" {:>10} {:>19} {:>9}", "g " + name, "95 %", "number");
  }
  output.text += "\n";
  for (std::size_t k = 0; k < report.r_ang.size(); ++k) {
    output.text += fmt::format("{:>8.3f}", report.r_ang[k]);
    for (const runs::PairRdf& pair : report.pairs)
      output.text += fmt::format(" {:>10.4f} {:>19} {:>9.4f}", pair.g[k].value, interval(pair.g[k], 4),
                                 pair.coordination[k].value);
    output.text += "\n";
  }
  output.page = {"rdf", "Radial distribution functions", subject, {}, {g, coordination}, {}, report.warnings};
  if (report.blocks == 0) output.page.warnings.push_back("no intervals: they need two frames or more");
  return output;
}

}  // namespace

std::function<AnalysisOutput()> set_up_rdf(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  struct RdfOptions {
    std::vector<std::string> pairs;
    RdfSettings settings;
  };
  const auto own = std::make_shared<RdfOptions>();
  kind.add_option("--pairs", own->pairs, "pairs of elements such as Li-Si (default: all)")->delimiter(',');
  kind.add_option("--range-ang", own->settings.largest_ang, "largest distance, Å; may exceed half the cell (default 8)")
      ->check(CLI::PositiveNumber);
  kind.add_option("--bin-ang", own->settings.bin_ang, "width of a bin, Å (default 0.05)")->check(CLI::PositiveNumber);
  kind.add_option("--volume-ang3", own->settings.volume_ang3,
                  "volume that atoms without a periodic cell fill, Å³; needed for those only (default: none)")
      ->check(CLI::PositiveNumber);
  kind.footer(
      "Periodic images are counted, an atom's own too. Isolated atoms have no density of their own: g(r) is then\n"
      "relative to the volume given; coordination numbers do not depend on it.\n"
      "Example:\n  saltus analyze rdf examples/li15si4/li15si4_900K.extxyz --pairs Li-Si,Si-Si");
  return [own, options] {
    RdfSettings settings = own->settings;
    for (const auto& pair : own->pairs) settings.pairs.push_back(element_pair(pair));
    return output_of(
        runs::analyze_rdf(options->input, settings, static_cast<std::size_t>(options->blocks), progress_line()),
        *options);
  };
}

}  // namespace saltus::cli
