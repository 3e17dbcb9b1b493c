// Any bytes as TRR.
#include "fuzz/reading.hpp"
#include "saltus/io/byte_file.hpp"
#include "saltus/io/trr.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto topology =
      saltus::fuzz_topology(size >= 68 ? saltus::load<std::uint32_t>(bytes.data() + 64, std::endian::big) : 1);
  saltus::read_fuzzed([&] { return saltus::open_trr_bytes(bytes, "fuzz", topology); });
  return 0;
}
