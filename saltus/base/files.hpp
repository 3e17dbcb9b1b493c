// Files that appear whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace saltus {

/// The whole content. Throws Error{file} when it cannot be read or is a directory.
std::string read_file(const std::filesystem::path& path);

/// Writes beside `path`, flushes to disk, then renames. Throws Error{file}; leaves nothing behind on failure.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// A file under construction: write to `temporary()`, then `commit()`. Not committed = removed, as are parts that killed processes left.
class PendingFile {
 public:
  explicit PendingFile(std::filesystem::path path);
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  ~PendingFile();
  const std::filesystem::path& temporary() const { return temporary_; }
  /// Flushes `temporary()` to disk and renames it to its final name. Throws Error{file}.
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  bool committed_ = false;
};

}  // namespace saltus
