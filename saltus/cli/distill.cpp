// saltus distill: a fast linear ACE from what a dear model says of configurations that it sampled.
#include "saltus/cli/commands.hpp"

#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/cli/ace_options.hpp"
#include "saltus/cli/fit_table.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/message.hpp"
#include "saltus/cli/network_options.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/start_options.hpp"
#include "saltus/potentials/load.hpp"
#include "saltus/runs/distillation.hpp"
#include "saltus/runs/fit_report.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string model, out, work;
  NetworkOptions network;
  StartOptions start;
  runs::SamplingSettings sampling;
  AceFitSettings fit;
  AceFitGrid grid;
  bool json = false;
};

int run_distill(Options options) {
  if (options.work.empty()) options.work = (std::filesystem::path(options.out).parent_path() / std::filesystem::path(options.out).stem()).string() + "-sampling";
  const auto teacher = load_potential(options.model, settings_of(options.network));
  const std::string teacher_sha256 = identity_of(options.model, options.network);
  const std::vector<AceFitSettings> candidates = combinations(options.fit, options.grid);
  const Frame start = runs::starting_frame(start_of(options.start, options.sampling.seed));
  listen_for_signals();
  const auto sets = runs::sample_teacher(*teacher, teacher_sha256, start, options.sampling, options.work, progress_line(), stop_requested);
  AceFit fit = fit_ace(sets, candidates, interruptible(progress_line(), stop_requested));
  runs::name_teacher(fit.parameters, teacher->info().kind, teacher_sha256);
  save_ace(options.out, fit.parameters);
  for (const std::string& warning : fit.warnings) print_warning(warning);

  const double before_us = runs::evaluation_us_per_atom(*teacher, start), after_us = runs::evaluation_us_per_atom(*load_potential(options.out), start);
  if (options.json) {
    nlohmann::ordered_json document{{"file", options.out},
                                    {"sets", options.work},
                                    {"teacher", {{"file", options.model}, {"kind", teacher->info().kind}, {"sha256", teacher_sha256}, {"us_per_atom", before_us}}},
                                    {"us_per_atom", after_us}};
    document.update(nlohmann::ordered_json::parse(runs::fit_json_text(fit, false)));
    print_json(document);
    return 0;
  }
  fmt::print("Errors are against the teacher, {} ({}).\n\n", options.model, teacher->info().kind);
  print_fit(fit);
  fmt::print("\nEnergy and forces of {} atoms: teacher {:.3g}, student {:.3g} µs/atom\n", start.size(), before_us, after_us);
  fmt::print("written to {}; the labelled frames are in {}\n", options.out, options.work);
  return 0;
}

}  // namespace

std::function<int()> set_up_distill(CLI::App& app) {
  const auto o = std::make_shared<Options>();
  runs::SamplingSettings& s = o->sampling;
  app.add_option("--model", o->model, "the teacher: any model file")->type_name("FILE")->required();
  add_network_options(app, o->network);
  add_start_options(app, o->start);
  app.add_option("--out", o->out, "model file to write (safetensors)")->type_name("FILE")->required();
  app.add_option("--work", o->work, "folder for the labelled frames (default: OUT's name and -sampling)")->type_name("FOLDER");
  app.add_option("--temperatures-kelvin", s.temperature_kelvin, "a simulation each, K (default 300,600,900,1200)")->delimiter(',')->allow_extra_args(false)->check(CLI::PositiveNumber);
  app.add_option("--sampling-ps", s.sampling_ps, "of each, ps (default 5)")->check(CLI::PositiveNumber);
  app.add_option("--equilibration-ps", s.equilibration_ps, "before it, ps (default 1)")->check(CLI::NonNegativeNumber);
  app.add_option("--timestep-fs", s.timestep_fs, "time step, fs (default 2)")->check(CLI::PositiveNumber);
  app.add_option("--frames", s.frames, "kept of each (default 100)")->check(CLI::Range(2, 100000));
  app.add_option("--rattled", s.rattled_frames, "frames with displaced atoms in strained cells (default 100)")->check(CLI::NonNegativeNumber);
  app.add_option("--rattle-ang", s.rattle_ang, "largest standard deviation of displacements, Å (default 0.2)")->check(CLI::NonNegativeNumber);
  app.add_option("--strain", s.strain, "largest component of the strain (default 0.03)")->check(CLI::Range(0.0, 0.5));
  app.add_option("--largest-force-ev-ang", s.largest_force_ev_ang, "rattled frames beyond are left out, eV/Å (default 30)")->check(CLI::PositiveNumber);
  app.add_option("--seed", s.seed, "of velocities, thermostat, displacements (default 0)");
  add_ace_basis_options(app, o->fit, o->grid);
  app.add_flag("--json", o->json, "one JSON document instead of a table");
  app.footer(
      "Stopped, the same command goes on. The sets in the work folder can be fitted again by saltus fit.\n\nExample:\n"
      "  saltus distill --model big.safetensors --init examples/li15si4/li15si4_900K.extxyz \\\n"
      "    --out fast.safetensors");
  return [o] { return run_distill(*o); };
}

}  // namespace saltus::cli
