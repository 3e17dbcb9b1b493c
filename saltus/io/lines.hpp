// Lines of a large file, plain or compressed (gzip, zstd), read in blocks; bounded memory whatever the file holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace saltus {

class Decompressor;

/// Longest line accepted, in bytes.
inline constexpr std::size_t line_limit = std::size_t{16} << 20;

class LineReader {
 public:
  /// Opens a regular file. Throws Error{file} when it does not exist, is a directory or device, or cannot be read.
  explicit LineReader(const std::filesystem::path& path);
  /// The lines of a text in memory, which may be compressed too.
  explicit LineReader(std::string_view text);
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();

  /// The next line without its end ("\n" or "\r\n"); false at the end of the file. The view holds until the next call.
  /// Throws Error{format} for a line beyond line_limit and for damaged compression, Error{file} when reading fails.
  bool next(std::string_view& line);
  /// Whether the line last returned had an end; the last line of a file that is cut off has none.
  bool line_was_ended() const { return line_was_ended_; }
  /// Byte offset, in the content, of the line that next() returns next.
  std::uint64_t offset() const { return base_ + begin_; }
  /// Lines returned so far: the number of the last one, counted from 1.
  std::uint64_t line_number() const { return line_number_; }
  /// Goes to a byte offset where a line starts, with `line_number` lines before it. In a compressed file going back means
  /// decompressing from its start.
  void seek(std::uint64_t offset, std::uint64_t line_number);

 private:
  bool refill();

  std::string name_;
  int descriptor_ = -1;
  std::unique_ptr<Decompressor> decompressor_;  // null: not compressed
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // unread part of the buffer
  std::uint64_t base_ = 0;           // file offset of the buffer's first byte
  bool at_end_ = false;              // nothing follows what is in the buffer
  bool line_was_ended_ = true;
  std::uint64_t line_number_ = 0;
};

/// The first bytes of a regular file's content, decompressed, for recognizing its format. Throws Error{file} as LineReader does,
/// Error{format} where a compressed file is damaged before the first byte.
std::string first_bytes(const std::filesystem::path& path, std::size_t count);

/// Text for an error message: in quotes, shortened, with unprintable bytes shown as "\x..".
std::string shown(std::string_view text);

}  // namespace saltus
