// Checkpoints: a State, the settings it was made with, and how much of the output belongs to it.
// File: checkpoint_codec.hpp, magic "SALTUSMD".
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "saltus/base/warning_list.hpp"
#include "saltus/dynamics/checkpoint_codec.hpp"
#include "saltus/dynamics/state.hpp"

namespace saltus {

struct Checkpoint {
  State state;
  std::vector<NamedSetting> settings;
  std::uint64_t segments = 0;   ///< trajectory segments that belong to it
  std::uint64_t log_bytes = 0;  ///< length of the log that belongs to it
  double wall_s = 0;            ///< time spent up to here, over all sessions
  WarningList warnings = {};    ///< of the potential, likewise
};

/// Appears whole or not at all. Throws Error{file}.
void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Throws Error{file} when it cannot be read, Error{format} when it is not a checkpoint, damaged, or of another version.
Checkpoint read_checkpoint(const std::filesystem::path& path);

/// Throws Error{usage} that names the first setting which differs, with both values.
void require_same_settings(const std::vector<NamedSetting>& stored, const std::vector<NamedSetting>& current);

}  // namespace saltus
