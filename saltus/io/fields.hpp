// The words of a line of a text format: numbers and elements, and what is wrong with them.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <fast_float/fast_float.h>

#include "saltus/base/vec3.hpp"

namespace saltus {

inline bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Takes the next word (between blanks and tabs) off the front of `rest`; empty when there is none.
std::string_view next_word(std::string_view& rest);

/// A number as C, Fortran (1.0d0) and Python write it; nothing when it is something else. nan and inf are numbers here.
std::optional<double> number_from(std::string_view text);

/// Throws Error{format} "`what`: 'x' is not a number", also for nan and inf.
double finite_number(std::string_view text, std::string_view what);
/// Throws Error{format} "`what`: 'x' is not an integer".
std::int64_t integer(std::string_view text, std::string_view what);

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The eight digits at `at` as a number; false when one of them is none. Eight bytes at once: adjacent digits, pairs and
/// quadruples are joined by multiplication (Lemire, Softw. Pract. Exp. 51, 1700 (2021)).
inline bool read_eight_digits(const char* at, std::uint64_t& value) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  if constexpr (std::endian::native != std::endian::little) return false;
  if (((word & 0xF0F0F0F0F0F0F0F0u) | (((word + 0x0606060606060606u) & 0xF0F0F0F0F0F0F0F0u) >> 4)) != 0x3333333333333333u) return false;
  word -= 0x3030303030303030u;
  word = word * 10 + (word >> 8);
  value = (((word & 0x000000FF000000FFu) * 0x000F424000000064u) + (((word >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u)) >> 32;
  return true;
}

/// A plain decimal such as -12.34567890 up to the next blank; false, with `at` as it was, for any other number. At most 15
/// digits: digits and power of ten are then exact doubles, and their quotient is rounded once, as it should be.
inline bool read_plain_decimal(const char*& at, const char* end, double& value) {
  static constexpr std::array<double, 16> power_of_ten{1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  const char* p = at;
  const bool negative = *p == '-';
  p += negative;
  const char* const whole = p;
  std::uint64_t digits = 0;
  while (p != end && is_digit(*p) && p - whole < 15) digits = 10 * digits + static_cast<std::uint64_t>(*p++ - '0');
  if (p == whole || p == end || *p != '.') return false;
  const char* const fraction = ++p;
  if (std::uint64_t eight; end - p >= 8 && read_eight_digits(p, eight)) {
    digits = 100000000 * digits + eight;
    p += 8;
  }
  while (p != end && is_digit(*p) && p - whole < 17) digits = 10 * digits + static_cast<std::uint64_t>(*p++ - '0');
  if (p == fraction || p - whole > 16 || (p != end && !is_blank(*p))) return false;
  value = static_cast<double>(digits) / power_of_ten[static_cast<std::size_t>(p - fraction)];
  if (negative) value = -value;
  at = p;
  return true;
}

inline void skip_blanks(const char*& at, const char* end) {
  while (at != end && is_blank(*at)) ++at;
}

/// Reads a number at `at`, which is no blank, up to the next blank; false when it is none or not finite.
inline bool read_number(const char*& at, const char* end, double& value) {
  if (read_plain_decimal(at, end, value)) return true;
  const auto [stop, status] = fast_float::from_chars(at, end, value);
  if (status == std::errc() && (stop == end || is_blank(*stop))) {
    at = stop;
    return std::isfinite(value);
  }
  const char* const blank = std::find_if(at, end, is_blank);
  const auto slow = number_from({at, static_cast<std::size_t>(blank - at)});
  if (!slow || !std::isfinite(*slow)) return false;
  value = *slow;
  at = blank;
  return true;
}

/// Three numbers, blanks before each passed over.
inline bool read_vector(const char*& at, const char* end, Vec3& value) {
  for (double* component : {&value.x, &value.y, &value.z}) {
    skip_blanks(at, end);
    if (at == end || !read_number(at, end, *component)) return false;
  }
  return true;
}

struct Element {
  std::uint8_t atomic_number = 0;
  double mass_amu = 0;
};

/// A symbol as in the periodic table, D or T (H of their own mass), or an atomic number in digits.
/// Throws Error{format} that says which element may be meant.
Element element_from(std::string_view label);

/// Elements by label; those spelled like a symbol are looked up once.
class ElementTable {
 public:
  const Element& find(std::string_view label) {
    const bool one = label.size() == 1, two = label.size() == 2;
    if ((!one && !two) || label[0] < 'A' || label[0] > 'Z' || (two && (label[1] < 'a' || label[1] > 'z')))
      return other_ = element_from(label);
    Element& element = known_[static_cast<std::size_t>(label[0] - 'A')][two ? static_cast<std::size_t>(label[1] - 'a') : 26u];
    if (element.atomic_number == 0) element = element_from(label);
    return element;
  }

 private:
  std::array<std::array<Element, 27>, 26> known_{};
  Element other_;
};

}  // namespace saltus
