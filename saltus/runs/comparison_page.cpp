// A comparison of models as text, JSON and a page.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/units.hpp"
#include "saltus/runs/comparison.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;
using units::mev_per_ev;

namespace {

constexpr const char* none = "–";

std::string milli(const std::optional<Estimate>& e, int decimals) { return e ? fmt::format("{:.{}f}", mev_per_ev * e->value, decimals) : none; }

std::string interval_text(const std::optional<Estimate>& e) {
  return e && e->low < e->high ? fmt::format("{:.1f} … {:.1f}", mev_per_ev * e->low, mev_per_ev * e->high) : "";
}

/// Error before over error after.
std::optional<double> factor(const std::optional<Estimate>& before, const std::optional<Estimate>& after) {
  return before && after && after->value > 0 ? std::optional(before->value / after->value) : std::nullopt;
}

/// A model's row, in words where there are no numbers.
struct Row {
  std::vector<std::string> cells;
  std::string note;
};

const std::vector<std::string>& error_columns() {
  static const std::vector<std::string> columns{"model", "data", "", "frames", "raw, meV/atom", "aligned, meV/atom", "force, meV/Å", "95 %", "of RMS", "stress, meV/Å³", "factor", "note"};
  return columns;
}

std::vector<Row> error_rows(const Comparison& comparison) {
  std::vector<Row> rows;
  for (const ModelComparison& model : comparison.models) {
    if (!model.reason.empty()) {
      rows.push_back({{model.name, "", "", "", none, none, none, "", none, none, none}, model.reason});
      continue;
    }
    for (std::size_t k = 0; k < model.before.size(); ++k) {
      const auto row = [&](const ComparedErrors& e, const char* when, const std::optional<double>& gained, const std::string& note) {
        rows.push_back({{model.name, e.set, when, fmt::format("{}", e.frames), milli(e.energy_raw_ev_per_atom, 2), milli(e.energy_aligned_ev_per_atom, 2), milli(e.force_ev_ang, 1),
                         interval_text(e.force_ev_ang), e.force_relative ? fmt::format("{:.1f} %", 100 * *e.force_relative) : none, milli(e.stress_ev_ang3, 2),
                         gained ? fmt::format("{:.1f}", *gained) : none},
                        note});
      };
      const bool tuned = k < model.after.size();
      row(model.before[k], tuned ? "before" : "as it is", {}, k == 0 && !model.finetune_reason.empty() ? "not fine-tuned: " + model.finetune_reason : "");
      if (tuned) row(model.after[k], "after", factor(model.before[k].force_ev_ang, model.after[k].force_ev_ang), "");
    }
  }
  return rows;
}

std::string number(const json& value, double scale = 1) { return value.is_number() ? fmt::format("{:.3g}", scale * value.get<double>()) : none; }

const std::vector<std::string>& probe_columns() {
  static const std::vector<std::string> columns{"model", "force beside −dE/dr, meV/Å", "of RMS", "rotation, meV/Å", "scan: jump of energy, meV", "of force, meV/Å", "drift, meV/atom/ps", "ripple, meV/atom",
                                                "jump at the cutoff, meV", "meV/Å", "cost, µs/atom/step", "short range of two atoms"};
  return columns;
}

std::string short_range(const json& probes) {
  std::string text;
  for (const json& d : probes.at("dimers")) {
    std::string words = fmt::format("repel to {:.2f} Å", d.at("from_ang").get<double>());
    if (d.at("failure").is_string()) words = d.at("failure").get<std::string>();
    else if (d.at("not_finite_ang").is_number()) words = fmt::format("not finite at {:.2f} Å", d.at("not_finite_ang").get<double>());
    else if (d.at("attractive_below_ang").is_number())
      words = fmt::format("attract below {:.2f} Å, over {}", d.at("attractive_below_ang").get<double>(), number(d.at("barrier_ev")) + " eV");
    text += fmt::format("{}{} {}", text.empty() ? "" : "; ", d.at("pair").get<std::string>(), words);
  }
  return text;
}

double largest_of_dimers(const json& probes, const char* key) {
  double largest = 0;
  for (const json& d : probes.at("dimers"))
    if (d.at(key).is_number()) largest = std::max(largest, d.at(key).get<double>());
  return largest;
}

std::vector<std::vector<std::string>> probe_rows(const Comparison& comparison) {
  std::vector<std::vector<std::string>> rows;
  for (const ModelComparison& model : comparison.models) {
    if (!model.probes) continue;
    const json& p = *model.probes;
    const json &scan = p.at("scan"), &conservation = p.at("conservation");
    const auto of = [](const json& object, const char* key) { return object.is_object() ? object.at(key) : json(nullptr); };
    rows.push_back({model.name, number(p.at("gradient").at("largest_ev_ang"), mev_per_ev), number(p.at("gradient").at("relative")), number(p.at("rotation").at("force_ev_ang"), mev_per_ev),
                    number(of(scan, "energy_jump_ev"), mev_per_ev), number(of(scan, "force_jump_ev_ang"), mev_per_ev), number(of(conservation, "drift_mev_per_atom_ps")),
                    number(of(conservation, "fluctuation_mev_per_atom")), number(largest_of_dimers(p, "cutoff_energy_jump_ev"), mev_per_ev),
                    number(largest_of_dimers(p, "cutoff_force_jump_ev_ang"), mev_per_ev), number(p.at("microsecond_per_atom_step")), short_range(p)});
  }
  return rows;
}

std::string percent(const Deviation& d) {
  return d.by_chance ? fmt::format("{:.1f} ({:.1f})", 100 * d.value, 100 * *d.by_chance) : fmt::format("{:.1f}", 100 * d.value);
}

std::string pair_name(int first, int second) { return fmt::format("{}-{}", symbol_of(first), symbol_of(second)); }

/// Head and rows of what the simulations come to; no rows where there are none.
PageTable simulation_table(const Comparison& comparison) {
  PageTable table{"simulations", "Own dynamics beside AIMD: percent apart (by chance)", {"model"}, {}, {}};
  if (!comparison.reference) return table;
  const auto& pairs = comparison.reference->curves.rdf.pairs;
  for (const PairRdf& pair : pairs) table.columns.push_back("g(r) " + pair_name(pair.first, pair.second));
  table.columns.insert(table.columns.end(), {"spectrum", "drift, meV/atom/ps", "note"});
  table.wide = table.columns.size() - 1;
  for (const ModelComparison& model : comparison.models) {
    if (!model.reason.empty()) continue;
    std::vector<std::string> row{model.name};
    const bool has = model.trajectory && model.trajectory->agreement;
    for (std::size_t k = 0; k < pairs.size(); ++k) row.push_back(has ? percent(model.trajectory->agreement->pairs[k].rdf) : none);
    row.push_back(has && model.trajectory->agreement->spectrum ? percent(*model.trajectory->agreement->spectrum) : none);
    row.push_back(has ? fmt::format("{:.3g}", model.trajectory->drift_mev_per_atom_ps) : none);
    row.push_back(model.md_reason);
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// Columns as wide as their cells; the last, of sentences, as it comes.
std::string aligned(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows) {
  const auto width_of = [](const std::string& text) { return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; })); };
  std::vector<std::size_t> width;
  for (std::size_t j = 0; j < columns.size(); ++j) {
    width.push_back(width_of(columns[j]));
    for (const auto& row : rows) width[j] = std::max(width[j], width_of(row[j]));
  }
  std::string text;
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string out;
    for (std::size_t j = 0; j < cells.size(); ++j) {
      const std::string pad(width[j] - width_of(cells[j]), ' ');
      out += (j == 0 ? "" : "  ") + (j == 0 || j + 1 == cells.size() ? cells[j] + pad : pad + cells[j]);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    text += out + "\n";
  };
  line(columns);
  for (const auto& row : rows) line(row);
  return text;
}

std::vector<std::vector<std::string>> with_notes(std::vector<Row> rows) {
  std::vector<std::vector<std::string>> result;
  for (Row& row : rows) {
    row.cells.push_back(row.note);
    result.push_back(std::move(row.cells));
  }
  return result;
}

json estimate_json(const std::optional<Estimate>& e) { return e ? json{{"value", e->value}, {"low", e->low}, {"high", e->high}} : json(nullptr); }

json errors_json(const std::vector<ComparedErrors>& list) {
  json array = json::array();
  for (const ComparedErrors& e : list)
    array.push_back({{"set", e.set}, {"frames", e.frames}, {"energy_rmse_ev_per_atom", estimate_json(e.energy_raw_ev_per_atom)},
                     {"energy_rmse_aligned_ev_per_atom", estimate_json(e.energy_aligned_ev_per_atom)}, {"force_rmse_ev_ang", estimate_json(e.force_ev_ang)},
                     {"force_rmse_relative", e.force_relative ? json(*e.force_relative) : json(nullptr)}, {"stress_rmse_ev_ang3", estimate_json(e.stress_ev_ang3)}});
  return array;
}

json text_or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

/// Every trajectory there is, the reference first.
std::vector<const ComparedTrajectory*> trajectories_of(const Comparison& comparison) {
  std::vector<const ComparedTrajectory*> list;
  if (comparison.reference) list.push_back(&*comparison.reference);
  for (const ModelComparison& model : comparison.models)
    if (model.trajectory) list.push_back(&*model.trajectory);
  return list;
}

std::vector<Chart> charts_of(const Comparison& comparison) {
  std::vector<Chart> charts;
  const auto all = trajectories_of(comparison);
  if (all.empty()) return charts;
  const std::string reference = comparison.reference->name + ", AIMD";
  const auto name_of = [&](const ComparedTrajectory* t) { return t == all.front() ? reference : t->name; };
  const auto& pairs = comparison.reference->curves.rdf.pairs;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    const std::string pair = pair_name(pairs[k].first, pairs[k].second);
    Chart chart{"rdf " + pair, "Radial distribution " + pair + "; of isolated atoms, which have no volume, the height means nothing.", "r, Å", "g(r)", false, {}, {}, {}};
    for (const auto* t : all) chart.curves.push_back({name_of(t), t->curves.rdf.r_ang, t->curves.rdf.pairs[k].g, false});
    charts.push_back(std::move(chart));
  }
  Chart displacement{"msd", "Mean-square displacement, with 95 % bands from time blocks.", "lag, ps", "MSD, Å²", false, {}, {}, {}};
  Chart spectrum{"spectrum", "Vibrational density of states, mass-weighted, with 95 % bands from time blocks.", "wavenumber, 1/cm", "density, cm", false, {}, {}, {}};
  for (const auto* t : all) {
    if (t->displacement) {
      std::vector<double> lag_ps;
      for (const double lag : t->displacement->lag_fs) lag_ps.push_back(lag / units::fs_per_ps);
      displacement.curves.push_back({name_of(t), lag_ps, t->displacement->msd_ang2, false});
    }
    if (t->curves.vibrations) spectrum.curves.push_back({name_of(t), t->curves.vibrations->frequency_per_cm, t->curves.vibrations->density_cm, false});
  }
  if (!displacement.curves.empty()) charts.push_back(std::move(displacement));
  if (!spectrum.curves.empty()) charts.push_back(std::move(spectrum));
  return charts;
}

}  // namespace

std::string text_of(const Comparison& comparison) {
  std::string text = "Held-out errors (root mean squares; factor: of the force, gained by fine-tuning)\n" + aligned(error_columns(), with_notes(error_rows(comparison)));
  if (const auto rows = probe_rows(comparison); !rows.empty()) text += "\nWithout reference data, of each model as it ends\n" + aligned(probe_columns(), rows);
  if (const PageTable table = simulation_table(comparison); !table.rows.empty()) {
    const auto any = std::find_if(comparison.models.begin(), comparison.models.end(), [](const ModelComparison& m) { return m.trajectory && m.trajectory->agreement; });
    if (any != comparison.models.end())
      text += fmt::format("\nOwn dynamics of {:.3g} ps at {:.0f} K beside {} of {:.3g} ps: percent apart (by chance)\n", any->trajectory->agreement->length_ps, any->trajectory->agreement->temperature_kelvin,
                          comparison.reference->name, any->trajectory->agreement->reference_length_ps);
    else text += "\nOwn dynamics\n";
    text += aligned(table.columns, table.rows);
  }
  return text;
}

json document_of(const Comparison& comparison) {
  json document{{"title", comparison.title}, {"models", json::array()}};
  for (const ModelComparison& m : comparison.models) {
    json object{{"name", m.name}, {"file", text_or_null(m.file)}, {"kind", text_or_null(m.kind)}, {"reason", text_or_null(m.reason)}, {"before", errors_json(m.before)},
                {"after", errors_json(m.after)}, {"finetune_reason", text_or_null(m.finetune_reason)}, {"force_factor_gained", json::array()},
                {"probes", m.probes ? *m.probes : json(nullptr)}, {"trajectory", nullptr}, {"md_reason", text_or_null(m.md_reason)}};
    for (std::size_t k = 0; k < m.after.size(); ++k) {
      const auto gained = factor(m.before[k].force_ev_ang, m.after[k].force_ev_ang);
      object["force_factor_gained"].push_back(gained ? json(*gained) : json(nullptr));
    }
    if (m.trajectory && m.trajectory->agreement) {
      const TrajectoryAgreement& a = *m.trajectory->agreement;
      const auto deviation = [](const Deviation& d) { return json{{"deviation", d.value}, {"by_chance", d.by_chance ? json(*d.by_chance) : json(nullptr)}}; };
      json rdf = json::array();
      for (const PairDeviation& pair : a.pairs) {
        json of_pair{{"pair", pair_name(pair.first, pair.second)}};
        of_pair.update(deviation(pair.rdf));
        rdf.push_back(std::move(of_pair));
      }
      object["trajectory"] = {{"temperature_kelvin", a.temperature_kelvin}, {"timestep_fs", a.timestep_fs}, {"length_ps", a.length_ps}, {"reference_length_ps", a.reference_length_ps}, {"rdf", rdf},
                              {"spectrum", a.spectrum ? deviation(*a.spectrum) : json(nullptr)}, {"conserved_drift_mev_per_atom_ps", m.trajectory->drift_mev_per_atom_ps}};
    }
    document["models"].push_back(std::move(object));
  }
  document["warnings"] = comparison.warnings;
  return document;
}

AnalysisPage page_of(const Comparison& comparison) {
  AnalysisPage page{"compare", comparison.title, "saltus compare", {}, charts_of(comparison), {}, comparison.warnings};
  page.sentences.push_back("Errors are root mean squares on the last part of each data set, which no fine-tuning saw. Energies of two methods differ by a constant for each element: aligned is without it. "
                           "The factor is the force error before over that after fine-tuning; all trainings had the same frames and passes.");
  page.tables.push_back({"errors", "Errors on the held-out frames", error_columns(), with_notes(error_rows(comparison)), error_columns().size() - 1});
  if (auto rows = probe_rows(comparison); !rows.empty())
    page.tables.push_back({"probes", "Without reference data, of each model as it ends", probe_columns(), std::move(rows), probe_columns().size() - 1});
  if (PageTable table = simulation_table(comparison); !table.rows.empty()) page.tables.push_back(std::move(table));
  return page;
}

}  // namespace saltus::runs
