// The words of a line of a text format: numbers and elements, and what is wrong with them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
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

/// Reads a number at `at`, which is no blank, up to the next blank; false when it is none or not finite.
inline bool read_number(const char*& at, const char* end, double& value) {
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
    while (at != end && is_blank(*at)) ++at;
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
