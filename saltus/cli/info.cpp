// saltus info FILE: what a trajectory, data set, model file or checkpoint holds.
#include "saltus/cli/commands.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/cli/model_summary.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/dynamics/checkpoint.hpp"
#include "saltus/io/frame_notes.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/segments.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus::cli {

namespace {

struct Options {
  std::string file;
  ReadOptions read;
  bool json = false, formats = false;
};

struct Range {
  double min = std::numeric_limits<double>::infinity(), max = -std::numeric_limits<double>::infinity(), sum = 0;
  std::size_t count = 0;

  void add(double value) {
    min = std::min(min, value);
    max = std::max(max, value);
    sum += value;
    ++count;
  }
  double mean() const { return sum / static_cast<double>(count); }
};

struct Composition {
  std::string formula;
  std::size_t atoms = 0, frames = 0;
};

struct Summary {
  std::string format;
  std::size_t frames = 0, segments = 0, beads = 0;
  std::vector<Composition> compositions;
  Frame first;
  FrameSource source;  // of the first frame
  FrameNotes notes;
  bool uniform_source = true, uniform_cell = true;
  std::size_t energies = 0, forces = 0, virials = 0, velocities = 0, times = 0;
  Range volume_ang3, energy_ev_per_atom, time_step_fs;
  double first_time_fs = 0, last_time_fs = 0;
  double force_square_sum = 0, force_components = 0, force_max_ev_ang = 0;
};

bool same_names(const FrameSource& a, const FrameSource& b) {
  return a.columns == b.columns && a.energy == b.energy && a.forces == b.forces && a.virial == b.virial &&
         a.velocities == b.velocities && a.time == b.time;
}

Summary summarize(const Options& options) {
  Summary summary;
  const TrajectoryFormat& format = trajectory_format_of(options.file);
  summary.format = format.name;
  if (format.folder) summary.segments = segments_of(options.file).size();
  const auto reader = open_trajectory(options.file, options.read);
  std::set<std::int32_t> beads;
  Frame frame;
  std::shared_ptr<const Atoms> last_atoms;
  std::size_t last_composition = 0;
  while (reader->read_next(frame)) {
    const FrameSource& source = reader->source();
    if (summary.frames == 0) {
      summary.first = frame;
      summary.source = source;
    }
    summary.notes.add(source);
    summary.uniform_source = summary.uniform_source && same_names(source, summary.source);
    summary.uniform_cell = summary.uniform_cell && frame.cell == summary.first.cell;
    if (frame.atoms != last_atoms) {
      last_atoms = frame.atoms;
      const std::string name = formula(*frame.atoms);
      const auto known = std::find_if(summary.compositions.begin(), summary.compositions.end(),
                                      [&](const Composition& c) { return c.formula == name; });
      last_composition = static_cast<std::size_t>(known - summary.compositions.begin());
      if (known == summary.compositions.end()) summary.compositions.push_back({name, frame.size(), 0});
    }
    ++summary.compositions[last_composition].frames;
    if (frame.cell.has_vectors()) summary.volume_ang3.add(frame.cell.volume_ang3());
    if (frame.energy_ev) {
      ++summary.energies;
      summary.energy_ev_per_atom.add(*frame.energy_ev / static_cast<double>(frame.size()));
    }
    if (frame.virial_ev) ++summary.virials;
    if (!frame.velocity_ang_fs.empty()) ++summary.velocities;
    if (!frame.force_ev_ang.empty()) {
      ++summary.forces;
      for (const Vec3& force : frame.force_ev_ang) {
        summary.force_square_sum += norm2(force);
        summary.force_max_ev_ang = std::max(summary.force_max_ev_ang, norm(force));
      }
      summary.force_components += 3 * static_cast<double>(frame.size());
    }
    if (!source.time.empty()) {
      if (summary.times == 0) summary.first_time_fs = frame.time_fs;
      else if (!frame.bead || frame.time_fs != summary.last_time_fs) summary.time_step_fs.add(frame.time_fs - summary.last_time_fs);
      summary.last_time_fs = frame.time_fs;
      ++summary.times;
    }
    if (frame.bead) beads.insert(*frame.bead);
    ++summary.frames;
  }
  summary.beads = beads.size();
  return summary;
}

double force_rms_ev_ang(const Summary& s) { return std::sqrt(s.force_square_sum / s.force_components); }

// Times are printed with few digits, so that steps that are equal differ a little.
bool is_even(const Range& step) { return step.max - step.min <= 1e-6 * std::max(1.0, std::abs(step.mean())); }

nlohmann::ordered_json range_json(const Range& range) {
  return {{"min", range.min}, {"mean", range.mean()}, {"max", range.max}};
}

nlohmann::ordered_json as_json(const Options& options, const Summary& s) {
  nlohmann::ordered_json document;
  const auto name_or_null = [](const std::string& name) {
    return name.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(name);
  };
  document["file"] = options.file;
  document["format"] = s.format;
  if (s.segments > 0) document["segments"] = s.segments;
  document["frames"] = s.frames;
  if (s.beads > 0) document["beads"] = s.beads;
  for (const auto& c : s.compositions)
    document["compositions"].push_back({{"formula", c.formula}, {"atoms", c.atoms}, {"frames", c.frames}});
  const auto& periodic = s.first.cell.periodic();
  document["pbc"] = {periodic[0], periodic[1], periodic[2]};
  if (s.first.cell.has_vectors()) {
    for (int i = 0; i < 3; ++i) {
      const Vec3& row = s.first.cell.rows_ang()[i];
      document["first_lattice_ang"].push_back({row.x, row.y, row.z});
    }
    document["volume_ang3"] = range_json(s.volume_ang3);
  }
  document["constant_cell"] = s.uniform_cell;
  document["columns"] = s.source.columns;
  document["keys"] = s.source.keys;
  document["energy_key"] = name_or_null(s.source.energy);
  document["forces_key"] = name_or_null(s.source.forces);
  document["virial_key"] = name_or_null(s.source.virial);
  document["velocities_key"] = name_or_null(s.source.velocities);
  document["not_used"] = s.source.not_used;
  if (!s.notes.texts.empty()) document["notes"] = s.notes.all();
  document["same_keys_in_all_frames"] = s.uniform_source;
  document["frames_with"] = {{"energy", s.energies}, {"forces", s.forces}, {"virial", s.virials}, {"velocities", s.velocities}, {"time", s.times}};
  if (s.times > 0) {
    document["first_time_fs"] = s.first_time_fs;
    document["last_time_fs"] = s.last_time_fs;
  }
  if (s.time_step_fs.count > 0) document["time_step_fs"] = range_json(s.time_step_fs);
  if (s.energies > 0) document["energy_ev_per_atom"] = range_json(s.energy_ev_per_atom);
  if (s.forces > 0) {
    document["force_rms_ev_ang"] = force_rms_ev_ang(s);
    document["force_max_ev_ang"] = s.force_max_ev_ang;
  }
  return document;
}

void print_row(const char* label, const std::string& value) { fmt::print("{:<12} {}\n", label, value); }

std::string label_text(const std::string& key, std::size_t present, const Summary& s) {
  if (present == 0) return "none";
  return fmt::format("from '{}'{}", printable(key), present == s.frames ? "" : fmt::format(", in {} of {} frames", present, s.frames));
}

void print_table(const Options& options, const Summary& s) {
  print_row("file", options.file);
  print_row("format", s.segments > 0 ? fmt::format("{} ({} complete)", s.format, s.segments) : s.format);
  print_row("frames", s.beads > 0 ? fmt::format("{}, of {} bead{} of ring polymers", s.frames, s.beads, s.beads == 1 ? "" : "s") : std::to_string(s.frames));
  constexpr std::size_t rows = 10;
  for (std::size_t k = 0; k < std::min(rows, s.compositions.size()); ++k)
    print_row(k == 0 ? "atoms" : "", fmt::format("{} ({}){}", s.compositions[k].formula, s.compositions[k].atoms,
                                                 s.compositions.size() > 1 ? fmt::format(" in {} frames", s.compositions[k].frames) : ""));
  if (s.compositions.size() > rows) print_row("", fmt::format("and {} other compositions", s.compositions.size() - rows));
  if (s.first.cell.has_vectors()) {
    for (int i = 0; i < 3; ++i) {
      const Vec3& row = s.first.cell.rows_ang()[i];
      print_row(i == 0 ? "cell" : "", fmt::format("{:10.4f} {:10.4f} {:10.4f} Å{}", row.x, row.y, row.z,
                                                  i == 0 && !s.uniform_cell ? "   (first frame; it varies)" : ""));
    }
    print_row("volume", s.uniform_cell ? fmt::format("{:.3f} Å³", s.volume_ang3.mean())
                                       : fmt::format("{:.3f} … {:.3f} Å³", s.volume_ang3.min, s.volume_ang3.max));
  }
  const auto& periodic = s.first.cell.periodic();
  print_row("periodic", fmt::format("{} {} {}", periodic[0] ? 'T' : 'F', periodic[1] ? 'T' : 'F', periodic[2] ? 'T' : 'F'));
  print_row("columns", printable(s.source.columns));
  print_row("keys", s.source.keys.empty() ? "none" : printable(join(s.source.keys)));
  print_row("energy", label_text(s.source.energy, s.energies, s) +
                          (s.energies == 0 ? ""
                                           : fmt::format(": {:.6f} … {:.6f}, mean {:.6f} eV/atom", s.energy_ev_per_atom.min,
                                                         s.energy_ev_per_atom.max, s.energy_ev_per_atom.mean())));
  print_row("forces", label_text(s.source.forces, s.forces, s) +
                          (s.forces == 0 ? "" : fmt::format(": RMS of a component {:.4f} eV/Å, largest force {:.4f} eV/Å", force_rms_ev_ang(s), s.force_max_ev_ang)));
  print_row("virial", label_text(s.source.virial, s.virials, s));
  print_row("velocities", label_text(s.source.velocities, s.velocities, s));
  if (!s.source.not_used.empty()) print_row("not used", printable(join(s.source.not_used)));
  if (s.times > 0) {
    std::string text = fmt::format("{} … {} fs", s.first_time_fs, s.last_time_fs);
    if (s.time_step_fs.count > 0)
      text += is_even(s.time_step_fs) ? fmt::format(", every {:.6g} fs", s.time_step_fs.mean())
                                      : fmt::format(", steps of {:.6g} … {:.6g} fs", s.time_step_fs.min, s.time_step_fs.max);
    print_row("time", text);
  } else {
    print_row("time", "none");
  }
  for (const auto& note : s.notes.all()) print_row("note", printable(note));
  if (!s.uniform_source) print_row("note", "columns or keys differ between frames; those of the first are shown");
}

void show_checkpoint(const Options& options) {
  const Checkpoint checkpoint = read_checkpoint(options.file);
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();
  for (const auto& [key, value] : checkpoint.settings) settings[key] = value;
  if (options.json)
    return print_json({{"file", options.file}, {"format", "checkpoint"}, {"segments", checkpoint.segments}, {"wall_s", checkpoint.wall_s}, {"settings", settings}});
  print_row("file", options.file);
  print_row("format", "checkpoint of saltus md");
  print_row("segments", std::to_string(checkpoint.segments));
  print_row("wall time", fmt::format("{:.1f} s", checkpoint.wall_s));
  for (const auto& [key, value] : checkpoint.settings) fmt::print("  {:<24} {}\n", printable(key), printable(value));
}

void print_formats(bool json) {
  nlohmann::ordered_json document;
  if (!json) fmt::print("{:<12} {:<18} {:<11} {}\n", "format", "extensions", "can", "what it is");
  for (const auto& format : trajectory_formats()) {
    const bool reads = format.open != nullptr, writes = format.create != nullptr;
    document["formats"].push_back({{"name", format.name}, {"extensions", format.extensions}, {"reads", reads}, {"writes", writes},
                                   {"folder", format.folder}, {"description", format.description}});
    if (!json)
      fmt::print("{:<12} {:<18} {:<11} {}\n", format.name, format.folder ? "(folder)" : format.extensions,
                 reads && writes ? "read, write" : reads ? "read" : "write", format.description);
  }
  if (json) print_json(document);
}

}  // namespace

std::function<int()> set_up_info(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("FILE", options->file, "trajectory, data set, folder of segments, model file or checkpoint")->type_name("FILE");
  add_label_options(app, options->read);
  add_source_options(app, options->read);
  app.add_flag("--formats", options->formats, "list the formats that can be read and written");
  app.add_flag("--json", options->json, "one JSON document instead of a table");
  app.footer("Reads the whole file, and so checks it. Units: Å, fs, eV, eV/Å.\n\nExample:\n  saltus info examples/li15si4/li15si4_900K.extxyz");
  return [options] {
    if (options->formats) {
      print_formats(options->json);
      return 0;
    }
    if (options->file.empty()) throw Error(ErrorKind::usage, "info needs a FILE; 'saltus info --help' shows an example");
    if (is_model_file(options->file)) {
      print_model_summary(options->file, options->json);
      return 0;
    }
    std::error_code ignored;
    if (!std::filesystem::is_directory(options->file, ignored) && first_bytes(options->file, 8) == "SALTUSMD") {
      show_checkpoint(*options);
      return 0;
    }
    const Summary summary = summarize(*options);
    if (options->json) print_json(as_json(*options, summary));
    else print_table(*options, summary);
    return 0;
  };
}

}  // namespace saltus::cli
