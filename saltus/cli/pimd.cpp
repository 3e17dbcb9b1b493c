// saltus pimd PLAN.toml: path-integral molecular dynamics of model systems.
#include "saltus/cli/commands.hpp"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/runs/estimate_json.hpp"
#include "saltus/runs/path_integral_dynamics.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string plan;
  bool list_settings = false, json = false;
};

void print_text(const runs::PimdPlan& plan, const runs::PimdReport& report) {
  if (!plan.title.empty()) fmt::print("{}\n", plan.title);
  fmt::print("{}: {}, {} copies of {}, {} beads, {:g} K\n", plan.file, plan.potential.kind, plan.copies,
             plan.element.empty() ? fmt::format("{:g} amu", plan.mass_amu) : fmt::format("{} ({:g} amu)", plan.element, plan.mass_amu), plan.beads, plan.temperature_kelvin);
  fmt::print("{} steps of {:g} fs after {}, {}, {}; {} samples\n\n", plan.steps, plan.timestep_fs, plan.equilibration_steps, plan.splitting, plan.thermostat.kind, report.samples);
  fmt::print("{:<40} {:>11}   {:<25} {}\n", "quantity", "value", "95 %", "unit");
  for (const NamedEstimate& e : report.estimates) {
    if (!e.estimate) fmt::print("{:<40} {:>11}   {:<25} {}\n", e.name, "–", e.note, e.unit);
    else if (!e.has_interval) fmt::print("{:<40} {:>11.5g}   {:<25} {}\n", e.name, e.estimate->value, "", e.unit);
    else fmt::print("{:<40} {:>11.5g}   {:<25} {}\n", e.name, e.estimate->value, fmt::format("{:.5g} … {:.5g}", e.estimate->low, e.estimate->high), e.unit);
  }
  fmt::print("\nintervals from {} blocks of copies{}\n", report.blocks, report.stretches > 1 ? " and time" : "");
}

int pimd(const Options& options) {
  if (options.list_settings) {
    fmt::print("{}", runs::pimd_settings_text());
    return 0;
  }
  if (options.plan.empty()) throw Error(ErrorKind::usage, "pimd needs a PLAN; 'saltus pimd --help' shows an example");
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

}  // namespace

std::function<int()> set_up_pimd(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("PLAN", options->plan, "plan file (TOML) with one table [pimd]")->type_name("FILE");
  app.add_flag("--list-settings", options->list_settings, "all settings with their defaults, units and meaning");
  app.add_flag("--json", options->json, "the estimates as one JSON document: name, value, low, high, unit");
  app.footer(
      "Each atom is a ring polymer of beads, sampled in normal modes: quantum averages of energies, spread\n"
      "and free energies, per degree of freedom, with 95 % intervals. The plan names a model system:\n"
      "  [pimd]\n"
      "  potential = { kind = \"double_well\", barrier_kcal_mol = 0.8, half_distance_ang = 0.2 }\n"
      "  element = \"H\"              # or \"D\", \"T\", another element, or mass_amu\n"
      "  beads = 32                 # 1 = classical\n"
      "  temperature_kelvin = 300\n"
      "  timestep_fs = 0.25\n"
      "  steps = 20000\n"
      "  thermostat = { kind = \"pile_l\", centroid_time_fs = 50, lambda = 1.0 }\n\nExample:\n"
      "  saltus pimd examples/path_integrals/double_well.toml");
  return [options] { return pimd(*options); };
}

}  // namespace saltus::cli
