// saltus analyze hbonds
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/units.hpp"
#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/hydrogen_bond_report.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string cell(const Estimate& e, int decimals) {
  return fmt::format("{:>10} {:>22}", std::isfinite(e.value) ? fmt::format("{:.{}f}", e.value, decimals) : "", interval(e, decimals));
}

Json json_of(const runs::BondLifetime& lifetime) {
  Json object{{"lifetime_fs", lifetime.lifetime_fs ? value_low_high(*lifetime.lifetime_fs) : Json(nullptr)}};
  if (!lifetime.note.empty()) object["note"] = lifetime.note;
  return object;
}

AnalysisOutput output_of(const runs::HydrogenBondReport& report, const HydrogenBondSettings& settings, const AnalysisOptions& options) {
  AnalysisOutput output;
  const std::string subject = fmt::format("{}: {}, {}, {} donors and acceptors", options.path, report.formula,
                                          report.beads > 0 ? fmt::format("{} steps of {} beads", report.steps, report.beads) : fmt::format("{} frames", report.steps), report.heavy_atoms);
  output.document = {{"input", options.path}, {"formula", report.formula}, {"frames", report.frames}, {"steps", report.steps}, {"beads", report.beads},
                     {"blocks", report.blocks}, {"largest_distance_ang", settings.largest_ang}, {"largest_angle_degrees", settings.largest_angle_degrees},
                     {"bonds", value_low_high(report.bonds)}, {"bonds_per_atom", value_low_high(report.bonds_per_atom)},
                     {"donor_acceptor_ang", value_low_high(report.distance_ang)}, {"angle_degrees", value_low_high(report.angle_degrees)}};
  output.document["kinds"] = Json::array();
  output.text = fmt::format("{}\n\n{:<32} {:>10} {:>22}\n", subject, "", "mean", "95 %");
  output.text += fmt::format("{:<32} {}\n", "bonds in a frame", cell(report.bonds, 3));
  for (const runs::BondedElements& pair : report.elements) {
    output.text += fmt::format("{:<32} {}\n", "  " + pair.name, cell(pair.bonds, 3));
    output.document["kinds"].push_back({{"name", pair.name}, {"bonds", value_low_high(pair.bonds)}});
  }
  output.text += fmt::format("{:<32} {}\n", "bonds of a donor or acceptor", cell(report.bonds_per_atom, 3));
  output.text += fmt::format("{:<32} {}\n", "distance D...A, Å", cell(report.distance_ang, 4));
  output.text += fmt::format("{:<32} {}\n", "angle H-D...A, degrees", cell(report.angle_degrees, 2));
  std::vector<std::string> sentences;
  for (const auto& [name, key, lifetime] : {std::tuple{"continuous", "continuous", &report.continuous}, {"intermittent", "intermittent", &report.intermittent}}) {
    if (report.lag_fs.empty()) continue;
    output.document[key] = json_of(*lifetime);
    if (lifetime->lifetime_fs) output.text += fmt::format("{:<32} {}\n", fmt::format("{} lifetime, fs", name), cell(*lifetime->lifetime_fs, 2));
    else output.text += fmt::format("{:<32} {}\n", fmt::format("{} lifetime", name), lifetime->note);
    if (!lifetime->note.empty()) sentences.push_back(fmt::format("The {} lifetime is {}.", name, lifetime->note));
  }
  output.text += fmt::format("\n{:<32} {:>10} {:>22}\n", "bonds of a donor or acceptor", "fraction", "95 %");
  output.document["fraction_with_bonds"] = Json::array();
  for (std::size_t n = 0; n < report.fraction_with.size(); ++n) {
    const bool or_more = n + 1 == report.fraction_with.size();
    output.document["fraction_with_bonds"].push_back({{"bonds", n}, {"or_more", or_more}, {"fraction", value_low_high(report.fraction_with[n])}});
    if (report.fraction_with[n].value > 0) output.text += fmt::format("{:<32} {}\n", fmt::format("  {}{}", n, or_more ? " or more" : ""), cell(report.fraction_with[n], 4));
  }
  output.document["atoms"] = Json::array();
  for (const runs::BondedAtom& atom : report.atoms)
    output.document["atoms"].push_back({{"name", atom.name}, {"atom", atom.atom + 1}, {"donated", value_low_high(atom.donated)}, {"accepted", value_low_high(atom.accepted)}});
  std::vector<Column> distances{{"donor_acceptor_ang", report.distance_bin_ang}}, angles{{"angle_degrees", report.angle_bin_degrees}}, lags{{"lag_fs", report.lag_fs}};
  add_columns(distances, "density_per_ang", report.distance_per_ang);
  add_columns(angles, "density_per_degree", report.angle_per_degree);
  add_columns(lags, "continuous", report.continuous.correlation);
  add_columns(lags, "intermittent", report.intermittent.correlation);
  output.document["distances"] = rows_of(distances);
  output.document["angles"] = rows_of(angles);
  output.document["correlations"] = rows_of(lags);
  for (std::vector<Column>* table : {&distances, &angles, &lags})
    for (Column& column : *table) output.table.push_back(std::move(column));
  for (Column& column : output.table)
    if (column.name == "density_per_ang" || column.name == "density_per_degree") column.name = column.name == "density_per_ang" ? "distance_density_per_ang" : "angle_density_per_degree";
  output.page = {"hbonds", "Hydrogen bonds", subject, sentences, {}, {}, report.warnings};
  std::vector<double> number;
  for (std::size_t n = 0; n < report.fraction_with.size(); ++n) number.push_back(static_cast<double>(n));
  output.page.charts = {
      {"bonds_of_atoms", "Fraction of donors and acceptors with a number of bonds, donated and accepted.", "bonds", "fraction", false, {{"all", number, report.fraction_with, true}}, std::nullopt, std::nullopt},
      {"distances", "Distribution of the distance of donor and acceptor, with its 95 % band.", "R, Å", "density, 1/Å", false, {{"bonds", report.distance_bin_ang, report.distance_per_ang}}, std::nullopt,
       std::pair{2.0, settings.largest_ang}},
      {"angles", "Distribution of the angle H–D…A, with its 95 % band.", "angle, degrees", "density, 1/degree", false, {{"bonds", report.angle_bin_degrees, report.angle_per_degree}}, std::nullopt, std::nullopt}};
  if (!report.lag_fs.empty()) {
    std::vector<double> lag_ps;
    for (const double lag : report.lag_fs) lag_ps.push_back(lag / units::fs_per_ps);
    output.page.charts.push_back({"lifetimes", "Correlation of a bond with itself, with 95 % bands: unbroken since time zero (continuous), or there again (intermittent).", "lag, ps", "correlation", false,
                                  {{"continuous", lag_ps, report.continuous.correlation}, {"intermittent", lag_ps, report.intermittent.correlation}}, std::nullopt, std::nullopt});
  }
  const auto add = [&](const char* name, const Estimate& e, const char* unit) {
    output.page.estimates.push_back({name, e, std::isfinite(e.low), unit, std::isfinite(e.low) ? "" : "no blocks"});
  };
  add("hydrogen_bonds", report.bonds, "");
  add("hydrogen_bonds_per_atom", report.bonds_per_atom, "");
  add("donor_acceptor_distance", report.distance_ang, "ang");
  return output;
}

}  // namespace

std::function<AnalysisOutput()> set_up_hbonds(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  struct HydrogenBondOptions {
    HydrogenBondSettings settings;
    std::vector<std::string> elements;
  };
  const auto own = std::make_shared<HydrogenBondOptions>();
  kind.add_option("--donor-elements", own->elements, "elements of donors and acceptors (default O,N)")->delimiter(',');
  kind.add_option("--largest-distance-ang", own->settings.largest_ang, "largest distance of D and A, Å (default 3.5)")->check(CLI::PositiveNumber);
  kind.add_option("--largest-angle-degrees", own->settings.largest_angle_degrees, "largest angle H-D...A, degrees (default 30)")->check(CLI::PositiveNumber);
  kind.footer(
      "A hydrogen belongs to the heavy atom nearest to it. Lifetimes are integrals of the correlation of a bond with itself:\n"
      "unbroken (continuous), or there again (intermittent); lags reach half a time block; not of beads.\n"
      "Example:\n  saltus analyze hbonds examples/short_hydrogen_bond/data/zundel_300K.extxyz");
  return [own, options] {
    HydrogenBondSettings settings = own->settings;
    if (!own->elements.empty()) {
      settings.elements.clear();
      for (const std::string& symbol : own->elements) settings.elements.push_back(element_named(symbol));
    }
    return output_of(runs::analyze_hydrogen_bonds(options->input, settings, static_cast<std::size_t>(options->blocks), progress_line()), settings, *options);
  };
}

}  // namespace saltus::cli
