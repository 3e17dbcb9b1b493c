// Any bytes as a table of numbers and as states of carriers: refused, or a full table of finite numbers.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fuzz/plain_text.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/number_table.hpp"

namespace {

template <typename Read>
void try_reading(const Read& read) {
  try {
    read();
  } catch (const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::format && error.kind() != saltus::ErrorKind::unsupported) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (!saltus::is_plain(bytes)) return saltus::not_kept;
  try_reading([&] {
    const saltus::NumberTable table = saltus::number_table_of(bytes);
    if (table.value.empty() || table.value.size() != table.rows * table.columns) std::abort();
    for (const double number : table.value)
      if (!std::isfinite(number)) std::abort();
  });
  try_reading([&] {
    const saltus::StateTable table = saltus::state_table_of(bytes);
    if (table.carrier.empty() || table.carrier[0].empty()) std::abort();
    for (const auto& states : table.carrier)
      if (states.size() != table.carrier[0].size()) std::abort();
  });
  return 0;
}
