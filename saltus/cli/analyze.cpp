// saltus analyze KIND TRAJ
#include "saltus/cli/commands.hpp"

#include <cmath>
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
#include "saltus/cli/message.hpp"
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
  double largest_ang = 8, bin_ang = 0.05, longest_lag_fs = 1000;
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
  for (const auto& warning : report.warnings) print_warning(warning);
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

std::string interval(const Estimate& e, int decimals) {
  return std::isfinite(e.low) ? fmt::format("{:.{}f} … {:.{}f}", e.low, decimals, e.high, decimals) : "";
}

json number_or_null(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

void print_velocities(const Options& options, const runs::VelocityReport& report, bool spectrum) {
  for (const auto& warning : report.warnings) print_warning(warning);
  if (options.json) {
    json document{{"input", options.path}, {"formula", report.formula}, {"species", options.mobile.empty() ? "all" : options.mobile},
                  {"frames", report.frames}, {"atoms", report.atoms}, {"frame_spacing_fs", report.frame_spacing_fs},
                  {"blocks", report.blocks}, {"warnings", report.warnings}};
    const auto add = [&](const char* name, const char* x, const std::vector<double>& abscissa, const std::string& y,
                         const std::vector<Estimate>& values) {
      document[name] = json::array();
      for (std::size_t k = 0; k < abscissa.size(); ++k)
        document[name].push_back({{x, abscissa[k]}, {y, values[k].value}, {"low", number_or_null(values[k].low)},
                                  {"high", number_or_null(values[k].high)}});
    };
    if (spectrum) add("vdos", "frequency_per_cm", report.frequency_per_cm, "density_cm", report.density_cm);
    else add("vacf", "lag_fs", report.lag_fs, "correlation_ang2_fs2", report.correlation_ang2_fs2);
    print(document);
    return;
  }
  fmt::print("{}: {}, {} frames {} fs apart, {} {}\n\n", options.path, report.formula, report.frames, report.frame_spacing_fs,
             report.atoms, options.mobile.empty() ? "atoms" : options.mobile);
  if (spectrum) {
    fmt::print("{:>14} {:>14} {:>26}\n", "frequency, /cm", "density, 1e-3 cm", "95 %");
    for (std::size_t k = 0; k < report.frequency_per_cm.size(); ++k) {
      const Estimate& e = report.density_cm[k];
      fmt::print("{:>14.2f} {:>16.5f} {:>26}\n", report.frequency_per_cm[k], 1e3 * e.value,
                 interval({1e3 * e.value, 1e3 * e.low, 1e3 * e.high}, 5));
    }
    return;
  }
  const double start = report.correlation_ang2_fs2.at(0).value;
  fmt::print("{:>10} {:>16} {:>12} {:>22}\n", "lag, fs", "vacf, Å²/fs²", "normalised", "95 %");
  for (std::size_t k = 0; k < report.lag_fs.size(); ++k) {
    const Estimate& e = report.correlation_ang2_fs2[k];
    fmt::print("{:>10.2f} {:>16.6e} {:>12.5f} {:>22}\n", report.lag_fs[k], e.value, e.value / start,
               interval({e.value / start, e.low / start, e.high / start}, 5));
  }
}

void add_input_options(CLI::App& kind, Options& options) {
  kind.add_option("TRAJ", options.path, "trajectory: a file or a folder of segments")->type_name("FILE")->required();
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
  const auto add_velocity_options = [&](CLI::App& kind) {
    add_input_options(kind, *options);
    kind.add_option("--species", options->mobile, "one element only (default: all atoms)");
    kind.add_option("--longest-lag-fs", options->longest_lag_fs, "of the correlation, fs (default 1000)")->check(CLI::PositiveNumber);
  };
  CLI::App* vacf = app.add_subcommand("vacf", "velocity autocorrelation");
  add_velocity_options(*vacf);
  vacf->footer("Mean over atoms and times of v(0)·v(t).\nExample:\n"
               "  saltus analyze vacf examples/li15si4/li15si4_900K.extxyz --species Li --longest-lag-fs 100");
  CLI::App* vdos = app.add_subcommand("vdos", "vibrational density of states");
  add_velocity_options(*vdos);
  vdos->footer("Cosine transform of the mass-weighted velocity autocorrelation under Hann's window; integral 1. Frequencies\n"
               "closer than 1 over the longest lag (33/cm for 1000 fs) are not told apart.\nExample:\n"
               "  saltus analyze vdos examples/li15si4/li15si4_900K.extxyz --longest-lag-fs 200");
  app.footer("Example:\n  saltus analyze rdf examples/li15si4/li15si4_900K.extxyz --pairs Li-Si,Si-Si");
  return [options, msd, vacf, vdos]() {
    options->input.path = options->path;
    if (vacf->parsed() || vdos->parsed()) {
      VelocityCorrelationSettings settings;
      if (!options->mobile.empty()) settings.species = element(options->mobile);
      settings.longest_lag_fs = options->longest_lag_fs;
      settings.mass_weighted = vdos->parsed();
      print_velocities(*options, runs::analyze_velocities(options->input, settings, progress_line()), vdos->parsed());
      return 0;
    }
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
