// Any bytes as DCD.
#include "fuzz/reading.hpp"
#include "saltus/io/dcd.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // The seeds have six atoms; where the header has its number depends on its titles.
  saltus::read_fuzzed([&] { return saltus::open_dcd_bytes(bytes, "fuzz", saltus::fuzz_topology(6)); });
  return 0;
}
