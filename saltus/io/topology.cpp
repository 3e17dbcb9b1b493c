#include "saltus/io/topology.hpp"

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

Topology read_topology(const ReadOptions& options, const std::string& file, const char* format) {
  if (options.topology.empty())
    throw Error(ErrorKind::usage,
                fmt::format("{}: {} does not name its atoms; give a topology: a file of any format that names "
                            "the same atoms in the same order, e.g. extxyz or gro",
                            file, format));
  const auto reader = open_trajectory(options.topology);
  Frame frame;
  if (!reader->read_next(frame))
    throw Error(ErrorKind::format, options.topology.string() + ": the topology holds no frame");
  return {frame.atoms, frame.cell, options.topology.string()};
}

void require_atom_count(const Topology& topology, std::uint64_t count) {
  if (count != topology.atoms->size())
    throw Error(ErrorKind::format,
                fmt::format("{} atoms, but the topology {} has {}; both must name the same atoms in the same order",
                            count, topology.name, topology.atoms->size()));
}

}  // namespace saltus
