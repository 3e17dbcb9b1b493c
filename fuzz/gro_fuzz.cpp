// Any bytes as GRO.
#include "fuzz/plain_text.hpp"
#include "fuzz/reading.hpp"
#include "saltus/io/gro.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!saltus::is_plain(text)) return saltus::not_kept;
  (void)saltus::recognizes_gro(text);
  saltus::read_fuzzed([&] { return saltus::open_gro_text(text, "fuzz"); });
  return 0;
}
