// saltus analyze beads: averages of path-integral runs that differ in the number of beads P, and their limit y(P) = y + c/P² by weighted least squares.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/kinetics/distributions.hpp"
#include "saltus/kinetics/linear_trend.hpp"
#include "saltus/runs/estimate_json.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;

struct BeadsRun {
  std::string file, formula;
  double beads = 0;
  std::vector<NamedEstimate> estimates;
};

BeadsRun run_of(const std::string& path) {
  const std::filesystem::path file = std::filesystem::is_directory(path) ? std::filesystem::path(path) / "summary.json" : std::filesystem::path(path);
  const auto refuse = [&](const std::string& why) { throw Error(ErrorKind::format, fmt::format("{}: {}; expected the folder of a finished 'saltus pimd', or what its --json printed", file.string(), why)); };
  const Json json = Json::parse(read_file(file), nullptr, false);
  if (!json.is_object()) refuse("no JSON object");
  BeadsRun run{path, {}, 0, {}};
  try {
    run.formula = json.at("formula").get<std::string>();
    run.beads = json.at("beads").get<double>();
    for (const Json& e : json.at("estimates")) run.estimates.push_back(runs::estimate_from_json(e));
  } catch (const std::exception& error) {
    refuse(error.what());
  }
  if (!(run.beads >= 1)) refuse("the number of beads is not positive");
  return run;
}

const NamedEstimate* find(const BeadsRun& run, const std::string& name) {
  for (const NamedEstimate& e : run.estimates)
    if (e.name == name && e.estimate && e.has_interval && e.estimate->high > e.estimate->low) return &e;
  return nullptr;
}

/// Energies and spreads, as wholes and of species, without the parts of tensors.
bool is_compared(const std::string& name) {
  for (const char* part : {"_xx_", "_yy_", "_zz_", "_xy_", "_xz_", "_yz_"})
    if (name.find(part) != std::string::npos) return false;
  return name == "potential_energy" || name.starts_with("kinetic_energy_virial") || name.starts_with("gyration_radius");
}

std::string interval_text(const Estimate& e) { return fmt::format("{:.5g} (95 %: {:.5g} … {:.5g})", e.value, e.low, e.high); }

AnalysisOutput beads_output(const std::vector<std::string>& files) {
  std::vector<BeadsRun> list;
  for (const std::string& file : files) list.push_back(run_of(file));
  std::stable_sort(list.begin(), list.end(), [](const BeadsRun& a, const BeadsRun& b) { return a.beads < b.beads; });
  for (const BeadsRun& run : list)
    if (run.formula != list.front().formula)
      throw Error(ErrorKind::usage, fmt::format("{} has {}, {} has {}: only the number of beads may differ", list.front().file, list.front().formula, run.file, run.formula));
  if (list.front().beads == list.back().beads) throw Error(ErrorKind::usage, "runs of two numbers of beads or more are needed, three to see whether they lie on a line in 1/P²");
  std::vector<double> beads, x;
  for (const BeadsRun& run : list) {
    beads.push_back(run.beads);
    x.push_back(1 / (run.beads * run.beads));
  }

  AnalysisOutput output;
  output.table.push_back({"beads", beads});
  output.page = {"beads", "Averages and the number of beads", fmt::format("{}, {} runs", list.front().formula, list.size()), {}, {}, {}, {}};
  Json quantities = Json::array();
  output.text = fmt::format("{:<32} {:>6} {:>12} {:>26}  unit\n", "quantity", "beads", "value", "95 %");
  for (const NamedEstimate& named : list.back().estimates) {
    if (!is_compared(named.name)) continue;
    std::vector<Estimate> y;
    std::vector<double> value, error;
    for (const BeadsRun& run : list)
      if (const NamedEstimate* e = find(run, named.name)) {
        y.push_back(*e->estimate);
        value.push_back(e->estimate->value);
        error.push_back(0.5 * (e->estimate->high - e->estimate->low) / kinetics::normal_95);
      }
    if (y.size() < list.size()) continue;
    const kinetics::WeightedLine line = kinetics::weighted_line(x, value, error);
    const Estimate limit = kinetics::value_at(line, 0), slope = kinetics::slope_of(line);
    const Estimate missing{slope.value * x.back(), slope.low * x.back(), slope.high * x.back()};
    const std::string fit = line.degrees == 0 ? "two points" : fmt::format("χ² {:.3g} for {} degrees of freedom, p = {:.2g}", line.chi2, line.degrees, line.probability);
    Json points = Json::array();
    for (std::size_t k = 0; k < y.size(); ++k) {
      output.text += fmt::format("{:<32} {:>6g} {:>12.5g} {:>12.5g} … {:>11.5g}  {}\n", k ? "" : named.name, beads[k], y[k].value, y[k].low, y[k].high, named.unit);
      Json point = value_low_high(y[k]);
      point["beads"] = beads[k];
      points.push_back(std::move(point));
    }
    output.text += fmt::format("{:<32} {:>6} {:>12.5g} {:>12.5g} … {:>11.5g}  {}\n", "", "∞", limit.value, limit.low, limit.high, fit);
    output.page.sentences.push_back(fmt::format("{}: {:g} beads differ from the limit {} {} by {}; {}.", named.name, beads.back(), interval_text(limit), named.unit, interval_text(missing), fit));
    quantities.push_back({{"quantity", named.name}, {"unit", named.unit}, {"points", points}, {"limit", value_low_high(limit)}, {"largest_less_limit", value_low_high(missing)},
                          {"chi2", line.chi2}, {"chi2_degrees", line.degrees}, {"chi2_probability", line.probability}});
    add_columns(output.table, named.unit.empty() ? named.name : named.name + "_" + named.unit, y);
    output.page.estimates.push_back({named.name + "_limit", limit, true, named.unit, fit});
    output.page.estimates.push_back({named.name + "_largest_less_limit", missing, true, named.unit, fmt::format("of {:g} beads", beads.back())});
    runs::ChartCurve dots{"runs", x, y, true}, law{"line", {}, {}};
    for (int k = 0; k <= 50; ++k) {
      law.x.push_back(x.front() * k / 50);
      law.y.push_back(kinetics::value_at(line, law.x.back()));
    }
    output.page.charts.push_back({"beads_" + named.name, named.name + " with 95 % intervals, and the line in 1/P² with its 95 % band.", "1/P²", named.unit, false, {law, dots}, std::nullopt, std::nullopt});
    if (line.scattered)
      output.page.warnings.push_back(fmt::format("{}: the runs do not lie on a line in 1/P² ({}): leave out the fewest beads; the interval of the limit is widened", named.name, fit));
  }
  if (quantities.empty()) throw Error(ErrorKind::usage, "the runs have no estimate with an interval in common: they are too short");
  output.text += "\n" + fmt::format("{}\n", fmt::join(output.page.sentences, "\n"));
  output.document = {{"formula", list.front().formula}, {"quantities", quantities}};
  return output;
}

}  // namespace

std::function<AnalysisOutput()> set_up_beads(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  const auto files = std::make_shared<std::vector<std::string>>();
  kind.add_option("RUN", *files, "folders of 'saltus pimd --out', or what it printed with --json")->type_name("FILE")->required();
  kind.footer(
      "Kinetic and potential energies and spreads over 1/P², P the number of beads, of runs that differ in nothing else; the line\n"
      "y(P) = y + c/P², weighted with the intervals, gives the limit of many beads and what the largest P is off by. It holds where\n"
      "P is well above ħw/kBT of the highest frequency: χ² tells. Not for fourth-order factorisations or piglet.\n\nExample:\n"
      "  saltus analyze beads examples/path_integrals/oscillator_16.json \\\n"
      "    examples/path_integrals/oscillator_32.json examples/path_integrals/oscillator_64.json");
  return [files, options] {
    for (const std::string& out : {options->csv, options->page})
      for (const std::string& file : *files)
        if (!out.empty()) refuse_overwriting(file, out);
    return beads_output(*files);
  };
}

}  // namespace saltus::cli
