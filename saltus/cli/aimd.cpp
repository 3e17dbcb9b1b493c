// saltus aimd: ab initio molecular dynamics by CP2K; the same command again continues it.
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/cli/cp2k_options.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/label_table.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/start_options.hpp"
#include "saltus/runs/ab_initio_dynamics.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string out, velocities = "thermal";
  StartOptions start;
  Cp2kOptions method;
  Cp2kDynamicsSettings dynamics;
  bool json = false;
};

int run_aimd(const Options& options) {
  listen_for_signals();
  runs::AbInitioDynamicsSettings settings{settings_of(options.method), options.dynamics, base_folder_of(options.method), options.velocities == "frame"};
  const Frame start = runs::starting_frame(start_of(options.start, static_cast<std::uint64_t>(options.dynamics.seed)));
  const auto summary = runs::run_ab_initio_dynamics(settings, start, options.out, progress_line(), stop_requested);
  if (options.json) {
    nlohmann::ordered_json document{{"folder", options.out}, {"data", options.out + "/frames.extxyz"}};
    document.update(nlohmann::ordered_json::parse(runs::to_json_text(summary)));
    print_json(document);
    return 0;
  }
  if (summary.nothing_to_do) fmt::print("nothing to do: {} is finished\n", options.out);
  fmt::print("{}: {}, {} atoms, {} steps by CP2K {}, {:.3g} s a step, {:.1f} SCF steps each\n", options.out, summary.formula, summary.atoms, summary.steps, summary.cp2k_version,
             summary.seconds_per_step, summary.mean_scf_steps);
  print_label_quality(summary.quality);
  fmt::print("written to {}/frames.extxyz\n", options.out);
  return 0;
}

}  // namespace

std::function<int()> set_up_aimd(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  auto& d = o->dynamics;
  add_start_options(app, o->start);
  add_cp2k_options(app, o->method);
  app.add_option("--steps", d.steps, "of MD in all; more extend a finished run")->required()->check(CLI::PositiveNumber);
  app.add_option("--timestep-fs", d.timestep_fs, "time step, fs (default 0.5)")->check(CLI::PositiveNumber);
  app.add_option("--temperature-kelvin", d.temperature_kelvin, "of velocities and thermostat, K (default 300)")->check(CLI::PositiveNumber);
  app.add_option("--ensemble", d.ensemble, "nvt (default): stochastic velocity rescaling; nve: constant energy")->check(CLI::IsMember({"nvt", "nve"}));
  app.add_option("--thermostat-time-fs", d.thermostat_time_fs, "relaxation time of it, fs (default 100)")->check(CLI::PositiveNumber);
  app.add_option("--velocities", o->velocities, "thermal (default): drawn by CP2K; frame: those of the frame")->check(CLI::IsMember({"thermal", "frame"}));
  app.add_option("--wannier-every", d.wannier_every, "steps between Wannier centres (default 0: none)")->check(CLI::NonNegativeNumber);
  app.add_option("--seed", d.seed, "of velocities, thermostat, vacancies (default 1)")->check(CLI::NonNegativeNumber);
  app.add_option("--out", o->out, "folder for CP2K's files, frames.extxyz, aimd.json")->type_name("FOLDER")->required();
  app.add_flag("--json", o->json, "summary as one JSON document");
  app.footer(
      "Steps whose SCF did not converge, or whose forces sum to more than max_net_force_ev_ang, are left out of\n"
      "frames.extxyz and named. Stopped or killed, the same command goes on.\n\nExample:\n"
      "  saltus aimd --init examples/li15si4/li15si4_900K.extxyz --preset metal --temperature-kelvin 900 \\\n"
      "    --timestep-fs 2 --steps 500 --ranks 2 --out aimd-900K");
  return [o] { return run_aimd(*o); };
}

}  // namespace saltus::cli
