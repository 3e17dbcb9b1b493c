#include "saltus/cli/trajectory_options.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"

namespace saltus::cli {

void add_label_options(CLI::App& app, ReadOptions& options) {
  app.add_option("--energy-key", options.energy_key, "name of the energy in the file (default: REF_energy, …, energy, …)");
  app.add_option("--forces-key", options.forces_key, "name of the forces in the file (default: REF_forces, …, forces, …)");
}

void add_source_options(CLI::App& app, ReadOptions& options) {
  app.add_option("--topology", options.topology, "file that names the atoms (XTC, TRR, DCD, NetCDF, npy): its first frame")->type_name("FILE");
  app.add_option_function<std::vector<std::string>>(
         "--elements",
         [&options](const std::vector<std::string>& symbols) {
           for (const auto& symbol : symbols) {
             const auto found = atomic_number_of(symbol);
             if (!found) throw Error(ErrorKind::usage, fmt::format("--elements: '{}' is no element", symbol));
             options.type_elements.push_back(static_cast<std::uint8_t>(*found));
           }
         },
         "of atom types 1, 2, … (LAMMPS), e.g. Li,Si")
      ->delimiter(',');
  app.add_option("--lammps-units", options.lammps_units, "metal, real, …, where the file does not say (default metal)");
  app.add_option("--md-step-fs", options.time_step_fs, "of one MD step, fs, where the file counts steps only")
      ->check(CLI::PositiveNumber);
  app.add_option("--bead", options.bead, "of ring polymers: only the frames of this one, from 0 (default: all)")->check(CLI::NonNegativeNumber);
}

void add_input_output(CLI::App& app, InputOutput& files) {
  app.add_option("IN", files.input, "trajectory or data set; a folder of segments")->type_name("FILE")->required();
  app.add_option("OUT", files.output, "file to write; its extension names the format")->type_name("FILE")->required();
}

void add_frame_options(CLI::App& app, InputOutput& files) {
  add_label_options(app, files.read);
  add_source_options(app, files.read);
  WriteOptions& write = files.write;
  app.add_option_function<int>(
         "--decimals", [&write](int n) { write.position_decimals = write.velocity_decimals = write.force_decimals = n; },
         "digits after the point (default: as many as reading back needs)")
      ->check(CLI::Range(0, 17));
  app.add_option_function<std::string>(
         "--precision", [&write](const std::string& word) { write.single_precision = word == "single"; },
         "of the numbers in an H5MD file: single (default) or double")
      ->check(CLI::IsMember({"single", "double"}));
  app.add_flag("--json", files.json, "one JSON document instead of text");
}

void refuse_overwriting(const std::filesystem::path& input, const std::filesystem::path& output) {
  std::error_code ignored;
  std::filesystem::path folder = output.parent_path();
  if (folder.empty()) folder = ".";
  if (std::filesystem::equivalent(input, output, ignored) || std::filesystem::equivalent(input, folder, ignored))
    throw Error(ErrorKind::usage,
                fmt::format("{}: writing it would change the input {}; choose another name", output.string(), input.string()));
}

void pass_on(const TrajectoryReader& reader, const Frame& frame, TrajectoryWriter& writer, FrameNotes& notes) {
  writer.options.step_and_time = !reader.source().time.empty() || !reader.source().step.empty();
  writer.write(frame);
  notes.add(reader.source());
}

void show_notes(const std::string& file, const FrameNotes& notes) {
  for (const std::string& note : notes.all()) fmt::print(stderr, "saltus: note: {}: {}\n", file, printable(note));
}

std::string printable(std::string text) {
  for (char& c : text)
    if (c < 0x20 || c > 0x7e) c = '?';
  return text;
}

}  // namespace saltus::cli
