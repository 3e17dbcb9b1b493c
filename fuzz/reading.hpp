// Any bytes through a reader: refused with an Error of kind format or unsupported, or read; what seek() and count()
// find is what reading in order finds.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "saltus/base/error.hpp"
#include "saltus/io/topology.hpp"
#include "saltus/io/trajectory.hpp"

namespace saltus {

/// Atoms for a header that claims so many: the fuzzer is after the parser, not after memory for a topology.
inline Topology fuzz_topology(std::uint64_t claimed) {
  const std::size_t count = claimed >= 1 && claimed <= 4096 ? static_cast<std::size_t>(claimed) : 1;
  return {std::make_shared<const Atoms>(atoms_of(std::vector<std::uint8_t>(count, 1))), {}, "topology"};
}

inline void read_fuzzed(const std::function<std::unique_ptr<TrajectoryReader>()>& open) {
  const auto allowed = [](const Error& error) {
    return error.kind() == ErrorKind::format || error.kind() == ErrorKind::unsupported;
  };
  std::unique_ptr<TrajectoryReader> reader;
  std::size_t frames = 0;
  try {
    reader = open();
    for (Frame frame; reader->read_next(frame); ++frames)
      if (!frame.atoms || frame.size() != frame.atoms->size() || frame.size() == 0 ||
          (!frame.velocity_ang_fs.empty() && frame.velocity_ang_fs.size() != frame.size()) ||
          (!frame.force_ev_ang.empty() && frame.force_ev_ang.size() != frame.size()))
        std::abort();
    if (reader->count() != frames) std::abort();
  } catch (const Error& error) {
    if (!allowed(error)) std::abort();
  }
  if (!reader || frames == 0) return;
  Frame frame, again;
  reader->seek(frames / 2);
  if (!reader->read_next(frame)) std::abort();
  const auto fresh = open();
  for (std::size_t k = 0; k <= frames / 2; ++k)
    if (!fresh->read_next(again)) std::abort();
  if (frame.position_ang != again.position_ang || frame.velocity_ang_fs != again.velocity_ang_fs ||
      !(frame.cell == again.cell))
    std::abort();
}

}  // namespace saltus
