#include "saltus/io/regular_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

int open_regular_file(const std::filesystem::path& path) {
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
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = ::pread(descriptor, out + done, count - done, static_cast<off_t>(offset + done));
    if (got == 0) break;
    if (got > 0) done += static_cast<std::size_t>(got);
    else if (errno != EINTR) throw Error(ErrorKind::file, fmt::format("{}: cannot read: {}", name, std::strerror(errno)));
  }
  return done;
}

}  // namespace saltus
