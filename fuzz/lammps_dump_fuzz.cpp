// Any bytes as a LAMMPS dump: refused with Error{format} or {unsupported}, or read the same again after seek().
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "fuzz/plain_text.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/lammps_dump.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  saltus::ReadOptions options;
  // The first byte says whether types or the file name the elements.
  const bool by_type = size > 0 && data[0] == '\n';
  if (by_type) options.type_elements = {3, 14, 8, 1};
  const std::string_view text(reinterpret_cast<const char*>(data) + by_type, size - by_type);
  if (!saltus::is_plain(text)) return saltus::not_kept;
  try {
    const auto reader = saltus::open_lammps_dump_text(text, "fuzz", options);
    std::vector<saltus::Frame> frames;
    for (saltus::Frame frame; reader->read_next(frame);) frames.push_back(frame);
    if (reader->count() != frames.size()) std::abort();
    reader->seek(frames.size() / 2);
    saltus::Frame again;
    const saltus::Frame& before = frames[frames.size() / 2];
    if (!reader->read_next(again) || again.position_ang != before.position_ang || !(again.cell == before.cell) ||
        again.force_ev_ang != before.force_ev_ang || again.step != before.step)
      std::abort();
  } catch (const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::format && error.kind() != saltus::ErrorKind::unsupported && error.kind() != saltus::ErrorKind::usage)
      std::abort();
  }
  return 0;
}
