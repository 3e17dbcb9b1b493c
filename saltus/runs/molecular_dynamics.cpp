#include "saltus/runs/molecular_dynamics.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/io/sampling.hpp"
#include "saltus/io/segments.hpp"
#include "saltus/potentials/conservation.hpp"
#include "saltus/runs/run_folder.hpp"

namespace saltus::runs {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t dynamics_stream = 1, velocity_stream = 2, vacancy_stream = 3;
constexpr const char* log_header = "step,time_fs,temperature_kelvin,potential_ev,kinetic_ev,conserved_ev,max_extrapolation,max_force_spread_ev_ang,volume_ang3,pressure_gpa\n";

struct Paths {
  fs::path trajectory, log, checkpoint, summary, failed;
  explicit Paths(const fs::path& folder)
      : trajectory(folder / "trajectory"), log(folder / "log.csv"), checkpoint(folder / "checkpoint"),
        summary(folder / "summary.json"), failed(folder / "failed.extxyz") {}
};

std::string csv_line(const LogRow& row) {
  const auto measured = [](const std::optional<double>& value) { return value ? fmt::format("{:.5g}", *value) : std::string(); };
  return fmt::format("{},{},{:.3f},{:.6f},{:.6f},{:.6f},{},{},{},{}\n", row.step, row.time_fs, row.temperature_kelvin, row.potential_ev,
                     row.kinetic_ev, row.conserved_ev, measured(row.max_extrapolation), measured(row.max_force_spread_ev_ang),
                     row.volume_ang3 ? fmt::format("{:.4f}", *row.volume_ang3) : "", row.pressure_gpa ? fmt::format("{:.6f}", *row.pressure_gpa) : "");
}

LoopSettings resolved_loop(const MolecularDynamicsSettings& settings, const Frame& start, const Potential& potential) {
  LoopSettings loop = settings.loop;
  const bool stress = potential.info().trained_on_stress || settings.trust_stress;
  const auto& periodic = start.cell.periodic();
  if (loop.barostat && !stress)
    throw Error(ErrorKind::unsupported, fmt::format("constant pressure needs a potential that was trained on stress, which the file of this one ({}) does not say; where you "
                                                    "know that it was, or have checked its pressures, say so by --trust-stress (trust_stress = true in a plan)", potential.info().kind));
  loop.log_pressure = stress && periodic[0] && periodic[1] && periodic[2];
  if (std::holds_alternative<NoThermostat>(loop.thermostat) && !loop.equilibration_thermostat && loop.equilibration_steps > 0)
    loop.equilibration_thermostat = Langevin{settings.temperature_kelvin, 0.01};
  if (settings.temperature_limit_factor > 0 && settings.temperature_kelvin > 0)
    loop.temperature_limit_kelvin = settings.temperature_limit_factor * settings.temperature_kelvin;
  if (settings.max_extrapolation) {
    if (!potential.info().has_extrapolation)
      throw Error(ErrorKind::unsupported, "this potential has no extrapolation measure, so a limit on it cannot be kept");
    if (loop.extrapolation_stride <= 0)
      throw Error(ErrorKind::usage, "an extrapolation limit needs an extrapolation stride of at least 1");
    loop.max_extrapolation = *settings.max_extrapolation;
  }
  if (settings.max_force_spread_ev_ang) {
    if (!potential.info().has_spread) throw Error(ErrorKind::unsupported, "this potential is no committee, so a limit on the spread of its members cannot be kept");
    if (loop.extrapolation_stride <= 0) throw Error(ErrorKind::usage, "a limit on the spread needs an extrapolation stride of at least 1");
    loop.max_force_spread_ev_ang = *settings.max_force_spread_ev_ang;
  }
  return loop;
}

std::string text_of(const Thermostat& thermostat) {
  if (const auto* l = std::get_if<Langevin>(&thermostat))
    return fmt::format("langevin, {} K, friction {}/fs", l->temperature_kelvin, l->friction_per_fs);
  if (const auto* r = std::get_if<VelocityRescaling>(&thermostat))
    return fmt::format("csvr, {} K, time constant {} fs", r->temperature_kelvin, r->time_constant_fs);
  return "none";
}

std::string text_of(const std::optional<Barostat>& barostat) {
  if (!barostat) return "none";
  return fmt::format("{}, {} eV/Å³, time constant {} fs, compressibility {} Å³/eV, every {} steps", name(barostat->freedom), barostat->pressure_ev_ang3,
                     barostat->time_constant_fs, barostat->compressibility_ang3_ev, barostat->stride);
}

// All that decides the trajectory and the log, but for the number of steps.
std::vector<NamedSetting> named_settings(const MolecularDynamicsSettings& settings, const LoopSettings& loop, const Frame& start,
                                         const std::string& model_sha256) {
  WriteOptions exact;
  exact.velocities = settings.velocities_from_frame;
  exact.forces = exact.step_and_time = false;
  std::string frame;
  append_extxyz(frame, start, exact);
  for (const double mass : start.atoms->mass_amu) frame += shortest(mass) + ' ';
  const auto number = [](auto value) { return fmt::format("{}", value); };
  return {{"model", model_sha256},
          {"atoms", fmt::format("{} ({})", start.size(), formula(*start.atoms))},
          {"starting frame", sha256(frame)},
          {"seed", number(settings.seed)},
          {"velocities", settings.velocities_from_frame ? "frame" : "thermal"},
          {"temperature_kelvin", number(settings.temperature_kelvin)},
          {"thermostat", text_of(loop.thermostat)},
          {"equilibration_thermostat", text_of(loop.equilibration_thermostat.value_or(loop.thermostat))},
          {"barostat", text_of(loop.barostat)},
          {"pressure logged", number(loop.log_pressure)},
          {"equilibration_steps", number(loop.equilibration_steps)},
          {"timestep_fs", number(loop.timestep_fs)},
          {"write_stride", number(loop.write_stride)},
          {"log_stride", number(loop.log_stride)},
          {"checkpoint_stride", number(loop.checkpoint_stride)},
          {"extrapolation_stride", number(loop.extrapolation_stride)},
          {"max_extrapolation", number(loop.max_extrapolation)},
          {"max_force_spread_ev_ang", number(loop.max_force_spread_ev_ang)},
          {"temperature_limit_kelvin", number(loop.temperature_limit_kelvin)},
          {"skin_ang", number(loop.skin_ang)},
          {"write_velocities", number(settings.write_velocities)},
          {"write_forces", number(settings.write_forces)},
          {"trajectory_precision", settings.single_precision ? "single" : "double"}};
}

State fresh_state(const MolecularDynamicsSettings& settings, const LoopSettings& loop, const Frame& start) {
  State state = state_of(start, Random(settings.seed, dynamics_stream));
  if (settings.velocities_from_frame) {
    if (start.velocity_ang_fs.empty())
      throw Error(ErrorKind::usage, "the starting frame has no velocities; draw them at a temperature instead");
  } else {
    Random random(settings.seed, velocity_stream);
    draw_velocities(state, settings.temperature_kelvin, random);
  }
  begin_dynamics(state, loop);
  return state;
}

struct Slope {
  double mean_x = 0, mean_y = 0, xx = 0, xy = 0, yy = 0, count = 0;
  void add(double x, double y) {
    ++count;
    const double dx = x - mean_x, dy = y - mean_y;
    mean_x += dx / count;
    mean_y += dy / count;
    xx += dx * (x - mean_x);
    xy += dx * (y - mean_y);
    yy += dy * (y - mean_y);
  }
};

MolecularDynamicsSummary summary_of(const Checkpoint& checkpoint, const LoopSettings& loop, const fs::path& log) {
  const State& state = checkpoint.state;
  MolecularDynamicsSummary summary;
  summary.finished = state.step >= loop.steps;
  summary.atoms = state.size();
  summary.formula = formula(*state.atoms);
  summary.step = state.step;
  summary.time_fs = state.time_fs;
  if (loop.write_stride > 0 && state.step >= 0) summary.frames = static_cast<std::size_t>(state.step / loop.write_stride + 1);
  summary.segments = checkpoint.segments;
  summary.wall_s = checkpoint.wall_s;
  summary.warnings = checkpoint.warnings;
  const double simulated_fs = static_cast<double>(state.step + loop.equilibration_steps) * loop.timestep_fs;
  if (checkpoint.wall_s > 0) summary.ns_per_day = simulated_fs / units::fs_per_ns / (checkpoint.wall_s / 86400);
  if (state.cell_moves > 0) summary.cell_acceptance = static_cast<double>(state.cell_moves_accepted) / static_cast<double>(state.cell_moves);
  Slope temperature, conserved, pressure, volume;
  for (const LogRow& row : read_md_log(log)) {
    if (row.max_extrapolation)
      summary.max_extrapolation = std::max(*row.max_extrapolation, summary.max_extrapolation.value_or(0));
    if (row.max_force_spread_ev_ang)
      summary.max_force_spread_ev_ang = std::max(*row.max_force_spread_ev_ang, summary.max_force_spread_ev_ang.value_or(0));
    if (row.step < 0) continue;
    temperature.add(row.time_fs, row.temperature_kelvin);
    conserved.add(row.time_fs, row.conserved_ev);
    if (row.pressure_gpa) pressure.add(row.time_fs, *row.pressure_gpa);
    if (row.volume_ang3) volume.add(row.time_fs, *row.volume_ang3);
  }
  summary.mean_temperature_kelvin = temperature.mean_y;
  if (temperature.count > 1) summary.temperature_deviation_kelvin = std::sqrt(temperature.yy / (temperature.count - 1));
  if (pressure.count > 0) summary.mean_pressure_gpa = pressure.mean_y;
  if (volume.count > 0) summary.mean_volume_ang3 = volume.mean_y;
  if (loop.barostat && volume.count > 1) summary.volume_deviation_ang3 = std::sqrt(volume.yy / (volume.count - 1));
  if (conserved.xx > 0)
    summary.conserved_drift_mev_per_atom_ps =
        conserved.xy / conserved.xx * units::mev_per_ev * units::fs_per_ps / static_cast<double>(state.size());
  return summary;
}

void write_failed_configuration(const fs::path& path, const State& state) {
  Frame frame;
  frame.atoms = state.atoms;
  frame.cell = state.cell;
  frame.position_ang = state.position_ang;
  frame.step = state.step;
  frame.time_fs = state.time_fs;
  for (const Vec3& r : frame.position_ang)
    if (!is_finite(r)) return;
  std::string text;
  append_extxyz(text, frame);
  write_file_atomically(path, text);
}

}  // namespace

Frame starting_frame(const StartSettings& settings) {
  const auto reader = open_trajectory(settings.file, settings.read);
  Frame frame;
  bool found = reader->read_next(frame);
  for (std::size_t k = 0; k < settings.frame && found; ++k) found = reader->read_next(frame);
  if (!found)
    throw Error(ErrorKind::usage, fmt::format("{}: there is no frame {} (counted from 0)", settings.file.string(), settings.frame));
  Frame start = without_atoms(repeated(frame, settings.supercell), settings.removed_atoms);
  if (settings.vacancies == 0) return start;
  const auto element = atomic_number_of(settings.vacancy_element);
  if (!element) throw Error(ErrorKind::usage, fmt::format("'{}' is not an element to take vacancies from", settings.vacancy_element));
  std::vector<std::size_t> sites;
  for (std::size_t i = 0; i < start.size(); ++i)
    if (start.atoms->atomic_number[i] == *element) sites.push_back(i);
  if (sites.size() < settings.vacancies)
    throw Error(ErrorKind::usage, fmt::format("{} vacancies asked for, but there are {} atoms of {}", settings.vacancies,
                                              sites.size(), settings.vacancy_element));
  Random random(settings.seed, vacancy_stream);
  std::vector<std::size_t> gone;
  for (const std::size_t k : random_frames(sites.size(), settings.vacancies, random)) gone.push_back(sites[k]);
  return without_atoms(start, gone);
}

MolecularDynamicsSummary run_molecular_dynamics(const MolecularDynamicsSettings& settings, const Frame& start,
                                                const Potential& potential, const std::string& model_sha256,
                                                const fs::path& folder, const Progress& progress,
                                                const std::function<bool()>& stop, const WarningList& warnings) {
  if (!std::isfinite(settings.temperature_kelvin) || settings.temperature_kelvin < 0)
    throw Error(ErrorKind::usage, "the temperature must not be negative");
  const LoopSettings loop = resolved_loop(settings, start, potential);
  const std::vector<NamedSetting> names = named_settings(settings, loop, start, model_sha256);
  const Paths paths(folder);
  const SimulationLock lock(folder);

  Checkpoint checkpoint;
  const bool resumed = fs::exists(paths.checkpoint);
  if (resumed) {
    checkpoint = read_checkpoint(paths.checkpoint);
    try {
      require_same_settings(checkpoint.settings, names);
      if (checkpoint.state.step > loop.steps)
        throw Error(ErrorKind::usage, fmt::format("the run is already at step {}, past the {} steps asked for", checkpoint.state.step,
                                                  loop.steps));
    } catch (const Error& different) {
      throw with_place(different, folder.string());
    }
  } else {
    require_no_output({paths.trajectory, paths.log, paths.summary});
    checkpoint = {fresh_state(settings, loop, start), names, 0, 0, 0, {}};
    if (const auto warning = conservation_warning(potential.info())) checkpoint.warnings.add(*warning);
  }
  remove_leftovers(folder, {"checkpoint.part", "summary.json.part", "failed.extxyz"});
  if (resumed && checkpoint.state.step == loop.steps && checkpoint.state.begun && fs::exists(paths.summary)) {
    MolecularDynamicsSummary summary = summary_of(checkpoint, loop, paths.log);
    summary.nothing_to_do = true;
    return summary;
  }
  // Before any output, so that a run killed at once can be continued too.
  if (!resumed) write_checkpoint(paths.checkpoint, checkpoint);
  fs::remove(paths.summary);

  WriteOptions write;
  write.velocities = settings.write_velocities;
  write.forces = settings.write_forces;
  write.single_precision = settings.single_precision;
  SegmentWriter trajectory(paths.trajectory, write, checkpoint.segments);
  GrowingLog log(paths.log, checkpoint.log_bytes, log_header);
  State& state = checkpoint.state;
  const std::int64_t first_step = state.step;
  const double wall_before = checkpoint.wall_s;
  const WarningList warnings_before = checkpoint.warnings;
  const auto begin = std::chrono::steady_clock::now();

  LoopSinks sinks;
  sinks.progress = progress;
  sinks.stop_requested = stop;
  sinks.frame = [&](const Frame& frame) { trajectory.write(frame); };
  sinks.log = [&](const LogRow& row) { log.append(csv_line(row)); };
  sinks.checkpoint = [&](const State&) {
    checkpoint.segments = trajectory.commit_segment();
    checkpoint.log_bytes = log.flush_to_disk();
    checkpoint.wall_s = wall_before + std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    checkpoint.warnings = warnings_before;
    checkpoint.warnings.add(warnings);
    write_checkpoint(paths.checkpoint, checkpoint);
  };
  try {
    run_dynamics(state, potential, loop, sinks);
  } catch (const Error& failure) {
    if (failure.kind() != ErrorKind::numeric) throw;
    write_failed_configuration(paths.failed, state);
    throw with_place(failure, folder.string());
  }
  MolecularDynamicsSummary summary = summary_of(checkpoint, loop, paths.log);
  summary.resumed = resumed;
  summary.resumed_from_step = first_step;
  if (summary.finished) write_file_atomically(paths.summary, to_json_text(summary));
  return summary;
}

std::string to_json_text(const MolecularDynamicsSummary& s) {
  nlohmann::ordered_json json;
  json["finished"] = s.finished;
  json["nothing_to_do"] = s.nothing_to_do;
  json["resumed_from_step"] = s.resumed ? nlohmann::ordered_json(s.resumed_from_step) : nlohmann::ordered_json(nullptr);
  json["atoms"] = s.atoms;
  json["formula"] = s.formula;
  json["step"] = s.step;
  json["time_fs"] = s.time_fs;
  json["frames"] = s.frames;
  json["segments"] = s.segments;
  json["mean_temperature_kelvin"] = s.mean_temperature_kelvin;
  json["temperature_deviation_kelvin"] = s.temperature_deviation_kelvin;
  const auto measured = [](const std::optional<double>& value) { return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr); };
  json["mean_pressure_gpa"] = measured(s.mean_pressure_gpa);
  json["mean_volume_ang3"] = measured(s.mean_volume_ang3);
  json["volume_deviation_ang3"] = measured(s.volume_deviation_ang3);
  json["cell_acceptance"] = measured(s.cell_acceptance);
  json["conserved_drift_mev_per_atom_ps"] = s.conserved_drift_mev_per_atom_ps;
  json["max_extrapolation"] = measured(s.max_extrapolation);
  json["max_force_spread_ev_ang"] = measured(s.max_force_spread_ev_ang);
  json["wall_s"] = s.wall_s;
  json["ns_per_day"] = s.ns_per_day;
  json["warnings"] = s.warnings.first;
  json["warning_count"] = s.warnings.count;
  return json.dump(2) + '\n';
}

std::vector<LogRow> read_md_log(const fs::path& path) {
  const std::string text = read_file(path);
  std::vector<LogRow> rows;
  std::size_t line_number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++line_number;
    const auto fail = [&](const std::string& what) {
      throw Error(ErrorKind::format, fmt::format("{}, line {}: {}", path.string(), line_number, what));
    };
    if (line_number == 1) {
      if (std::string(line) + '\n' != log_header) fail("not the header of a log of saltus md");
      continue;
    }
    std::vector<std::string_view> cells;
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t comma = std::min(line.find(',', at), line.size());
      cells.push_back(line.substr(at, comma - at));
      at = comma + 1;
    }
    if (cells.size() != 10) fail(fmt::format("expected 10 columns, found {}", cells.size()));
    LogRow row;
    const auto step = parse_int(cells[0]);
    if (!step) fail(fmt::format("'{}' is not a step", cells[0]));
    else row.step = *step;
    const std::array<double*, 5> targets{&row.time_fs, &row.temperature_kelvin, &row.potential_ev, &row.kinetic_ev, &row.conserved_ev};
    for (std::size_t k = 0; k < targets.size(); ++k) {
      const auto value = parse_double(cells[k + 1]);
      if (!value) fail(fmt::format("'{}' is not a number", cells[k + 1]));
      else *targets[k] = *value;
    }
    for (const auto& [cell, target] : {std::pair{cells[6], &row.max_extrapolation}, std::pair{cells[7], &row.max_force_spread_ev_ang},
                                       std::pair{cells[8], &row.volume_ang3}, std::pair{cells[9], &row.pressure_gpa}}) {
      if (cell.empty()) continue;
      *target = parse_double(cell);
      if (!*target) fail(fmt::format("'{}' is not a number", cell));
    }
    rows.push_back(row);
  }
  return rows;
}

}  // namespace saltus::runs
