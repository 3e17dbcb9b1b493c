// saltus propagate NETWORK.json: distributions on many cells of a network.
#include "saltus/cli/commands.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/text.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/network_file.hpp"
#include "saltus/runs/propagation_report.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string path, csv, start = "slab";
  std::vector<int> cells;
  std::vector<std::string> boundary;
  std::vector<double> times_ps;
  int axis = 0;
  bool exclusion = false, json = false;
  double concentration = 0.5;
};

runs::PropagationSettings settings_of(const Options& options) {
  runs::PropagationSettings s;
  if (options.cells.size() != 3) throw Error(ErrorKind::usage, "--cells takes three numbers, e.g. 200,1,1");
  for (std::size_t x = 0; x < 3; ++x) s.cells[x] = options.cells[x];
  if (!options.boundary.empty() && options.boundary.size() != 1 && options.boundary.size() != 3)
    throw Error(ErrorKind::usage, "--boundary takes one word for all axes, or three");
  for (std::size_t x = 0; x < 3 && !options.boundary.empty(); ++x) {
    const std::string& word = options.boundary[options.boundary.size() == 1 ? 0 : x];
    s.boundary[x] = word == "periodic" ? kinetics::Boundary::periodic : word == "reflecting" ? kinetics::Boundary::reflecting : kinetics::Boundary::absorbing;
  }
  s.axis = options.axis;
  s.start = options.start == "point" ? runs::StartProfile::point : options.start == "slab" ? runs::StartProfile::slab : runs::StartProfile::wave;
  s.exclusion = options.exclusion;
  s.concentration = options.concentration;
  s.times_ps = options.times_ps;
  if (s.times_ps.empty() || s.times_ps.front() != 0) s.times_ps.insert(s.times_ps.begin(), 0.0);
  return s;
}

Json document_of(const runs::PropagationReport& report, const Options& options) {
  Json profiles = Json::array();
  for (const runs::ProfileAtTime& profile : report.profiles)
    profiles.push_back({{"time_ps", profile.time_ps},
                        {"mass", profile.mass},
                        {"smallest", profile.smallest},
                        {"largest", profile.largest},
                        {"amount", profile.amount},
                        {"diffusion_equation", profile.diffusion.empty() ? Json(nullptr) : Json(profile.diffusion)},
                        {"largest_deviation", profile.largest_deviation ? Json(*profile.largest_deviation) : Json(nullptr)}});
  return {{"input", options.path},
          {"sites", report.sites},
          {"cells", options.cells},
          {"axis", options.axis},
          {"layer_spacing_ang", report.spacing_ang},
          {"diffusion_along_normal_ang2_per_ps", report.diffusion_ang2_per_ps},
          {"exclusion", options.exclusion},
          {"steps", report.applications},
          {"seconds", report.seconds},
          {"relative_mass_change", report.mass_drift},
          {"diffusion_equation_note", report.diffusion_note},
          {"profiles", profiles},
          {"warnings", report.warnings}};
}

std::string csv_of(const runs::PropagationReport& report) {
  std::string text = "time_ps,position_ang,amount,diffusion_equation\n";
  for (const runs::ProfileAtTime& profile : report.profiles)
    for (std::size_t j = 0; j < profile.amount.size(); ++j)
      text += fmt::format("{},{},{},{}\n", shortest(profile.time_ps), shortest(static_cast<double>(j) * report.spacing_ang), shortest(profile.amount[j]),
                          profile.diffusion.empty() ? "" : shortest(profile.diffusion[j]));
  return text;
}

void print_text(const runs::PropagationReport& report, const Options& options) {
  fmt::print("{}: {} sites, layers {:.6g} Å apart, D = {:.6g} Å²/ps across them\n\n", options.path, report.sites, report.spacing_ang,
             report.diffusion_ang2_per_ps);
  fmt::print("{:>12} {:>14} {:>12} {:>12} {:>24}\n", "time, ps", "mass", "least", "most", "off diffusion equation");
  for (const runs::ProfileAtTime& profile : report.profiles)
    fmt::print("{:>12.6g} {:>14.10g} {:>12.4g} {:>12.4g} {:>24}\n", profile.time_ps, profile.mass, profile.smallest, profile.largest,
               profile.largest_deviation ? fmt::format("{:.3e}", *profile.largest_deviation) : "none");
  if (!report.diffusion_note.empty()) fmt::print("\nThe diffusion equation is {}.\n", report.diffusion_note);
}

int propagate(const Options& options) {
  listen_for_signals();
  const runs::PropagationReport report =
      runs::propagate_network(runs::read_network(options.path), options.path, settings_of(options), interruptible(progress_line(), stop_requested));
  for (const std::string& warning : report.warnings) print_warning(options.path + ": " + warning);
  if (!options.csv.empty()) write_file_atomically(options.csv, csv_of(report));
  if (options.json) print_json(document_of(report, options));
  else print_text(report, options);
  return 0;
}

}  // namespace

std::function<int()> set_up_propagate(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("NETWORK", options->path, "JSON file of sites and jumps, with cell and images (see saltus network)")->required()->type_name("FILE");
  app.add_option("--cells", options->cells, "how often the cell is repeated along each lattice vector")->required()->delimiter(',');
  app.add_option("--times-ps", options->times_ps, "times of the profiles, ps, after the start")->required()->delimiter(',');
  app.add_option("--start", options->start, "point: in the middle cell; slab: half the cells; wave: 1 + cos, one period (default slab)")
      ->check(CLI::IsMember({"point", "slab", "wave"}));
  app.add_option("--axis", options->axis, "lattice vector across whose layers profiles are taken, 0 to 2 (default 0)")->check(CLI::Range(0, 2));
  app.add_option("--boundary", options->boundary, "periodic, reflecting or absorbing; one for all axes or one each (default periodic)")
      ->delimiter(',')
      ->check(CLI::IsMember({"periodic", "reflecting", "absorbing"}));
  app.add_flag("--exclusion", options->exclusion, "one carrier on a site at most, in the mean field");
  app.add_option("--concentration", options->concentration, "with --exclusion, occupation of a site where it is full at the start (default 0.5)");
  app.add_option("--csv", options->csv, "also write the profiles as a table")->type_name("FILE");
  app.add_flag("--json", options->json, "one JSON document on stdout");
  app.footer(
      "Exact in time: uniformisation, all terms positive. Without --exclusion the mass is 1; with it, the number of carriers.\n"
      "Beside each profile stands the diffusion equation with the D of the network. The longest axis is fastest as the third.\n\nExample:\n"
      "  saltus propagate examples/lattice_gas/ladder.json --cells 60,1,1 --times-ps 10,1000 --start wave");
  return [options] { return propagate(*options); };
}

}  // namespace saltus::cli
