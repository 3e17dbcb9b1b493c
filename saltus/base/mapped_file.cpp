#include "saltus/base/mapped_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const auto fail = [&](const std::string& what) { throw Error(ErrorKind::file, path.string() + ": " + what); };
  // O_NONBLOCK: a named pipe must not hang here.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail(fmt::format("cannot open: {}", std::strerror(errno)));
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) {
    const int cause = errno;
    ::close(descriptor);
    fail(fmt::format("cannot read: {}", std::strerror(cause)));
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor);
    fail(S_ISDIR(status.st_mode) ? "is a directory, expected a file" : "is not a regular file");
  }
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ > 0) {
    void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    const int cause = errno;
    ::close(descriptor);
    if (mapped == MAP_FAILED) fail(fmt::format("cannot read: {}", std::strerror(cause)));
    data_ = static_cast<const char*>(mapped);
  } else {
    ::close(descriptor);
  }
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<char*>(data_), size_);
}

}  // namespace saltus
