// saltus convert IN OUT: frames from one format or naming into another.
#include "saltus/cli/commands.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "saltus/base/error.hpp"
#include "saltus/cli/interrupt.hpp"
#include "saltus/cli/print_json.hpp"
#include "saltus/cli/progress_line.hpp"
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/io/ring_beads.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus::cli {

namespace {

struct Options : InputOutput {
  std::size_t first = 1, last = 0, every = 1;
  bool per_bead = false;
};

/// Converts into one file; returns the number of frames.
std::size_t convert_into(const std::string& output, const Options& options, const ReadOptions& read, FrameNotes& notes) {
  const auto reader = open_trajectory(options.input, read);
  const auto writer = create_trajectory(output, options.write);
  if (options.first > 1) reader->seek(options.first - 1);
  const Progress progress = interruptible(progress_line(), stop_requested);
  std::size_t written = 0, number = options.first;
  Frame frame;
  for (; (options.last == 0 || number <= options.last) && reader->read_next(frame); ++number) {
    report_progress(progress, "convert", static_cast<double>(number - options.first),
                    options.last == 0 ? 0 : static_cast<double>(options.last + 1 - options.first), "frames");
    if ((number - options.first) % options.every == 0) {
      pass_on(*reader, frame, *writer, notes);
      ++written;
    }
  }
  if (options.last >= number)
    throw Error(ErrorKind::usage, fmt::format("{}: there is no frame {}; it has {}", options.input, options.last, number - 1));
  writer->commit();
  return written;
}

/// OUT-00.xyz, OUT-01.xyz, … for OUT.xyz.
std::vector<std::string> files_of_beads(const Options& options) {
  if (options.read.bead) throw Error(ErrorKind::usage, "--per-bead writes all beads, --bead chooses one: give one of the two");
  const std::size_t beads = beads_of(*open_trajectory(options.input, options.read));
  if (beads == 0) throw Error(ErrorKind::usage, options.input + ": its frames are not beads of ring polymers, so there is nothing to write per bead");
  const std::filesystem::path out = options.output;
  std::vector<std::string> files;
  for (std::size_t k = 0; k < beads; ++k)
    files.push_back((out.parent_path() / fmt::format("{}-{:0{}}{}", out.stem().string(), k, beads > 100 ? 3 : 2, out.extension().string())).string());
  return files;
}

int convert(const Options& options) {
  if (options.last != 0 && options.last < options.first)
    throw Error(ErrorKind::usage, fmt::format("--last {} lies before --first {}", options.last, options.first));
  const std::vector<std::string> outputs = options.per_bead ? files_of_beads(options) : std::vector<std::string>{options.output};
  for (const std::string& output : outputs) refuse_overwriting(options.input, output);
  listen_for_signals();
  std::size_t written = 0;
  FrameNotes notes;
  ReadOptions read = options.read;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (options.per_bead) read.bead = static_cast<std::int32_t>(k);
    written = convert_into(outputs[k], options, read, notes);
  }
  show_notes(options.input, notes);
  if (options.json) {
    nlohmann::ordered_json document;
    if (options.per_bead) document["files"] = outputs;
    else document["file"] = outputs[0];
    document["frames"] = written;
    if (!notes.texts.empty()) document["notes"] = notes.all();
    print_json(document);
  } else if (options.per_bead) {
    fmt::print("{} … {}: {} frames each\n", outputs.front(), outputs.back(), written);
  } else {
    fmt::print("{}: {} frames\n", options.output, written);
  }
  return 0;
}

}  // namespace

std::function<int()> set_up_convert(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_input_output(app, *options);
  app.add_option("--first", options->first, "first frame to take, counted from 1 (default 1)")->check(CLI::PositiveNumber);
  app.add_option("--last", options->last, "last frame to take (default: the last there is)")->check(CLI::PositiveNumber);
  app.add_option("--every", options->every, "take one frame in N (default 1)")->check(CLI::PositiveNumber);
  app.add_flag("--per-bead", options->per_bead, "of ring polymers: a file for each bead, OUT-00, OUT-01, … before the extension");
  add_frame_options(app, *options);
  app.footer(
      "Carries element, mass, position (Å), cell, energy (eV), forces (eV/Å), virial (eV), velocities (Å/fs), step,\n"
      "time (fs) and bead; other keys and columns stay behind. 'saltus info --formats' lists the formats.\n\nExample:\n"
      "  saltus convert examples/li15si4/li15si4_900K.extxyz second_half.extxyz --first 131");
  return [options] { return convert(*options); };
}

}  // namespace saltus::cli
