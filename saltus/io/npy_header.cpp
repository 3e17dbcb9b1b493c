#include "saltus/io/npy_header.hpp"

#include <algorithm>
#include <bit>
#include <string_view>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/npy.hpp"
#include "saltus/io/refuse.hpp"

namespace saltus {

namespace {

constexpr std::string_view magic("\x93NUMPY", 6);
constexpr std::uint64_t header_limit = 65536;
constexpr std::size_t read_ahead = std::size_t{1} << 18;

// The dictionary {'descr': '<f8', 'fortran_order': False, 'shape': (2, 3, 3), }.
class DictionaryParser {
 public:
  explicit DictionaryParser(std::string_view text) : rest_(text) {}

  NpyHeader parse() {
    NpyHeader header;
    bool has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        blanks();
        if (!rest_.empty() && rest_[0] == '[') do_not_support("a structured array; save the numbers alone");
        header.type = quoted();
      } else if (key == "fortran_order") {
        header.fortran_order = word() == "True";
        has_order = true;
      } else if (key == "shape") {
        header.shape = tuple();
        has_shape = true;
      } else {
        refuse("the header has an unknown key {}", shown(key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    blanks();
    if (!rest_.empty()) refuse("the header goes on behind its dictionary: {}", shown(rest_));
    if (header.type.empty() || !has_order || !has_shape)
      refuse("the header lacks descr, fortran_order or shape");
    return header;
  }

 private:
  void blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n\r"), rest_.size())); }
  bool accept(char c) {
    blanks();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) refuse("the header has {}, expected '{}'", shown(rest_), c);
  }
  std::string quoted() {
    blanks();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"'))
      refuse("the header has {}, expected a text in quotes", shown(rest_));
    const std::size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) refuse("the header has an open quote at {}", shown(rest_));
    const std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }
  std::string_view word() {
    blanks();
    const std::string_view found = rest_.substr(0, rest_.find_first_of(" \t\n\r,})"));
    if (found != "True" && found != "False") refuse("the header has {}, expected True or False", shown(found));
    rest_.remove_prefix(found.size());
    return found;
  }
  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> lengths;
    expect('(');
    while (!accept(')')) {
      blanks();
      std::size_t digits = rest_.find_first_not_of("0123456789");
      digits = std::min(digits, rest_.size());
      const auto value = parse_int(rest_.substr(0, digits));
      if (!value) refuse("the shape has {}, expected a number", shown(rest_));
      if (lengths.size() == 64) refuse("the shape has more than 64 dimensions");
      lengths.push_back(static_cast<std::uint64_t>(*value));
      rest_.remove_prefix(digits);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return lengths;
  }

  std::string_view rest_;
};

}  // namespace

std::string NpyHeader::shape_text() const {
  std::string text;
  for (const auto n : shape) text += fmt::format("{}{}", text.empty() ? "" : ", ", n);
  return text;
}

bool recognizes_npy(std::string_view bytes) { return bytes.starts_with(magic); }

NpyHeader read_npy_header(ByteFile& bytes) {
  const char* start = bytes.at(0, 10, read_ahead);
  if (std::string_view(start, magic.size()) != magic) refuse("expected the magic bytes of a .npy file");
  const auto version = static_cast<unsigned char>(start[6]);
  if (version < 1 || version > 3) do_not_support("version {} of the .npy format", version);
  const std::uint64_t at = version == 1 ? 10 : 12;
  const std::uint64_t length = version == 1 ? static_cast<unsigned char>(start[8]) |
                                                  static_cast<unsigned>(static_cast<unsigned char>(start[9])) << 8
                                            : load<std::uint32_t>(bytes.at(8, 4), std::endian::little);
  if (length > header_limit) refuse("a header of {} bytes", length);
  NpyHeader header = DictionaryParser({bytes.at(at, length, read_ahead), static_cast<std::size_t>(length)}).parse();
  header.size = at + length;
  return header;
}

}  // namespace saltus
