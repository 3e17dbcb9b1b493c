// Regular files opened for reading at any offset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace saltus {

/// A descriptor that the caller closes. Throws Error{file} when `path` does not exist, is a directory or device, or
/// cannot be opened.
int open_regular_file(const std::filesystem::path& path);

/// Bytes read, fewer than `count` only near the end of the file. Throws Error{file}; `name` stands in the message.
std::size_t read_at(int descriptor, const std::string& name, char* out, std::size_t count, std::uint64_t offset);

}  // namespace saltus
