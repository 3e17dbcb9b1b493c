// Any bytes as the files of a CP2K run, separated by lines "==": refused with Error{format}, or read the same in any order.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "fuzz/plain_text.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/cp2k.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<std::optional<std::string_view>> parts;
  constexpr std::string_view separator = "==\n";
  while (parts.size() < 6) {
    const std::size_t at = rest.find(separator);
    parts.push_back(rest.substr(0, at));
    if (!saltus::is_plain(*parts.back())) return saltus::not_kept;
    if (parts.back()->empty() && parts.size() > 1) parts.back().reset();
    if (at == std::string_view::npos) break;
    rest.remove_prefix(at + separator.size());
  }
  parts.resize(6);
  try {
    const auto reader = saltus::open_cp2k_texts({*parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]}, "fuzz");
    std::vector<saltus::Frame> frames;
    for (saltus::Frame frame; reader->read_next(frame);) frames.push_back(frame);
    if (reader->count() != frames.size()) std::abort();
    saltus::Frame again;
    reader->seek(frames.size() / 2);
    if (!reader->read_next(again)) std::abort();
    const saltus::Frame& before = frames[frames.size() / 2];
    if (again.position_ang != before.position_ang || again.step != before.step || again.force_ev_ang != before.force_ev_ang) std::abort();
  } catch (const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::format) std::abort();
  }
  return 0;
}
