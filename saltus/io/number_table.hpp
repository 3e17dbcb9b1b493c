// Tables of numbers: text (blanks between numbers, a row a line, '#' begins a comment, gzip or zstd too) or a NumPy .npy
// array of one or two dimensions. For count matrices and discrete trajectories.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace saltus {

struct NumberTable {
  std::size_t rows = 0, columns = 0;
  std::vector<double> value;  ///< [rows * columns], row major
  std::string note;           ///< what the caller should tell: the last line has no end
};

/// States of carriers at each frame, whole numbers of 32 bits; below zero: no state.
struct StateTable {
  std::vector<std::vector<std::int32_t>> carrier;  ///< [columns][rows]
  std::string note;
};

/// Numbers that one table may hold.
inline constexpr std::uint64_t table_limit = std::uint64_t{1} << 31;

/// Throws Error{format} with the line, where rows differ in length, a word is no number or is not finite, or there is no
/// number at all; Error{unsupported} for other arrays, Error{file} when it cannot be read.
NumberTable read_number_table(const std::filesystem::path& path);
/// The same for whole numbers.
StateTable read_state_table(const std::filesystem::path& path);

/// Of bytes in memory.
NumberTable number_table_of(std::string_view bytes);
StateTable state_table_of(std::string_view bytes);

/// The bytes of a .npy file: doubles, little endian, in C order. value [rows * columns].
std::string npy_bytes(std::size_t rows, std::size_t columns, const std::vector<double>& value);

}  // namespace saltus
