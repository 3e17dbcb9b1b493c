// What info, convert and sample share: names of the labels in the file, and care for the input.
#pragma once

#include <filesystem>
#include <string>

#include "saltus/io/frame_notes.hpp"
#include "saltus/io/trajectory.hpp"

namespace CLI {
class App;
}

namespace saltus::cli {

/// Adds --energy-key and --forces-key.
void add_label_options(CLI::App& app, ReadOptions& options);

/// Adds what a file may leave out: --topology, --elements (of atom types), --lammps-units, --md-step-fs; and --bead.
void add_source_options(CLI::App& app, ReadOptions& options);

/// What a command reads and writes, and how.
struct InputOutput {
  std::string input, output;
  ReadOptions read;
  WriteOptions write;
  bool json = false;
};

/// Adds IN and OUT.
void add_input_output(CLI::App& app, InputOutput& files);

/// Adds the names of labels, what a file may leave out, --decimals (digits of positions, velocities and forces), --precision and --json.
void add_frame_options(CLI::App& app, InputOutput& files);

/// Throws Error{usage} when writing `output` would replace `input` or a part of it.
void refuse_overwriting(const std::filesystem::path& input, const std::filesystem::path& output);

/// Writes a frame just read, with step and time if the source had them; what the reader noted of it goes to `notes`.
void pass_on(const TrajectoryReader& reader, const Frame& frame, TrajectoryWriter& writer, FrameNotes& notes);

/// Shows the notes on `file` on standard error.
void show_notes(const std::string& file, const FrameNotes& notes);

/// Text from a file made fit for a terminal: bytes outside printable ASCII become '?'.
std::string printable(std::string text);

}  // namespace saltus::cli
