// Any bytes as safetensors: refused with an Error, or read, and then what is written from them reads back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "saltus/base/error.hpp"
#include "saltus/models/safetensors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  saltus::TensorFile file;
  try {
    file = saltus::parse_safetensors({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::format && error.kind() != saltus::ErrorKind::unsupported) std::abort();
    return 0;
  }
  const saltus::TensorFile again = saltus::parse_safetensors(saltus::safetensors_bytes(file), "again");
  if (again.tensors != file.tensors || again.metadata != file.metadata) std::abort();
  return 0;
}
