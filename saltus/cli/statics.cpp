// saltus statics KIND: minima, paths between them, and what follows from the curvature about them.
#include <array>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/cli/commands.hpp"
#include "saltus/cli/statics_kinds.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/potentials/load.hpp"

namespace saltus::cli {

std::span<const StaticsKind> statics_kinds() {
  static constexpr std::array table{
      StaticsKind{"optimize", "positions, and where wanted the cell, at the least energy", set_up_optimize},
      StaticsKind{"neb", "barriers by nudged elastic band; all distinct hops of a vacancy at once", set_up_neb},
      StaticsKind{"elastic", "elastic constants by finite strains, averages, stability", set_up_elastic},
      StaticsKind{"eos", "equation of state: volume, bulk modulus and its derivative", set_up_eos},
      StaticsKind{"phonons", "harmonic frequencies by finite displacements, free energies", set_up_phonons},
  };
  return table;
}

std::function<int()> set_up_statics(CLI::App& app) {
  app.require_subcommand(1);
  std::vector<std::pair<CLI::App*, std::function<int()>>> kinds;
  for (const StaticsKind& kind : statics_kinds()) {
    CLI::App* command = app.add_subcommand(kind.name, kind.summary);
    kinds.emplace_back(command, kind.set_up(*command));
  }
  app.footer("Example:\n  saltus statics optimize li15si4.safetensors examples/li15si4/li15si4_900K.extxyz \\\n    --out minimum.extxyz");
  return [kinds] {
    for (const auto& [command, run] : kinds)
      if (command->parsed()) return run();
    return 0;
  };
}

void add_statics_options(CLI::App& kind, StaticsOptions& options) {
  kind.add_option("MODEL", options.model, "model file: of Saltus, or a published SevenNet, MACE, ORB; or builtin:NAME")->type_name("FILE")->required();
  kind.add_option("FRAME", options.start.file, "trajectory or data set with the frame")->type_name("FILE")->required();
  kind.add_option("--frame", options.start.frame, "which frame of it, from 0 (default 0)");
  kind.add_option("--remove", options.start.removed_atoms, "atoms to take out, from 0, after repeating: 31,32")->delimiter(',');
  add_network_options(kind, options.network);
  kind.add_flag("--json", options.json, "one JSON document instead of a table");
}

void add_relaxation_options(CLI::App& kind, StaticsOptions& options) {
  kind.add_option("--force-tolerance-ev-ang", options.relaxation.force_tolerance_ev_ang, "largest force on an atom at the minimum, eV/Å (default 0.001)")
      ->check(CLI::PositiveNumber);
  kind.add_option("--minimizer", options.minimizer, "lbfgs (default) or fire")->check(CLI::IsMember({"lbfgs", "fire"}));
  kind.add_option("--largest-step-ang", options.relaxation.minimizer.largest_step_ang, "of an atom in one iteration, Å (default 0.1)")->check(CLI::PositiveNumber);
  kind.add_option("--max-iterations", options.relaxation.minimizer.max_iterations, "give up after as many (default 1000)");
}

void add_trust_stress(CLI::App& kind, StaticsOptions& options) {
  kind.add_flag("--trust-stress", options.trust_stress, "the model's stress is good, though its file does not say");
}

StaticsSubject read_subject(const StaticsOptions& options, bool needs_stress) {
  StaticsSubject subject;
  subject.potential = load_potential(options.model, settings_of(options.network));
  const PotentialInfo& info = subject.potential->info();
  if (needs_stress && !info.trained_on_stress && !options.trust_stress)
    throw Error(ErrorKind::unsupported, fmt::format("this needs a potential that was trained on stress, which the file of this one ({}) does not say; where you know that it was, or "
                                                    "have checked its stress, say so by --trust-stress", info.kind));
  runs::StartSettings start = options.start;
  start.supercell = {options.supercell[0], options.supercell[1], options.supercell[2]};
  subject.frame = runs::starting_frame(start);
  return subject;
}

RelaxationSettings relaxation_of(const StaticsOptions& options) {
  RelaxationSettings settings = options.relaxation;
  settings.minimizer.method = options.minimizer == "fire" ? Minimizer::fire : Minimizer::lbfgs;
  return settings;
}

void write_frames(const std::string& path, std::span<const Frame> frames) {
  std::string text;
  for (const Frame& frame : frames) append_extxyz(text, frame);
  write_file_atomically(path, text);
}

}  // namespace saltus::cli
