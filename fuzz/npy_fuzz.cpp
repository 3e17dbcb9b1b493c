// Any bytes as an array of positions.
#include "fuzz/reading.hpp"
#include "saltus/io/npy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  saltus::read_fuzzed([&] { return saltus::open_npy_bytes(bytes, "fuzz", saltus::fuzz_topology(4)); });
  return 0;
}
