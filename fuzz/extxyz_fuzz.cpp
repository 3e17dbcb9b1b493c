// Any bytes as extXYZ: refused with Error{format}, or read, and then what is written from them reads back the same.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "fuzz/plain_text.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/extxyz.hpp"

namespace {

bool read_all(std::string_view text, std::vector<saltus::Frame>& frames) {
  try {
    const auto reader = saltus::open_extxyz_text(text, "fuzz");
    for (saltus::Frame frame; reader->read_next(frame);) frames.push_back(frame);
    if (reader->count() != frames.size()) std::abort();
    reader->seek(frames.size() / 2);
    saltus::Frame again;
    if (!frames.empty() && (!reader->read_next(again) || again.position_ang != frames[frames.size() / 2].position_ang)) std::abort();
    return true;
  } catch (const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::format) std::abort();
    return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (!saltus::is_plain(input)) return saltus::not_kept;
  std::vector<saltus::Frame> frames, again;
  if (!read_all(input, frames)) return 0;
  std::string text;
  try {
    for (const auto& frame : frames) saltus::append_extxyz(text, frame);
  } catch (const saltus::Error& error) {
    // A product such as stress times volume may leave the range of doubles.
    if (error.kind() != saltus::ErrorKind::numeric) std::abort();
    return 0;
  }
  if (!read_all(text, again) || again.size() != frames.size()) std::abort();
  for (std::size_t k = 0; k < frames.size(); ++k) {
    const saltus::Frame &a = frames[k], &b = again[k];
    if (!(*a.atoms == *b.atoms) || !(a.cell == b.cell) || a.position_ang != b.position_ang || a.velocity_ang_fs != b.velocity_ang_fs ||
        a.force_ev_ang != b.force_ev_ang || a.energy_ev != b.energy_ev || a.virial_ev != b.virial_ev || a.step != b.step ||
        a.time_fs != b.time_fs)
      std::abort();
  }
  return 0;
}
