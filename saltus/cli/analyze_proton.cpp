// saltus analyze proton
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/analysis_kinds.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/proton_report.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;
constexpr double kcal_mol_per_ev = 1 / units::ev_per_kcal_mol;

struct ProtonOptions {
  runs::ProtonReportSettings settings;
  std::vector<std::int64_t> bonds;
  std::vector<std::string> elements;
  std::string against, group;
};

Estimate in_units(const Estimate& e, double per_ev) { return {e.value * per_ev, e.low * per_ev, e.high * per_ev}; }

std::vector<Estimate> in_units(std::vector<Estimate> estimates, double per_ev) {
  for (Estimate& e : estimates) e = in_units(e, per_ev);
  return estimates;
}

Json json_of(const runs::ProtonDistribution& d) {
  Json object{{"nu_ang", value_low_high(d.nu_ang)},
              {"nu_deviation_ang", value_low_high(d.nu_deviation_ang)},
              {"donor_acceptor_ang", value_low_high(d.r_ang)},
              {"donor_acceptor_deviation_ang", value_low_high(d.r_deviation_ang)},
              {"barrier_kcal_mol", d.barrier_ev ? value_low_high(in_units(*d.barrier_ev, kcal_mol_per_ev)) : Json(nullptr)},
              {"barrier_mev", d.barrier_ev ? value_low_high(in_units(*d.barrier_ev, units::mev_per_ev)) : Json(nullptr)}};
  if (!d.barrier_note.empty()) object["barrier_note"] = d.barrier_note;
  return object;
}

/// What the first of the distributions of a report is of.
const char* kind_of(const runs::ProtonReport& report) { return report.beads > 0 ? "beads" : "frames"; }

Json json_of(const runs::ProtonBondReport& bond, const runs::ProtonReport& report) {
  Json object{{"name", bond.name}};
  if (bond.bond) object.update({{"donor", bond.bond->donor + 1}, {"hydrogen", bond.bond->hydrogen + 1}, {"acceptor", bond.bond->acceptor + 1}});
  if (bond.sign_changes) object["sign_changes"] = *bond.sign_changes;
  object[kind_of(report)] = json_of(bond.values);
  if (bond.centroid) object["centroids"] = json_of(*bond.centroid);
  if (bond.spread)
    object["spread"] = {{"along_ang", value_low_high(bond.spread->along_ang)},
                        {"across_ang", value_low_high(bond.spread->across_ang)},
                        {"delocalised_fraction", value_low_high(bond.spread->delocalised)}};
  return object;
}

std::vector<Column> columns_of(const runs::ProtonReport& report) {
  std::vector<Column> columns{{"nu_ang", report.nu_ang}};
  for (const auto& [name, d] : runs::distributions_of(report)) {
    add_columns(columns, "density_" + name + "_per_ang", d->density_per_ang);
    add_columns(columns, "free_energy_" + name + "_kcal_mol", in_units(d->free_energy_ev, kcal_mol_per_ev));
  }
  return columns;
}

Json joint_json(const runs::ProtonReport& report, const std::vector<Estimate>& joint_ev) {
  Json object;
  for (const auto& [key, member] : {std::pair{"free_energy_kcal_mol", &Estimate::value}, {"low_free_energy_kcal_mol", &Estimate::low}, {"high_free_energy_kcal_mol", &Estimate::high}}) {
    Json rows = Json::array();
    for (std::size_t k = 0; k < report.joint_nu_ang.size(); ++k) {
      Json row = Json::array();
      for (std::size_t l = 0; l < report.joint_r_ang.size(); ++l)
        row.push_back(number_or_null(kcal_mol_per_ev * joint_ev[k * report.joint_r_ang.size() + l].*member));
      rows.push_back(std::move(row));
    }
    object[key] = std::move(rows);
  }
  return object;
}

std::string with_interval(const Estimate& e, int decimals) {
  const std::string range = interval(e, decimals);
  return fmt::format("{:.{}f}{}", e.value, decimals, range.empty() ? "" : " (" + range + ")");
}

const char* rocking_title(std::size_t c) {
  static constexpr std::array titles{"theta_x, degrees", "theta_y, degrees", "theta_z, degrees", "asymmetry, Å"};
  return titles[c];
}

Json rocking_json(const runs::ProtonReport& report) {
  const runs::RockingReport& rocking = *report.rocking;
  Json object;
  for (std::size_t kind = 0; kind < rocking.kinds.size(); ++kind) {
    Json list = Json::array();
    for (std::size_t b = 0; b < rocking.kinds[kind].size(); ++b) {
      Json entry{{"bond", report.bonds[b].name}};
      if (b < rocking.groups.size()) entry["group"] = rocking.groups[b];
      for (std::size_t c = 0; c < rocking_coordinates; ++c) {
        const runs::RockingCorrelation& r = rocking.kinds[kind][b][c];
        Json& coordinate = entry[rocking_names[c]];
        coordinate = {{"mean", value_low_high(r.mean)}, {"deviation", value_low_high(r.deviation)}, {"pearson", value_low_high(r.pearson)}};
        if (r.given_nu.empty()) continue;
        coordinate["mutual_information_nat"] = value_low_high(r.mutual_information_nat);
        std::vector<Column> columns{{"nu_ang", rocking.nu_ang}};
        add_columns(columns, "mean", r.given_nu);
        coordinate["given_nu"] = rows_of(columns);
      }
      list.push_back(std::move(entry));
    }
    object[kind == 0 ? kind_of(report) : "centroids"] = std::move(list);
  }
  return object;
}

std::string rocking_table(const runs::ProtonReport& report) {
  const runs::RockingReport& rocking = *report.rocking;
  std::string text = fmt::format("\n{:<18} {:<7} {:<9} {:<17} {:>24} {:>26} {:>24}\n", "bond", "group", "of", "rocking", "deviation (95 %)", "Pearson's r (95 %)", "information, nat (95 %)");
  for (std::size_t b = 0; b < report.bonds.size(); ++b) {
    const bool all = b == rocking.groups.size();
    if (!all && rocking.groups.size() == 1) continue;
    for (std::size_t kind = 0; kind < rocking.kinds.size(); ++kind)
      for (std::size_t c = 0; c < rocking_coordinates; ++c) {
        const runs::RockingCorrelation& r = rocking.kinds[kind][b][c];
        text += fmt::format("{:<18} {:<7} {:<9} {:<17} {:>24} {:>26} {:>24}\n", report.bonds[b].name, all ? "" : rocking.groups[b], kind == 0 ? kind_of(report) : "centroids",
                            rocking_title(c), with_interval(r.deviation, 2), with_interval(r.pearson, 3), r.given_nu.empty() ? "" : with_interval(r.mutual_information_nat, 3));
      }
  }
  return text;
}

Json json_of(const runs::ProtonReport& report, const std::string& path) {
  Json document{{"input", path}, {"formula", report.formula}, {"frames", report.frames}, {"steps", report.steps}, {"beads", report.beads},
                {"blocks", report.blocks}, {"hydrogen_amu", report.hydrogen_amu}, {"bonds", Json::array()}};
  for (const runs::ProtonBondReport& bond : report.bonds)
    if (bond.bond) document["bonds"].push_back(json_of(bond, report));
  document["all"] = json_of(report.bonds.back(), report);
  document["distributions"] = rows_of(columns_of(report));
  document["joint"] = {{"nu_ang", report.joint_nu_ang}, {"donor_acceptor_ang", report.joint_r_ang}, {kind_of(report), joint_json(report, report.joint_ev)}};
  if (!report.joint_centroid_ev.empty()) document["joint"]["centroids"] = joint_json(report, report.joint_centroid_ev);
  std::vector<Column> distance{{"nu_ang", report.joint_nu_ang}};
  add_columns(distance, "donor_acceptor_ang", report.r_given_nu_ang);
  document["donor_acceptor_at_nu"] = rows_of(distance);
  if (report.rocking) document["rocking"] = rocking_json(report);
  return document;
}

std::string subject_of(const runs::ProtonReport& report, const std::string& path) {
  return fmt::format("{}: {}, {}, {} short hydrogen bond{}, H of {:.4g} amu", path, report.formula,
                     report.beads > 0 ? fmt::format("{} steps of {} beads", report.steps, report.beads) : fmt::format("{} frames", report.steps),
                     report.bonds.size() - 1, report.bonds.size() == 2 ? "" : "s", report.hydrogen_amu);
}

std::string barrier_text(const runs::ProtonDistribution& d) {
  return d.barrier_ev ? with_interval(in_units(*d.barrier_ev, kcal_mol_per_ev), 3) : "undetermined";
}

std::string table_of(const runs::ProtonReport& report) {
  std::string text = fmt::format("{:<18} {:<9} {:>26} {:>24} {:>24}\n", "bond", "of", "nu, Å (95 %)", "R, Å (95 %)", "F(0)-min F, kcal/mol");
  for (const runs::ProtonBondReport& bond : report.bonds) {
    if (!bond.bond && report.bonds.size() == 2) continue;
    const auto add = [&](const std::string& kind, const runs::ProtonDistribution& d) {
      text += fmt::format("{:<18} {:<9} {:>26} {:>24} {:>24}\n", bond.name, kind, with_interval(d.nu_ang, 3), with_interval(d.r_ang, 3), barrier_text(d));
    };
    add(kind_of(report), bond.values);
    if (bond.centroid) add("centroids", *bond.centroid);
  }
  return text;
}

std::vector<std::string> sentences_of(const runs::ProtonReport& report) {
  std::vector<std::string> sentences;
  const runs::ProtonBondReport& all = report.bonds.back();
  for (const auto& [name, d] : runs::distributions_of(report))
    sentences.push_back(fmt::format("{}{}: F(0) - min F is {} kcal/mol{}{}.", static_cast<char>(name[0] - 'a' + 'A'), name.substr(1), barrier_text(*d),
                                    d->barrier_ev ? fmt::format(", {} meV", with_interval(in_units(*d->barrier_ev, units::mev_per_ev), 1)) : "",
                                    d->barrier_note.empty() ? "" : "; " + d->barrier_note));
  if (all.spread)
    sentences.push_back(fmt::format("Beads of H are spread by {} Å along the bond and {} Å across it (each direction); {} of the ring polymers have beads on both sides of nu = 0.",
                                    with_interval(all.spread->along_ang, 4), with_interval(all.spread->across_ang, 4), with_interval(all.spread->delocalised, 3)));
  std::size_t changes = 0;
  bool counted = false;
  for (const runs::ProtonBondReport& bond : report.bonds)
    if (bond.sign_changes) {
      counted = true;
      changes += *bond.sign_changes;
    }
  if (counted) sentences.push_back(fmt::format("From frame to frame, nu changes sign {} times.", changes));
  return sentences;
}

void add_curves(std::vector<runs::Chart>& charts, const runs::ProtonReport& report, const std::string& suffix) {
  for (const auto& [name, d] : runs::distributions_of(report)) {
    charts[0].curves.push_back({name + suffix, report.nu_ang, in_units(d->free_energy_ev, kcal_mol_per_ev)});
    charts[1].curves.push_back({name + suffix, report.nu_ang, d->density_per_ang});
  }
  std::vector<Estimate> distance = report.r_given_nu_ang;
  const double mean = report.bonds.back().values.r_ang.value;
  for (Estimate& e : distance) e = {e.value - mean, e.low - mean, e.high - mean};
  charts[2].curves.push_back({kind_of(report) + suffix, report.joint_nu_ang, distance});
  for (std::size_t kind = 0; report.rocking && kind < report.rocking->kinds.size(); ++kind)
    charts[3].curves.push_back({(kind == 0 ? kind_of(report) : "centroids") + suffix, report.rocking->nu_ang, report.rocking->kinds[kind].back()[2].given_nu});
}

/// Differences of this trajectory and another, with the interval of independent runs.
Json differences_of(const runs::ProtonReport& report, const runs::ProtonReport& other, AnalysisOutput& output) {
  Json object;
  output.text += fmt::format("\ndifferences, this - other:\n");
  const auto add_difference = [&](const std::string& key, const Estimate& d, const std::string& what) {
    object[key] = value_low_high(d);
    output.text += fmt::format("  {:<34} {}\n", what, with_interval(d, 4));
  };
  const auto add = [&](const std::string& key, const Estimate& a, const Estimate& b, double factor, const std::string& what) {
    add_difference(key, in_units(runs::difference(a, b), factor), what);
  };
  const auto ours = runs::distributions_of(report), theirs = runs::distributions_of(other);
  const runs::ProtonDistribution &a = *ours[0].second, &b = *theirs[0].second;
  add("donor_acceptor_ang", a.r_ang, b.r_ang, 1, "R, Å");
  add("nu_ang", a.nu_ang, b.nu_ang, 1, "nu, Å");
  add("nu_deviation_ang", a.nu_deviation_ang, b.nu_deviation_ang, 1, "standard deviation of nu, Å");
  if (a.barrier_ev && b.barrier_ev) add_difference("barrier_kcal_mol", in_units(runs::barrier_difference_ev(a, b), kcal_mol_per_ev), "F(0) - min F, kcal/mol");
  const auto &s = report.bonds.back().spread, &t = other.bonds.back().spread;
  if (report.rocking && other.rocking)
    for (std::size_t c = 2; c < rocking_coordinates; ++c)
      add(fmt::format("pearson_{}", c == 2 ? "theta_z" : "asymmetry"), report.rocking->kinds[0].back()[c].pearson, other.rocking->kinds[0].back()[c].pearson, 1,
          fmt::format("Pearson's r of nu and {}", c == 2 ? "theta_z" : "asymmetry"));
  if (s && t) add("delocalised_fraction", s->delocalised, t->delocalised, 1, "fraction of ring polymers on both sides");
  return object;
}

AnalysisOutput output_of(const runs::ProtonReport& report, const runs::ProtonReport* other, const ProtonOptions& own, const AnalysisOptions& options) {
  AnalysisOutput output;
  const std::string subject = subject_of(report, options.path);
  output.document = json_of(report, options.path);
  output.document["temperature_kelvin"] = own.settings.temperature_kelvin;
  output.document["symmetric"] = own.settings.symmetric;
  output.table = columns_of(report);
  output.text = fmt::format("{}\n\n{}\n", subject, table_of(report));
  std::vector<std::string> sentences = sentences_of(report);
  for (const std::string& sentence : sentences) output.text += sentence + "\n";
  if (report.rocking) output.text += rocking_table(report);
  std::vector<runs::Chart> charts{
      {"free_energy", "Free energy of the proton coordinate, −kT ln P, above its least, with 95 % bands.", "ν, Å", "F, kcal/mol", false, {}, std::nullopt, runs::visited_range_ang(report)},
      {"density", "Distribution of the proton coordinate with 95 % bands.", "ν, Å", "P(ν), 1/Å", false, {}, std::nullopt, runs::visited_range_ang(report)},
      {"distance", "Mean distance of donor and acceptor at a proton coordinate, less that of all configurations, with 95 % bands.", "ν, Å", "R − ⟨R⟩, Å", false, {}, std::nullopt, runs::visited_range_ang(report)}};
  if (report.rocking)
    charts.push_back({"rocking", "Mean rotation of the groups in the plane of donor, acceptor and centre (theta_z) at a proton coordinate, with 95 % bands.", "ν, Å", "θ_z, degrees", false, {},
                      std::nullopt, runs::visited_range_ang(report)});
  add_curves(charts, report, "");
  std::vector<std::string> warnings = report.warnings;
  if (other) {
    add_curves(charts, *other, " (other)");
    output.text += fmt::format("\nother: {}\n\n{}\n", subject_of(*other, own.against), table_of(*other));
    for (const std::string& sentence : sentences_of(*other)) {
      output.text += sentence + "\n";
      sentences.push_back("Other: " + sentence);
    }
    if (other->rocking) output.text += rocking_table(*other);
    Json differences = differences_of(report, *other, output);
    output.document["against"] = json_of(*other, own.against);
    output.document["differences"] = std::move(differences);
    for (const std::string& warning : other->warnings) warnings.push_back(own.against + ": " + warning);
  }
  output.text += fmt::format("\n{:>8}", "nu, Å");
  for (const auto& [name, d] : runs::distributions_of(report)) output.text += fmt::format(" {:>12} {:>14} {:>22}", "P, 1/Å", "F, kcal/mol", name + " 95 %");
  output.text += "\n";
  for (std::size_t k = 0; k < report.nu_ang.size(); ++k) {
    const auto list = runs::distributions_of(report);
    if (std::none_of(list.begin(), list.end(), [&](const auto& entry) { return std::isfinite(entry.second->free_energy_ev[k].value); })) continue;
    output.text += fmt::format("{:>8.4f}", report.nu_ang[k]);
    for (const auto& [name, d] : list) {
      const Estimate f = in_units(d->free_energy_ev[k], kcal_mol_per_ev);
      output.text += fmt::format(" {:>12.4f} {:>14} {:>22}", d->density_per_ang[k].value, std::isfinite(f.value) ? fmt::format("{:.3f}", f.value) : "", interval(f, 3));
    }
    output.text += "\n";
  }
  output.page = {"proton", "Shared protons", subject, sentences, charts, {}, warnings};
  const auto add = [&](const std::string& name, const std::optional<Estimate>& e, const char* unit, const std::string& note = "") {
    output.page.estimates.push_back({name, e, e && std::isfinite(e->low), unit, note});
  };
  for (const auto& [name, d] : runs::distributions_of(report)) {
    add("nu_" + name, d->nu_ang, "ang");
    add("donor_acceptor_" + name, d->r_ang, "ang");
    add("barrier_" + name, d->barrier_ev ? std::optional(in_units(*d->barrier_ev, kcal_mol_per_ev)) : std::nullopt, "kcal_mol", d->barrier_note);
  }
  if (const auto& spread = report.bonds.back().spread) {
    add("bead_spread_along", spread->along_ang, "ang");
    add("bead_spread_across", spread->across_ang, "ang");
    add("delocalised_fraction", spread->delocalised, "");
  }
  return output;
}

std::vector<ProtonBond> bonds_from(const std::vector<std::int64_t>& atoms) {
  if (atoms.size() % 3 != 0 || std::any_of(atoms.begin(), atoms.end(), [](std::int64_t atom) { return atom < 1 || atom > 1'000'000'000; }))
    throw Error(ErrorKind::usage, "--bonds: each is three atoms such as 1,3,2: donor, hydrogen, acceptor, counted from 1");
  std::vector<ProtonBond> bonds;
  for (std::size_t k = 0; k < atoms.size(); k += 3)
    bonds.push_back({static_cast<std::uint32_t>(atoms[k] - 1), static_cast<std::uint32_t>(atoms[k + 1] - 1), static_cast<std::uint32_t>(atoms[k + 2] - 1)});
  return bonds;
}

}  // namespace

std::function<AnalysisOutput()> set_up_proton(CLI::App& kind, const std::shared_ptr<const AnalysisOptions>& options) {
  const auto own = std::make_shared<ProtonOptions>();
  runs::ProtonReportSettings& settings = own->settings;
  kind.add_option("--temperature-kelvin", settings.temperature_kelvin, "of the free energies, K")->check(CLI::PositiveNumber)->required();
  kind.add_option("--donor-elements", own->elements, "elements of donors and acceptors (default O,N)")->delimiter(',');
  kind.add_option("--largest-distance-ang", settings.largest_mean_ang, "largest mean donor-acceptor distance, Å (default 2.5)")->check(CLI::PositiveNumber);
  kind.add_option("--bonds", own->bonds, "atoms of the bonds, counted from 1 (default: found)")->delimiter(',')->type_name("D,H,A,...");
  kind.add_flag("--symmetric", settings.symmetric, "donor and acceptor are equivalent: nu and -nu count as one");
  kind.add_option("--bin-ang", settings.bin_ang, "width of a bin of nu, Å (default 0.025)")->check(CLI::PositiveNumber);
  kind.add_option("--group", own->group, "element X of groups XH3, XH4 whose rocking is followed, e.g. N (default: none)");
  kind.add_option("--against", own->against, "another trajectory of the same atoms: isotope, classical")->type_name("FILE");
  kind.footer(
      "nu = d(D,H) - d(A,H), R = d(D,A); D holds H in the first frame. F = -kT ln P, of all beads and of centroids.\n"
      "Example:\n  saltus analyze proton examples/short_hydrogen_bond/data/zundel_300K.extxyz \\\n    --temperature-kelvin 300 --symmetric");
  return [own, options] {
    runs::ProtonReportSettings chosen = own->settings;
    chosen.blocks = static_cast<std::size_t>(options->blocks);
    chosen.bonds = bonds_from(own->bonds);
    if (!own->elements.empty()) {
      chosen.elements.clear();
      for (const std::string& symbol : own->elements) chosen.elements.push_back(element_named(symbol));
    }
    if (!own->group.empty()) chosen.group_element = element_named(own->group);
    const runs::ProtonReport report = runs::analyze_proton(options->input, chosen, progress_line());
    if (own->against.empty()) return output_of(report, nullptr, *own, *options);
    // The same bonds, whichever side their protons are on at the start of the other.
    chosen.bonds.clear();
    for (const runs::ProtonBondReport& bond : report.bonds)
      if (bond.bond) chosen.bonds.push_back(*bond.bond);
    runs::TrajectoryInput input = options->input;
    input.path = own->against;
    const runs::ProtonReport other = runs::analyze_proton(input, chosen, progress_line());
    return output_of(report, &other, *own, *options);
  };
}

}  // namespace saltus::cli
