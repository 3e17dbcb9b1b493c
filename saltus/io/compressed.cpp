#include "saltus/io/compressed.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 16;
constexpr int window_log_max = 27;
constexpr std::size_t magic_bytes = 4;
constexpr std::size_t zstd_block_header_bytes = 3, zstd_least_frame_header_bytes = 5;

[[noreturn]] void refuse_damaged(const char* kind, std::uint64_t byte, const std::string& what) {
  throw Error(ErrorKind::format, fmt::format("the {} data are damaged near byte {} of the file: {}", kind, byte, what));
}

[[noreturn]] void refuse_cut(const char* kind, std::uint64_t byte) {
  throw Error(ErrorKind::format, fmt::format("the {} data end within a stream, at byte {} of the file; it is cut off", kind, byte));
}

[[noreturn]] void refuse_memory() { throw Error(ErrorKind::file, "no memory for decompression"); }

}  // namespace

Compression compression_of(std::string_view bytes) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(bytes[k]); };
  if (bytes.size() >= 2 && byte(0) == 0x1f && byte(1) == 0x8b) return Compression::gzip;
  if (bytes.size() < 4) return Compression::none;
  if (byte(0) == 0x28 && byte(1) == 0xb5 && byte(2) == 0x2f && byte(3) == 0xfd) return Compression::zstd;
  // A skippable frame, as parallel compressors put first.
  if ((byte(0) & 0xf0) == 0x50 && byte(1) == 0x2a && byte(2) == 0x4d && byte(3) == 0x18) return Compression::zstd;
  return Compression::none;
}

// What both kinds share: blocks of input, and whether a stream is under way.
struct CompressedStream {
  explicit CompressedStream(Decompressor::Source from) : source(std::move(from)), block(block_bytes) {}
  virtual ~CompressedStream() = default;
  // Decompresses what there is; 0 at the end of the content.
  virtual std::size_t read(char* out, std::size_t count) = 0;
  virtual void reset() = 0;

  // False when the file has no more.
  bool fill() {
    begin = 0;
    end = source(block.data(), block.size(), file_offset);
    file_offset += end;
    return end > 0;
  }
  // Reads on behind what is left of the block, so that it holds at least this much where the file does.
  void hold(std::size_t count) {
    if (end - begin >= count) return;
    std::copy(block.begin() + static_cast<std::ptrdiff_t>(begin), block.begin() + static_cast<std::ptrdiff_t>(end), block.begin());
    end -= begin;
    begin = 0;
    const std::size_t got = source(block.data() + end, block.size() - end, file_offset);
    end += got;
    file_offset += got;
  }
  std::uint64_t byte() const { return file_offset - (end - begin); }
  void rewind() {
    begin = end = 0;
    file_offset = 0;
    between = true;
    reset();
  }

  Decompressor::Source source;
  std::vector<char> block;
  std::size_t begin = 0, end = 0;  // unread part of the block
  std::uint64_t file_offset = 0;   // behind the block
  bool between = true;             // at a place where the file may end
};

namespace {

struct GzipStream final : CompressedStream {
  explicit GzipStream(Decompressor::Source from) : CompressedStream(std::move(from)) {
    if (inflateInit2(&state, 15 + 16) != Z_OK) refuse_memory();
  }
  ~GzipStream() override { inflateEnd(&state); }
  void reset() override { inflateReset(&state); }

  std::size_t read(char* out, std::size_t count) override {
    for (bool flushed = false;;) {
      if (begin == end && !fill()) {
        if (between) return 0;
        // What the decoder still holds is asked for once more before the file counts as cut off.
        if (flushed) refuse_cut("gzip", byte());
        flushed = true;
      }
      if (between && byte() > 0) {
        // Tapes and some programs fill up with zeros behind the last stream.
        while (begin < end && block[begin] == 0) ++begin;
        if (begin == end) continue;
        inflateReset(&state);
      }
      between = false;
      state.next_in = reinterpret_cast<Bytef*>(block.data() + begin);
      state.avail_in = static_cast<uInt>(end - begin);
      state.next_out = reinterpret_cast<Bytef*>(out);
      const auto room = static_cast<uInt>(std::min<std::size_t>(count, std::numeric_limits<int>::max()));
      state.avail_out = room;
      const int status = inflate(&state, Z_NO_FLUSH);
      begin = end - state.avail_in;
      const std::size_t made = room - state.avail_out;
      if (status == Z_MEM_ERROR) refuse_memory();
      if (status == Z_STREAM_END) between = true;
      else if (status != Z_OK && status != Z_BUF_ERROR && made == 0)
        refuse_damaged("gzip", byte(), state.msg ? state.msg : "not a stream");
      if (made > 0) return made;
    }
  }

  z_stream state{};
};

struct ZstdStream final : CompressedStream {
  explicit ZstdStream(Decompressor::Source from) : CompressedStream(std::move(from)), state(ZSTD_createDCtx()) {
    if (!state) refuse_memory();
    ZSTD_DCtx_setParameter(state, ZSTD_d_windowLogMax, window_log_max);
  }
  ~ZstdStream() override { ZSTD_freeDCtx(state); }
  void reset() override {
    ZSTD_DCtx_reset(state, ZSTD_reset_session_only);
    failed.reset();
    wanted = zstd_least_frame_header_bytes;
    full = false;
  }

  std::size_t read(char* out, std::size_t count) override {
    if (failed) refuse(*failed);
    for (bool flushed = false;;) {
      if (begin == end && !fill()) {
        if (between) return 0;
        if (flushed) refuse_cut("zstd", byte());
        flushed = true;
      }
      if (between && !full) {
        // The library also knows the formats before 1.0, whose decoders hand out memory that they never wrote where data are damaged.
        hold(magic_bytes);
        if (end - begin >= magic_bytes && compression_of({block.data() + begin, magic_bytes}) != Compression::zstd) refuse_damaged("zstd", byte(), "Unknown frame descriptor");
      }
      // No more than one block at a time, and none while there may be content of the last one: a call that meets a fault hands out nothing.
      ZSTD_inBuffer input{block.data() + begin, full ? 0 : std::min(end - begin, wanted), 0};
      ZSTD_outBuffer output{out, count, 0};
      const std::size_t status = ZSTD_decompressStream(state, &output, &input);
      begin += input.pos;
      if (ZSTD_isError(status)) {
        failed = status;
        if (output.pos > 0) return output.pos;
        refuse(status);
      }
      full = output.pos == count;
      between = status == 0 || (between && input.pos == 0 && output.pos == 0);
      // The decoder asks for a block and the header of the next.
      if (between) wanted = zstd_least_frame_header_bytes;
      else wanted = status > zstd_block_header_bytes ? status - zstd_block_header_bytes : status;
      if (output.pos > 0) return output.pos;
    }
  }

  [[noreturn]] void refuse(std::size_t status) const {
    const ZSTD_ErrorCode code = ZSTD_getErrorCode(status);
    if (code == ZSTD_error_memory_allocation) refuse_memory();
    if (code == ZSTD_error_frameParameter_windowTooLarge)
      throw Error(ErrorKind::format, "the zstd data need a window beyond 128 MiB; compress them again without --long");
    refuse_damaged("zstd", byte(), ZSTD_getErrorName(status));
  }

  ZSTD_DCtx* state;
  std::size_t wanted = zstd_least_frame_header_bytes;  // input of the next call
  bool full = false;                                   // the last call filled all its room
  std::optional<std::size_t> failed;  // the error that it ended with: after one a decoder makes anything of what follows
};

}  // namespace

Decompressor::Decompressor(Compression compression, Source source) {
  if (compression == Compression::gzip) stream_ = std::make_unique<GzipStream>(std::move(source));
  else if (compression == Compression::zstd) stream_ = std::make_unique<ZstdStream>(std::move(source));
  else throw Error(ErrorKind::internal, "no compression to undo");
}

Decompressor::~Decompressor() = default;

std::size_t Decompressor::read_at(char* out, std::size_t count, std::uint64_t offset) {
  if (count == 0) return 0;
  if (offset < position_) {
    stream_->rewind();
    position_ = 0;
  }
  std::vector<char> passed_over;
  while (position_ < offset) {
    passed_over.resize(block_bytes);
    const std::size_t got =
        stream_->read(passed_over.data(), static_cast<std::size_t>(std::min<std::uint64_t>(block_bytes, offset - position_)));
    if (got == 0) return 0;
    position_ += got;
  }
  const std::size_t got = stream_->read(out, count);
  position_ += got;
  return got;
}

}  // namespace saltus
