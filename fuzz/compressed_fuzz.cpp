// Any bytes as gzip or zstd data (the first byte says which): refused with Error{format}, or lines that are the same when read again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "saltus/base/error.hpp"
#include "saltus/io/lines.hpp"

namespace {

// Lines up to a limit on their content: a small input may unpack to very much.
bool read_lines(saltus::LineReader& lines, std::vector<std::string>& content, std::vector<std::uint64_t>& offsets) {
  std::size_t total = 0;
  try {
    for (std::string_view line; total < (std::size_t{1} << 16);) {
      const std::uint64_t offset = lines.offset();
      if (!lines.next(line)) return true;
      offsets.push_back(offset);
      content.emplace_back(line);
      total += line.size() + 1;
    }
    return true;
  } catch (const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::format) std::abort();
    return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string magic = data[0] % 2 == 0 ? std::string("\x1f\x8b\x08", 3) : std::string("\x28\xb5\x2f\xfd", 4);
  const std::string text = magic + std::string(reinterpret_cast<const char*>(data) + 1, size - 1);
  saltus::LineReader lines{std::string_view(text)};
  std::vector<std::string> once, again;
  std::vector<std::uint64_t> offsets, offsets_again;
  const bool good = read_lines(lines, once, offsets);
  if (!good && once.empty()) return 0;
  lines.seek(0, 0);
  if (read_lines(lines, again, offsets_again) != good || again != once || offsets_again != offsets) std::abort();
  if (once.empty()) return 0;
  const std::size_t middle = once.size() / 2;
  lines.seek(offsets[middle], middle);
  std::string_view line;
  if (!lines.next(line) || line != once[middle]) std::abort();
  return 0;
}
