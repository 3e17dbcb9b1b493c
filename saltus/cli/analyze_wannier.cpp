// saltus analyze wannier
#include <algorithm>
#include <cmath>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/files.hpp"
#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/wannier_options.hpp"
#include "saltus/runs/wannier_report.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;

struct OwnOptions : WannierOptions {
  runs::WannierSettings settings;
  std::string records, out;
};

std::string ends(const Estimate& e, int decimals) {
  return std::isfinite(e.value) ? fmt::format("{:>10.{}f} {:>22}", e.value, decimals, interval(e, decimals)) : "undetermined";
}

// One line per hydrogen bond and frame; atoms from 1.
std::string records_text(const runs::WannierReport& report) {
  std::string text = "step,bead,time_fs,donor,hydrogen,acceptor,nu_ang,lambda_ang,donor_acceptor_ang,donor_centre_ang,acceptor_centre_ang\n";
  for (const runs::SharingRecord& r : report.records) {
    const ProtonBond& bond = report.bonds[r.bond].atoms;
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", r.step, r.bead ? fmt::format("{}", *r.bead) : "", r.time_fs ? fmt::format("{}", *r.time_fs) : "", bond.donor + 1, bond.hydrogen + 1,
                        bond.acceptor + 1, r.sharing.nu_ang, r.sharing.lambda_ang(), r.sharing.donor_acceptor_ang, r.sharing.donor_centre_ang, r.sharing.acceptor_centre_ang);
  }
  return text;
}

Json bond_json(const runs::SharingBond& bond) {
  return {{"donor", bond.atoms.donor + 1}, {"hydrogen", bond.atoms.hydrogen + 1}, {"acceptor", bond.atoms.acceptor + 1},
          {"donor_acceptor_ang", value_low_high(bond.donor_acceptor_ang)}, {"nu_ang", value_low_high(bond.nu_ang)}, {"lambda_ang", value_low_high(bond.lambda_ang)}};
}

Json estimate_json(const Estimate& e) { return {{"value", number_or_null(e.value)}, {"low", number_or_null(e.low)}, {"high", number_or_null(e.high)}}; }

/// The estimates of a group: key, what it is, value, digits behind the point.
struct Row {
  const char* key;
  const char* text;
  const char* unit;
  Estimate value;
};

std::vector<Row> rows_of_sharing(const runs::SharingGroup& group) {
  return {{"donor_acceptor_ang", "d(D,A)", "Å", group.donor_acceptor_ang},
          {"nu_ang", "ν", "Å", group.nu_ang},
          {"lambda_ang", "λ_W", "Å", group.lambda_ang},
          {"donor_centre_ang", "d(D,X_DH)", "Å", group.donor_centre_ang},
          {"acceptor_centre_ang", "d(A,X_AH)", "Å", group.acceptor_centre_ang},
          {"correlation", "correlation of λ_W and ν", "", group.correlation},
          {"slope", "slope of λ_W over ν", "", group.slope},
          {"lambda_at_zero_ang", "λ_W at ν = 0", "Å", group.lambda_at_zero_ang},
          {"donor_centre_at_zero_ang", "d(D,X_DH) at ν = 0", "Å", group.donor_centre_at_zero_ang},
          {"acceptor_centre_at_zero_ang", "d(A,X_AH) at ν = 0", "Å", group.acceptor_centre_at_zero_ang}};
}

AnalysisOutput output_of(const runs::WannierReport& report, const OwnOptions& own) {
  AnalysisOutput output;
  const std::string subject = subject_of(own, report.formula, report.frames, report.steps, report.beads);
  output.document = {{"input", own.centres}, {"formula", report.formula}, {"charge", report.charge}, {"frames", report.frames}, {"steps", report.steps}, {"beads", report.beads},
                     {"blocks", report.blocks}, {"centres_per_frame", report.centres}, {"verdict", report.verdict}, {"groups", Json::array()}, {"bonds", Json::array()}, {"sharing", Json::array()}};
  output.page = {"wannier", "Wannier centres", subject, report.verdict, {}, {}, report.warnings};
  runs::Chart distances{"wannier_distances", "Distances of centres from their atoms, with 95 % bands.", "distance, Å", "density, 1/Å", false, {}, std::nullopt, std::nullopt};
  output.table.push_back({"distance_ang", report.distance_ang});
  double nearest = report.distance_ang.back(), farthest = 0;  // of the centres there are
  output.text = fmt::format("{}\n\n{:<16} {:>9} {:>10} {:>22} {:>8}{}\n", subject, "centres", "per frame", "  d, Å", "95 %", "SD, Å", report.groups.at(0).spread_ang2 ? "    spread, Å²              95 %" : "");
  for (const runs::CentreGroup& group : report.groups) {
    output.text += fmt::format("{:<16} {:>9.4g} {} {:>7.4f}{}\n", group.name, group.per_frame, ends(group.distance_ang, 4), group.deviation_ang, group.spread_ang2 ? "    " + ends(*group.spread_ang2, 4) : "");
    Json entry{{"name", group.name}, {"per_frame", group.per_frame}, {"distance_ang", value_low_high(group.distance_ang)}, {"deviation_ang", group.deviation_ang}};
    if (group.spread_ang2) entry["spread_ang2"] = value_low_high(*group.spread_ang2);
    std::vector<Column> columns{{"distance_ang", report.distance_ang}};
    add_columns(columns, "density_per_ang", group.density_per_ang);
    entry["distribution"] = rows_of(columns);
    output.document["groups"].push_back(std::move(entry));
    add_columns(output.table, column_of(group.name, "density_per_ang"), group.density_per_ang);
    distances.curves.push_back({group.name, report.distance_ang, group.density_per_ang});
    for (std::size_t k = 0; k < report.distance_ang.size(); ++k)
      if (group.density_per_ang[k].value > 0) {
        nearest = std::min(nearest, report.distance_ang[k]);
        farthest = std::max(farthest, report.distance_ang[k]);
      }
    output.page.estimates.push_back({"distance: " + group.name, group.distance_ang, report.blocks > 0, "ang", ""});
    if (group.spread_ang2) output.page.estimates.push_back({"spread: " + group.name, *group.spread_ang2, report.blocks > 0, "ang2", ""});
  }
  constexpr double margin_ang = 0.05;
  distances.x_range = std::pair{std::max(0.0, nearest - margin_ang), farthest + margin_ang};
  output.page.charts.push_back(std::move(distances));
  for (const runs::SharingBond& bond : report.bonds) output.document["bonds"].push_back(bond_json(bond));
  for (std::size_t g = 0; g < report.sharing.size(); ++g) {
    const runs::SharingGroup& group = report.sharing[g];
    output.text += fmt::format("\nshort hydrogen bonds D-H-A = {}: {}, mean over frames\n", group.name, group.bonds);
    Json entry{{"name", group.name}, {"bonds", group.bonds}, {"window_share", group.window_share}};
    for (const Row& row : rows_of_sharing(group)) {
      output.text += fmt::format("{:<26} {}{}\n", row.text, ends(row.value, 4), *row.unit ? std::string("  ") + row.unit : "");
      entry[row.key] = estimate_json(row.value);
      if (std::isfinite(row.value.value)) output.page.estimates.push_back({group.name + ": " + row.text, row.value, std::isfinite(row.value.low), *row.unit ? "ang" : "", ""});
    }
    std::vector<Column> columns{{"nu_ang", group.nu_at_ang}};
    add_columns(columns, "density_per_ang", group.nu_density_per_ang);
    add_columns(columns, "lambda_ang", group.lambda_at_nu_ang);
    add_columns(columns, "donor_centre_ang", group.donor_at_nu_ang);
    add_columns(columns, "acceptor_centre_ang", group.acceptor_at_nu_ang);
    entry["at_nu"] = rows_of(columns);
    entry["joint"] = {{"nu_ang", group.nu_at_ang}, {"lambda_ang", group.lambda_at_ang}, {"density_per_ang2", group.joint_per_ang2}};
    output.document["sharing"].push_back(std::move(entry));
    for (Column& column : columns) {
      column.name = column_of(group.name, column.name);
      output.table.push_back(std::move(column));
    }
    // Frames as dots, at most two thousand of them.
    runs::ChartCurve dots{"frames", {}, {}, true};
    std::size_t own_records = 0;
    const auto belongs = [&](const runs::SharingRecord& r) { return report.bonds[r.bond].group == g; };
    for (const auto& r : report.records) own_records += belongs(r);
    std::vector<double> lambda;
    for (std::size_t k = 0, seen = 0; k < report.records.size(); ++k)
      if (belongs(report.records[k]) && seen++ % (own_records / 2000 + 1) == 0) {
        dots.x.push_back(report.records[k].sharing.nu_ang);
        lambda.push_back(report.records[k].sharing.lambda_ang());
      }
    dots.y = runs::without_intervals(lambda);
    output.page.charts.push_back({"sharing_" + group.name, "Sharing of the electrons, λ_W, over the place of the proton, ν, in " + group.name + ": frames, and the mean at each ν with its 95 % band.",
                                  "ν, Å", "λ_W, Å", false, {dots, {"mean", group.nu_at_ang, group.lambda_at_nu_ang}}, std::nullopt, std::nullopt});
    output.page.charts.push_back({"sides_" + group.name, "Distances of the two centres beside the proton from their atoms, over ν, with 95 % bands: equal where they cross.", "ν, Å", "distance, Å", false,
                                  {{"d(D,X_DH)", group.nu_at_ang, group.donor_at_nu_ang}, {"d(A,X_AH)", group.nu_at_ang, group.acceptor_at_nu_ang}}, std::nullopt, std::nullopt});
    output.page.charts.push_back({"nu_" + group.name, "Distribution of ν with its 95 % band.", "ν, Å", "density, 1/Å", false, {{group.name, group.nu_at_ang, group.nu_density_per_ang}}, std::nullopt, std::nullopt});
  }
  output.text += "\n";
  for (const std::string& sentence : report.verdict) output.text += sentence + "\n";
  return output;
}

}  // namespace

std::function<AnalysisOutput()> set_up_wannier(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  const auto own = std::make_shared<OwnOptions>();
  add_wannier_options(kind, *own);
  kind.add_option("--spreads", own->spreads, "file of spreads beside CENTRES (WANNIER_SPREADS); one for each")->type_name("FILE");
  kind.add_option("--largest-distance-ang", own->settings.largest_distance_ang, "mean d(D,A) of a short hydrogen bond, Å (default 2.5)")->check(CLI::PositiveNumber);
  kind.add_option("--bin-ang", own->settings.bin_ang, "bin of distances from the atom, Å (default 0.01)")->check(CLI::PositiveNumber);
  kind.add_option("--nu-bin-ang", own->settings.nu_bin_ang, "bin of ν, Å (default 0.05)")->check(CLI::PositiveNumber);
  kind.add_option("--records", own->records, "CSV file of ν and λ_W of each bond, step and bead")->type_name("FILE");
  kind.add_option("--out", own->out, "file of the centres with step, time and bead in each frame")->type_name("FILE");
  kind.footer(
      "ν = d(D,H) - d(A,H); λ_W = d(D,X_DH) - d(A,X_AH) of the centres nearest to H on each side. Beads of PINT are\n"
      "told by the labels, those of a socket's clients by the trajectory.\nExample:\n"
      "  saltus analyze wannier examples/short_hydrogen_bond/data/centres.xyz.gz --charge 1 \\\n"
      "    --trajectory examples/short_hydrogen_bond/data/zundel_300K.extxyz");
  return [own, options] {
    const runs::WannierInput input = input_of(*own, {options->csv, options->page, own->records, own->out});
    own->settings.blocks = static_cast<std::size_t>(own->blocks);
    own->settings.largest_excess_ang = own->largest_excess_ang;
    const runs::WannierReport report = runs::analyze_wannier(input, own->settings, progress_line());
    if (!own->out.empty()) runs::write_tagged_wannier(input, own->out, progress_line());
    if (!own->records.empty()) write_file_atomically(own->records, records_text(report));
    return output_of(report, *own);
  };
}

}  // namespace saltus::cli
