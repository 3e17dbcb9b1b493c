#include "saltus/models/npz.hpp"

#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/models/zip_archive.hpp"

namespace saltus {

namespace {

template <class Number>
void append(std::vector<double>& out, std::string_view bytes, std::size_t count) {
  out.reserve(count);
  for (std::size_t k = 0; k < count; ++k) {
    Number value;
    std::memcpy(&value, bytes.data() + k * sizeof value, sizeof value);
    out.push_back(static_cast<double>(value));
  }
}

/// The text between a key of the header's dictionary and the comma or bracket that ends its value.
std::string_view value_of(std::string_view header, std::string_view key, const std::string& place) {
  const auto at = header.find(key);
  if (at == std::string_view::npos) throw Error(ErrorKind::format, fmt::format("{}: its header lacks {}", place, key));
  return trim(header.substr(at + key.size()));
}

NpzArray parse_array(std::string_view bytes, const std::string& place) {
  const auto refuse = [&](const char* what) { throw Error(ErrorKind::format, fmt::format("{}: {}", place, what)); };
  if (bytes.size() < 12 || !bytes.starts_with("\x93NUMPY")) refuse("not a .npy array");
  const unsigned char version = static_cast<unsigned char>(bytes[6]);
  if (version < 1 || version > 3) refuse("a version of .npy that is not known");
  const std::size_t width = version == 1 ? 2 : 4;
  std::size_t length = 0;
  for (std::size_t k = 0; k < width; ++k) length |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[8 + k])) << (8 * k);
  if (length > 65536 || bytes.size() < 8 + width + length) refuse("a truncated header");
  const std::string_view header = bytes.substr(8 + width, length), data = bytes.substr(8 + width + length);

  if (!value_of(header, "'fortran_order':", place).starts_with("False")) throw Error(ErrorKind::unsupported, place + ": arrays in Fortran order are not read");
  const std::string_view type = value_of(header, "'descr':", place);
  const std::string_view shape = value_of(header, "'shape':", place);
  if (type.size() < 5 || type[0] != '\'' || !shape.starts_with("(")) refuse("a header that cannot be read");
  const auto end = type.find('\'', 1), close = shape.find(')');
  if (end == std::string_view::npos || close == std::string_view::npos) refuse("a header that cannot be read");
  const std::string_view code = type.substr(1, end - 1);
  NpzArray array;
  std::size_t count = 1;
  for (std::string_view rest = trim(shape.substr(1, close - 1)); !rest.empty();) {
    const auto comma = rest.find(',');
    const auto extent = parse_int(trim(rest.substr(0, comma)));
    if (!extent || *extent < 0 || *extent > (std::int64_t{1} << 31)) refuse("an impossible shape");
    array.shape.push_back(static_cast<std::size_t>(*extent));
    if (array.shape.size() > 8) refuse("more than 8 axes");
    count *= static_cast<std::size_t>(*extent);
    if (count > (std::size_t{1} << 31)) refuse("an impossible shape");
    rest = comma == std::string_view::npos ? std::string_view() : trim(rest.substr(comma + 1));
  }
  const auto holds = [&](std::size_t item) {
    if (data.size() != count * item) refuse("not as many bytes as its shape says");
  };
  if (code == "<f8") {
    holds(8);
    append<double>(array.numbers, data, count);
  } else if (code == "<f4") {
    holds(4);
    append<float>(array.numbers, data, count);
  } else if (code == "<i4") {
    holds(4);
    append<std::int32_t>(array.numbers, data, count);
  } else if (code == "<i8") {
    holds(8);
    append<std::int64_t>(array.numbers, data, count);
  } else if (code.starts_with("|S")) {
    const auto item = parse_int(code.substr(2));
    if (!item || *item < 1 || *item > 1024) refuse("an impossible type");
    holds(static_cast<std::size_t>(*item));
    for (std::size_t k = 0; k < count; ++k) {
      const std::string_view word = data.substr(k * static_cast<std::size_t>(*item), static_cast<std::size_t>(*item));
      array.words.emplace_back(word.substr(0, word.find('\0')));
    }
  } else {
    throw Error(ErrorKind::unsupported, fmt::format("{}: elements of the type '{}' are not read", place, code.substr(0, 20)));
  }
  for (const double v : array.numbers)
    if (!std::isfinite(v)) refuse("a number that is not finite");
  return array;
}

}  // namespace

NpzFile read_npz(std::string_view bytes, const std::string& source) {
  const ZipArchive zip(bytes, source);
  NpzFile file;
  file.source = source;
  std::uint64_t left = std::uint64_t{1} << 31;
  for (const ZipEntry& entry : zip.entries()) {
    if (!entry.name.ends_with(".npy")) continue;
    const std::string name(entry.name.substr(0, entry.name.size() - 4));
    const std::string content = zip.content(entry, left);
    left -= content.size();
    file.arrays[name] = parse_array(content, fmt::format("{}, array {}", source, name.substr(0, 80)));
  }
  return file;
}

const NpzArray& get_array(const NpzFile& file, const std::string& name) {
  const auto found = file.arrays.find(name);
  if (found == file.arrays.end()) throw Error(ErrorKind::format, fmt::format("{}: the array '{}' is missing", file.source, name));
  return found->second;
}

double get_number(const NpzFile& file, const std::string& name) {
  const NpzArray& array = get_array(file, name);
  if (array.numbers.size() != 1) throw Error(ErrorKind::format, fmt::format("{}: '{}' is not one number", file.source, name));
  return array.numbers[0];
}

int get_count(const NpzFile& file, const std::string& name, int low, int high) {
  const double value = get_number(file, name);
  if (!(value >= low && value <= high) || value != std::floor(value))
    throw Error(ErrorKind::format, fmt::format("{}: '{}' is not a whole number from {} to {}", file.source, name, low, high));
  return static_cast<int>(value);
}

}  // namespace saltus
