// saltus pimd: path-integral molecular dynamics, of atoms under a model (options), or of model systems (a plan).
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/cli/atom_order.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/network_options.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/start_options.hpp"
#include "saltus/engines/open_potential.hpp"
#include "saltus/potentials/conservation.hpp"
#include "saltus/runs/estimate_json.hpp"
#include "saltus/runs/path_integral_dynamics.hpp"
#include "saltus/runs/ring_settings.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string plan, model, reference_model, out, settings_file;
  NetworkOptions network;
  StartOptions start;
  std::vector<std::string> words;  ///< KEY=VALUE
  std::uint64_t seed = 0;
  bool list_settings = false, json = false;
};

void print_estimates(const std::vector<NamedEstimate>& estimates) {
  fmt::print("{:<40} {:>11}   {:<25} {}\n", "quantity", "value", "95 %", "unit");
  for (const NamedEstimate& e : estimates) {
    if (!e.estimate) fmt::print("{:<40} {:>11}   {:<25} {}\n", e.name, "–", e.note, e.unit);
    else if (!e.has_interval) fmt::print("{:<40} {:>11.5g}   {:<25} {}\n", e.name, e.estimate->value, "", e.unit);
    else fmt::print("{:<40} {:>11.5g}   {:<25} {}\n", e.name, e.estimate->value, fmt::format("{:.5g} … {:.5g}", e.estimate->low, e.estimate->high), e.unit);
  }
  for (const NamedEstimate& e : estimates)
    if (e.estimate && e.has_interval && !e.note.empty()) print_warning(e.name + ": " + e.note);
}

void print_text(const runs::PimdPlan& plan, const runs::PimdReport& report) {
  if (!plan.title.empty()) fmt::print("{}\n", plan.title);
  fmt::print("{}: {}, {} copies of {}, {} beads, {:g} K\n", plan.file, plan.potential.kind, plan.copies,
             plan.element.empty() ? fmt::format("{:g} amu", plan.mass_amu) : fmt::format("{} ({:g} amu)", plan.element, plan.mass_amu), plan.beads, plan.temperature_kelvin);
  fmt::print("{} steps of {:g} fs after {}, {}, {}; {} samples\n\n", plan.steps, plan.timestep_fs, plan.equilibration_steps, plan.splitting, plan.thermostat.kind, report.samples);
  print_estimates(report.estimates);
  fmt::print("\nintervals from {} blocks of copies{}\n", report.blocks, report.stretches > 1 ? " and time" : "");
}

int run_plan(const Options& options) {
  const runs::PimdPlan plan = runs::read_pimd_plan(options.plan);
  listen_for_signals();
  const runs::PimdReport report = runs::run_path_integral_dynamics(plan, interruptible(progress_line(), stop_requested));
  if (options.json) {
    nlohmann::ordered_json document{{"estimates", nlohmann::ordered_json::array()}};
    for (const NamedEstimate& estimate : report.estimates) document["estimates"].push_back(runs::to_json(estimate));
    print_json(document);
  } else {
    print_text(plan, report);
  }
  return 0;
}

runs::RingSettings ring_settings_of(const Options& options) {
  runs::RingSettings settings;
  if (!options.settings_file.empty()) runs::read_ring_settings(read_file(options.settings_file), options.settings_file, settings);
  runs::set_ring_settings(options.words, settings);
  return settings;
}

int run_atoms(const Options& options) {
  const auto require = [](bool given, const char* option) {
    if (!given) throw Error(ErrorKind::usage, fmt::format("pimd needs a PLAN of a model system, or --model, --init, --temperature-kelvin, --steps and --out; {} is missing", option));
  };
  const runs::RingSettings settings = ring_settings_of(options);
  require(!options.model.empty(), "--model");
  require(!options.start.settings.file.empty(), "--init");
  require(settings.temperature_kelvin > 0, "--temperature-kelvin");
  require(settings.steps > 0, "--steps");
  require(!options.out.empty(), "--out");
  const runs::RingDynamicsSettings run = runs::ring_dynamics_of(settings, options.seed);
  listen_for_signals();
  const Frame start = runs::starting_frame(start_of(options.start, run.seed));
  const bool remote = is_remote(options.model);
  const bool two = !options.reference_model.empty();
  WarningList heard;
  const RemoteContext context{stop_requested, [&](const std::string& warning) {
                                print_warning(warning);
                                heard.add(warning);
                              }};
  const auto potential = open_potential(options.model, settings_of(options.network), context);
  if (const auto warning = conservation_warning(potential->info())) print_warning(*warning);  // the run keeps it
  const auto reference = two ? open_potential(options.reference_model, {}, context) : nullptr;
  const auto identity = [](const std::string& model, const NetworkOptions& network) { return is_remote(model) ? "socket" : identity_of(model, network); };
  std::string model_sha256 = identity(options.model, options.network);
  if (two) model_sha256 += " on " + identity(options.reference_model, {});
  if (remote) say_progress(fmt::format("{}: waiting for clients with these atoms: {}", options.model, order_of_atoms(*start.atoms)));
  const auto summary = runs::run_atom_ring_dynamics(run, start, *potential, model_sha256, options.out, progress_line(), stop_requested, heard, reference.get());
  if (options.json) {
    nlohmann::ordered_json document{{"folder", options.out}};
    document.update(nlohmann::ordered_json::parse(runs::to_json_text(summary)));
    print_json(document);
  } else if (summary.finished) {
    if (summary.nothing_to_do) fmt::print("nothing to do: {} is finished\n", options.out);
    fmt::print("{}: {}, {} atoms, {} beads, {:g} K, {:g} ps in {} steps\n", options.out, summary.formula, summary.atoms, summary.beads, run.temperature_kelvin,
               summary.time_fs / 1000, summary.step);
    fmt::print("frames of centroids {}, of beads {}; {:.3g} steps/s\n\n", summary.frames, summary.bead_frames, summary.steps_per_s);
    print_estimates(summary.estimates);
    if (summary.warnings.count > 0) fmt::print("\nwarnings: {}, see {}/summary.json\n", summary.warnings.count, options.out);
  }
  if (!summary.finished) throw Interrupted{fmt::format("step {} of {}", summary.step, run.loop.steps), true};
  return 0;
}

int pimd(const Options& options) {
  if (options.list_settings) {
    fmt::print("# of atoms: --set KEY=VALUE, or a file for --settings\n{}\n# of model systems: a PLAN\n{}", runs::ring_settings_text(), runs::pimd_settings_text());
    return 0;
  }
  if (options.plan.empty()) return run_atoms(options);
  if (!options.model.empty()) throw Error(ErrorKind::usage, "pimd takes either a PLAN of a model system or --model; not both");
  return run_plan(options);
}

/// An option that stands for --set KEY=VALUE.
void add_setting(CLI::App& app, Options& options, const char* name, const char* key, const char* type, const char* help) {
  app.add_option_function<std::string>(name, [&options, key](const std::string& value) { options.words.push_back(fmt::format("{}={}", key, value)); }, help)->type_name(type);
}

}  // namespace

std::function<int()> set_up_pimd(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  app.add_option("PLAN", o->plan, "of a model system (TOML, [pimd]); without the options of atoms")->type_name("FILE");
  app.add_option("--model", o->model, "model file; or clients: socket:unix:NAME, socket:HOST:PORT")->type_name("FILE");
  app.add_option("--reference-model", o->reference_model, "cheap, for all beads; --model less it acts on contracted_beads")->type_name("FILE");
  add_network_options(app, o->network);
  add_start_options(app, o->start, false);
  add_setting(app, *o, "--temperature-kelvin", "temperature_kelvin", "FLOAT", "of the system, K (no default)");
  add_setting(app, *o, "--beads", "beads", "INT", "of each ring polymer (default 32; 1 = classical)");
  add_setting(app, *o, "--masses", "masses", "TEXT", "of elements: H=D, H=T, O=17.999 (default: the frame's)");
  add_setting(app, *o, "--thermostat", "thermostat", "TEXT", "pile_l (default), pile_g, langevin, gle, piglet, trpmd, cmd, none");
  add_setting(app, *o, "--timestep-fs", "timestep_fs", "FLOAT", "time step, fs (default 0.25)");
  add_setting(app, *o, "--equilibration-steps", "equilibration_steps", "INT", "before production, logged only (default 0)");
  add_setting(app, *o, "--steps", "steps", "INT", "of production (no default); more extend a finished run");
  add_setting(app, *o, "--write-every", "write_every", "INT", "steps between frames of centroids (default 10)");
  add_setting(app, *o, "--beads-every", "beads_every", "INT", "steps between frames of all beads (default 0: none)");
  add_setting(app, *o, "--isotopes", "isotopes", "TEXT", "free energy of a change such as H=D (default: none)");
  add_setting(app, *o, "--momentum", "momentum", "TEXT", "species whose momenta are measured: H (default: none)");
  add_setting(app, *o, "--restraints", "restraints", "TEXT", "distances to hold: atoms from 0, Å: 0-1=2.6");
  add_setting(app, *o, "--max-extrapolation", "max_extrapolation", "FLOAT", "fail beyond (default 0: no limit)");
  app.add_option("--settings", o->settings_file, "TOML file of settings, read before the options")->type_name("FILE");
  app.add_option_function<std::vector<std::string>>(
         "--set", [o = o.get()](const std::vector<std::string>& words) { o->words.insert(o->words.end(), words.begin(), words.end()); }, "one more setting, KEY=VALUE")
      ->allow_extra_args(false);
  app.add_flag("--list-settings", o->list_settings, "all settings with defaults, units and meaning");
  app.add_option("--seed", o->seed, "of all random numbers (default 0)");
  app.add_option("--out", o->out, "folder: trajectory/, beads/, log.csv, checkpoint")->type_name("FOLDER");
  app.add_flag("--json", o->json, "summary and estimates as one JSON document");
  app.footer(
      "Each atom becomes a ring polymer of beads: quantum averages with 95 % intervals. The same command\n"
      "goes on where it was stopped.\n\nExample:\n"
      "  saltus pimd --model builtin:qtip4pf --init examples/path_integrals/water_32.extxyz \\\n"
      "    --temperature-kelvin 300 --steps 200 --beads-every 20 --out pimd-300K\n"
      "  saltus pimd examples/path_integrals/double_well.toml");
  return [o] { return pimd(*o); };
}

}  // namespace saltus::cli
