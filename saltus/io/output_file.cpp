#include "saltus/io/output_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int cause) {
  throw Error(ErrorKind::file, fmt::format("{}: cannot write: {}", path.string(), std::strerror(cause)));
}

}  // namespace

OutputFile::OutputFile(const std::filesystem::path& path) : path_(path), pending_(path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) fail(path, EISDIR);
  descriptor_ = ::open(pending_.temporary().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(path, errno);
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void OutputFile::flush() {
  for (std::size_t done = 0; done < text_.size();) {
    const ssize_t written = ::write(descriptor_, text_.data() + done, text_.size() - done);
    if (written < 0 && errno != EINTR) fail(path_, errno);
    if (written > 0) done += static_cast<std::size_t>(written);
  }
  text_.clear();
}

void OutputFile::flush_if_large() {
  if (text_.size() >= std::size_t{1} << 18) flush();
}

void OutputFile::replace_start(std::string_view bytes) {
  flush();
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (written < 0 && errno != EINTR) fail(path_, errno);
    if (written > 0) done += static_cast<std::size_t>(written);
  }
}

void OutputFile::commit() {
  flush();
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) fail(path_, errno);
  pending_.commit();
}

}  // namespace saltus
