#include "saltus/base/files.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw Error(ErrorKind::file, fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
}

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return {};
  return name;
}

// Whether `name` is ".partPID@HOST" with this host and a process that lives no longer. Of processes on other hosts that write
// into the same folder nothing is known: theirs stay.
bool is_part_of_the_dead(std::string_view name) {
  constexpr std::string_view mark = ".part";
  const std::size_t at = name.find('@');
  if (!name.starts_with(mark) || at == std::string_view::npos || name.substr(at + 1) != host_name()) return false;
  pid_t process = 0;
  const char *first = name.data() + mark.size(), *last = name.data() + at;
  const auto [end, error] = std::from_chars(first, last, process);
  return error == std::errc{} && end == last && process > 0 && ::kill(process, 0) != 0 && errno == ESRCH;
}

void remove_parts_of_the_dead(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  std::error_code error;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string found = at->path().filename().string();
    std::error_code ignored;
    if (found.starts_with(name) && is_part_of_the_dead(std::string_view(found).substr(name.size())))
      std::filesystem::remove(at->path(), ignored);
  }
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
    : path_(std::move(path)), temporary_(path_.string() + fmt::format(".part{}@{}", ::getpid(), host_name())) {
  remove_parts_of_the_dead(path_);
}

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
