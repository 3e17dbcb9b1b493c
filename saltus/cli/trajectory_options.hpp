// What info, convert and sample share: names of the labels in the file, and care for the input.
#pragma once

#include <filesystem>
#include <string>

#include "saltus/io/trajectory.hpp"

namespace CLI {
class App;
}

namespace saltus::cli {

/// Adds --energy-key and --forces-key.
void add_label_options(CLI::App& app, ReadOptions& options);

/// Adds --decimals: digits of positions, velocities and forces.
void add_decimals_option(CLI::App& app, WriteOptions& options);

/// Throws Error{usage} when writing `output` would replace `input` or a part of it.
void refuse_overwriting(const std::filesystem::path& input, const std::filesystem::path& output);

/// Writes a frame just read: with step and time if the source had them.
void pass_on(const TrajectoryReader& reader, const Frame& frame, TrajectoryWriter& writer);

/// Text from a file made fit for a terminal: bytes outside printable ASCII become '?'.
std::string printable(std::string text);

}  // namespace saltus::cli
