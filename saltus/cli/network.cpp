// saltus network NETWORK.json: transport from the rates of jumps.
#include "saltus/cli/commands.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/analysis_output.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/network_output.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/kinetics/tensor.hpp"
#include "saltus/runs/network_file.hpp"
#include "saltus/runs/network_report.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> paths_of_networks;
  std::vector<double> times_ps, wave_vectors_per_ang;
  double trajectory_ps = 0;
  std::vector<int> vacancy_cells;
  int paths = 10;
  bool json = false;
};

Json modes_json(const runs::NetworkReport& report) {
  Json rows = Json::array();
  for (const runs::ModeShare& mode : *report.modes)
    rows.push_back({{"time_ps", mode.time_ps ? Json(*mode.time_ps) : Json(nullptr)},
                    {"share_of_uncorrelated", report.connected.broken ? Json(nullptr) : Json(mode.share)},
                    {"slower_than_trajectory", mode.slower_than_trajectory}});
  return rows;
}

Json document_of(const runs::NetworkReport& report, const std::string& file, const Options& options) {
  const auto& connected = report.connected;
  Json relaxation = nullptr;
  if (report.modes) {
    relaxation = Json::array();
    for (const auto& mode : *report.modes) relaxation.push_back(mode.time_ps ? Json(*mode.time_ps) : Json(nullptr));
  }
  Json paths = Json::array();
  for (const runs::PathShare& path : report.paths) {
    if (static_cast<int>(paths.size()) == options.paths) break;
    Json row{{"from", path.from}, {"to", path.to}};
    if (path.image) row["image"] = *path.image;
    row["displacement_ang"] = vector_json(path.displacement_ang);
    row[report.lag_ps ? "probability" : "rate_per_ps"] = path.weight;
    row[report.lag_ps ? "reverse_probability" : "reverse_rate_per_ps"] = path.reverse_weight;
    row["share_of_diffusion"] = path.share;
    paths.push_back(row);
  }
  Json broken = nullptr;
  if (connected.broken) broken = {{"sites", connected.broken->site}, {"affinity", number_or_null(connected.broken->affinity)}};
  Json directions = Json::array(), axes = Json::array();
  for (const Vec3& direction : connected.percolating_ang) directions.push_back(vector_json(direction));
  for (int k = 0; k < 3; ++k) {
    const auto i = static_cast<std::size_t>(k);
    axes.push_back({{"axis", vector_json(report.principal_ang2_per_ps.axis[k])},
                    {"diffusion_ang2_per_ps", report.error_ang2_per_ps ? value_low_high(report.error_ang2_per_ps->principal_ang2[i])
                                                                       : Json(report.principal_ang2_per_ps.value[i])}});
  }
  const double mean = kinetics::trace(report.diffusion_ang2_per_ps) / 3;
  Json document{{"input", file},
                {"sites", report.sites},
                {"jumps", report.jumps},
                {"lag_ps", report.lag_ps ? Json(*report.lag_ps) : Json(nullptr)},
                {"connected_sites", connected.site},
                {"dropped_sites", connected.dropped_sites},
                {"dropped_probability", connected.dropped_probability ? Json(*connected.dropped_probability) : Json(nullptr)},
                {"probability", connected.network.pi},
                {"reversible", !connected.broken},
                {"broken_cycle", broken},
                {"percolating_directions", directions},
                {"diffusion_ang2_per_ps", tensor_json(report.diffusion_ang2_per_ps)},
                {"uncorrelated_diffusion_ang2_per_ps", tensor_json(report.uncorrelated_diffusion_ang2_per_ps)},
                {"correlation_factor", report.correlation_factor},
                {"mean_diffusion_ang2_per_ps",
                 report.error_ang2_per_ps ? value_low_high(report.error_ang2_per_ps->mean_ang2) : Json(mean)},
                {"interval_note", report.error_note},
                {"principal_axes", axes},
                {"drift_ang_per_ps", vector_json(report.drift_ang_per_ps)},
                {"relaxation_times_ps", relaxation},
                {"relaxations", report.modes ? modes_json(report) : Json(nullptr)},
                {"paths", paths}};
  if (!report.times.empty()) {
    Json rows = Json::array();
    for (const runs::TimePoint& point : report.times) {
      Json row{{"time_ps", point.time_ps}, {"msd_ang2", tensor_json(point.msd_ang2)}, {"msd_trace_ang2", kinetics::trace(point.msd_ang2)}};
      if (!point.scattering.empty()) row["scattering"] = point.scattering;
      rows.push_back(row);
    }
    document["times"] = rows;
  }
  if (!options.wave_vectors_per_ang.empty()) {
    document["wave_vectors_per_ang"] = Json::array();
    for (std::size_t k = 0; k + 2 < options.wave_vectors_per_ang.size(); k += 3)
      document["wave_vectors_per_ang"].push_back(
          {options.wave_vectors_per_ang[k], options.wave_vectors_per_ang[k + 1], options.wave_vectors_per_ang[k + 2]});
  }
  if (report.vacancy) {
    Json cells = Json::array();
    for (const kinetics::TracerTransport& t : report.vacancy->tracer)
      cells.push_back({{"cells", t.cells},
                       {"sites", t.sites},
                       {"tracer_diffusion_ang2_per_ps", tensor_json(t.diffusion_ang2)},
                       {"uncorrelated_diffusion_ang2_per_ps", tensor_json(t.uncorrelated_diffusion_ang2)},
                       {"correlation_factor", t.correlation_factor}});
    const auto number = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
    document["vacancy"] = {{"diffusion_ang2_per_ps", tensor_json(report.vacancy->vacancy_diffusion_ang2_per_ps)},
                           {"tracer", cells},
                           {"correlation_factor", number(report.vacancy->correlation_factor)},
                           {"tracer_diffusion_per_vacant_share_ang2_per_ps", number(report.vacancy->tracer_per_vacancy_ang2_per_ps)}};
  }
  document["warnings"] = report.warnings;
  return document;
}

void print_text(const runs::NetworkReport& report, const std::string& file, const Options& options) {
  const auto& connected = report.connected;
  fmt::print("{}: {} sites, {} directed jumps{}{}\n\n", file, report.sites, report.jumps,
             report.lag_ps ? fmt::format(", probabilities per {:.6g} ps", *report.lag_ps) : "",
             connected.broken ? "; without detailed balance" : "");
  print_tensor("D, Å²/ps", report.diffusion_ang2_per_ps);
  print_tensor("D without correlation", report.uncorrelated_diffusion_ang2_per_ps);
  const double mean = kinetics::trace(report.diffusion_ang2_per_ps) / 3;
  if (report.error_ang2_per_ps) {
    const Estimate& e = report.error_ang2_per_ps->mean_ang2;
    fmt::print("a third of the trace   {:.6g} Å²/ps (95 %: {:.4g} … {:.4g}), {:.4g} events\n", e.value, e.low, e.high,
               report.error_ang2_per_ps->events);
  } else {
    fmt::print("a third of the trace   {:.6g} Å²/ps = {:.4g} cm²/s ({})\n", mean, mean * units::cm2_s_per_ang2_ps, report.error_note);
  }
  fmt::print("correlation factor     {:.6g}\n", report.correlation_factor);
  if (connected.broken) {
    const Vec3& v = report.drift_ang_per_ps;
    fmt::print("drift                  {:.6g} {:.6g} {:.6g} Å/ps\n", v.x, v.y, v.z);
  }
  if (report.modes && !report.modes->empty()) {
    fmt::print("\n{:>14} {:>24}\n", "relaxation, ps", connected.broken ? "" : "takes from D, of that");
    fmt::print("{:>14} {:>24}\n", "", connected.broken ? "" : "without correlation");
    int shown = 0;
    for (const runs::ModeShare& mode : *report.modes) {
      if (++shown > 10) {
        fmt::print("{:>14}\n", fmt::format("… {} more", report.modes->size() - 10));
        break;
      }
      const std::string time = mode.time_ps ? fmt::format("{:.6g}", *mode.time_ps) : "none";
      const std::string share = connected.broken ? "" : fmt::format("{:.4f}", mode.share);
      fmt::print("{:>14} {:>24}{}\n", time, share, mode.slower_than_trajectory ? "   slower than the trajectory" : "");
    }
  }
  if (!report.paths.empty() && options.paths > 0) {
    fmt::print("\n{:>6} {:>6} {:>31} {:>14} {:>10}\n", "from", "to", "displacement, Å", report.lag_ps ? "probability" : "rate, 1/ps", "share of D");
    for (std::size_t k = 0; k < report.paths.size() && static_cast<int>(k) < options.paths; ++k) {
      const runs::PathShare& path = report.paths[k];
      const Vec3& d = path.displacement_ang;
      fmt::print("{:>6} {:>6} {:>10.4f} {:>10.4f} {:>9.4f} {:>14.6g} {:>10.4f}\n", path.from, path.to, d.x, d.y, d.z, path.weight, path.share);
    }
    if (static_cast<int>(report.paths.size()) > options.paths)
      fmt::print("{:>6} more\n", static_cast<int>(report.paths.size()) - options.paths);
  }
  if (!report.times.empty()) {
    fmt::print("\n{:>10} {:>14}", "time, ps", "MSD, Å²");
    for (std::size_t k = 0; k < report.times[0].scattering.size(); ++k) fmt::print(" {:>14}", fmt::format("F(k{}, t)", k + 1));
    fmt::print("\n");
    for (const runs::TimePoint& point : report.times) {
      fmt::print("{:>10.6g} {:>14.8g}", point.time_ps, kinetics::trace(point.msd_ang2));
      for (const double f : point.scattering) fmt::print(" {:>14.8g}", f);
      fmt::print("\n");
    }
  }
}

void print_vacancy(const runs::VacancyTransport& vacancy) {
  fmt::print("\nFull of ions but for one vacancy\n");
  print_tensor("D of the vacancy", vacancy.vacancy_diffusion_ang2_per_ps);
  fmt::print("{:>22} {:>8} {:>20} {:>20}\n", "cells", "sites", "D of an ion, Å²/ps", "correlation factor");
  for (const kinetics::TracerTransport& t : vacancy.tracer)
    fmt::print("{:>22} {:>8} {:>20.6g} {:>20.6f}\n", fmt::format("{} × {} × {}", t.cells[0], t.cells[1], t.cells[2]), t.sites,
               kinetics::trace(t.diffusion_ang2) / 3, t.correlation_factor);
  if (vacancy.correlation_factor)
    fmt::print("{:>22} {:>8} {:>20} {:>20.6f}\nD of an ion = share of vacant sites × {:.6g} Å²/ps\n", "infinite (1 / sites)", "", "",
               *vacancy.correlation_factor, *vacancy.tracer_per_vacancy_ang2_per_ps);
}

void check_lags(const std::vector<runs::NetworkReport>& reports, const Options& options) {
  for (std::size_t k = 0; k < reports.size(); ++k) {
    if (!reports[k].lag_ps)
      throw Error(ErrorKind::usage, options.paths_of_networks[k] + ": several networks are compared as Markov models of rising lag; this one has rates, no lag_ps");
    if (k > 0 && !(*reports[k].lag_ps > *reports[k - 1].lag_ps))
      throw Error(ErrorKind::usage, options.paths_of_networks[k] + ": give the networks by rising lag_ps");
  }
}

/// D against the lag of several Markov models.
void lag_test(const std::vector<runs::NetworkReport>& reports, const Options& options) {
  const std::optional<std::size_t> flat = runs::flat_from(reports);
  const bool intervals = std::all_of(reports.begin(), reports.end(), [](const auto& r) { return r.error_ang2_per_ps.has_value(); });
  if (options.json) {
    Json rows = Json::array();
    for (std::size_t k = 0; k < reports.size(); ++k) rows.push_back(document_of(reports[k], options.paths_of_networks[k], options));
    print_json({{"networks", rows},
                {"flat_from_ps", flat ? Json(*reports[*flat].lag_ps) : Json(nullptr)},
                {"flat_note", intervals ? "" : "not tested: the jumps of some networks have no counts, so that D has no interval"}});
    return;
  }
  fmt::print("{:>12} {:>14} {:>26} {:>14}\n", "lag, ps", "D, Å²/ps", "95 %", "correlation");
  for (const runs::NetworkReport& report : reports) {
    const auto& e = report.error_ang2_per_ps;
    fmt::print("{:>12.6g} {:>14.6g} {:>26} {:>14.6g}\n", *report.lag_ps, kinetics::trace(report.diffusion_ang2_per_ps) / 3,
               e ? fmt::format("{:.5g} … {:.5g}", e->mean_ang2.low, e->mean_ang2.high) : "no counts", report.correlation_factor);
  }
  if (flat) fmt::print("flat from {:.6g} ps on\n", *reports[*flat].lag_ps);
  else if (intervals) fmt::print("not flat: D changes with the lag by more than its intervals\n");
}

int network(const Options& options) {
  if (options.wave_vectors_per_ang.size() % 3 != 0)
    throw Error(ErrorKind::usage, fmt::format("--scattering-k-per-ang: {} numbers; each wave vector has three", options.wave_vectors_per_ang.size()));
  runs::NetworkSettings settings;
  settings.times_ps = options.times_ps;
  for (std::size_t k = 0; k + 2 < options.wave_vectors_per_ang.size(); k += 3)
    settings.wave_vector_per_ang.push_back(
        {options.wave_vectors_per_ang[k], options.wave_vectors_per_ang[k + 1], options.wave_vectors_per_ang[k + 2]});
  settings.vacancy_cells = options.vacancy_cells;
  if (options.trajectory_ps > 0) settings.trajectory_ps = options.trajectory_ps;
  std::vector<runs::NetworkReport> reports;
  for (const std::string& path : options.paths_of_networks) {
    reports.push_back(runs::analyze_network(runs::read_network(path), path, settings));
    for (const std::string& warning : reports.back().warnings) print_warning(path + ": " + warning);
  }
  if (reports.size() > 1) {
    check_lags(reports, options);
    lag_test(reports, options);
  } else if (options.json) {
    print_json(document_of(reports[0], options.paths_of_networks[0], options));
  } else {
    print_text(reports[0], options.paths_of_networks[0], options);
    if (reports[0].vacancy) print_vacancy(*reports[0].vacancy);
  }
  return 0;
}

}  // namespace

std::function<int()> set_up_network(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("NETWORK", options->paths_of_networks, "JSON file of sites and jumps; several of rising lag_ps: whether D is flat")
      ->required()
      ->type_name("FILE");
  app.add_option("--msd-times-ps", options->times_ps, "times at which to give the MSD, ps (default: none)")
      ->delimiter(',');
  app.add_option("--scattering-k-per-ang", options->wave_vectors_per_ang,
                 "wave vectors x,y,z in 1/Å: self-scattering function at those times (default: none)")
      ->delimiter(',');
  app.add_option("--trajectory-ps", options->trajectory_ps,
                 "how long the ions behind the rates were watched, ps: marks slower relaxations (default: not told)")
      ->check(CLI::PositiveNumber);
  app.add_option("--vacancy-cells", options->vacancy_cells,
                 "edges in cells of crystals full but for one vacancy, e.g. 6,10: tracer D of an ion (default: none)")
      ->delimiter(',');
  app.add_option("--paths", options->paths, "how many paths to list, those that carry most first (default 10)")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--json", options->json, "one JSON document on stdout");
  app.footer(
      "NETWORK.json (sites from 0; every directed jump, its reverse too; Å, 1/ps; cell, position, probability may be null):\n"
      "  {\"cell_ang\": [[2,0,0],[0,9,0],[0,0,9]], \"sites\": [{\"position_ang\": [0,0,0], \"probability\": 1}],\n"
      "   \"jumps\": [{\"from\": 0, \"to\": 0, \"image\": [1,0,0], \"rate_per_ps\": 1},\n"
      "             {\"from\": 0, \"to\": 0, \"image\": [-1,0,0], \"rate_per_ps\": 1}]}\n"
      "\"displacement_ang\": [x,y,z] may stand for \"image\"; \"count\", the events behind a rate, gives intervals;\n"
      "with \"lag_ps\", jumps carry \"probability\" per lag for a rate.\n\nExample:\n"
      "  saltus network examples/lattice_gas/ladder.json --msd-times-ps 1,10,100");
  return [options] { return network(*options); };
}

}  // namespace saltus::cli
