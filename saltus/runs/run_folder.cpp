#include "saltus/runs/run_folder.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus::runs {

namespace fs = std::filesystem;

SimulationLock::SimulationLock(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(ErrorKind::file, fmt::format("{}: cannot create the folder: {}", folder.string(), error.message()));
  descriptor_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0) throw Error(ErrorKind::file, fmt::format("{}: cannot open: {}", folder.string(), std::strerror(errno)));
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(descriptor_);
    throw Error(ErrorKind::file, folder.string() + ": another process simulates in this folder; wait for it or choose another");
  }
}

SimulationLock::~SimulationLock() { ::close(descriptor_); }

GrowingLog::GrowingLog(const fs::path& path, std::uint64_t keep, const std::string& header) : path_(path) {
  std::error_code error;
  if (keep > 0) {
    const auto size = fs::file_size(path, error);
    if (error || size < keep) throw Error(ErrorKind::format, fmt::format("{}: shorter than the checkpoint says; the run cannot be continued", path.string()));
    fs::resize_file(path, keep, error);
    if (error) throw Error(ErrorKind::file, fmt::format("{}: cannot truncate: {}", path.string(), error.message()));
  }
  file_ = std::fopen(path.c_str(), keep > 0 ? "ab" : "wb");
  if (!file_) fail("cannot open");
  bytes_ = keep;
  if (keep == 0) append(header);
}

GrowingLog::~GrowingLog() { std::fclose(file_); }

void GrowingLog::append(const std::string& line) {
  if (std::fwrite(line.data(), 1, line.size(), file_) != line.size() || std::fflush(file_) != 0) fail("cannot write");
  bytes_ += line.size();
}

std::uint64_t GrowingLog::flush_to_disk() {
  if (::fsync(::fileno(file_)) != 0) fail("cannot flush to disk");
  return bytes_;
}

void GrowingLog::fail(const char* what) const { throw Error(ErrorKind::file, fmt::format("{}: {}: {}", path_.string(), what, std::strerror(errno))); }

void remove_leftovers(const fs::path& folder, std::initializer_list<const char*> prefixes) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    for (const char* prefix : prefixes)
      if (name.rfind(prefix, 0) == 0) fs::remove(entry.path());
  }
}

void require_no_output(std::initializer_list<fs::path> outputs) {
  for (const fs::path& output : outputs)
    if (fs::exists(output))
      throw Error(ErrorKind::usage, fmt::format("{}: is there, but no checkpoint to continue from; choose another folder or remove it", output.string()));
}

}  // namespace saltus::runs
