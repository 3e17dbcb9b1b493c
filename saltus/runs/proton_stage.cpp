#include "saltus/runs/plan_stages.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/units.hpp"
#include "saltus/runs/analysis_page.hpp"
#include "saltus/runs/plan_files.hpp"
#include "saltus/runs/proton_report.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;

namespace {

constexpr double kcal_mol_per_ev = 1 / units::ev_per_kcal_mol;

/// One of what is compared.
struct Compared {
  std::string name;
  ProtonReport report;
};

Estimate times(const Estimate& e, double factor) { return {e.value * factor, e.low * factor, e.high * factor}; }

std::vector<Estimate> times(std::vector<Estimate> list, double factor) {
  for (Estimate& e : list) e = times(e, factor);
  return list;
}

std::string shown(const Estimate& e, int decimals) {
  return std::isfinite(e.low) ? fmt::format("{:.{}f} ({:.{}f} … {:.{}f})", e.value, decimals, e.low, decimals, e.high, decimals) : fmt::format("{:.{}f}", e.value, decimals);
}

NamedEstimate named(const std::string& name, const std::optional<Estimate>& e, const char* unit, const std::string& note = "") {
  return {name, e, e && std::isfinite(e->low), unit, note};
}

void append_estimates(const Compared& one, StageResult& result) {
  for (const auto& [kind, d] : distributions_of(one.report)) {
    const std::string suffix = one.name + (kind == "centroids" ? "_centroids" : "");
    result.estimates.push_back(named("barrier_" + suffix, d->barrier_ev ? std::optional(times(*d->barrier_ev, kcal_mol_per_ev)) : std::nullopt, "kcal_mol", d->barrier_note));
    result.estimates.push_back(named("nu_deviation_" + suffix, d->nu_deviation_ang, "ang"));
    result.estimates.push_back(named("donor_acceptor_" + suffix, d->r_ang, "ang"));
  }
  if (const auto& spread = one.report.bonds.back().spread) {
    result.estimates.push_back(named("spread_along_" + one.name, spread->along_ang, "ang"));
    result.estimates.push_back(named("spread_across_" + one.name, spread->across_ang, "ang"));
    result.estimates.push_back(named("delocalised_" + one.name, spread->delocalised, ""));
  }
  for (const std::string& warning : one.report.warnings) result.warnings.push_back(one.name + ": " + warning);
}

/// Of path integrals of a heavier shared hydrogen against a lighter one.
void append_isotope_effect(const Compared& light, const Compared& heavy, StageResult& result) {
  const std::string suffix = heavy.name + "_" + light.name;
  const ProtonBondReport &a = heavy.report.bonds.back(), &b = light.report.bonds.back();
  result.estimates.push_back(named("isotope_donor_acceptor_" + suffix, difference(a.values.r_ang, b.values.r_ang), "ang", "heavier less lighter"));
  result.estimates.push_back(named("isotope_nu_deviation_" + suffix, difference(a.values.nu_deviation_ang, b.values.nu_deviation_ang), "ang", "heavier less lighter"));
  const auto resolved = [](const ProtonDistribution& d) { return d.barrier_ev && d.barrier_note.empty() && std::isfinite(d.barrier_ev->low); };
  if (resolved(a.values) && resolved(b.values))
    result.estimates.push_back(named("isotope_barrier_" + suffix, times(barrier_difference_ev(a.values, b.values), kcal_mol_per_ev), "kcal_mol", "heavier less lighter"));
  if (a.spread && b.spread) result.estimates.push_back(named("isotope_spread_along_" + suffix, difference(a.spread->along_ang, b.spread->along_ang), "ang", "heavier less lighter"));
}

std::string sentence_of(const Compared& one) {
  std::string text = fmt::format("{}: {}, H of {:.4g} amu, {}.", one.name, one.report.formula, one.report.hydrogen_amu,
                                 one.report.beads > 0 ? fmt::format("{} steps of {} beads", one.report.steps, one.report.beads) : fmt::format("{} classical frames", one.report.steps));
  for (const auto& [kind, d] : distributions_of(one.report)) {
    text += fmt::format(" F(0) − min F of the {} is {}", kind, d->barrier_ev ? shown(times(*d->barrier_ev, kcal_mol_per_ev), 3) + " kcal/mol" : "undetermined");
    text += d->barrier_note.empty() ? "." : "; " + d->barrier_note + ".";
  }
  if (const auto& spread = one.report.bonds.back().spread)
    text += fmt::format(" Beads of H lie {} Å from their centroid along the bond and {} Å across it; {} of the ring polymers have beads on both sides.", shown(spread->along_ang, 3),
                        shown(spread->across_ang, 3), shown(spread->delocalised, 2));
  return text;
}

AnalysisPage page_of(const ProtonSettings& settings, const std::vector<Compared>& list) {
  AnalysisPage page{"proton", "Shared protons: " + settings.name, {}, {}, {}, {}, {}};
  std::pair<double, double> range{0, 0};
  for (const Compared& one : list) {
    const auto own = visited_range_ang(one.report);
    range = {std::min(range.first, own.first), std::max(range.second, own.second)};
  }
  std::vector<Chart> charts{
      {"proton_free_energy_" + settings.name, "Free energy of the proton coordinate ν = d(D,H) − d(A,H), −kT ln P above its least, with 95 % bands: of frames (classical) and of beads (quantum).", "ν, Å", "F, kcal/mol", false, {}, {}, range},
      {"proton_centroids_" + settings.name, "The same of the centroids, a potential of mean force and no distribution that could be measured.", "ν, Å", "F, kcal/mol", false, {}, {}, range},
      {"proton_density_" + settings.name, "Distribution of ν with 95 % bands.", "ν, Å", "P(ν), 1/Å", false, {}, {}, range}};
  for (const Compared& one : list) {
    page.sentences.push_back(sentence_of(one));
    for (const auto& [kind, d] : distributions_of(one.report)) charts[kind == "centroids" ? 1 : 0].curves.push_back({one.name, one.report.nu_ang, times(d->free_energy_ev, kcal_mol_per_ev)});
    charts[2].curves.push_back({one.name, one.report.nu_ang, one.report.bonds.back().values.density_per_ang});
  }
  for (Chart& chart : charts)
    if (!chart.curves.empty()) page.charts.push_back(std::move(chart));
  return page;
}

ProtonReportSettings report_settings(const ProtonSettings& settings, double temperature_kelvin) {
  ProtonReportSettings own;
  own.temperature_kelvin = temperature_kelvin;
  own.elements.clear();
  for (const std::string& symbol : settings.elements) own.elements.push_back(atomic_number_of(symbol).value());
  own.largest_mean_ang = settings.largest_distance_ang;
  own.bin_ang = settings.bin_ang;
  own.symmetric = settings.symmetric;
  own.group_element = settings.group.empty() ? 0 : atomic_number_of(settings.group).value();
  own.blocks = static_cast<std::size_t>(settings.blocks);
  return own;
}

std::filesystem::path file_of(const Plan& plan, const std::string& trajectory) { return (plan.file.parent_path() / trajectory).lexically_normal(); }

StageResult analyze(const Plan& plan, const ProtonSettings& settings, const StageContext& context) {
  std::vector<Compared> list;
  const Progress progress = interruptible([&](const ProgressReport& report) {
    if (context.progress) context.progress({"proton-" + settings.name, report.done, report.total, report.note, report.unit});
  }, context.stop);
  const auto add = [&](const std::string& name, const std::filesystem::path& path, double temperature_kelvin) {
    TrajectoryInput input;
    input.path = path;
    list.push_back({name, analyze_proton(input, report_settings(settings, temperature_kelvin), progress)});
  };
  for (const std::string& name : settings.pimd) {
    const PimdSettings& pimd = entry_named(plan.pimd, name);
    add(name, context.inputs.at("pimd-" + name) / (pimd.beads > 1 ? "beads" : "trajectory"), pimd.temperature_kelvin);
  }
  for (const std::string& trajectory : settings.trajectories) add(std::filesystem::path(trajectory).stem().string(), file_of(plan, trajectory), settings.temperature_kelvin);
  StageResult result;
  for (const Compared& one : list) append_estimates(one, result);
  for (std::size_t a = 0; a < list.size(); ++a)
    for (std::size_t b = 0; b < list.size(); ++b)
      if (list[a].report.beads > 1 && list[a].report.beads == list[b].report.beads && list[b].report.hydrogen_amu > 1.1 * list[a].report.hydrogen_amu)
        append_isotope_effect(list[a], list[b], result);
  write_file_atomically(context.folder / "proton.json", json_of(page_of(settings, list)) + "\n");
  result.series.push_back({"page", "proton.json"});
  return result;
}

}  // namespace

Stage proton_stage(const Plan& plan, const ProtonSettings& settings) {
  Stage stage;
  stage.name = "proton-" + settings.name;
  stage.kind = "proton";
  for (const std::string& name : settings.pimd) stage.depends_on.push_back("pimd-" + name);
  for (const std::string& trajectory : settings.trajectories) stage.input_files.push_back(file_of(plan, trajectory));
  json own = json::parse(settings_json(plan, "proton", settings.name));
  own.erase("trajectories");  // their content counts, not their names
  json temperatures = json::array();
  for (const std::string& name : settings.pimd) temperatures.push_back(entry_named(plan.pimd, name).temperature_kelvin);
  own["temperatures_kelvin"] = temperatures;
  stage.settings = own.dump();
  stage.run = [plan, settings](const StageContext& context) { return analyze(plan, settings, context); };
  return stage;
}

}  // namespace saltus::runs
