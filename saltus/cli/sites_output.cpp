#include "saltus/cli/sites_output.hpp"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "saltus/base/units.hpp"
#include "saltus/runs/scene_json.hpp"

namespace saltus::cli {

using json = nlohmann::ordered_json;
using units::fs_per_ps;

namespace {

constexpr std::size_t most_jumps = 12;  // classes in the table; JSON has all
constexpr double none = std::numeric_limits<double>::quiet_NaN();

Estimate in_ps(const Estimate& fs) { return {fs.value / fs_per_ps, fs.low / fs_per_ps, fs.high / fs_per_ps}; }

json occupation_json(const runs::SiteFigures& f) {
  return f.occupation_interval ? value_low_high(*f.occupation_interval) : json{{"value", f.occupation}, {"low", nullptr}, {"high", nullptr}};
}

json time_json(const Estimate& e) { return {{"value", number_or_null(e.value)}, {"low", number_or_null(e.low)}, {"high", number_or_null(e.high)}}; }

json site_rows(const runs::SitesReport& report) {
  json rows = json::array();
  for (std::size_t k = 0; k < report.sites.size(); ++k) {
    const runs::SiteFigures& f = report.figures[k];
    const Fractional& p = report.sites.position[k];
    rows.push_back({{"site", k},
                    {"orbit", report.symmetry ? json(report.symmetry->positions.orbit[k]) : json(nullptr)},
                    {"fractional", {p.a, p.b, p.c}},
                    {"occupation", occupation_json(f)},
                    {"shared_fraction", report.visits.shared[k]},
                    {"rms_widest_ang", report.diagnosis.shape[k].widest_ang},
                    {"kurtosis_widest", report.diagnosis.shape[k].kurtosis},
                    {"nearest_ang", f.nearest_ang},
                    {"core_ang", report.visits.core_radius_ang[k]},
                    {"departures", f.departures},
                    {"residence_ps", time_json(in_ps(f.residence_fs))}});
  }
  return rows;
}

Vec3 displacement_ang(const runs::SitesReport& report, const kinetics::JumpMember& jump) {
  const Sites& sites = report.sites;
  return sites.cell.to_cartesian(sites.position[static_cast<std::size_t>(jump.to)]) - sites.cell.to_cartesian(sites.position[static_cast<std::size_t>(jump.from)]) +
         sites.cell.translation_ang(jump.image);
}

Estimate per_ps(const Estimate& per_frame, const runs::SitesReport& report) {
  const double factor = fs_per_ps / report.frame_spacing_fs;
  return {factor * per_frame.value, factor * per_frame.low, factor * per_frame.high};
}

json jump_rows(const runs::SitesReport& report) {
  json rows = json::array();
  for (const kinetics::JumpClass& jump : report.jumps.classes) {
    json members = json::array();
    for (const kinetics::JumpMember& m : jump.members) members.push_back({{"from", m.from}, {"to", m.to}, {"image", m.image}, {"events", m.events}});
    rows.push_back({{"distance_ang", norm(displacement_ang(report, jump.members[0]))},
                    {"events", jump.events},
                    {"rate_per_ps", value_low_high(per_ps(jump.rate_per_frame, report))},
                    {"p_of_equal_members", jump.members.size() > 1 ? json(jump.p_value) : json(nullptr)},
                    {"members", members}});
  }
  return rows;
}

json symmetry_json(const runs::SiteSymmetry& symmetry) {
  json orbits = json::array();
  for (std::size_t k = 0; k < symmetry.label.size(); ++k) {
    json occupation{{"value", symmetry.occupation[k]}, {"low", nullptr}, {"high", nullptr}};
    if (symmetry.occupation_interval[k]) occupation = value_low_high(*symmetry.occupation_interval[k]);
    orbits.push_back({{"orbit", k}, {"wyckoff", symmetry.label[k]}, {"sites", symmetry.sites[k]}, {"occupation", occupation}});
  }
  return {{"number", symmetry.group.number},       {"symbol", symmetry.group.symbol},
          {"operations", symmetry.group.operations.size()}, {"framework_shift_ang", symmetry.framework_shift_ang},
          {"site_shift_ang", symmetry.positions.largest_shift_ang}, {"added_sites", symmetry.positions.added},
          {"jumps_pooled", symmetry.pooled},       {"orbits", orbits}};
}

json lag_rows(const runs::MarkovTest& markov) {
  json rows = json::array();
  for (const auto& lag : markov.lags) {
    json d = nullptr, t = nullptr;
    if (const auto& e = lag.diffusion_ang2_fs) d = value_low_high({e->value * fs_per_ps, e->low * fs_per_ps, e->high * fs_per_ps});
    if (!lag.timescales.empty() && lag.timescales[0].value_fs) {
      const auto& time = lag.timescales[0];
      t = time.interval_fs ? value_low_high(in_ps(*time.interval_fs)) : json{{"value", *time.value_fs / fs_per_ps}, {"low", nullptr}, {"high", nullptr}};
      t["resolved"] = time.resolved;
    }
    rows.push_back({{"lag_ps", lag.lag_fs / fs_per_ps}, {"diffusion_ang2_per_ps", d}, {"slowest_timescale_ps", t}});
  }
  return rows;
}

json missing_rows(const SiteDiagnosis& diagnosis) {
  json rows = json::array();
  for (const MissingSite& m : diagnosis.missing)
    rows.push_back({{"fractional", {m.position.a, m.position.b, m.position.c}}, {"occupation", m.occupation}, {"nearest_site_ang", m.distance_ang}});
  return rows;
}

std::string text_of_range(double low, double high, const char* format) {
  return fmt::format("{} … {}", fmt::format(fmt::runtime(format), low), std::isfinite(high) ? fmt::format(fmt::runtime(format), high) : "");
}

std::string lag_table(const runs::MarkovTest& markov) {
  std::string text = fmt::format("\n{:>12} {:>14} {:>24} {:>14} {:>24}\n", "lag, ps", "D, Å²/ps", "95 %", "slowest, ps", "95 %");
  for (const auto& lag : markov.lags) {
    std::string d = "none", d_range, t = "none", t_range;
    if (const auto& e = lag.diffusion_ang2_fs) {
      d = fmt::format("{:.4g}", e->value * fs_per_ps);
      d_range = text_of_range(e->low * fs_per_ps, e->high * fs_per_ps, "{:.4g}");
    }
    if (!lag.timescales.empty() && lag.timescales[0].value_fs) {
      const auto& time = lag.timescales[0];
      t = fmt::format("{:.4g}", *time.value_fs / fs_per_ps);
      if (!time.resolved) t_range = "below the lag";
      else if (time.interval_fs) t_range = text_of_range(time.interval_fs->low / fs_per_ps, time.interval_fs->high / fs_per_ps, "{:.4g}");
    }
    text += fmt::format("{:>12.4g} {:>14} {:>24} {:>14} {:>24}\n", lag.lag_fs / fs_per_ps, d, d_range, t, t_range);
  }
  return text;
}

std::string orbit_table(const runs::SiteSymmetry& symmetry) {
  std::string text = fmt::format("\n{:>5} {:>8} {:>6} {:>11} {:>17}\n", "orbit", "Wyckoff", "sites", "occupation", "95 %");
  for (std::size_t k = 0; k < symmetry.label.size(); ++k)
    text += fmt::format("{:>5} {:>8} {:>6} {:>11.4f} {:>17}\n", k, symmetry.label[k], symmetry.sites[k], symmetry.occupation[k],
                        symmetry.occupation_interval[k] ? interval(*symmetry.occupation_interval[k], 3) : "no exchange");
  return text;
}

std::string jump_table(const runs::SitesReport& report) {
  std::string text = fmt::format("\n{:>5} {:>5} {:>12} {:>11} {:>8} {:>9} {:>14} {:>24}{}\n", "from", "to", "image", "distance, Å", "events", "jumps", "rate, 1/ps", "95 %",
                                 report.symmetry ? "   p of equality" : "");
  std::size_t shown = 0;
  for (const kinetics::JumpClass& jump : report.jumps.classes) {
    if (shown++ == most_jumps) {
      text += fmt::format("{:>5} more\n", report.jumps.classes.size() - most_jumps);
      break;
    }
    const kinetics::JumpMember& m = jump.members[0];
    const Estimate rate = per_ps(jump.rate_per_frame, report);
    text += fmt::format("{:>5} {:>5} {:>12} {:>11.3f} {:>8} {:>9} {:>14.4g} {:>24}{}\n", m.from, m.to, fmt::format("{} {} {}", m.image[0], m.image[1], m.image[2]),
                        norm(displacement_ang(report, m)), jump.events, jump.members.size(), rate.value, text_of_range(rate.low, rate.high, "{:.4g}"),
                        report.symmetry && jump.members.size() > 1 ? fmt::format("{:>16.3g}", jump.p_value) : "");
  }
  return text;
}

/// Four decimals of a fraction in [0, 1), never 1.0000.
std::string fraction(double x) { return fmt::format("{:.4f}", x < 0.99995 ? x : 0.0); }

std::string site_table(const runs::SitesReport& report) {
  std::string text = fmt::format("\n{:>5}{} {:>8} {:>8} {:>8} {:>11} {:>15} {:>7} {:>11} {:>11} {:>14} {:>18}\n", "site", report.symmetry ? "  Wyckoff" : "", "a", "b", "c", "occupation", "95 %", "shared",
                                 "nearest, Å", "departures", "residence, ps", "95 %");
  for (std::size_t k = 0; k < report.sites.size(); ++k) {
    const runs::SiteFigures& f = report.figures[k];
    const Fractional& p = report.sites.position[k];
    const Estimate stay = in_ps(f.residence_fs);
    text += fmt::format("{:>5}{} {:>8} {:>8} {:>8} {:>11.4f} {:>15} {:>7.4f} {:>11.3f} {:>11} {:>14} {:>18}\n", k, report.symmetry ? fmt::format(" {:>8}", report.symmetry->label[report.symmetry->positions.orbit[k]]) : "",
                        fraction(p.a), fraction(p.b), fraction(p.c), f.occupation,
                        f.occupation_interval ? interval(*f.occupation_interval, 3) : "no exchange", report.visits.shared[k], f.nearest_ang, f.departures,
                        std::isfinite(stay.value) ? fmt::format("{:.4g}", stay.value) : "never left", text_of_range(stay.low, stay.high, "{:.4g}"));
  }
  return text;
}

std::vector<runs::Chart> charts_of(const runs::MarkovTest& markov) {
  runs::ChartCurve d{"D", {}, {}}, time{"slowest timescale", {}, {}}, lag_itself{"lag", {}, {}};
  for (const auto& lag : markov.lags) {
    const double lag_ps = lag.lag_fs / fs_per_ps;
    lag_itself.x.push_back(lag_ps);
    lag_itself.y.push_back({lag_ps, none, none});
    if (const auto& e = lag.diffusion_ang2_fs) {
      d.x.push_back(lag_ps);
      d.y.push_back({e->value * fs_per_ps, e->low * fs_per_ps, e->high * fs_per_ps});
    }
    if (lag.timescales.empty() || !lag.timescales[0].value_fs) continue;
    time.x.push_back(lag_ps);
    time.y.push_back(lag.timescales[0].interval_fs ? in_ps(*lag.timescales[0].interval_fs) : Estimate{*lag.timescales[0].value_fs / fs_per_ps, none, none});
  }
  std::vector<runs::Chart> charts;
  if (!d.x.empty())
    charts.push_back({"diffusion", "D of one ion as a Markov chain on the sites against the lag, with its 95 % band.", "lag, ps", "D, Å²/ps", true, {d},
                      std::nullopt, std::nullopt});
  if (!time.x.empty())
    charts.push_back({"timescale", "Slowest implied timescale with its 95 % band; where it lies below the lag nothing can be resolved.", "lag, ps",
                      "timescale, ps", true, {time, lag_itself}, std::nullopt, std::nullopt});
  return charts;
}

json page_sites(const runs::SitesReport& report) {
  json object{{"columns", {"site", "place", "a", "b", "c", "occupation", "nearest site, Å", "departures", "residence, ps", "low", "high"}},
              {"occupation_column", 5},
              {"first", 0},
              {"rows", json::array()}};
  for (std::size_t k = 0; k < report.sites.size(); ++k) {
    const runs::SiteFigures& f = report.figures[k];
    const Fractional& p = report.sites.position[k];
    const Estimate stay = in_ps(f.residence_fs);
    object["rows"].push_back({k, report.symmetry ? report.symmetry->label[report.symmetry->positions.orbit[k]] : "", p.a, p.b, p.c, f.occupation, f.nearest_ang, f.departures,
                              number_or_null(stay.value), number_or_null(stay.low), number_or_null(stay.high)});
  }
  return object;
}

}  // namespace

AnalysisOutput output_of(const runs::SitesReport& report, const SitesOptions& own, const AnalysisOptions& options) {
  const AssignmentReport& assignment = report.visits.report;
  const Sites& sites = report.sites;
  const int cells = sites.fold[0] * sites.fold[1] * sites.fold[2];
  const Vec3& offset = assignment.offset_msq_ang2;
  const double rms_offset_ang = std::sqrt(offset.x + offset.y + offset.z);
  AnalysisOutput output;
  const std::string subject = fmt::format("{}: {}, {} frames {:.6g} fs apart, {} {}{}", options.path, report.formula, report.frames, report.frame_spacing_fs,
                                          report.ions, own.species, own.framework.empty() ? "" : ", relative to " + own.framework);
  const std::string origin = !own.given.empty()           ? "given in " + own.given
                             : own.method == "voronoi" ? "voids of the framework that ions visit"
                                                       : "peaks of the density";
  std::vector<std::string> sentences{
      fmt::format("{} site{}, {}{}{}.", sites.size(), sites.size() == 1 ? "" : "s", origin,
                  sites.merged_by_persistence + sites.merged_by_occupation + sites.merged_by_distance == 0
                      ? std::string()
                      : fmt::format("; left out: {} peaks behind low barriers, {} places of few ions, {} too near to others", sites.merged_by_persistence, sites.merged_by_occupation,
                                    sites.merged_by_distance), cells > 1 ? fmt::format("; {} cells folded into one", cells) : ""),
      fmt::format("{} jumps of {} ions, core to core; {} with cores 10 % smaller, {} with cores 10 % larger; {:.1f} % go back within {:.6g} fs, "
                  "{:.1f} % are taken back by the next jump.",
                  assignment.jumps, assignment.carriers_that_jumped, report.sensitivity.jumps_smaller, report.sensitivity.jumps_larger,
                  100 * assignment.flicker_fraction, own.settings.assignment.flicker_fs,
                  100 * assignment.return_fraction),
      fmt::format("Ions have no site yet in {:.2f} % of the ion-frames, and are outside all cores in {:.1f} % and far from every site in {:.2f} %; two ions "
                  "share some site in {:.2f} % of the frames. Rms distance from the site: {:.3f} Å{}.",
                  100 * assignment.undefined_fraction, 100 * assignment.outside_fraction, 100 * report.diagnosis.far_fraction, 100 * assignment.double_occupation_fraction,
                  rms_offset_ang, own.settings.follow ? ", sites following the framework" : ""),
      fmt::format("Intervals: occupation by Student's t over {} blocks of time; residence by Poisson's law, jumps counting as {:.3g} of one each, as they "
                  "scatter among the blocks.",
                  options.blocks, 1 / report.jump_dispersion),
      report.markov.verdict + "."};
  if (report.symmetry) {
    const runs::SiteSymmetry& symmetry = *report.symmetry;
    sentences.insert(sentences.begin() + 1,
                     fmt::format("Space group {} (number {}) of the mean framework within {:.3g} Å: atoms at most {:.3f} Å from where it puts them, "
                                 "sites {:.3f} Å; {} sites follow by symmetry alone. {}.",
                                 symmetry.group.symbol, symmetry.group.number, own.symmetry_tolerance_ang, symmetry.framework_shift_ang,
                                 symmetry.positions.largest_shift_ang, symmetry.positions.added,
                                 symmetry.pooled ? "Equivalent jumps agree and are pooled"
                                 : report.jumps.classes.empty() || symmetry.group.operations.size() == 1 ? "There are no jumps to pool"
                                                                : "Equivalent jumps differ and are not pooled"));
  }
  const auto& markov = report.markov;
  const auto lag_or_null = [&](const std::optional<std::size_t>& k) { return k ? json(markov.lags[*k].lag_fs / fs_per_ps) : json(nullptr); };
  output.document = {{"input", options.path},
                     {"formula", report.formula},
                     {"species", own.species},
                     {"framework", own.framework},
                     {"frames", report.frames},
                     {"frame_spacing_fs", report.frame_spacing_fs},
                     {"ions", report.ions},
                     {"fold", sites.fold},
                     {"method", own.given.empty() ? own.method : "given"},
                     {"symmetry", report.symmetry ? symmetry_json(*report.symmetry) : json(nullptr)},
                     {"sites", site_rows(report)},
                     {"jumps", assignment.jumps},
                     {"jumps_cores_smaller", report.sensitivity.jumps_smaller},
                     {"jumps_cores_larger", report.sensitivity.jumps_larger},
                     {"ions_that_jumped", assignment.carriers_that_jumped},
                     {"jump_dispersion", report.jump_dispersion},
                     {"flicker_fraction", assignment.flicker_fraction},
                     {"return_fraction", assignment.return_fraction},
                     {"undefined_fraction", assignment.undefined_fraction},
                     {"outside_fraction", assignment.outside_fraction},
                     {"rms_offset_ang", rms_offset_ang},
                     {"far_fraction", report.diagnosis.far_fraction},
                     {"missing_sites", missing_rows(report.diagnosis)},
                     {"merged_peaks",
                      {{"low_barrier", sites.merged_by_persistence}, {"few_ions", sites.merged_by_occupation}, {"too_near", sites.merged_by_distance}}},
                     {"double_occupation_fraction", assignment.double_occupation_fraction},
                     {"doubly_occupied_sites", assignment.doubly_occupied_sites},
                     {"jump_classes", jump_rows(report)},
                     {"lags", lag_rows(markov)},
                     {"diffusion_flat_from_ps", lag_or_null(markov.plateau)},
                     {"timescale_level_from_ps", lag_or_null(markov.level)},
                     {"verdict", markov.verdict}};
  output.text = subject + "\n";
  for (const std::string& sentence : sentences) output.text += sentence + "\n";
  if (report.symmetry) output.text += orbit_table(*report.symmetry);
  output.text += site_table(report);
  if (!report.jumps.classes.empty()) output.text += jump_table(report);
  if (!markov.lags.empty()) output.text += lag_table(markov);

  std::vector<Column> table;
  for (const char* name : {"site", "a", "b", "c", "occupation", "low_occupation", "high_occupation", "shared_fraction", "nearest_ang", "core_ang", "departures",
                           "residence_ps", "low_residence_ps", "high_residence_ps"})
    table.push_back({name, {}});
  for (std::size_t k = 0; k < sites.size(); ++k) {
    const runs::SiteFigures& f = report.figures[k];
    const Estimate stay = in_ps(f.residence_fs), taken = f.occupation_interval.value_or(Estimate{f.occupation, none, none});
    const double row[] = {double(k), sites.position[k].a, sites.position[k].b, sites.position[k].c, f.occupation, taken.low, taken.high, report.visits.shared[k], f.nearest_ang,
                          report.visits.core_radius_ang[k], double(f.departures), stay.value, stay.low, stay.high};
    for (std::size_t j = 0; j < table.size(); ++j) table[j].value.push_back(row[j]);
  }
  output.table = std::move(table);
  output.page = {"sites", "Sites of " + own.species, subject, sentences, charts_of(markov), {}, report.warnings, "", ""};
  if (!options.page.empty()) {
    output.page.sites = page_sites(report).dump();
    output.page.scene = runs::scene_json(sites, report.visits, report.paths, own.species, own.framework).dump();
  }
  return output;
}

}  // namespace saltus::cli
