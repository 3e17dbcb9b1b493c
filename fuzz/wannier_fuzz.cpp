// Any bytes as Wannier centres and, behind a line "==", spreads: refused with Error{format}, or read the same again after seek().
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "fuzz/plain_text.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/wannier.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t at = text.find("==\n");
  if (!saltus::is_plain(text) || (at != std::string_view::npos && !saltus::is_plain(text.substr(at + 3)))) return saltus::not_kept;
  try {
    const auto reader = saltus::open_cp2k_wannier_text(text.substr(0, at), at == std::string_view::npos ? "" : text.substr(at + 3), "fuzz");
    std::vector<saltus::WannierFrame> frames;
    for (saltus::WannierFrame frame; reader->read_next(frame);) frames.push_back(frame);
    if (reader->count() != frames.size()) std::abort();
    reader->seek(frames.size() / 2);
    saltus::WannierFrame again;
    const saltus::WannierFrame& before = frames[frames.size() / 2];
    if (!reader->read_next(again) || again.centre_ang != before.centre_ang || again.spread_ang2 != before.spread_ang2) std::abort();
  } catch (const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::format) std::abort();
  }
  return 0;
}
