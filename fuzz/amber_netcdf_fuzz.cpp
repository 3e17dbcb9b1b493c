// Any bytes as AMBER NetCDF.
#include "fuzz/reading.hpp"
#include "saltus/io/amber_netcdf.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // The seeds have five atoms; where the header has its number depends on its names.
  saltus::read_fuzzed([&] { return saltus::open_amber_netcdf_bytes(bytes, "fuzz", saltus::fuzz_topology(5)); });
  return 0;
}
