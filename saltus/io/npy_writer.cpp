#include "saltus/io/npy_writer.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

void append_header(OutputFile& file, const char* type, std::size_t rows, std::size_t columns) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}, {}), }}", type, rows, columns);
  // Magic, version, length and header fill a multiple of 64 bytes, the last of them a line end.
  header.append((64 - (10 + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  file.text() += std::string("\x93NUMPY\x01\x00", 8);
  file.text() += static_cast<char>(header.size() & 255);
  file.text() += static_cast<char>(header.size() >> 8);
  file.text() += header;
}

template <typename Number>
void append_numbers(OutputFile& file, std::span<const Number> values) {
  constexpr std::size_t chunk = 1 << 16;
  for (std::size_t at = 0; at < values.size(); at += chunk) {
    const auto part = values.subspan(at, std::min(chunk, values.size() - at));
    file.text().append(reinterpret_cast<const char*>(part.data()), part.size_bytes());
    file.flush_if_large();
  }
}

}  // namespace

void write_npy(const std::filesystem::path& path, std::span<const std::int32_t> values, std::size_t columns) {
  if (columns == 0 || values.size() % columns != 0)
    throw Error(ErrorKind::usage, fmt::format("{}: {} numbers do not fill rows of {}", path.string(), values.size(), columns));
  OutputFile file(path);
  append_header(file, "<i4", values.size() / columns, columns);
  append_numbers(file, values);
  file.commit();
}

NpyRows::NpyRows(const std::filesystem::path& path, std::size_t rows, std::size_t columns) : file_(path), path_(path), missing_(rows * columns) {
  append_header(file_, "<f4", rows, columns);
}

void NpyRows::append(std::span<const float> values) {
  if (values.size() > missing_) throw Error(ErrorKind::usage, fmt::format("{}: {} numbers too many", path_.string(), values.size() - missing_));
  missing_ -= values.size();
  append_numbers(file_, values);
}

void NpyRows::commit() {
  if (missing_ > 0) throw Error(ErrorKind::usage, fmt::format("{}: {} numbers are missing", path_.string(), missing_));
  file_.commit();
}

}  // namespace saltus
