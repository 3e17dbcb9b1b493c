// Writes tables of numbers as NumPy .npy files: int32 or float32, C order, version 1.0. Reference: numpy.lib.format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "saltus/io/output_file.hpp"

namespace saltus {

/// values  [rows * columns]. Appears whole or not at all. Throws Error{file}, Error{usage} when the size does not fit.
void write_npy(const std::filesystem::path& path, std::span<const std::int32_t> values, std::size_t columns);

/// A table of float32 written as it grows, of a size told beforehand. Appears whole or not at all.
class NpyRows {
 public:
  /// Throws Error{file}.
  NpyRows(const std::filesystem::path& path, std::size_t rows, std::size_t columns);
  /// The next numbers, row by row. Throws Error{file}.
  void append(std::span<const float> values);
  /// Throws Error{file}, Error{usage} when not all numbers came.
  void commit();

 private:
  OutputFile file_;
  std::filesystem::path path_;
  std::size_t missing_;
};

}  // namespace saltus
