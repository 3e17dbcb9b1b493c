#include "saltus/runs/distillation.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/extxyz.hpp"
#include "saltus/runs/model_evaluation.hpp"

namespace saltus::runs {

namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;
using units::fs_per_ps;

constexpr std::uint64_t rattle_stream = 4;
constexpr double thermostat_time_fs = 100;  // short: what is wanted is the ensemble, not the dynamics
constexpr double between_rattled_fs = 1000;  // a time for each, far enough apart for any gap of a split

std::string text_of(const SamplingSettings& settings, const Frame& start, const std::string& teacher_sha256) {
  std::string frame;
  WriteOptions positions;
  positions.velocities = positions.forces = positions.step_and_time = false;
  append_extxyz(frame, start, positions);
  return json{{"teacher", teacher_sha256},
              {"start", sha256(frame)},
              {"temperature_kelvin", settings.temperature_kelvin},
              {"timestep_fs", settings.timestep_fs},
              {"equilibration_ps", settings.equilibration_ps},
              {"sampling_ps", settings.sampling_ps},
              {"frames", settings.frames},
              {"rattled_frames", settings.rattled_frames},
              {"rattle_ang", settings.rattle_ang},
              {"strain", settings.strain},
              {"largest_force_ev_ang", settings.largest_force_ev_ang},
              {"seed", settings.seed}}
             .dump(2) + "\n";
}

std::int64_t steps_in(double time_ps, double timestep_fs) { return std::max<std::int64_t>(1, std::llround(time_ps * fs_per_ps / timestep_fs)); }

MolecularDynamicsSettings dynamics_of(const SamplingSettings& settings, double kelvin, std::uint64_t seed) {
  MolecularDynamicsSettings md;
  md.seed = seed;
  md.temperature_kelvin = kelvin;
  md.single_precision = false;
  md.loop.timestep_fs = settings.timestep_fs;
  md.loop.equilibration_steps = settings.equilibration_ps > 0 ? steps_in(settings.equilibration_ps, settings.timestep_fs) : 0;
  md.loop.write_stride = std::max<std::int64_t>(1, steps_in(settings.sampling_ps, settings.timestep_fs) / settings.frames);
  md.loop.steps = md.loop.write_stride * (settings.frames - 1);
  md.loop.thermostat = VelocityRescaling{kelvin, thermostat_time_fs};
  md.loop.equilibration_thermostat = Langevin{kelvin, 1 / thermostat_time_fs};
  md.loop.checkpoint_stride = std::max<std::int64_t>(1, md.loop.steps / 10);
  return md;
}

/// Atoms displaced, cell and atoms strained: r → (1 + ε) (r + d).
Frame rattled(const Frame& start, const SamplingSettings& settings, Random& random) {
  Frame frame;
  frame.atoms = start.atoms;
  const auto evenly = [&](double bound) { return bound * (2 * random.uniform() - 1); };
  const double deviation_ang = settings.rattle_ang * random.uniform();
  Mat3 strain{};
  for (int i = 0; i < 3; ++i)
    for (int j = i; j < 3; ++j) strain[i][j] = strain[j][i] = evenly(settings.strain);
  Mat3 rows = start.cell.rows_ang();
  for (int i = 0; i < 3; ++i) rows[i] = rows[i] + strain * rows[i];
  frame.cell = start.cell.has_vectors() ? Cell(rows, start.cell.periodic()) : start.cell;
  for (const Vec3& r : start.position_ang) {
    const Vec3 d{random.normal(), random.normal(), random.normal()};
    const Vec3 moved = r + deviation_ang * d;
    frame.position_ang.push_back(start.cell.has_vectors() ? moved + strain * moved : moved);
  }
  return frame;
}

double largest_force(const Evaluation& evaluation) {
  double largest = 0;
  for (const Vec3& f : evaluation.force_ev_ang) largest = std::max(largest, norm(f));
  return largest;
}

void write_rattled(const fs::path& path, const Potential& teacher, const Frame& start, const SamplingSettings& settings, const Progress& progress) {
  Random random(settings.seed, rattle_stream);
  const auto writer = create_trajectory(path);
  Workspace workspace;
  std::int64_t tried = 0, written = 0;
  while (written < settings.rattled_frames) {
    if (tried++ == 2 * settings.rattled_frames)
      throw Error(ErrorKind::numeric, fmt::format("of {} rattled frames only {} have no force above {} eV/Å: rattle or strain less, or start from a frame at rest",
                                                  tried - 1, written, settings.largest_force_ev_ang));
    Frame frame = rattled(start, settings, random);
    const Evaluation evaluation = evaluate_one(teacher, frame, {.forces = true, .virial = true}, workspace);
    if (!(largest_force(evaluation) <= settings.largest_force_ev_ang)) continue;
    frame.energy_ev = evaluation.energy_ev;
    frame.force_ev_ang = evaluation.force_ev_ang;
    if (frame.cell.volume_ang3() > 0) frame.virial_ev = evaluation.virial_ev;
    frame.step = written;
    frame.time_fs = static_cast<double>(written) * between_rattled_fs;
    writer->write(frame);
    report_progress(progress, "distill: rattled frames", static_cast<double>(++written), static_cast<double>(settings.rattled_frames), "frames");
  }
  writer->commit();
}

void claim(const fs::path& folder, const std::string& text) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(ErrorKind::file, fmt::format("{}: cannot create the folder: {}", folder.string(), error.message()));
  const fs::path file = folder / "sampling.json";
  if (!fs::exists(file)) write_file_atomically(file, text);
  else if (read_file(file) != text)
    throw Error(ErrorKind::usage, fmt::format("{}: holds frames of other settings, start or teacher; choose another folder or remove it", folder.string()));
}

}  // namespace

std::vector<TrainingSet> sample_teacher(const Potential& teacher, const std::string& teacher_sha256, const Frame& start,
                                        const SamplingSettings& settings, const fs::path& folder, const Progress& progress, const Stop& stop) {
  if (settings.frames < 2) throw Error(ErrorKind::usage, "sampling needs two frames or more of each simulation");
  claim(folder, text_of(settings, start, teacher_sha256));
  std::vector<TrainingSet> sets;
  for (std::size_t k = 0; k < settings.temperature_kelvin.size(); ++k) {
    const double kelvin = settings.temperature_kelvin[k];
    const std::string name = fmt::format("md-{:g}K", kelvin);
    const fs::path file = folder / (name + ".extxyz");
    sets.push_back({name, file, {}});
    if (fs::exists(file)) continue;
    const Progress of_md = [&](const ProgressReport& report) {
      if (progress) progress({"distill: " + name, report.done, report.total, report.note, report.unit});
    };
    const MolecularDynamicsSettings md = dynamics_of(settings, kelvin, settings.seed + k);
    try {
      const auto summary = run_molecular_dynamics(md, start, teacher, teacher_sha256, folder / name, of_md, stop);
      if (!summary.finished) throw Interrupted{fmt::format("{}, step {} of {}", name, summary.step, md.loop.steps), true};
    } catch (const Error& error) {
      throw with_place(error, fmt::format("sampling at {:g} K", kelvin));
    }
    evaluate_model(teacher, name, {folder / name / "trajectory", {}, 1, file}, interruptible(progress, stop));
  }
  if (settings.rattled_frames > 0) {
    const fs::path file = folder / "rattled.extxyz";
    sets.push_back({"rattled", file, {}});
    if (!fs::exists(file)) write_rattled(file, teacher, start, settings, interruptible(progress, stop));
  }
  return sets;
}

void name_teacher(AceParameters& student, const std::string& teacher_kind, const std::string& teacher_sha256) {
  student.metadata["teacher"] = teacher_kind;
  student.metadata["teacher_sha256"] = teacher_sha256;
}

double evaluation_us_per_atom(const Potential& potential, const Frame& frame) {
  using clock = std::chrono::steady_clock;
  Workspace workspace;
  workspace.skin_ang = 1;  // so that the neighbour list is made once
  Frame moved = frame;
  evaluate_one(potential, moved, {.forces = true}, workspace);
  double best_s = 1e300;
  const auto begin = clock::now();
  for (int k = 0; k < 20 && (k < 3 || clock::now() - begin < std::chrono::seconds(2)); ++k) {
    moved.position_ang[0].x += 1e-6;  // no potential may give what it gave before
    const auto start = clock::now();
    evaluate_one(potential, moved, {.forces = true}, workspace);
    best_s = std::min(best_s, std::chrono::duration<double>(clock::now() - start).count());
  }
  return 1e6 * best_s / static_cast<double>(frame.size());
}

}  // namespace saltus::runs
