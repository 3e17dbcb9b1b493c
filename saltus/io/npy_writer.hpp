// Writes tables of whole numbers as NumPy .npy files: int32, C order, version 1.0. Reference: numpy.lib.format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace saltus {

/// values  [rows * columns]. Appears whole or not at all. Throws Error{file}, Error{usage} when the size does not fit.
void write_npy(const std::filesystem::path& path, std::span<const std::int32_t> values, std::size_t columns);

}  // namespace saltus
