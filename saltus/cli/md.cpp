// saltus md: molecular dynamics with a model; the same command again continues it.
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/cli/atom_order.hpp"
#include "saltus/cli/help_formatter.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/network_options.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/start_options.hpp"
#include "saltus/engines/open_potential.hpp"
#include "saltus/potentials/conservation.hpp"
#include "saltus/runs/molecular_dynamics.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string model, out, thermostat = "csvr", barostat = "none", velocities = "thermal", precision = "single";
  NetworkOptions network;
  StartOptions start;
  runs::MolecularDynamicsSettings run;
  double friction_per_fs = 0.01, time_constant_fs = 200, max_extrapolation = 0, max_force_spread_ev_ang = 0;
  double pressure_gpa = 0, barostat_time_ps = 1, compressibility_per_gpa = 0.1;
  bool json = false;
};

Thermostat thermostat_of(const Options& options) {
  const double kelvin = options.run.temperature_kelvin;
  if (options.thermostat == "langevin") return Langevin{kelvin, options.friction_per_fs};
  if (options.thermostat == "csvr") return VelocityRescaling{kelvin, options.time_constant_fs};
  return NoThermostat{};
}

std::optional<Barostat> barostat_of(const Options& options) {
  if (options.barostat == "none") return std::nullopt;
  return Barostat{cell_freedom_named(options.barostat), options.pressure_gpa / units::gpa_per_ev_ang3, units::fs_per_ps * options.barostat_time_ps,
                  options.compressibility_per_gpa * units::gpa_per_ev_ang3};
}

int run_md(Options options) {
  listen_for_signals();
  options.run.loop.thermostat = thermostat_of(options);
  options.run.loop.barostat = barostat_of(options);
  options.run.single_precision = options.precision == "single";
  options.run.velocities_from_frame = options.velocities == "frame";
  if (options.max_extrapolation > 0) options.run.max_extrapolation = options.max_extrapolation;
  if (options.max_force_spread_ev_ang > 0) options.run.max_force_spread_ev_ang = options.max_force_spread_ev_ang;

  const Frame start = runs::starting_frame(start_of(options.start, options.run.seed));
  const bool remote = is_remote(options.model);
  WarningList heard;
  const auto potential = open_potential(options.model, settings_of(options.network), {stop_requested, [&](const std::string& warning) {
                                                                                        print_warning(warning);
                                                                                        heard.add(warning);
                                                                                      }});
  if (const auto warning = conservation_warning(potential->info())) print_warning(*warning);  // the run keeps it
  const std::string model_sha256 = remote ? "socket" : identity_of(options.model, options.network);
  if (remote) say_progress(fmt::format("{}: waiting for clients with these atoms: {}", options.model, order_of_atoms(*start.atoms)));
  const auto summary = runs::run_molecular_dynamics(options.run, start, *potential, model_sha256, options.out, progress_line(), stop_requested, heard);
  if (options.json) {
    nlohmann::ordered_json document{{"folder", options.out}};
    document.update(nlohmann::ordered_json::parse(runs::to_json_text(summary)));
    print_json(document);
  } else if (summary.finished) {
    if (summary.nothing_to_do) fmt::print("nothing to do: {} is finished\n", options.out);
    fmt::print("{}: {}, {} atoms, {:g} ps in {} steps\n", options.out, summary.formula, summary.atoms, summary.time_fs / 1000, summary.step);
    fmt::print("frames              {}\n", summary.frames);
    fmt::print("temperature         {:.1f} K (standard deviation {:.1f} K)\n", summary.mean_temperature_kelvin,
               summary.temperature_deviation_kelvin);
    if (summary.mean_pressure_gpa) fmt::print("pressure            {:.4g} GPa\n", *summary.mean_pressure_gpa);
    if (summary.volume_deviation_ang3)
      fmt::print("volume              {:.2f} Å³ (standard deviation {:.2f} Å³; {:.1f} % of the barostat's strains accepted)\n", *summary.mean_volume_ang3,
                 *summary.volume_deviation_ang3, 100 * *summary.cell_acceptance);
    fmt::print("conserved quantity  {:.3g} meV/atom/ps drift\n", summary.conserved_drift_mev_per_atom_ps);
    if (summary.max_extrapolation) fmt::print("extrapolation       {:.3g} at most (1 = edge of the training data)\n", *summary.max_extrapolation);
    if (summary.max_force_spread_ev_ang) fmt::print("spread of a force   {:.3g} eV/Å at most, of the members on one atom\n", *summary.max_force_spread_ev_ang);
    fmt::print("speed               {:.3g} ns/day\n", summary.ns_per_day);
    if (summary.warnings.count > 0) fmt::print("warnings            {}: see {}/summary.json\n", summary.warnings.count, options.out);
  }
  if (!summary.finished) throw Interrupted{fmt::format("step {} of {}", summary.step, options.run.loop.steps), true};
  return 0;
}

}  // namespace

std::function<int()> set_up_md(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  auto& run = o->run;
  auto& loop = run.loop;
  app.formatter(std::make_shared<HelpFormatter>(38));
  app.add_option("--model", o->model, "file of Saltus, SevenNet, MACE, ORB; builtin:NAME; or clients of i-PI's protocol: socket:unix:NAME, socket:HOST:PORT")->type_name("FILE")->required();
  add_network_options(app, o->network);
  add_start_options(app, o->start);
  app.add_option("--temperature-kelvin", run.temperature_kelvin, "of velocities and thermostat, K")->required()->check(CLI::NonNegativeNumber);
  app.add_option("--thermostat", o->thermostat, "csvr (default), langevin, or none: constant energy")
      ->check(CLI::IsMember({"csvr", "langevin", "none"}));
  app.add_option("--time-constant-fs", o->time_constant_fs, "of csvr, fs (default 200)")->check(CLI::PositiveNumber);
  app.add_option("--friction-per-fs", o->friction_per_fs, "of langevin, 1/fs (default 0.01)")->check(CLI::NonNegativeNumber);
  const auto barostat = app.add_option("--barostat", o->barostat, "none (default); anisotropic: x, y, z; flexible: angles too")
                            ->check(CLI::IsMember({"none", "isotropic", "anisotropic", "flexible"}));
  app.add_option("--pressure-gpa", o->pressure_gpa, "of the barostat, GPa (default 0)")->needs(barostat);
  app.add_option("--barostat-time-ps", o->barostat_time_ps, "its relaxation time, ps (default 1)")->needs(barostat)->check(CLI::PositiveNumber);
  app.add_option("--compressibility-per-gpa", o->compressibility_per_gpa, "estimate of it, for that time, 1/GPa (default 0.1)")
      ->needs(barostat)
      ->check(CLI::PositiveNumber);
  app.add_flag("--trust-stress", run.trust_stress, "the model's stress is good, though its file does not say");
  app.add_option("--velocities", o->velocities, "thermal (default): drawn; frame: those of the frame")->check(CLI::IsMember({"thermal", "frame"}));
  app.add_option("--timestep-fs", loop.timestep_fs, "time step, fs (default 2)")->check(CLI::PositiveNumber);
  app.add_option("--equilibration-steps", loop.equilibration_steps, "steps before production, logged, not written (default 0)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--steps", loop.steps, "steps of production; more extend a finished run")->required()->check(CLI::NonNegativeNumber);
  app.add_option("--seed", run.seed, "of velocities, thermostat and vacancies (default 0)");
  app.add_option("--out", o->out, "folder for trajectory/, log.csv, checkpoint, summary.json")->type_name("FOLDER")->required();
  app.add_option("--write-every", loop.write_stride, "steps between frames (default 10; 0 = none)")->check(CLI::NonNegativeNumber);
  app.add_flag("--write-velocities", run.write_velocities, "write velocities too");
  app.add_flag("--write-forces", run.write_forces, "write forces too");
  app.add_option("--trajectory-precision", o->precision, "of the numbers in the trajectory: single (default) or double")
      ->check(CLI::IsMember({"single", "double"}));
  app.add_option("--log-every", loop.log_stride, "steps between log rows (default 50)")->check(CLI::NonNegativeNumber);
  app.add_option("--checkpoint-every", loop.checkpoint_stride, "steps between checkpoints (default 5000)")->check(CLI::PositiveNumber);
  app.add_option("--extrapolation-every", loop.extrapolation_stride, "between measurements of extrapolation and spread (default 100)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-extrapolation", o->max_extrapolation, "fail beyond (1 = edge of the training data; default: no limit)")
      ->check(CLI::PositiveNumber);
  app.add_option("--max-force-spread-ev-ang", o->max_force_spread_ev_ang, "fail beyond this spread of a committee, eV/Å (default: none)")
      ->check(CLI::PositiveNumber);
  app.add_option("--temperature-limit-factor", run.temperature_limit_factor, "fail above so many times the temperature (default 5; 0: never)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--skin-ang", loop.skin_ang, "skin of the neighbour list, Å (default 1)")->check(CLI::NonNegativeNumber);
  app.add_flag("--json", o->json, "summary as one JSON document");
  app.footer(
      "Example:\n"
      "  saltus md --model li15si4.safetensors --init examples/li15si4/li15si4_900K.extxyz --remove 31 \\\n"
      "    --temperature-kelvin 800 --equilibration-steps 2500 --steps 250000 --out md-800K");
  return [o] { return run_md(*o); };
}

}  // namespace saltus::cli
