#include "saltus/runs/ab_initio_dynamics.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"
#include "saltus/engines/cp2k_input.hpp"
#include "saltus/engines/cp2k_program.hpp"
#include "saltus/runs/code_version.hpp"
#include "saltus/runs/cp2k_fields.hpp"
#include "saltus/runs/registry.hpp"

namespace saltus::runs {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

namespace {

/// The step that a restart file goes on from; none when it was not written to its end.
std::optional<std::int64_t> step_of_restart(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return std::nullopt;
  const std::string text = read_file(file);
  if (text.find("&END FORCE_EVAL") == std::string::npos) return std::nullopt;
  const std::string key = "STEP_START_VAL";
  const auto at = text.find(key);
  if (at == std::string::npos) return std::nullopt;
  const auto end = text.find('\n', at);
  const auto step = parse_int(trim(std::string_view(text).substr(at + key.size(), end - at - key.size())));
  return step;
}

/// What decides the numbers of a run; not how long it is, nor how the program is started, nor which frames are labels.
std::string identity_of(const AbInitioDynamicsSettings& settings, const Frame& start, const std::string& input) {
  json identity = json::parse(cp2k_settings_json(settings.method));
  for (const char* key : {"program", "data_folder", "ranks", "launcher", "check_program", "max_net_force_ev_ang"}) identity.erase(key);
  const Cp2kDynamicsSettings& d = settings.dynamics;
  identity["dynamics"] = {{"timestep_fs", d.timestep_fs}, {"temperature_kelvin", d.temperature_kelvin}, {"ensemble", d.ensemble}, {"thermostat_time_fs", d.thermostat_time_fs},
                          {"wannier_every", d.wannier_every}, {"seed", d.seed}};
  std::string atoms;
  for (std::size_t i = 0; i < start.size(); ++i) {
    const Vec3& r = start.position_ang[i];
    atoms += fmt::format("{} {:.9f} {:.9f} {:.9f}\n", start.atoms->atomic_number[i], r.x, r.y, r.z);
    if (settings.velocities_from_frame) {
      const Vec3& v = start.velocity_ang_fs[i];
      atoms += fmt::format("{:.9e} {:.9e} {:.9e}\n", v.x, v.y, v.z);
    }
  }
  const std::size_t cell = input.find("&CELL");
  identity["start_sha256"] = sha256(atoms + input.substr(cell, input.find("&END CELL") - cell));
  return identity.dump();
}

struct Converged {
  std::map<std::int64_t, bool> by_step;
  double mean_scf_steps = 0, seconds_per_step = 0;
};

Converged convergence(const Cp2kOutput& output) {
  Converged result;
  double seconds = 0;
  std::size_t timed = 0;
  for (const Cp2kEvaluation& evaluation : output.evaluations()) {
    result.mean_scf_steps += evaluation.scf_steps;
    if (evaluation.seconds) {
      seconds += *evaluation.seconds;
      ++timed;
    }
    if (evaluation.step) result.by_step[*evaluation.step] = evaluation.converged;
  }
  if (!output.evaluations().empty()) result.mean_scf_steps /= static_cast<double>(output.evaluations().size());
  if (timed) result.seconds_per_step = seconds / static_cast<double>(timed);
  // A run of which the first step only was written says no number for it.
  if (output.evaluations().size() == 1 && !output.evaluations()[0].step) result.by_step[0] = output.evaluations()[0].converged;
  return result;
}

}  // namespace

std::string to_json_text(const AbInitioDynamicsSummary& summary) {
  json document{{"finished", summary.finished}, {"formula", summary.formula}, {"atoms", summary.atoms}, {"cp2k_version", summary.cp2k_version}, {"steps", summary.steps},
                {"seconds_per_step", summary.seconds_per_step}, {"mean_scf_steps", summary.mean_scf_steps}};
  document.update(json::parse(quality_json_text(summary.quality)));
  return document.dump();
}

AbInitioDynamicsSummary run_ab_initio_dynamics(const AbInitioDynamicsSettings& settings, const Frame& start, const fs::path& folder, const Progress& progress, const Stop& stop) {
  if (settings.velocities_from_frame && start.velocity_ang_fs.empty()) throw Error(ErrorKind::usage, "the frame has no velocities to start from");
  const Cp2kSystem system = cp2k_system(start, settings.method, settings.base_folder);
  const Cp2kProgram program = find_cp2k(settings.method);
  Cp2kDynamicsSettings dynamics = settings.dynamics;
  const std::span<const Vec3> velocities = settings.velocities_from_frame ? std::span<const Vec3>(start.velocity_ang_fs) : std::span<const Vec3>();

  fs::create_directories(folder);
  const FolderLock lock(folder);
  const std::string identity = identity_of(settings, start, cp2k_dynamics_input(system, settings.method, dynamics, velocities, false, program.version));
  const fs::path provenance = folder / "aimd.json";
  std::error_code error;
  if (fs::exists(provenance, error)) {
    json before;
    try {
      before = json::parse(read_file(provenance));
    } catch (const json::exception&) {
      throw Error(ErrorKind::format, fmt::format("{} is not what this program writes", provenance.string()));
    }
    if (before.value("identity", "") != identity)
      throw Error(ErrorKind::usage, fmt::format("{} holds another run (other atoms, method or dynamics): name another folder, or remove it", folder.string()));
  } else if (fs::exists(folder / "aimd-pos-1.xyz", error)) {
    throw Error(ErrorKind::usage, fmt::format("{} holds files of a run that this program did not make", folder.string()));
  }

  AbInitioDynamicsSummary summary;
  summary.formula = formula(*start.atoms);
  summary.atoms = start.size();
  summary.cp2k_version = program.version_text;
  const auto record = [&] {
    const Cp2kOutput output = read_cp2k_output(folder / "aimd.out");
    const Converged converged = convergence(output);
    summary.mean_scf_steps = converged.mean_scf_steps;
    summary.seconds_per_step = converged.seconds_per_step;
    if (!converged.by_step.empty()) summary.steps = converged.by_step.rbegin()->first;
    summary.finished = summary.steps >= settings.dynamics.steps;
    if (fs::exists(folder / "aimd-pos-1.xyz", error)) summary.quality = harvest_cp2k_dynamics(folder, converged.by_step, settings.method.max_net_force_ev_ang, folder / "frames.extxyz");
    json kinds = json::array();
    for (const Cp2kKind& kind : system.kinds)
      kinds.push_back({{"element", kind.element}, {"basis", kind.basis}, {"potential", kind.potential}, {"electrons", kind.electrons},
                       {"basis_file_sha256", sha256_of_path(kind.basis_file)}, {"potential_file_sha256", sha256_of_path(kind.potential_file)}});
    json document{{"program", "saltus"}, {"version", std::string(code_version())}, {"engine", {{"name", "CP2K"}, {"version", program.version_text}, {"path", program.path.string()}, {"ranks", settings.method.ranks}}},
                  {"kinds", kinds}, {"method", json::parse(cp2k_settings_json(settings.method))}, {"steps_wanted", settings.dynamics.steps}};
    document["result"] = json::parse(to_json_text(summary));
    document["identity"] = identity;
    write_file_atomically(provenance, document.dump(2) + "\n");
  };

  // Where to go on from: the newest restart file that is whole.
  std::int64_t done = 0;
  bool restart = false;
  for (const char* name : {"aimd-1.restart", "aimd-1.restart.bak-1"}) {
    const auto step = step_of_restart(folder / name);
    if (!step) continue;
    if (std::string_view(name).ends_with("bak-1")) fs::copy_file(folder / name, folder / "aimd-1.restart", fs::copy_options::overwrite_existing);
    done = *step;
    restart = true;
    break;
  }
  if (restart && done >= settings.dynamics.steps) {
    record();
    summary.nothing_to_do = true;
    return summary;
  }
  if (settings.method.check_program && !restart) check_cp2k(program, folder / "check", stop);
  if (!restart)
    for (const char* name : {"aimd.out", "aimd-pos-1.xyz", "aimd-frc-1.xyz", "aimd-vel-1.xyz", "aimd-1.ener", "aimd-1.cell", "aimd-1.stress"}) fs::remove(folder / name, error);
  dynamics.steps = settings.dynamics.steps - done;
  copy_own_files(system.kinds, program.data_folder, folder);
  write_file_atomically(folder / "aimd.inp", cp2k_dynamics_input(system, settings.method, dynamics, restart ? std::span<const Vec3>() : velocities, restart, program.version));
  record();
  const auto watch = [&](const Cp2kOutput& output) {
    const Converged now = convergence(output);
    if (now.by_step.empty() || !progress) return;
    std::size_t failed = 0;
    for (const auto& [step, good] : now.by_step) failed += !good;
    std::string note = fmt::format("{:.3g} s/step, {:.0f} SCF steps", now.seconds_per_step, now.mean_scf_steps);
    if (failed) note += fmt::format(", {} not converged", failed);
    progress({"AIMD", static_cast<double>(now.by_step.rbegin()->first), static_cast<double>(settings.dynamics.steps), note, "steps"});
  };
  try {
    run_cp2k(program, folder, "aimd", watch, stop, lock.descriptor());
  } catch (const Interrupted&) {
    record();
    throw Interrupted{fmt::format("step {} of {}", summary.steps, settings.dynamics.steps), true};
  } catch (const Error&) {
    record();
    throw;
  }
  record();
  return summary;
}

}  // namespace saltus::runs
