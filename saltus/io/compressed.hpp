// Files compressed with gzip or zstd, read as if they were not. References: RFC 1952, RFC 8878.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace saltus {

enum class Compression { none, gzip, zstd };

/// By the magic number; four bytes are enough.
Compression compression_of(std::string_view first_bytes);

struct CompressedStream;

/// The content of a compressed file at any offset; going forward is streaming, going back begins anew. Memory is bounded (128 MiB
/// for the largest zstd window accepted) whatever the file claims. Several streams one after another are one content.
class Decompressor {
 public:
  /// Bytes of the compressed file: as many as asked for, fewer only at its end.
  using Source = std::function<std::size_t(char* out, std::size_t count, std::uint64_t offset)>;

  Decompressor(Compression compression, Source source);
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor();

  /// At most `count` bytes of the content from `offset`, at least one, none at the end. Everything before the block
  /// with a fault can be read.
  /// Throws Error{format} that names the compressed byte where the data are cut off or damaged.
  std::size_t read_at(char* out, std::size_t count, std::uint64_t offset);

 private:
  std::unique_ptr<CompressedStream> stream_;
  std::uint64_t position_ = 0;  // in the content
};

}  // namespace saltus
