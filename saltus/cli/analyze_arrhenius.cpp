// saltus analyze arrhenius, saltus analyze finite-size: lines through D of several runs.
#include <algorithm>
#include <cmath>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/kinetics/arrhenius.hpp"
#include "saltus/kinetics/finite_size.hpp"
#include "saltus/runs/diffusion_results.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;

struct ResultOptions {
  std::vector<std::string> files;
  std::string quantity;
  std::vector<double> abscissa;    // temperatures or sizes that replace those of the files
  std::vector<double> at_kelvin;
  std::string by = "atoms";
};

void add_result_options(CLI::App& kind, ResultOptions& options) {
  kind.add_option("RESULT", options.files, "what 'saltus analyze msd … --json' printed, one file per run")->type_name("FILE")->required();
  kind.add_option("--quantity", options.quantity,
                  "key of D, as collective_diffusion_ang2_per_ps of haven, or an estimate of 'saltus report --json', as\n"
                  "diffusion_msm (default diffusion_ang2_per_ps, else mean_diffusion_ang2_per_ps, else diffusion_msd)");
}

std::vector<runs::DiffusionResult> results_of(const ResultOptions& own, const AnalysisOptions& options, const char* option) {
  for (const std::string& out : {options.csv, options.page})
    for (const std::string& file : own.files)
      if (!out.empty()) refuse_overwriting(file, out);
  if (!own.abscissa.empty() && own.abscissa.size() != own.files.size())
    throw Error(ErrorKind::usage, fmt::format("{}: {} values for {} results", option, own.abscissa.size(), own.files.size()));
  std::vector<runs::DiffusionResult> results;
  for (const std::string& file : own.files) results.push_back(runs::read_diffusion_result(file, own.quantity));
  return results;
}

/// "fits a line: chi² = 1.2 for 3 degrees of freedom (p = 0.75)", …
std::string verdict_of(const kinetics::WeightedLine& line) {
  if (line.degrees == 0) return "Two points: nothing tells whether they lie on a line; the intervals come from the errors given alone.";
  const std::string numbers = fmt::format("χ² = {:.3g} for {} degree{} of freedom, p = {:.2g}", line.chi2, line.degrees, line.degrees == 1 ? "" : "s", line.probability);
  return line.scattered ? "The points do not lie on one line within their errors (" + numbers + "); the intervals are widened to their scatter."
                        : "The points lie on a line within their errors (" + numbers + ").";
}

Json line_json(const kinetics::WeightedLine& line) {
  return {{"chi2", line.chi2}, {"chi2_degrees", line.degrees}, {"chi2_probability", line.probability}, {"scattered", line.scattered}};
}

std::string interval_text(const Estimate& e) { return fmt::format("{:.4g} (95 %: {:.4g} … {:.4g})", e.value, e.low, e.high); }

Estimate log10_of(const Estimate& e) {
  return {std::log10(e.value), e.low > 0 ? std::log10(e.low) : std::numeric_limits<double>::quiet_NaN(), std::log10(e.high)};
}

AnalysisOutput arrhenius_output(std::vector<runs::DiffusionResult> results, const ResultOptions& own) {
  std::vector<kinetics::ArrheniusPoint> points;
  for (std::size_t k = 0; k < results.size(); ++k) {
    if (!own.abscissa.empty()) results[k].temperature_kelvin = own.abscissa[k];
    if (!results[k].temperature_kelvin)
      throw Error(ErrorKind::usage, results[k].file + ": temperature_kelvin is missing; give --temperature-kelvin to 'saltus analyze msd', or --temperatures-kelvin here");
    points.push_back({*results[k].temperature_kelvin, results[k].diffusion_ang2_per_ps});
  }
  const kinetics::ArrheniusFit fit = kinetics::fit_arrhenius(points);

  AnalysisOutput output;
  std::vector<double> temperature;
  std::vector<Estimate> d, line;
  Json rows = Json::array();
  output.text = fmt::format("{:>10} {:>12} {:>26} {:>12}  result\n", "T, K", "D, Å²/ps", "95 %", "line, Å²/ps");
  for (std::size_t k = 0; k < points.size(); ++k) {
    temperature.push_back(points[k].temperature_kelvin);
    d.push_back(points[k].diffusion);
    line.push_back(kinetics::diffusion_at(fit, temperature[k]));
    output.text += fmt::format("{:>10.5g} {:>12.4g} {:>12.4g} … {:>11.4g} {:>12.4g}  {}\n", temperature[k], d[k].value, d[k].low, d[k].high, line[k].value,
                               printable(results[k].file));
    rows.push_back({{"result", results[k].file}, {"temperature_kelvin", temperature[k]}, {"diffusion_ang2_per_ps", value_low_high(d[k])},
                    {"line_ang2_per_ps", value_low_high(line[k])}});
  }
  std::vector<std::string> sentences{"Activation energy " + fmt::format("{:.4f} eV (95 %: {:.4f} … {:.4f})", fit.activation_energy_ev.value,
                                                                       fit.activation_energy_ev.low, fit.activation_energy_ev.high) + ".",
                                     "Prefactor " + interval_text(fit.prefactor) + " Å²/ps.", verdict_of(fit.line)};
  Json at = Json::array();
  std::vector<NamedEstimate> estimates{{"activation_energy", fit.activation_energy_ev, true, "ev", ""}, {"prefactor", fit.prefactor, true, "ang2_per_ps", ""}};
  for (const double kelvin : own.at_kelvin) {
    const Estimate e = kinetics::diffusion_at(fit, kelvin);
    const bool outside = kelvin < fit.lowest_kelvin || kelvin > fit.highest_kelvin;
    const std::string note = outside ? fmt::format("an extrapolation from {:.5g} … {:.5g} K: the interval takes for granted that ions move in the same way there",
                                                   fit.lowest_kelvin, fit.highest_kelvin)
                                     : "";
    sentences.push_back(fmt::format("D at {:.5g} K: {} Å²/ps{}.", kelvin, interval_text(e), outside ? ", " + note : ""));
    at.push_back({{"temperature_kelvin", kelvin}, {"diffusion_ang2_per_ps", value_low_high(e)}, {"extrapolated", outside}, {"note", note}});
    estimates.push_back({fmt::format("diffusion_{:.6g}_kelvin", kelvin), e, true, "ang2_per_ps", note});
  }
  output.text += "\n" + fmt::format("{}\n", fmt::join(sentences, "\n"));
  output.document = {{"results", rows},
                     {"activation_energy_ev", value_low_high(fit.activation_energy_ev)},
                     {"prefactor_ang2_per_ps", value_low_high(fit.prefactor)},
                     {"line", line_json(fit.line)},
                     {"at", at}};
  output.table.push_back({"temperature_kelvin", temperature});
  add_columns(output.table, "diffusion_ang2_per_ps", d);
  add_columns(output.table, "line_ang2_per_ps", line);

  runs::ChartCurve dots{"results", {}, {}, true}, law{"Arrhenius law", {}, {}};
  for (std::size_t k = 0; k < points.size(); ++k) {
    dots.x.push_back(1000 / temperature[k]);
    dots.y.push_back(log10_of(d[k]));
  }
  double hot = fit.highest_kelvin, cold = fit.lowest_kelvin;
  for (const double kelvin : own.at_kelvin) {
    hot = std::max(hot, kelvin);
    cold = std::min(cold, kelvin);
  }
  for (int k = 0; k <= 100; ++k) {
    const double x = 1000 / hot + (1000 / cold - 1000 / hot) * k / 100;
    law.x.push_back(x);
    law.y.push_back(log10_of(kinetics::diffusion_at(fit, 1000 / x)));
  }
  output.page = {"arrhenius", "Diffusion and temperature", fmt::format("{} results, {:.5g} … {:.5g} K", points.size(), fit.lowest_kelvin, fit.highest_kelvin), sentences,
                 {{"arrhenius", "Diffusion coefficients with 95 % intervals, and the line through them with its 95 % band.", "1000 K / T", "log₁₀ D, Å²/ps", false,
                   {law, dots}, std::nullopt, std::nullopt}},
                 estimates, {}};
  if (fit.line.scattered) output.page.warnings.push_back("the results do not lie on one line within their errors: more than one mechanism, or errors given too small");
  return output;
}

AnalysisOutput finite_size_output(const std::vector<runs::DiffusionResult>& results, const ResultOptions& own) {
  const bool by_length = own.by == "length";
  const std::string unit = by_length ? "cell_length_ang" : "atoms";
  std::vector<kinetics::SizePoint> points;
  for (std::size_t k = 0; k < results.size(); ++k) {
    const auto there = by_length ? results[k].cell_length_ang : results[k].atoms;
    if (own.abscissa.empty() && !there) throw Error(ErrorKind::usage, results[k].file + ": " + unit + " is missing; give --sizes");
    points.push_back({own.abscissa.empty() ? *there : own.abscissa[k], results[k].diffusion_ang2_per_ps});
  }
  const kinetics::SizeFit fit = kinetics::fit_finite_size(points);

  AnalysisOutput output;
  std::vector<double> size;
  std::vector<Estimate> d, line;
  Json rows = Json::array();
  output.text = fmt::format("{:>12} {:>12} {:>26} {:>12}  result\n", by_length ? "length, Å" : "atoms", "D, Å²/ps", "95 %", "line, Å²/ps");
  for (std::size_t k = 0; k < points.size(); ++k) {
    size.push_back(points[k].size);
    d.push_back(points[k].diffusion);
    line.push_back(kinetics::value_at(fit.line, 1 / size[k]));
    output.text += fmt::format("{:>12.6g} {:>12.4g} {:>12.4g} … {:>11.4g} {:>12.4g}  {}\n", size[k], d[k].value, d[k].low, d[k].high, line[k].value,
                               printable(results[k].file));
    rows.push_back({{"result", results[k].file}, {unit, size[k]}, {"diffusion_ang2_per_ps", value_low_high(d[k])}, {"line_ang2_per_ps", value_low_high(line[k])}});
  }
  std::vector<std::string> sentences{
      "D of the infinite cell " + interval_text(fit.bulk) + " Å²/ps.",
      fit.resolved ? "D changes with the size of the cell: " + interval_text(fit.slope) + (by_length ? " Å³/ps over the length." : " Å²/ps over the number of atoms.")
                   : std::string("No change of D with the size of the cell is seen within the errors."),
      verdict_of(fit.line)};
  output.text += "\n" + fmt::format("{}\n", fmt::join(sentences, "\n"));
  output.document = {{"results", rows}, {"infinite_diffusion_ang2_per_ps", value_low_high(fit.bulk)}, {by_length ? "slope_ang3_per_ps" : "slope_ang2_per_ps", value_low_high(fit.slope)},
                     {"size_matters", fit.resolved}, {"line", line_json(fit.line)}};
  output.table.push_back({unit, size});
  add_columns(output.table, "diffusion_ang2_per_ps", d);
  add_columns(output.table, "line_ang2_per_ps", line);
  runs::ChartCurve dots{"results", {}, d, true}, law{"line", {}, {}};
  for (const double s : size) dots.x.push_back(1 / s);
  const double end = *std::max_element(dots.x.begin(), dots.x.end());
  for (int k = 0; k <= 50; ++k) {
    law.x.push_back(end * k / 50);
    law.y.push_back(kinetics::value_at(fit.line, law.x.back()));
  }
  output.page = {"finite_size", "Diffusion and size of the cell", fmt::format("{} results", points.size()), sentences,
                 {{"finite_size", "Diffusion coefficients with 95 % intervals, and the line through them with its 95 % band.", by_length ? "1/length, 1/Å" : "1/atoms",
                   "D, Å²/ps", false, {law, dots}, std::nullopt, std::nullopt}},
                 {{"diffusion_infinite", fit.bulk, true, "ang2_per_ps", ""}}, {}};
  if (fit.line.scattered) output.page.warnings.push_back("the results do not lie on one line within their errors: cells that do not suit the motion, or errors given too small");
  return output;
}

}  // namespace

std::function<AnalysisOutput()> set_up_arrhenius(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  const auto own = std::make_shared<ResultOptions>();
  add_result_options(kind, *own);
  kind.add_option("--temperatures-kelvin", own->abscissa, "of the results, in their order, K (default: as they say)")->delimiter(',')->check(CLI::PositiveNumber);
  kind.add_option("--at-kelvin", own->at_kelvin, "temperatures at which to give D, K (default: none)")->delimiter(',')->check(CLI::PositiveNumber);
  kind.footer(
      "ln D = ln D0 − Ea/kT, weighted with the intervals, which must be independent: separate runs. A result is a JSON object\n"
      "  {\"diffusion_ang2_per_ps\": {\"value\": …, \"low\": …, \"high\": …}, \"temperature_kelvin\": …}\n"
      "low and high at 95 %. With two temperatures the interval rests on the errors given; with more, on their scatter where\n"
      "that is larger than the errors allow.\n\nExample:\n"
      "  saltus analyze arrhenius examples/transport/600K.json examples/transport/750K.json \\\n"
      "    examples/transport/900K.json --at-kelvin 300");
  return [own, options] { return arrhenius_output(results_of(*own, *options, "--temperatures-kelvin"), *own); };
}

std::function<AnalysisOutput()> set_up_finite_size(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  const auto own = std::make_shared<ResultOptions>();
  add_result_options(kind, *own);
  kind.add_option("--by", own->by, "what D is taken to go with the inverse of: number of atoms, or length of the cell (default atoms)")
      ->check(CLI::IsMember({"atoms", "length"}));
  kind.add_option("--sizes", own->abscissa, "of the results, in their order (default: as they say)")->delimiter(',')->check(CLI::PositiveNumber);
  kind.footer(
      "For solids: a line in 1/size, weighted with the intervals. The hydrodynamic correction of liquids is not applied. Cells must\n"
      "suit the motion: as many as its length, for one.\n\nExample:\n"
      "  saltus analyze finite-size examples/transport/900K.json examples/transport/900K_large.json");
  return [own, options] { return finite_size_output(results_of(*own, *options, "--sizes"), *own); };
}

}  // namespace saltus::cli
