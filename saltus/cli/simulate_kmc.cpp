// saltus simulate kmc NETWORK.json, saltus simulate lattice-gas LATTICE
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/analysis_output.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/network_output.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/simulation_kinds.hpp"
#include "saltus/cli/state_files.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/kinetics/lattices.hpp"
#include "saltus/kinetics/tensor.hpp"
#include "saltus/runs/lattice_gas_report.hpp"
#include "saltus/runs/network_file.hpp"

namespace saltus::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t vibration_stream = 2;  // stream 1 of the seed makes the jumps

struct Options {
  std::string network, lattice;
  double jump_ang = 3, rate_per_ps = 1;
  std::vector<int> cells;
  std::int64_t carriers = 0;
  double concentration = 0;
  double time_ps = 0, every_ps = 0;
  std::uint64_t seed = 1;
  int blocks = 10;
  std::string trajectory, states, network_out, species = "Li";
  double vibration_ang = 0;
  bool primitive = false, json = false;
};

void write_trajectory(const Options& options, const runs::CarrierFrames& frames) {
  const auto writer = create_trajectory(options.trajectory);
  const auto element = static_cast<std::uint8_t>(element_named(options.species));
  Frame frame;
  frame.atoms = std::make_shared<const Atoms>(atoms_of(std::vector<std::uint8_t>(frames.carriers, element)));
  const Mat3& rows = frames.cell_rows_ang;
  frame.cell = Cell(Mat3{{frames.cells[0] * rows[0], frames.cells[1] * rows[1], frames.cells[2] * rows[2]}});
  Random random(options.seed, vibration_stream);
  const double width_ang = options.vibration_ang / std::sqrt(3.0);
  for (std::size_t f = 0; f < frames.frames; ++f) {
    frame.position_ang.clear();
    for (std::size_t c = 0; c < frames.carriers; ++c) {
      Vec3 r = frames.position_ang(f * frames.carriers + c);
      if (width_ang > 0) r += width_ang * Vec3{random.normal(), random.normal(), random.normal()};
      frame.position_ang.push_back(r);
    }
    frame.step = static_cast<std::int64_t>(f);
    frame.time_fs = static_cast<double>(f) * options.every_ps * units::fs_per_ps;
    writer->write(frame);
  }
  writer->commit();
}

void write_sites(const Options& options, const runs::CarrierFrames& frames) {
  std::vector<std::int32_t> site, image;
  for (std::size_t k = 0; k < frames.type.size(); ++k) {
    Int3 r = frames.cell[k];
    site.push_back(options.primitive ? frames.type[k] : frames.supercell_site(k, r));
    image.insert(image.end(), r.begin(), r.end());
  }
  write_states(options.states, site, image, frames.carriers);
}

Json estimate_or_null(const std::optional<Estimate>& e) { return e ? value_low_high(*e) : Json(nullptr); }

Json document_of(const runs::LatticeGasReport& report, const Options& options) {
  Json lags = Json::array();
  for (const auto& lag : report.one_carrier.lags) {
    Json d = nullptr;
    if (lag.diffusion_ang2_fs) {
      const Estimate& e = *lag.diffusion_ang2_fs;
      d = value_low_high({e.value * units::fs_per_ps, e.low * units::fs_per_ps, e.high * units::fs_per_ps});
    }
    lags.push_back({{"lag_ps", lag.lag_fs / units::fs_per_ps}, {"diffusion_ang2_per_ps", d}});
  }
  const auto& plateau = report.one_carrier.plateau;
  return {{"input", options.network.empty() ? options.lattice : options.network},
          {"cells", options.cells},
          {"sites", report.sites},
          {"carriers", report.settings.carriers},
          {"concentration", static_cast<double>(report.settings.carriers) / static_cast<double>(report.sites)},
          {"time_ps", options.time_ps},
          {"every_ps", options.every_ps},
          {"seed", options.seed},
          {"events", report.events},
          {"events_per_second", report.events_per_s},
          {"one_carrier_diffusion_ang2_per_ps", kinetics::trace(report.one_carrier_diffusion_ang2_per_ps) / 3},
          {"jump_diffusion_ang2_per_ps", report.jump_diffusion_ang2_per_ps},
          {"tracer_diffusion_ang2_per_ps", estimate_or_null(report.tracer_ang2_per_ps)},
          {"tracer_note", report.tracer_note},
          {"collective_diffusion_ang2_per_ps", estimate_or_null(report.collective_ang2_per_ps)},
          {"collective_note", report.collective_note},
          {"haven_ratio", estimate_or_null(report.haven_ratio)},
          {"correlation_factor", estimate_or_null(report.correlation_factor)},
          {"one_carrier_model", lags},
          {"one_carrier_model_flat_from_ps",
           plateau ? Json(report.one_carrier.lags[*plateau].lag_fs / units::fs_per_ps) : Json(nullptr)},
          {"warnings", report.warnings}};
}

void print_estimate(const char* label, const std::optional<Estimate>& e, const std::string& unit, const std::string& note) {
  if (e) fmt::print("{:<34} {:.5g}{} (95 %: {:.4g} … {:.4g}){}\n", label, e->value, unit, e->low, e->high, note.empty() ? "" : "; " + note);
  else fmt::print("{:<34} {}\n", label, note.empty() ? "undetermined" : note);
}

void print_text(const runs::LatticeGasReport& report, const Options& options) {
  fmt::print("{}: {} carriers on {} sites, {:.6g} ps, {} jumps\n\n", options.network.empty() ? options.lattice : options.network,
             report.settings.carriers, report.sites, options.time_ps, report.events);
  fmt::print("{:<34} {:.5g} Å²/ps\n", "D of a carrier alone", kinetics::trace(report.one_carrier_diffusion_ang2_per_ps) / 3);
  fmt::print("{:<34} {:.5g} Å²/ps\n", "D of as many uncorrelated jumps", report.jump_diffusion_ang2_per_ps);
  print_estimate("D of a tagged carrier", report.tracer_ang2_per_ps, " Å²/ps", report.tracer_note);
  print_estimate("D of all together", report.collective_ang2_per_ps, " Å²/ps", report.collective_note);
  print_estimate("correlation factor", report.correlation_factor, "", "");
  print_estimate("Haven ratio", report.haven_ratio, "", "");
  fmt::print("\none carrier as a Markov model on its sites\n{:>12} {:>14} {:>26}\n", "lag, ps", "D, Å²/ps", "95 %");
  for (const auto& lag : report.one_carrier.lags) {
    if (!lag.diffusion_ang2_fs) continue;
    const Estimate& e = *lag.diffusion_ang2_fs;
    fmt::print("{:>12.5g} {:>14.5g} {:>12.5g} … {:>11.5g}\n", lag.lag_fs / units::fs_per_ps, e.value * units::fs_per_ps, e.low * units::fs_per_ps,
               e.high * units::fs_per_ps);
  }
  if (const auto& plateau = report.one_carrier.plateau)
    fmt::print("flat from {:.5g} ps on\n", report.one_carrier.lags[*plateau].lag_fs / units::fs_per_ps);
  else
    fmt::print("no lag found from which on D stays the same within its scatter\n");
}

int simulate(Options options) {
  const std::string name = options.network.empty() ? options.lattice : options.network;
  if (options.cells.size() != 3) throw Error(ErrorKind::usage, "--cells takes three numbers, e.g. 6,6,6");
  const kinetics::SiteNetwork network =
      options.network.empty() ? kinetics::lattice_network(options.lattice, options.jump_ang, options.rate_per_ps) : runs::read_network(options.network);
  for (const std::string& out : {options.trajectory, options.states, options.network_out})
    if (!out.empty() && out == options.network) throw Error(ErrorKind::usage, out + " would be replaced");
  runs::LatticeGasSettings settings;
  for (std::size_t x = 0; x < 3; ++x) settings.cells[x] = options.cells[x];
  if ((options.carriers > 0) == (options.concentration > 0))
    throw Error(ErrorKind::usage, "give either --carriers or --concentration");
  settings.carriers = options.carriers;
  if (options.concentration > 0) {
    const double sites = static_cast<double>(network.n_sites) * options.cells[0] * options.cells[1] * options.cells[2];
    settings.carriers = std::llround(std::min(1.0, options.concentration) * std::min(sites, 1e9));
  }
  if (options.every_ps == 0) options.every_ps = options.time_ps / 2000;
  settings.time_ps = options.time_ps;
  settings.every_ps = options.every_ps;
  settings.seed = options.seed;
  settings.blocks = options.blocks;
  if (!options.trajectory.empty()) element_named(options.species);
  listen_for_signals();
  const runs::LatticeGasReport report =
      runs::simulate_lattice_gas(network, name, settings, interruptible(progress_line(), stop_requested));
  if (!options.trajectory.empty()) write_trajectory(options, report.frames);
  if (!options.states.empty()) write_sites(options, report.frames);
  if (!options.network_out.empty()) write_file_atomically(options.network_out, runs::network_text(network));
  for (const std::string& warning : report.warnings) print_warning(name + ": " + warning);
  if (options.json) print_json(document_of(report, options));
  else print_text(report, options);
  return 0;
}

void add_run_options(CLI::App& kind, Options& options) {
  kind.add_option("--cells", options.cells, "how often the cell is repeated along each lattice vector")->required()->delimiter(',');
  kind.add_option("--carriers", options.carriers, "number of carriers (default: from --concentration)")->check(CLI::PositiveNumber);
  kind.add_option("--concentration", options.concentration, "carriers per site (default: from --carriers)")->check(CLI::Range(0.0, 1.0));
  kind.add_option("--time-ps", options.time_ps, "how long, ps")->required()->check(CLI::PositiveNumber);
  kind.add_option("--every-ps", options.every_ps, "ps between frames (default: 2000 frames)")->check(CLI::PositiveNumber);
  kind.add_option("--seed", options.seed, "of the random numbers (default 1)");
  kind.add_option("--blocks", options.blocks, "blocks of time behind the intervals (default 10)")->check(CLI::Range(2, 1000));
  kind.add_option("--trajectory", options.trajectory, "write the carriers as atoms, unwrapped; the format by its extension")->type_name("FILE");
  kind.add_option("--vibration-ang", options.vibration_ang, "rms distance of the atoms from their sites, independent in each frame, Å (default 0)")->check(CLI::NonNegativeNumber);
  kind.add_option("--species", options.species, "element they are written as (default Li)");
  kind.add_option("--states", options.states, "write the sites, a column per carrier, and X.images.npy beside X.npy (or text)")->type_name("FILE");
  kind.add_flag("--primitive", options.primitive, "number the sites of one cell in them, not of all cells");
  kind.add_flag("--json", options.json, "one JSON document on stdout");
}

}  // namespace

std::function<int()> set_up_kmc(CLI::App& kind) {
  const auto options = std::make_shared<Options>();
  kind.add_option("NETWORK", options->network, "JSON file of sites and jumps, with cell and images (see saltus network)")->required()->type_name("FILE");
  add_run_options(kind, *options);
  kind.footer(
      "Rejection-free, exclusion only: a jump happens at its rate when its target is free. Starts in equilibrium.\n\nExample:\n"
      "  saltus simulate kmc examples/lattice_gas/ladder.json --cells 100,1,1 --carriers 30 --time-ps 2000");
  return [options] { return simulate(*options); };
}

std::function<int()> set_up_lattice_gas(CLI::App& kind) {
  const auto options = std::make_shared<Options>();
  std::vector<std::string> names;
  for (const auto& row : kinetics::lattices()) names.emplace_back(row.name);
  kind.add_option("LATTICE", options->lattice, "chain, square, honeycomb, sc, bcc, fcc or diamond")->required()->check(CLI::IsMember(names));
  kind.add_option("--jump-ang", options->jump_ang, "distance of neighbours, Å (default 3)")->check(CLI::PositiveNumber);
  kind.add_option("--rate-per-ps", options->rate_per_ps, "rate of each single jump, 1/ps (default 1)")->check(CLI::PositiveNumber);
  add_run_options(kind, *options);
  kind.add_option("--network-out", options->network_out, "write the lattice as NETWORK.json, for network and propagate")->type_name("FILE");
  kind.footer("Cells are primitive. One vacancy is --carriers one less than sites.\n\nExample:\n"
              "  saltus simulate lattice-gas sc --cells 6,6,6 --carriers 215 --time-ps 2000 --states states.npy");
  return [options] { return simulate(*options); };
}

}  // namespace saltus::cli
