// The atoms of trajectories that do not name them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "saltus/atoms/cell.hpp"
#include "saltus/atoms/frame.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus {

struct Topology {
  std::shared_ptr<const Atoms> atoms;
  Cell cell;         ///< of the frame that names the atoms
  std::string name;  ///< of the file, for messages
};

/// The first frame of the file options.topology. Throws Error{usage} when none is given, which says for `file` of
/// format `format` what to give, and the errors of reading that file.
Topology read_topology(const ReadOptions& options, const std::string& file, const char* format);

/// Throws Error{format} when a frame has another number of atoms than the topology.
void require_atom_count(const Topology& topology, std::uint64_t count);

}  // namespace saltus
