// A buffered output file that appears whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "saltus/base/files.hpp"

namespace saltus {

class OutputFile {
 public:
  /// Opens the temporary file. Throws Error{file}, also when `path` is a directory.
  explicit OutputFile(const std::filesystem::path& path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  /// Text appended here is written by flush_if_large() and commit().
  std::string& text() { return text_; }
  void flush_if_large();
  /// Writes over the first bytes of the file, as many as `bytes` has; they must have been written. Throws Error{file}.
  void replace_start(std::string_view bytes);
  /// Throws Error{file}.
  void commit();

 private:
  void flush();

  std::filesystem::path path_;
  PendingFile pending_;
  int descriptor_ = -1;
  std::string text_;
};

}  // namespace saltus
