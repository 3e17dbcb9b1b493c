// Any words as the name of a built-in model: refused as misuse, or a choice whose own name says the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "saltus/base/error.hpp"
#include "saltus/potentials/builtin.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string model = "builtin:" + std::string(reinterpret_cast<const char*>(data), size);
  try {
    const std::string name = saltus::identity(saltus::builtin_choice(model));
    if (saltus::identity(saltus::builtin_choice(name)) != name) std::abort();
  } catch (const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::usage) std::abort();
  }
  return 0;
}
