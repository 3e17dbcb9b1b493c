// Bytes of a binary file at any offset, and numbers in them of either byte order.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace saltus {

/// The number stored at `bytes`, which need not be aligned.
template <typename Number>
Number load(const char* bytes, std::endian order) {
  static_assert(std::is_arithmetic_v<Number> && (sizeof(Number) == 4 || sizeof(Number) == 8));
  using Bits = std::conditional_t<sizeof(Number) == 4, std::uint32_t, std::uint64_t>;
  Bits bits;
  std::memcpy(&bits, bytes, sizeof bits);
  if (order != std::endian::native) {
    if constexpr (sizeof(Number) == 4)
      bits = __builtin_bswap32(bits);
    else
      bits = __builtin_bswap64(bits);
  }
  return std::bit_cast<Number>(bits);
}

class ByteFile {
 public:
  /// Bytes behind those asked for that may be read, of no meaning.
  static constexpr std::size_t margin = 128;

  /// Opens a regular file. Throws Error{file} when it does not exist, is a directory or device, or cannot be read.
  explicit ByteFile(const std::filesystem::path& path);
  /// Bytes in memory, which are copied.
  explicit ByteFile(std::string_view bytes);
  ByteFile(const ByteFile&) = delete;
  ByteFile& operator=(const ByteFile&) = delete;
  ~ByteFile();

  /// Bytes of the whole file, when it was opened.
  std::uint64_t size() const { return size_; }
  bool holds(std::uint64_t offset, std::uint64_t count) const { return offset <= size_ && count <= size_ - offset; }
  /// `count` bytes at `offset`; the pointer holds until the next call. `ahead`: bytes worth reading at once, because
  /// what is behind will be asked for next. Throws Error{format} when the file ends before, Error{file} when reading
  /// fails.
  const char* at(std::uint64_t offset, std::uint64_t count, std::size_t ahead = 0);

 private:
  std::string name_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::vector<char> buffer_;
  std::uint64_t base_ = 0;  // offset of the buffer's first byte
  std::uint64_t filled_ = 0;
};

}  // namespace saltus
