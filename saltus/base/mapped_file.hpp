// The bytes of a file, mapped into memory: pages are read when they are looked at.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace saltus {

class MappedFile {
 public:
  /// Maps a regular file for reading. Throws Error{file} when it does not exist, is a directory or device, or cannot be read.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::string_view bytes() const { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace saltus
