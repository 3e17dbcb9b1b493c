// Any bytes as H5MD. HDF5 itself is in the loop: its faults show here too (1.10.8: leaks, sizes beyond all memory, reads behind an
// attribute message of the older file format). fuzz/run therefore goes on behind them.
#include "fuzz/h5md_reading.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  saltus::read_fuzzed_h5md({reinterpret_cast<const char*>(data), size});
  return 0;
}
