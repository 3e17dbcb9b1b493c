// saltus convert IN OUT: frames from one format or naming into another.
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
#include "saltus/cli/trajectory_options.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus::cli {

namespace {

struct Options : InputOutput {
  std::size_t first = 1, last = 0, every = 1;
};

int convert(const Options& options) {
  refuse_overwriting(options.input, options.output);
  if (options.last != 0 && options.last < options.first)
    throw Error(ErrorKind::usage, fmt::format("--last {} lies before --first {}", options.last, options.first));
  const auto reader = open_trajectory(options.input, options.read);
  const auto writer = create_trajectory(options.output, options.write);
  if (options.first > 1) reader->seek(options.first - 1);
  listen_for_signals();
  const Progress progress = interruptible(progress_line(), stop_requested);
  std::size_t written = 0, number = options.first;
  Frame frame;
  FrameNotes notes;
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
  show_notes(options.input, notes);
  if (options.json) {
    nlohmann::ordered_json document{{"file", options.output}, {"frames", written}};
    if (!notes.texts.empty()) document["notes"] = notes.all();
    print_json(document);
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
  add_frame_options(app, *options);
  app.footer(
      "Carries element, mass, position (Å), cell, energy (eV), forces (eV/Å), virial (eV), velocities (Å/fs), step\n"
      "and time (fs); other keys and columns stay behind. 'saltus info --formats' lists the formats.\n\nExample:\n"
      "  saltus convert examples/li15si4/li15si4_900K.extxyz second_half.extxyz --first 131");
  return [options] { return convert(*options); };
}

}  // namespace saltus::cli
