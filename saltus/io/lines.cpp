#include "saltus/io/lines.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

int open_regular(const std::filesystem::path& path) {
  struct stat status {};
  // Looked at before opening: opening a named pipe would wait for a writer.
  if (::stat(path.c_str(), &status) != 0)
    throw Error(ErrorKind::file, fmt::format("{}: cannot open: {}", path.string(), std::strerror(errno)));
  if (S_ISDIR(status.st_mode))
    throw Error(ErrorKind::file, path.string() + ": is a directory, expected a file");
  if (!S_ISREG(status.st_mode))
    throw Error(ErrorKind::file, path.string() + ": is not a regular file; write the data to a file first");
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    throw Error(ErrorKind::file, fmt::format("{}: cannot open: {}", path.string(), std::strerror(errno)));
  return descriptor;
}

std::size_t read_at(int descriptor, const std::string& name, char* out, std::size_t count, std::uint64_t offset) {
  for (;;) {
    const ssize_t got = ::pread(descriptor, out, count, static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) throw Error(ErrorKind::file, fmt::format("{}: cannot read: {}", name, std::strerror(errno)));
  }
}

[[noreturn]] void refuse_long_line() {
  throw Error(ErrorKind::format, fmt::format("the line is longer than {} MiB; is this a text file?", line_limit >> 20));
}

}  // namespace

LineReader::LineReader(const std::filesystem::path& path)
    : name_(path.string()), descriptor_(open_regular(path)), buffer_(std::size_t{1} << 18) {}

LineReader::LineReader(std::string_view text) : buffer_(text.begin(), text.end()), end_(text.size()), at_end_(true) {}

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
  const std::size_t got = read_at(descriptor_, name_, buffer_.data() + end_, buffer_.size() - end_, base_ + end_);
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
  const int descriptor = open_regular(path);
  std::string bytes(count, '\0');
  try {
    bytes.resize(read_at(descriptor, path.string(), bytes.data(), count, 0));
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
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
