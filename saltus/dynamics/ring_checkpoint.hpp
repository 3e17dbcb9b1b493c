// Checkpoints of path-integral dynamics: all beads, momenta and random numbers, the settings, and how much of the output belongs to them.
// File: checkpoint_codec.hpp, magic "SALTUSPI".
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "saltus/base/warning_list.hpp"
#include "saltus/dynamics/checkpoint_codec.hpp"
#include "saltus/dynamics/ring_forces.hpp"

namespace saltus {

struct RingCheckpoint {
  AtomRing state;
  std::vector<NamedSetting> settings;
  std::uint64_t centroid_segments = 0, bead_segments = 0;  ///< of the trajectories, that belong to it
  std::uint64_t log_bytes = 0;  ///< length of the log that belongs to it
  double wall_s = 0;            ///< time spent up to here, over all sessions
  WarningList warnings = {};    ///< of the potential, likewise
};

/// Appears whole or not at all. Throws Error{file}.
void write_ring_checkpoint(const std::filesystem::path& path, const RingCheckpoint& checkpoint);

/// Throws Error{file} when it cannot be read, Error{format} when it is not such a checkpoint, damaged, or of another version.
RingCheckpoint read_ring_checkpoint(const std::filesystem::path& path);

}  // namespace saltus
