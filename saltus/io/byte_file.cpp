#include "saltus/io/byte_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/io/regular_file.hpp"

namespace saltus {

ByteFile::ByteFile(const std::filesystem::path& path) : name_(path.string()), descriptor_(open_regular_file(path)) {
  struct stat status{};
  if (::fstat(descriptor_, &status) != 0) {
    const int cause = errno;
    ::close(descriptor_);
    throw Error(ErrorKind::file, fmt::format("{}: cannot read: {}", name_, std::strerror(cause)));
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

ByteFile::ByteFile(std::string_view bytes) : size_(bytes.size()), buffer_(bytes.begin(), bytes.end()), filled_(size_) {
  buffer_.resize(bytes.size() + margin);
}

ByteFile::~ByteFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

const char* ByteFile::at(std::uint64_t offset, std::uint64_t count, std::size_t ahead) {
  if (!holds(offset, count))
    throw Error(ErrorKind::format,
                fmt::format("the file ends at byte {}, {} bytes were expected from byte {} on; it is cut off", size_,
                            count, offset));
  if (offset < base_ || offset + count > base_ + filled_) {
    const std::uint64_t wanted = std::min(std::max<std::uint64_t>(count, ahead), size_ - offset);
    if (buffer_.size() < wanted + margin) buffer_.resize(static_cast<std::size_t>(wanted) + margin);
    const std::uint64_t kept = offset >= base_ && offset < base_ + filled_ ? base_ + filled_ - offset : 0;
    if (kept > 0) std::memmove(buffer_.data(), buffer_.data() + (offset - base_), static_cast<std::size_t>(kept));
    base_ = offset;
    filled_ = kept;
    const auto missing = static_cast<std::size_t>(wanted - kept);
    filled_ += read_at(descriptor_, name_, buffer_.data() + kept, missing, offset + kept);
    if (filled_ < count) throw Error(ErrorKind::file, name_ + ": the file became shorter while it was read");
  }
  return buffer_.data() + (offset - base_);
}

}  // namespace saltus
