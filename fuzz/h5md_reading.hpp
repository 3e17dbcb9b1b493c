// Bytes of an H5MD file: refused, or read, and then what is written from them reads back the same.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "saltus/base/error.hpp"
#include "saltus/io/h5md.hpp"

namespace saltus {

inline constexpr std::size_t frame_limit = 64;  // of those that are kept

// The first frames; what the bytes were refused for, nothing when they were read.
inline std::optional<ErrorKind> read_first_frames(std::string_view bytes, std::vector<Frame>& frames, const ReadOptions& options) {
  try {
    const auto reader = open_h5md_bytes(bytes, "fuzz", options);
    for (Frame frame; frames.size() < frame_limit && reader->read_next(frame);) frames.push_back(frame);
    if (reader->count() < frames.size()) std::abort();
    reader->seek(frames.size() / 2);
    Frame again;
    if (!frames.empty() && (!reader->read_next(again) || again.position_ang != frames[frames.size() / 2].position_ang)) std::abort();
    return std::nullopt;
  } catch (const Error& error) {
    // Elements that the file does not name are asked from the user.
    if (error.kind() != ErrorKind::format && error.kind() != ErrorKind::usage) std::abort();
    return error.kind();
  }
}

inline void read_fuzzed_h5md(std::string_view bytes) {
  std::vector<Frame> frames, again;
  ReadOptions options;
  if (auto refused = read_first_frames(bytes, frames, options)) {
    if (*refused == ErrorKind::usage) {
      frames.clear();
      options.type_elements = {3, 14, 8};
      refused = read_first_frames(bytes, frames, options);
    }
    if (refused) return;
  }
  if (frames.empty()) return;
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("h5md_fuzz_" + std::to_string(::getpid()) + ".h5md");
  WriteOptions exact;
  exact.single_precision = false;
  try {
    const auto writer = create_h5md(path, exact);
    for (const auto& frame : frames) writer->write(frame);
    writer->commit();
  } catch (const Error& error) {
    // Whether there is a lattice is one for all frames of a file; numbers may leave the range of doubles.
    if (error.kind() != ErrorKind::usage && error.kind() != ErrorKind::numeric) std::abort();
    return;
  }
  again = read_frames(path);
  std::filesystem::remove(path);
  if (again.size() != frames.size()) std::abort();
  for (std::size_t k = 0; k < frames.size(); ++k) {
    const Frame &a = frames[k], &b = again[k];
    if (!(*a.atoms == *b.atoms) || !(a.cell == b.cell) || a.position_ang != b.position_ang || a.velocity_ang_fs != b.velocity_ang_fs ||
        a.force_ev_ang != b.force_ev_ang || a.energy_ev != b.energy_ev || a.virial_ev != b.virial_ev || a.step != b.step ||
        a.time_fs != b.time_fs)
      std::abort();
  }
}

}  // namespace saltus
