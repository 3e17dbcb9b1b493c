#include "saltus/io/npy_writer.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/io/output_file.hpp"

namespace saltus {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

void write_npy(const std::filesystem::path& path, std::span<const std::int32_t> values, std::size_t columns) {
  if (columns == 0 || values.size() % columns != 0)
    throw Error(ErrorKind::usage, fmt::format("{}: {} numbers do not fill rows of {}", path.string(), values.size(), columns));
  OutputFile file(path);
  std::string header = fmt::format("{{'descr': '<i4', 'fortran_order': False, 'shape': ({}, {}), }}", values.size() / columns, columns);
  // Magic, version, length and header fill a multiple of 64 bytes, the last of them a line end.
  header.append((64 - (10 + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  file.text() += std::string("\x93NUMPY\x01\x00", 8);
  file.text() += static_cast<char>(header.size() & 255);
  file.text() += static_cast<char>(header.size() >> 8);
  file.text() += header;
  constexpr std::size_t chunk = 1 << 16;
  for (std::size_t at = 0; at < values.size(); at += chunk) {
    const auto part = values.subspan(at, std::min(chunk, values.size() - at));
    file.text().append(reinterpret_cast<const char*>(part.data()), part.size_bytes());
    file.flush_if_large();
  }
  file.commit();
}

}  // namespace saltus
