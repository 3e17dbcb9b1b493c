// saltus analyze KIND TRAJ
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/runs/trajectory_analysis.hpp"

namespace saltus::cli {

namespace {

using json = nlohmann::ordered_json;

struct Options {
  std::string path, mobile, framework;
  std::vector<std::string> pairs;
  runs::TrajectoryInput input;
  double largest_ang = 8, bin_ang = 0.05;
  int blocks = 10;
  bool json = false;
};

int element(const std::string& symbol) {
  const auto found = atomic_number_of(symbol);
  if (!found) throw Error(ErrorKind::usage, fmt::format("'{}' is no element", symbol));
  return *found;
}

std::pair<int, int> element_pair(const std::string& text) {
  const auto dash = text.find('-');
  if (dash == std::string::npos) throw Error(ErrorKind::usage, fmt::format("'{}' is no pair of elements such as Li-Si", text));
  return {element(text.substr(0, dash)), element(text.substr(dash + 1))};
}

void print(const json& document) { fmt::print("{}\n", document.dump(2, ' ', false, json::error_handler_t::replace)); }

json to_json(const Estimate& e) { return {{"value", e.value}, {"low", e.low}, {"high", e.high}}; }

void print_msd(const Options& options, const runs::MsdReport& report) {
  for (const auto& warning : report.warnings) fmt::print(stderr, "warning: {}\n", warning);
  const auto& d = report.diffusion_ang2_per_ps;
  if (options.json) {
    json document{{"input", options.path}, {"formula", report.formula}, {"species", options.mobile}, {"framework", options.framework},
                  {"frames", report.frames}, {"ions", report.ions}, {"frame_spacing_fs", report.frame_spacing_fs},
                  {"largest_step_ang", report.steps.largest_ang},
                  {"largest_step_in_inscribed_radii", report.steps.largest_in_radii},
                  {"steps_flagged", report.steps.flagged},
                  {"diffusion_ang2_per_ps", d ? to_json(*d) : json(nullptr)},
                  {"diffusion_note", report.diffusion_note},
                  {"fit_first_fs", report.fit_first_fs}, {"fit_last_fs", report.fit_last_fs},
                  {"warnings", report.warnings}, {"msd", json::array()}};
    for (std::size_t k = 0; k < report.lag_fs.size(); ++k) {
      const Estimate& e = report.msd_ang2[k];
      document["msd"].push_back({{"lag_fs", report.lag_fs[k]}, {"msd_ang2", e.value}, {"low_ang2", e.low}, {"high_ang2", e.high}});
    }
    print(document);
    return;
  }
  fmt::print("{}: {}, {} frames {} fs apart, {} {}{}\n\n", options.path, report.formula, report.frames, report.frame_spacing_fs,
             report.ions, options.mobile, options.framework.empty() ? "" : ", relative to " + options.framework);
  fmt::print("{:>12} {:>12} {:>24}\n", "lag, ps", "MSD, Å²", "95 %, Å²");
  for (std::size_t k = 0; k < report.lag_fs.size(); ++k) {
    const Estimate& e = report.msd_ang2[k];
    fmt::print("{:>12.4f} {:>12.5f} {:>11.5f} … {:>10.5f}\n", report.lag_fs[k] / units::fs_per_ps, e.value, e.low, e.high);
  }
  if (d)
    fmt::print("\nD = {:.4g} Å²/ps (95 %: {:.4g} … {:.4g}), lags {:.4g} … {:.4g} ps\n", d->value, d->low, d->high,
               report.fit_first_fs / units::fs_per_ps, report.fit_last_fs / units::fs_per_ps);
  else
    fmt::print("\nD {}\n", report.diffusion_note);
}

void print_rdf(const Options& options, const runs::RdfReport& report) {
  const auto name = [](const Rdf& rdf) { return fmt::format("{}-{}", symbol_of(rdf.first), symbol_of(rdf.second)); };
  if (options.json) {
    json document{{"input", options.path}, {"formula", report.formula}, {"frames", report.frames},
                  {"r_ang", report.rdf.at(0).r_ang}, {"rdf", json::array()}};
    for (const Rdf& rdf : report.rdf)
      document["rdf"].push_back({{"pair", name(rdf)}, {"g", rdf.g}, {"coordination", rdf.coordination}});
    print(document);
    return;
  }
  fmt::print("{}: {}, {} frames\n\n{:>8}", options.path, report.formula, report.frames, "r, Å");
  for (const Rdf& rdf : report.rdf) fmt::print(" {:>10} {:>9}", "g " + name(rdf), "number");
  fmt::print("\n");
  for (std::size_t k = 0; k < report.rdf.at(0).r_ang.size(); ++k) {
    fmt::print("{:>8.3f}", report.rdf[0].r_ang[k]);
    for (const Rdf& rdf : report.rdf) fmt::print(" {:>10.4f} {:>9.4f}", rdf.g[k], rdf.coordination[k]);
    fmt::print("\n");
  }
}

void add_input_options(CLI::App& kind, Options& options) {
  kind.fallthrough();  // --threads belongs to the command
  kind.set_help_flag("-h,--help", "this page");
  kind.add_option("TRAJ", options.path, "trajectory: a file or a folder of segments")->required();
  kind.add_option("--every", options.input.every, "one frame in N (default 1)")->check(CLI::PositiveNumber);
  kind.add_option("--skip-fs", options.input.skip_fs, "leave out the beginning, fs (default 0)")->check(CLI::NonNegativeNumber);
  kind.add_option("--time-step-fs", options.input.time_step_fs, "time between frames of the file, fs (default: as the file says)")->check(CLI::PositiveNumber);
  add_source_options(kind, options.input.read);
  kind.add_flag("--json", options.json, "one JSON document instead of a table");
}

}  // namespace

std::function<int()> set_up_analyze(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  CLI::App* msd = app.add_subcommand("msd", "mean-square displacement of one species, and D from its slope");
  add_input_options(*msd, *options);
  msd->add_option("--species", options->mobile, "element that moves")->required();
  msd->add_option("--framework", options->framework, "element whose mean displacement is subtracted (default: none)");
  msd->add_option("--blocks", options->blocks, "time blocks behind the 95 % intervals (default 10)")->check(CLI::Range(2, 1000));
  msd->footer("Unwrapped by the toroidal scheme; frames equally spaced in time.\nExample:\n"
              "  saltus analyze msd examples/li15si4/li15si4_900K.extxyz --species Li --framework Si");
  CLI::App* rdf = app.add_subcommand("rdf", "radial distribution functions and coordination numbers");
  add_input_options(*rdf, *options);
  rdf->add_option("--pairs", options->pairs, "pairs of elements such as Li-Si (default: all)")->delimiter(',');
  rdf->add_option("--range-ang", options->largest_ang, "largest distance, Å; may exceed half the cell (default 8)")->check(CLI::PositiveNumber);
  rdf->add_option("--bin-ang", options->bin_ang, "width of a bin, Å (default 0.05)")->check(CLI::PositiveNumber);
  rdf->footer("Example:\n  saltus analyze rdf examples/li15si4/li15si4_900K.extxyz --pairs Li-Si,Si-Si");
  app.footer("Example:\n  saltus analyze rdf examples/li15si4/li15si4_900K.extxyz --pairs Li-Si,Si-Si");
  return [options, msd]() {
    options->input.path = options->path;
    if (msd->parsed()) {
      runs::MsdSettings settings;
      settings.mobile = element(options->mobile);
      if (!options->framework.empty()) settings.framework = element(options->framework);
      settings.blocks = options->blocks;
      print_msd(*options, runs::analyze_msd(options->input, settings, progress_line()));
      return 0;
    }
    RdfSettings settings;
    for (const auto& pair : options->pairs) settings.pairs.push_back(element_pair(pair));
    settings.largest_ang = options->largest_ang;
    settings.bin_ang = options->bin_ang;
    print_rdf(*options, runs::analyze_rdf(options->input, settings, progress_line()));
    return 0;
  };
}

}  // namespace saltus::cli
