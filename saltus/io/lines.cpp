#include "saltus/io/lines.hpp"

#include <algorithm>
#include <cstring>

#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/io/compressed.hpp"
#include "saltus/io/regular_file.hpp"

namespace saltus {

namespace {

// Null where the file is not compressed.
std::unique_ptr<Decompressor> decompressor_of(int descriptor, const std::string& name) {
  char magic[4];
  const Compression compression = compression_of({magic, read_at(descriptor, name, magic, sizeof magic, 0)});
  if (compression == Compression::none) return nullptr;
  return std::make_unique<Decompressor>(compression, [descriptor, name](char* out, std::size_t count, std::uint64_t offset) {
    return read_at(descriptor, name, out, count, offset);
  });
}

[[noreturn]] void refuse_long_line() {
  throw Error(ErrorKind::format, fmt::format("the line is longer than {} MiB; is this a text file?", line_limit >> 20));
}

}  // namespace

LineReader::LineReader(const std::filesystem::path& path)
    : name_(path.string()), descriptor_(open_regular_file(path)), buffer_(std::size_t{1} << 18) {
  try {
    decompressor_ = decompressor_of(descriptor_, name_);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

LineReader::LineReader(std::string_view text) {
  if (const Compression compression = compression_of(text); compression != Compression::none) {
    buffer_.resize(std::size_t{1} << 13);  // grows with the lines
    decompressor_ = std::make_unique<Decompressor>(
        compression, [bytes = std::string(text)](char* out, std::size_t count, std::uint64_t offset) {
          const std::size_t got = offset < bytes.size() ? std::min(count, bytes.size() - static_cast<std::size_t>(offset)) : 0;
          if (got > 0) std::memcpy(out, bytes.data() + offset, got);
          return got;
        });
    return;
  }
  buffer_.assign(text.begin(), text.end());
  end_ = text.size();
  at_end_ = true;
}

LineReader::~LineReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool LineReader::refill() {
  if (at_end_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    base_ += begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    if (buffer_.size() > line_limit) {
      ++line_number_;
      refuse_long_line();
    }
    buffer_.resize(2 * buffer_.size());
  }
  char* const out = buffer_.data() + end_;
  const std::size_t room = buffer_.size() - end_;
  const std::size_t got = decompressor_ ? decompressor_->read_at(out, room, base_ + end_) : read_at(descriptor_, name_, out, room, base_ + end_);
  end_ += got;
  at_end_ = got == 0;
  return got > 0;
}

bool LineReader::next(std::string_view& line) {
  std::size_t searched = 0;
  const char* found = nullptr;
  for (;;) {
    if (end_ > begin_ + searched)
      found = static_cast<const char*>(std::memchr(buffer_.data() + begin_ + searched, '\n', end_ - begin_ - searched));
    if (found) break;
    searched = end_ - begin_;
    if (!refill()) break;
  }
  const char* start = buffer_.data() + begin_;
  std::size_t length = 0;
  if (found) {
    length = static_cast<std::size_t>(found - start);
    begin_ += length + 1;
  } else {
    length = end_ - begin_;
    if (length == 0) return false;
    begin_ = end_;
  }
  ++line_number_;
  line_was_ended_ = found != nullptr;
  if (length > line_limit) refuse_long_line();
  if (length > 0 && start[length - 1] == '\r') --length;
  line = {start, length};
  return true;
}

void LineReader::seek(std::uint64_t offset, std::uint64_t line_number) {
  line_number_ = line_number;
  if (offset >= base_ && offset <= base_ + end_) {
    begin_ = static_cast<std::size_t>(offset - base_);
    return;
  }
  base_ = offset;
  begin_ = end_ = 0;
  at_end_ = false;
}

std::string first_bytes(const std::filesystem::path& path, std::size_t count) {
  const int descriptor = open_regular_file(path);
  std::string bytes(count, '\0');
  std::size_t done = 0;
  try {
    if (const auto decompressor = decompressor_of(descriptor, path.string())) {
      try {
        while (done < count) {
          const std::size_t got = decompressor->read_at(bytes.data() + done, count - done, done);
          if (got == 0) break;
          done += got;
        }
      } catch (const Error& error) {
        // What comes before a fault shows the format; the fault is met again when the file is read.
        if (done == 0) throw with_place(error, path.string());
      }
    } else {
      done = read_at(descriptor, path.string(), bytes.data(), count, 0);
    }
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
  bytes.resize(done);
  return bytes;
}

std::string shown(std::string_view text) {
  constexpr std::size_t limit = 40;
  std::string result = "'";
  for (const char c : text.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) result += fmt::format("\\x{:02x}", byte);
    else result += c;
  }
  return result + (text.size() > limit ? "…'" : "'");
}

}  // namespace saltus
