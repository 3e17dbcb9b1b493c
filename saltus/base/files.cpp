#include "saltus/base/files.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw Error(ErrorKind::file, fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw Error(ErrorKind::file, path.string() + ": is a directory, expected a file");
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) fail(path, "cannot open");
  std::string content;
  char buffer[1 << 16];
  std::size_t got = 0;
  while ((got = std::fread(buffer, 1, sizeof buffer, file)) > 0) content.append(buffer, got);
  const bool bad = std::ferror(file) != 0;
  std::fclose(file);
  if (bad) fail(path, "cannot read");
  return content;
}

PendingFile::PendingFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(path_.string() + fmt::format(".part{}", ::getpid())) {}

PendingFile::~PendingFile() {
  if (committed_) return;
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void PendingFile::commit() {
  const int descriptor = ::open(temporary_.c_str(), O_RDONLY);
  if (descriptor < 0) fail(temporary_, "cannot open");
  const bool flushed = ::fsync(descriptor) == 0;
  ::close(descriptor);
  if (!flushed) fail(temporary_, "cannot flush to disk");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, "cannot rename into place");
  committed_ = true;
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  PendingFile pending(path);
  std::FILE* file = std::fopen(pending.temporary().c_str(), "wb");
  if (!file) fail(path, "cannot write");
  const bool written = std::fwrite(content.data(), 1, content.size(), file) == content.size();
  if (std::fclose(file) != 0 || !written) fail(path, "cannot write");
  pending.commit();
}

}  // namespace saltus
