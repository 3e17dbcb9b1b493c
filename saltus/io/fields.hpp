// The words of a line of a text format: numbers and elements, and what is wrong with them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace saltus {

/// Takes the next word (between blanks and tabs) off the front of `rest`; empty when there is none.
std::string_view next_word(std::string_view& rest);

/// A number as C, Fortran (1.0d0) and Python write it; nothing when it is something else. nan and inf are numbers here.
std::optional<double> number_from(std::string_view text);

/// Throws Error{format} "`what`: 'x' is not a number", also for nan and inf.
double finite_number(std::string_view text, std::string_view what);
/// Throws Error{format} "`what`: 'x' is not an integer".
std::int64_t integer(std::string_view text, std::string_view what);

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
