// Any bytes as gzip or zstd data (the first byte says which): refused with Error{format}, or lines that are the same when read again. Of
// damaged data the lines that come before the refusal may be more or fewer, as buffers fall, but not others.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "saltus/base/error.hpp"
#include "saltus/io/lines.hpp"

namespace {

enum class End { file, limit, refused };

// Lines up to a limit on their content: a small input may unpack to very much.
End read_lines(saltus::LineReader& lines, std::vector<std::string>& content, std::vector<std::uint64_t>& offsets) {
  std::size_t total = 0;
  try {
    for (std::string_view line; total < (std::size_t{1} << 16);) {
      const std::uint64_t offset = lines.offset();
      if (!lines.next(line)) return End::file;
      offsets.push_back(offset);
      content.emplace_back(line);
      total += line.size() + 1;
    }
    return End::limit;
  } catch (const saltus::Error& error) {
    if (error.kind() != saltus::ErrorKind::format) std::abort();
    return End::refused;
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
  const End end = read_lines(lines, once, offsets);
  lines.seek(0, 0);
  if ((read_lines(lines, again, offsets_again) == End::file) != (end == End::file)) std::abort();
  const std::size_t both = std::min(once.size(), again.size());
  if (end == End::file && again.size() != once.size()) std::abort();
  if (!std::equal(once.begin(), once.begin() + both, again.begin()) || !std::equal(offsets.begin(), offsets.begin() + both, offsets_again.begin())) std::abort();
  if (once.empty()) return 0;
  const std::size_t middle = once.size() / 2;
  lines.seek(offsets[middle], middle);
  std::string_view line;
  try {
    if (!lines.next(line) || line != once[middle]) std::abort();
  } catch (const saltus::Error& error) {
    if (end == End::file || error.kind() != saltus::ErrorKind::format) std::abort();
  }
  return 0;
}
