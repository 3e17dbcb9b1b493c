#include "saltus/runs/ab_initio_frames.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/files.hpp"
#include "saltus/base/random.hpp"
#include "saltus/base/sha256.hpp"
#include "saltus/base/units.hpp"
#include "saltus/engines/cp2k_input.hpp"
#include "saltus/engines/cp2k_program.hpp"
#include "saltus/io/cp2k_files.hpp"
#include "saltus/io/trajectory.hpp"
#include "saltus/runs/code_version.hpp"
#include "saltus/runs/cp2k_fields.hpp"
#include "saltus/runs/registry.hpp"

namespace saltus::runs {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

namespace {

constexpr double displacement_ang = 0.01;

/// What CP2K says of one frame.
struct Computed {
  bool converged = false;
  double energy_ev = 0, seconds = 0;  // of wall time, its share of the batch
  std::vector<Vec3> force_ev_ang;
  std::optional<Mat3> virial_ev;
};

json to_json(const Computed& computed) {
  json forces = json::array();
  for (const Vec3& f : computed.force_ev_ang)
    for (const double x : {f.x, f.y, f.z}) forces.push_back(x);
  json virial = nullptr;
  if (computed.virial_ev) {
    virial = json::array();
    for (int i = 0; i < 3; ++i)
      for (int k = 0; k < 3; ++k) virial.push_back((*computed.virial_ev)[i][k]);
  }
  return {{"converged", computed.converged}, {"energy_ev", computed.energy_ev}, {"seconds", computed.seconds}, {"forces_ev_ang", forces}, {"virial_ev", virial}};
}

Computed computed_from(const json& document) {
  Computed computed;
  computed.converged = document.at("converged");
  computed.energy_ev = document.at("energy_ev");
  computed.seconds = document.at("seconds");
  const std::vector<double> forces = document.at("forces_ev_ang");
  for (std::size_t i = 0; i + 2 < forces.size(); i += 3) computed.force_ev_ang.push_back({forces[i], forces[i + 1], forces[i + 2]});
  if (!document.at("virial_ev").is_null()) {
    const std::vector<double> v = document.at("virial_ev");
    Mat3 virial;
    for (std::size_t k = 0; k < 9 && k < v.size(); ++k) virial[static_cast<int>(k / 3)][static_cast<int>(k % 3)] = v[k];
    computed.virial_ev = virial;
  }
  return computed;
}

/// Frames that one start of CP2K computes: of the same atoms in the same order.
struct Batch {
  std::vector<std::size_t> frames;
  std::string identity, folder;
};

bool go_together(const Frame& a, const Frame& b) {
  return a.atoms->atomic_number == b.atoms->atomic_number && a.cell.any_periodic() == b.cell.any_periodic() && (a.cell.any_periodic() || a.cell == b.cell);
}

/// Hash of what decides the numbers of a batch.
std::string identity_of(const LabelSettings& settings, const std::vector<Frame>& frames, const std::vector<std::size_t>& members) {
  json method = json::parse(cp2k_settings_json(settings.method));
  for (const char* key : {"program", "data_folder", "ranks", "launcher", "check_program", "max_net_force_ev_ang"}) method.erase(key);
  std::string text = method.dump();
  for (const std::size_t k : members) {
    const Frame& frame = frames[k];
    for (int i = 0; i < 3; ++i) text += fmt::format("{:.9f} {:.9f} {:.9f} {}\n", frame.cell.rows_ang()[i].x, frame.cell.rows_ang()[i].y, frame.cell.rows_ang()[i].z, frame.cell.any_periodic());
    for (std::size_t i = 0; i < frame.size(); ++i)
      text += fmt::format("{} {:.9f} {:.9f} {:.9f}\n", frame.atoms->atomic_number[i], frame.position_ang[i].x, frame.position_ang[i].y, frame.position_ang[i].z);
  }
  return sha256(text);
}

std::vector<Batch> batches_of(const LabelSettings& settings, const std::vector<Frame>& frames, std::size_t longest) {
  std::vector<Batch> batches;
  for (std::size_t k = 0; k < frames.size(); ++k) {
    if (batches.empty() || batches.back().frames.size() >= longest || !go_together(frames[batches.back().frames.front()], frames[k])) batches.emplace_back();
    batches.back().frames.push_back(k);
  }
  for (Batch& batch : batches) {
    batch.identity = identity_of(settings, frames, batch.frames);
    batch.folder = batch.identity.substr(0, 16);
  }
  return batches;
}

/// What there is of a batch that was done before; empty when there is nothing, or not of this batch.
std::vector<Computed> done_before(const Batch& batch, const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return {};
  try {
    const json document = json::parse(read_file(file));
    if (document.at("identity") != batch.identity || document.at("frames").size() != batch.frames.size()) return {};
    std::vector<Computed> result;
    for (const json& entry : document.at("frames")) result.push_back(computed_from(entry));
    return result;
  } catch (const json::exception&) {
    return {};
  }
}

std::vector<Computed> compute(const LabelSettings& settings, const Cp2kProgram& program, const std::vector<Frame>& frames, const Batch& batch, const fs::path& folder,
                              const std::function<void(std::size_t)>& done, const Stop& stop) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  const Frame& first = frames[batch.frames.front()];
  const Cp2kSystem system = cp2k_system(first, settings.method, settings.base_folder);
  copy_own_files(system.kinds, program.data_folder, folder);
  write_file_atomically(folder / "label.inp", cp2k_label_input(system, settings.method, batch.frames.size(), program.version));
  std::string positions, cells = "# Step Time Ax Ay Az Bx By Bz Cx Cy Cz Volume\n";
  std::vector<std::vector<Vec3>> sent;
  for (std::size_t k = 0; k < batch.frames.size(); ++k) {
    const Frame& frame = frames[batch.frames[k]];
    const Cp2kSystem own = k == 0 ? system : cp2k_system(frame, settings.method, settings.base_folder);
    positions += fmt::format("{}\n i = {}, time = 0, E = 0\n", own.symbol.size(), k + 1);
    for (std::size_t i = 0; i < own.symbol.size(); ++i)
      positions += fmt::format("{} {:.12f} {:.12f} {:.12f}\n", own.symbol[i], own.position_ang[i].x, own.position_ang[i].y, own.position_ang[i].z);
    cells += fmt::format("{} 0", k + 1);
    for (int i = 0; i < 3; ++i) cells += fmt::format(" {:.12f} {:.12f} {:.12f}", own.cell.rows_ang()[i].x, own.cell.rows_ang()[i].y, own.cell.rows_ang()[i].z);
    cells += fmt::format(" {:.12f}\n", own.cell.volume_ang3());
    sent.push_back(own.position_ang);
  }
  write_file_atomically(folder / "frames.xyz", positions);
  if (system.cell.any_periodic()) write_file_atomically(folder / "frames.cell", cells);

  std::size_t told = 0;
  const auto begin = std::chrono::steady_clock::now();
  const Cp2kOutput output = run_cp2k(
      program, folder, "label",
      [&](const Cp2kOutput& growing) {
        for (; told < growing.evaluations().size(); ++told) done(1);
      },
      stop);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / static_cast<double>(batch.frames.size());
  const auto wrong = [&](const std::string& what) { throw Error(ErrorKind::numeric, fmt::format("CP2K: {}; see {}", what, (folder / "label.out").string())); };
  const auto& evaluations = output.evaluations();
  if (evaluations.size() != batch.frames.size()) wrong(fmt::format("{} energies of {} frames", evaluations.size(), batch.frames.size()));
  Cp2kXyz forces(folder / "label-frc-1.xyz"), seen(folder / "label-pos-1.xyz");
  if (forces.steps().steps().size() != batch.frames.size() || seen.steps().steps().size() != batch.frames.size()) wrong("it did not write the forces of all frames");
  std::vector<Computed> result;
  Atoms atoms;
  std::vector<Vec3> values;
  for (std::size_t k = 0; k < batch.frames.size(); ++k) {
    const Frame& frame = frames[batch.frames[k]];
    Computed& computed = result.emplace_back();
    seen.read(k, atoms, values);
    for (std::size_t i = 0; i < frame.size(); ++i)
      if (!(norm2(values[i] - sent[k][i]) < 1e-12)) wrong(fmt::format("atom {} of frame {} is not where it was sent", i, k));
    const Cp2kComment comment = forces.read(k, atoms, values);
    if (!comment.energy_hartree || !(std::abs(*comment.energy_hartree - evaluations[k].energy_hartree) < 1e-8 * std::max(1.0, std::abs(evaluations[k].energy_hartree))))
      wrong(fmt::format("forces and output do not agree on the energy of frame {}", k));
    computed.converged = evaluations[k].converged;
    computed.energy_ev = evaluations[k].energy_hartree * units::ev_per_hartree;
    computed.seconds = seconds;
    for (const Vec3& f : values) computed.force_ev_ang.push_back(units::ev_ang_per_hartree_bohr * f);
    if (settings.method.stress && frame.cell.any_periodic()) {
      if (!evaluations[k].stress_gpa) wrong(fmt::format("no stress of frame {}", k));
      Mat3 virial;
      for (int a = 0; a < 3; ++a) virial[a] = (frame.cell.volume_ang3() / units::gpa_per_ev_ang3) * (*evaluations[k].stress_gpa)[a];
      computed.virial_ev = virial;
    }
  }
  return result;
}

/// Big files that nobody needs once the numbers are read.
void tidy(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().filename().string().find(".wfn") != std::string::npos) fs::remove(entry.path(), error);
}

/// Computes all frames; each batch once it is done in a file of its folder.
std::vector<Computed> compute_all(const LabelSettings& settings, const Cp2kProgram& program, const std::vector<Frame>& frames, const fs::path& work, std::size_t longest,
                                  const std::string& task, const Progress& progress, const Stop& stop) {
  const std::vector<Batch> batches = batches_of(settings, frames, longest);
  std::vector<Computed> result(frames.size());
  std::mutex mutex;
  std::size_t next = 0, finished = 0, failed = 0;
  bool halted = false;
  std::exception_ptr problem;
  const auto own_stop = [&] {
    const std::scoped_lock guard(mutex);
    return halted || (stop && stop());
  };
  const auto advance = [&](std::size_t count) {
    const std::scoped_lock guard(mutex);
    finished += count;
    if (progress) progress({task, static_cast<double>(finished), static_cast<double>(frames.size()), failed ? fmt::format("{} not converged", failed) : std::string(), "frames"});
  };
  const auto worker = [&] {
    for (;;) {
      std::size_t mine;
      {
        const std::scoped_lock guard(mutex);
        if (halted || next == batches.size()) return;
        mine = next++;
      }
      const Batch& batch = batches[mine];
      const fs::path folder = work / batch.folder;
      try {
        std::vector<Computed> computed = done_before(batch, folder / "result.json");
        if (computed.empty()) {
          computed = compute(settings, program, frames, batch, folder, advance, own_stop);
          json entries = json::array();
          for (const Computed& one : computed) entries.push_back(to_json(one));
          write_file_atomically(folder / "result.json", json{{"identity", batch.identity}, {"frames", entries}}.dump() + "\n");
          tidy(folder);
        } else {
          advance(computed.size());
        }
        const std::scoped_lock guard(mutex);
        for (std::size_t k = 0; k < computed.size(); ++k) {
          failed += !computed[k].converged;
          result[batch.frames[k]] = std::move(computed[k]);
        }
      } catch (...) {
        const std::scoped_lock guard(mutex);
        if (!halted) problem = std::current_exception();
        halted = true;
        return;
      }
    }
  };
  std::vector<std::thread> workers;
  const auto count = std::min<std::size_t>(static_cast<std::size_t>(std::max<std::int64_t>(1, settings.jobs)), batches.size());
  for (std::size_t k = 1; k < count; ++k) workers.emplace_back(worker);
  worker();
  for (std::thread& thread : workers) thread.join();
  if (problem) std::rethrow_exception(problem);
  return result;
}

Frame displaced(const Frame& frame, const std::vector<Vec3>& direction, double by_ang) {
  Frame result = frame;
  for (std::size_t i = 0; i < frame.size(); ++i) result.position_ang[i] += by_ang * direction[i];
  return result;
}

/// A unit vector of all coordinates, without a shift of the whole.
std::vector<Vec3> random_direction(std::size_t atoms) {
  Random random(1, 0);
  std::vector<Vec3> direction(atoms);
  Vec3 mean;
  for (Vec3& d : direction) {
    d = {random.normal(), random.normal(), random.normal()};
    mean += (1.0 / static_cast<double>(atoms)) * d;
  }
  double square = 0;
  for (Vec3& d : direction) square += norm2(d -= mean);
  for (Vec3& d : direction) d = (1 / std::sqrt(square)) * d;
  return direction;
}

void check_once(const LabelSettings& settings, const Cp2kProgram& program, const fs::path& work, const Stop& stop) {
  const std::string mark = fmt::format("{} {}\n", program.path.string(), program.version_text);
  std::error_code error;
  if (!settings.method.check_program || (fs::exists(work / "check" / "passed", error) && read_file(work / "check" / "passed") == mark)) return;
  check_cp2k(program, work / "check", stop);
  write_file_atomically(work / "check" / "passed", mark);
}

}  // namespace

LabelSummary label_frames(const LabelSettings& settings, const std::vector<Frame>& frames, const fs::path& work, const fs::path& out, const Progress& progress, const Stop& stop) {
  if (frames.empty()) throw Error(ErrorKind::usage, "there are no frames to label");
  for (std::size_t k = 0; k < frames.size(); ++k) {
    try {
      cp2k_system(frames[k], settings.method, settings.base_folder);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("frame {}: {}", k, error.what()));
    }
  }
  const Cp2kProgram program = find_cp2k(settings.method);
  fs::create_directories(work);
  const FolderLock lock(work);
  check_once(settings, program, work, stop);

  LabelSummary summary;
  summary.cp2k_version = program.version_text;
  std::vector<Frame> wanted = frames;
  std::vector<Vec3> direction;
  if (settings.check_forces) {
    direction = random_direction(frames[0].size());
    wanted.insert(wanted.begin(), {displaced(frames[0], direction, -displacement_ang), displaced(frames[0], direction, displacement_ang)});
  }
  const auto longest = static_cast<std::size_t>(std::max<std::int64_t>(1, settings.batch));
  std::vector<Computed> computed = compute_all(settings, program, wanted, work, longest, "labels", progress, stop);
  std::vector<std::size_t> again;
  for (std::size_t k = 0; k < computed.size(); ++k)
    if (!computed[k].converged) again.push_back(k);
  if (!again.empty()) {  // by themselves, from scratch
    LabelSettings alone = settings;
    alone.method.extrapolation = "use_guess";
    std::vector<Frame> left;
    for (const std::size_t k : again) left.push_back(wanted[k]);
    const std::vector<Computed> second = compute_all(alone, program, left, work, 1, "labels once more", progress, stop);
    for (std::size_t k = 0; k < again.size(); ++k) computed[again[k]] = second[k];
  }
  if (settings.check_forces) {
    ForceCheck check;
    check.step_ang = displacement_ang;
    check.from_energies_ev_ang = -(computed[1].energy_ev - computed[0].energy_ev) / (2 * displacement_ang);
    for (std::size_t i = 0; i < direction.size(); ++i) check.from_forces_ev_ang += dot(computed[2].force_ev_ang[i], direction[i]);
    summary.force_check = check;
    computed.erase(computed.begin(), computed.begin() + 2);
  }

  std::unique_ptr<TrajectoryWriter> writer;
  LabelQuality& quality = summary.quality;
  double square = 0;
  std::size_t components = 0;
  for (std::size_t k = 0; k < frames.size(); ++k) {
    Frame frame = frames[k];
    frame.velocity_ang_fs.clear();
    frame.energy_ev = computed[k].energy_ev;
    frame.force_ev_ang = computed[k].force_ev_ang;
    frame.virial_ev = computed[k].virial_ev;
    summary.seconds_per_frame += computed[k].seconds / static_cast<double>(frames.size());
    const double net = net_force_ev_ang(frame);
    quality.mean_net_force_ev_ang += net / static_cast<double>(frames.size());
    quality.largest_net_force_ev_ang = std::max(quality.largest_net_force_ev_ang, net);
    for (const Vec3& f : frame.force_ev_ang) square += norm2(f);
    components += 3 * frame.size();
    if (!computed[k].converged) quality.refused.push_back({static_cast<std::int64_t>(k), "the SCF did not converge, nor from scratch"});
    else if (net > settings.method.max_net_force_ev_ang) quality.refused.push_back({static_cast<std::int64_t>(k), fmt::format("the forces sum to {:.3g} eV/Å, noise of the grid: it takes a higher cutoff_ry, which 'saltus label --cutoffs-ry' finds", net)});
    else {
      if (!writer) writer = create_trajectory(out);
      writer->write(frame);
      ++quality.frames;
    }
  }
  quality.force_rms_ev_ang = std::sqrt(square / static_cast<double>(components));
  if (writer) writer->commit();
  summary.finished = true;
  json document{{"program", "saltus"}, {"version", code_version()}, {"engine", {{"name", "CP2K"}, {"version", program.version_text}, {"path", program.path.string()}}},
                {"method", json::parse(cp2k_settings_json(settings.method))}, {"result", json::parse(to_json_text(summary))}};
  write_file_atomically(work / "label.json", document.dump(2) + "\n");
  if (quality.frames == 0)
    throw Error(ErrorKind::numeric, fmt::format("none of {} frames became a label: {} ({})", frames.size(), quality.refused.front().why, (work / "label.json").string()));
  return summary;
}

std::string to_json_text(const LabelSummary& summary) {
  json document{{"finished", summary.finished}, {"cp2k_version", summary.cp2k_version}, {"seconds_per_frame", summary.seconds_per_frame}};
  document.update(json::parse(quality_json_text(summary.quality)));
  document["force_check"] = nullptr;
  if (summary.force_check)
    document["force_check"] = {{"from_forces_ev_ang", summary.force_check->from_forces_ev_ang}, {"from_energies_ev_ang", summary.force_check->from_energies_ev_ang}, {"step_ang", summary.force_check->step_ang}};
  return document.dump();
}

std::vector<CutoffPoint> converge_cutoff(const LabelSettings& settings, const Frame& frame, std::vector<double> cutoffs_ry, const fs::path& work, const Progress& progress, const Stop& stop) {
  std::sort(cutoffs_ry.begin(), cutoffs_ry.end());
  cutoffs_ry.erase(std::unique(cutoffs_ry.begin(), cutoffs_ry.end()), cutoffs_ry.end());
  if (cutoffs_ry.size() < 2) throw Error(ErrorKind::usage, "a convergence check needs two cutoffs or more");
  const Cp2kProgram program = find_cp2k(settings.method);
  fs::create_directories(work);
  const FolderLock lock(work);
  check_once(settings, program, work, stop);
  std::vector<CutoffPoint> points;
  std::vector<Computed> all;
  for (const double cutoff : cutoffs_ry) {
    LabelSettings own = settings;
    own.method.cutoff_ry = cutoff;
    const auto begin = std::chrono::steady_clock::now();
    all.push_back(compute_all(own, program, {frame}, work, 1, fmt::format("{:g} Ry", cutoff), progress, stop).front());
    if (!all.back().converged) throw Error(ErrorKind::numeric, fmt::format("at {:g} Ry the SCF did not converge", cutoff));
    Frame labelled = frame;
    labelled.force_ev_ang = all.back().force_ev_ang;
    CutoffPoint& point = points.emplace_back();
    point.cutoff_ry = cutoff;
    point.energy_ev_per_atom = all.back().energy_ev / static_cast<double>(frame.size());
    point.net_force_ev_ang = net_force_ev_ang(labelled);
    point.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  for (std::size_t k = 0; k < points.size(); ++k) {
    points[k].energy_from_last_ev_per_atom = points[k].energy_ev_per_atom - points.back().energy_ev_per_atom;
    double square = 0;
    for (std::size_t i = 0; i < frame.size(); ++i) square += norm2(all[k].force_ev_ang[i] - all.back().force_ev_ang[i]);
    points[k].force_rms_from_last_ev_ang = std::sqrt(square / (3.0 * static_cast<double>(frame.size())));
  }
  return points;
}

}  // namespace saltus::runs
