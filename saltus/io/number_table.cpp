#include "saltus/io/number_table.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/io/byte_file.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/npy.hpp"
#include "saltus/io/npy_header.hpp"
#include "saltus/io/refuse.hpp"

namespace saltus {

namespace {

constexpr std::size_t block = std::size_t{1} << 20;

std::int32_t state_of(std::int64_t number) {
  if (number > std::numeric_limits<std::int32_t>::max()) refuse("state {}, expected at most 2147483647", number);
  return number < 0 ? -1 : static_cast<std::int32_t>(number);
}

double finite(double number) {
  if (!std::isfinite(number)) refuse("{}, expected a finite number", number);
  return number;
}

// Calls take(column, word) for each word and end_row(columns) for each row; returns the note.
template <typename Take, typename EndRow>
std::string read_rows(LineReader& lines, const Take& take, const EndRow& end_row) {
  std::size_t width = 0;
  std::uint64_t total = 0;
  try {
    for (std::string_view line; lines.next(line);) {
      line = line.substr(0, line.find('#'));
      std::size_t columns = 0;
      for (std::size_t at = 0;;) {
        while (at < line.size() && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r')) ++at;
        if (at == line.size()) break;
        const std::size_t begin = at;
        while (at < line.size() && line[at] != ' ' && line[at] != '\t' && line[at] != '\r') ++at;
        if (width > 0 && columns == width) refuse("more than the {} numbers of the rows before", width);
        take(columns++, line.substr(begin, at - begin));
      }
      if (columns == 0) continue;
      if (width > 0 && columns != width) refuse("{} numbers, the rows before have {}", columns, width);
      width = columns;
      total += columns;
      if (total > table_limit) throw Error(ErrorKind::unsupported, fmt::format("more than {} numbers", table_limit));
      end_row(columns);
    }
  } catch (const Error& error) {
    throw with_place(error, fmt::format("line {}", lines.line_number()));
  }
  if (width == 0) refuse("holds no numbers");
  return lines.line_was_ended() ? "" : "the last line has no end; its last number may lack digits";
}

struct Shape {
  std::uint64_t rows, columns;
};

// Calls take(row, column, bytes) for each number of an array.
template <typename Take>
Shape read_array(ByteFile& bytes, const NpyHeader& header, std::size_t number_bytes, const Take& take) {
  const auto& shape = header.shape;
  if (shape.empty() || shape.size() > 2)
    throw Error(ErrorKind::unsupported,
                fmt::format("an array of shape ({}), expected one or two dimensions; use reshape", header.shape_text()));
  const Shape size{shape[0], shape.size() == 2 ? shape[1] : 1};
  if (size.rows == 0 || size.columns == 0) refuse("an array of shape ({}) holds no numbers", header.shape_text());
  if (size.rows > table_limit || size.columns > table_limit || size.rows * size.columns > table_limit)
    throw Error(ErrorKind::unsupported, fmt::format("an array of shape ({}): more than {} numbers", header.shape_text(), table_limit));
  const std::uint64_t count = size.rows * size.columns;
  if (bytes.size() - header.size != count * number_bytes)
    refuse("{} bytes of numbers, but shape ({}) takes {}", bytes.size() - header.size, header.shape_text(), count * number_bytes);
  const std::uint64_t inner = header.fortran_order ? size.rows : size.columns;
  const char* at = nullptr;
  for (std::uint64_t k = 0; k < count; ++k, at += number_bytes) {
    if (k % (block / 8) == 0)
      at = bytes.at(header.size + k * number_bytes, std::min<std::uint64_t>(block / 8, count - k) * number_bytes, block);
    const std::uint64_t outer = k / inner, within = k % inner;
    header.fortran_order ? take(within, outer, at) : take(outer, within, at);
  }
  return size;
}

[[noreturn]] void refuse_type(const NpyHeader& header, const char* wanted) {
  throw Error(ErrorKind::unsupported, fmt::format("numbers of type {}; save them with astype('{}')", shown(header.type), wanted));
}

struct NumberType {
  char kind = 0;  // i, u, f
  std::size_t bytes = 0;
  std::endian order = std::endian::little;
};

NumberType type_of(const NpyHeader& header, const char* wanted) {
  const std::string& text = header.type;
  if (text.size() != 3 || std::string_view("<>|=").find(text[0]) == std::string_view::npos) refuse_type(header, wanted);
  const NumberType type{text[1], static_cast<std::size_t>(text[2] - '0'),
                        text[0] == '>' ? std::endian::big : std::endian::little};
  const bool whole = (type.kind == 'i' || type.kind == 'u') && (type.bytes == 1 || type.bytes == 2 || type.bytes == 4 || type.bytes == 8);
  if (!whole && !(type.kind == 'f' && (type.bytes == 4 || type.bytes == 8))) refuse_type(header, wanted);
  if (type.bytes > 1 && text[0] == '|') refuse_type(header, wanted);
  return type;
}

std::int64_t whole_number(const char* at, NumberType type) {
  std::uint64_t bits = 0;
  for (std::size_t k = 0; k < type.bytes; ++k) {
    const std::size_t place = type.order == std::endian::little ? type.bytes - 1 - k : k;
    bits = bits << 8 | static_cast<unsigned char>(at[place]);
  }
  if (type.kind == 'i' && type.bytes < 8) {
    const std::uint64_t sign = std::uint64_t{1} << (8 * type.bytes - 1);
    return static_cast<std::int64_t>((bits ^ sign) - sign);
  }
  if (type.kind == 'u' && bits > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    refuse("{} is too large", bits);
  return static_cast<std::int64_t>(bits);
}

NumberTable read_numbers(ByteFile& bytes) {
  const NpyHeader header = read_npy_header(bytes);
  const NumberType type = type_of(header, "float64");
  NumberTable table;
  const bool two = header.shape.size() == 2;
  const Shape size = read_array(bytes, header, type.bytes, [&](std::uint64_t row, std::uint64_t column, const char* at) {
    if (table.value.empty()) table.value.resize(header.shape[0] * (two ? header.shape[1] : 1));
    const double number = type.kind != 'f'   ? static_cast<double>(whole_number(at, type))
                          : type.bytes == 4 ? double{load<float>(at, type.order)}
                                            : load<double>(at, type.order);
    table.value[row * (two ? header.shape[1] : 1) + column] = finite(number);
  });
  table.rows = size.rows;
  table.columns = size.columns;
  return table;
}

StateTable read_states(ByteFile& bytes) {
  const NpyHeader header = read_npy_header(bytes);
  const NumberType type = type_of(header, "int32");
  if (type.kind == 'f') refuse_type(header, "int32");
  StateTable table;
  read_array(bytes, header, type.bytes, [&](std::uint64_t row, std::uint64_t column, const char* at) {
    if (table.carrier.empty())
      table.carrier.assign(header.shape.size() == 2 ? header.shape[1] : 1, std::vector<std::int32_t>(header.shape[0]));
    table.carrier[column][row] = state_of(whole_number(at, type));
  });
  return table;
}

NumberTable read_numbers(LineReader& lines) {
  NumberTable table;
  table.note = read_rows(
      lines,
      [&](std::size_t, std::string_view word) {
        const auto number = parse_double(word);
        if (!number) refuse("{} is no number", shown(word));
        table.value.push_back(finite(*number));
      },
      [&](std::size_t columns) {
        table.columns = columns;
        ++table.rows;
      });
  return table;
}

StateTable read_states(LineReader& lines) {
  StateTable table;
  table.note = read_rows(
      lines,
      [&](std::size_t column, std::string_view word) {
        const auto number = parse_int(word);
        if (!number) refuse("{} is no whole number", shown(word));
        if (column == table.carrier.size()) table.carrier.emplace_back();
        table.carrier[column].push_back(state_of(*number));
      },
      [](std::size_t) {});
  return table;
}

}  // namespace

NumberTable number_table_of(std::string_view text) {
  if (recognizes_npy(text)) {
    ByteFile bytes(text);
    return read_numbers(bytes);
  }
  LineReader lines(text);
  return read_numbers(lines);
}

StateTable state_table_of(std::string_view text) {
  if (recognizes_npy(text)) {
    ByteFile bytes(text);
    return read_states(bytes);
  }
  LineReader lines(text);
  return read_states(lines);
}

std::string npy_bytes(std::size_t rows, std::size_t columns, const std::vector<double>& value) {
  std::string header = fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  // The numbers begin at a multiple of 64 bytes.
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  for (const double number : value) {
    auto bits = std::bit_cast<std::uint64_t>(number);
    for (int k = 0; k < 8; ++k, bits >>= 8) bytes += static_cast<char>(bits & 0xff);
  }
  return bytes;
}

namespace {

/// Reads an .npy or a text file, as its first bytes say; errors name the file.
template <typename Read>
auto read_either(const std::filesystem::path& path, Read read) {
  try {
    if (recognizes_npy(first_bytes(path, 6))) {
      ByteFile bytes(path);
      return read(bytes);
    }
    LineReader lines(path);
    return read(lines);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::file) throw;  // names its file
    throw with_place(error, path.string());
  }
}

}  // namespace

NumberTable read_number_table(const std::filesystem::path& path) {
  return read_either(path, [](auto& source) { return read_numbers(source); });
}

StateTable read_state_table(const std::filesystem::path& path) {
  return read_either(path, [](auto& source) { return read_states(source); });
}

}  // namespace saltus
