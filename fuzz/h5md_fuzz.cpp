// Any bytes as H5MD: refused, or read, and then what is written from them reads back the same. HDF5 itself is in the loop: its
// faults show here too (1.10.8: leaks, sizes beyond all memory, reads behind an attribute message of the older file format).
// fuzz/run therefore goes on behind them.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

#include "saltus/base/error.hpp"
#include "saltus/io/h5md.hpp"

namespace {

constexpr std::size_t frame_limit = 64;  // of those that are kept

// The first frames; what the bytes were refused for, nothing when they were read.
std::optional<saltus::ErrorKind> read_all(std::string_view bytes, std::vector<saltus::Frame>& frames, const saltus::ReadOptions& options) {
  try {
    const auto reader = saltus::open_h5md_bytes(bytes, "fuzz", options);
    for (saltus::Frame frame; frames.size() < frame_limit && reader->read_next(frame);) frames.push_back(frame);
    if (reader->count() < frames.size()) std::abort();
    reader->seek(frames.size() / 2);
    saltus::Frame again;
    if (!frames.empty() && (!reader->read_next(again) || again.position_ang != frames[frames.size() / 2].position_ang)) std::abort();
    return std::nullopt;
  } catch (const saltus::Error& error) {
    // Elements that the file does not name are asked from the user.
    if (error.kind() != saltus::ErrorKind::format && error.kind() != saltus::ErrorKind::usage) std::abort();
    return error.kind();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::vector<saltus::Frame> frames, again;
  saltus::ReadOptions options;
  if (auto refused = read_all(bytes, frames, options)) {
    if (*refused == saltus::ErrorKind::usage) {
      frames.clear();
      options.type_elements = {3, 14, 8};
      refused = read_all(bytes, frames, options);
    }
    if (refused) return 0;
  }
  if (frames.empty()) return 0;
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("h5md_fuzz_" + std::to_string(::getpid()) + ".h5md");
  saltus::WriteOptions exact;
  exact.single_precision = false;
  try {
    const auto writer = saltus::create_h5md(path, exact);
    for (const auto& frame : frames) writer->write(frame);
    writer->commit();
  } catch (const saltus::Error& error) {
    // Whether there is a lattice is one for all frames of a file; numbers may leave the range of doubles.
    if (error.kind() != saltus::ErrorKind::usage && error.kind() != saltus::ErrorKind::numeric) std::abort();
    return 0;
  }
  again = saltus::read_frames(path);
  std::filesystem::remove(path);
  if (again.size() != frames.size()) std::abort();
  for (std::size_t k = 0; k < frames.size(); ++k) {
    const saltus::Frame &a = frames[k], &b = again[k];
    if (!(*a.atoms == *b.atoms) || !(a.cell == b.cell) || a.position_ang != b.position_ang || a.velocity_ang_fs != b.velocity_ang_fs ||
        a.force_ev_ang != b.force_ev_ang || a.energy_ev != b.energy_ev || a.virial_ev != b.virial_ev || a.step != b.step ||
        a.time_fs != b.time_fs)
      std::abort();
  }
  return 0;
}
