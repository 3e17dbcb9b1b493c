// What CP2K says while it runs, in pieces; and its files of basis sets and potentials.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "saltus/base/error.hpp"
#include "saltus/engines/cp2k_data.hpp"
#include "saltus/engines/cp2k_output.hpp"

using namespace saltus;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Cp2kOutput whole, pieces;
  whole.take(text);
  for (std::size_t at = 0; at < text.size(); at += piece) pieces.take(text.substr(at, piece));
  // Beyond the longest line it is the pieces that say where a line is given up.
  if (size < 4096 && (whole.evaluations().size() != pieces.evaluations().size() || whole.abort_message() != pieces.abort_message() || whole.ended() != pieces.ended())) std::abort();
  for (const bool potentials : {false, true}) {
    try {
      parse_cp2k_entries(text, "file", potentials);
    } catch (const Error&) {
    }
  }
  return 0;
}
