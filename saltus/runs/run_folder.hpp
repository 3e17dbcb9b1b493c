// The folder of a simulation: one process at a time, a log that grows by rows and is cut back to what a checkpoint counts, leftovers of killed
// writers. What classical and path-integral dynamics share.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <initializer_list>
#include <string>

namespace saltus::runs {

/// Makes the folder and holds it; the lock ends with the process, however it ends.
class SimulationLock {
 public:
  /// Throws Error{file} when another process simulates in it, or it cannot be made.
  explicit SimulationLock(const std::filesystem::path& folder);
  SimulationLock(const SimulationLock&) = delete;
  SimulationLock& operator=(const SimulationLock&) = delete;
  ~SimulationLock();

 private:
  int descriptor_ = -1;
};

/// Rows are appended as they come; what a checkpoint counts is on disk before it.
class GrowingLog {
 public:
  /// Keeps the first `keep` bytes; 0: begins with the header. Throws Error{file}, Error{format} when the file is shorter.
  GrowingLog(const std::filesystem::path& path, std::uint64_t keep, const std::string& header);
  GrowingLog(const GrowingLog&) = delete;
  GrowingLog& operator=(const GrowingLog&) = delete;
  ~GrowingLog();

  void append(const std::string& line);
  /// Returns the length.
  std::uint64_t flush_to_disk();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  std::FILE* file_ = nullptr;
  std::uint64_t bytes_ = 0;
};

/// Removes files whose names begin with one of these.
void remove_leftovers(const std::filesystem::path& folder, std::initializer_list<const char*> prefixes);

/// Throws Error{usage} when one of these is there, though there is no checkpoint to go on from.
void require_no_output(std::initializer_list<std::filesystem::path> outputs);

}  // namespace saltus::runs
