// Any bytes as gzip or zstd data: content that is the same in whatever pieces it is read, up to the end or a refusal with Error{format} (of the
// block at fault, more or less may come before it); lines that are the same when read again.
// The first byte: bit 0, gzip or zstd; its upper half: 15, any window of a zstd frame, else a small one, since large ones are slow under the sanitizer.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "saltus/base/error.hpp"
#include "saltus/io/compressed.hpp"
#include "saltus/io/lines.hpp"

namespace {

// A small input may unpack to very much.
constexpr std::size_t limit = std::size_t{1} << 14;

enum class End { content, limit, refused };

void require(bool holds) {
  if (!holds) std::abort();
}

// Appends content from an offset on, in pieces of at most this many bytes.
End read_content(saltus::Decompressor& decompressor, std::size_t offset, std::size_t piece, std::string& content) {
  std::vector<char> room(piece);
  try {
    while (content.size() < limit) {
      const std::size_t got = decompressor.read_at(room.data(), piece, offset + content.size());
      if (got == 0) return End::content;
      require(got <= piece);
      content.append(room.data(), got);
    }
    return End::limit;
  } catch (const saltus::Error& error) {
    require(error.kind() == saltus::ErrorKind::format);
    return End::refused;
  }
}

bool one_begins_the_other(std::string_view a, std::string_view b) { return a.substr(0, b.size()) == b.substr(0, a.size()); }

std::vector<std::string> all_lines(saltus::LineReader& lines) {
  std::vector<std::string> result;
  for (std::string_view line; lines.next(line);) result.emplace_back(line);
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool gzip = data[0] % 2 == 0;
  std::string packed = gzip ? std::string("\x1f\x8b\x08", 3) : std::string("\x28\xb5\x2f\xfd", 4);
  packed.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (!gzip && data[0] < 0xf0 && packed.size() > 5) packed[5] = static_cast<char>(packed[5] & 0x27);
  saltus::Decompressor decompressor(gzip ? saltus::Compression::gzip : saltus::Compression::zstd, [&](char* out, std::size_t count, std::uint64_t offset) {
    const std::size_t got = offset < packed.size() ? std::min(count, packed.size() - static_cast<std::size_t>(offset)) : 0;
    if (got > 0) std::memcpy(out, packed.data() + offset, got);
    return got;
  });
  std::string content, again, rest;
  const End end = read_content(decompressor, 0, 4096, content);
  const End end_again = read_content(decompressor, 0, 1 + data[size - 1], again);
  require(one_begins_the_other(content, again));
  require((end_again == End::content) == (end == End::content));
  const std::size_t middle = content.size() / 2;
  read_content(decompressor, middle, 1000, rest);
  require(one_begins_the_other(std::string_view(content).substr(middle), rest));
  if (end != End::content) return 0;
  require(content == again);
  saltus::LineReader lines{std::string_view(packed)};
  const std::vector<std::string> once = all_lines(lines);
  lines.seek(0, 0);
  require(all_lines(lines) == once);
  return 0;
}
