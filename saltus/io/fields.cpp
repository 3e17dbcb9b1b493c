#include "saltus/io/fields.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/io/lines.hpp"
#include "saltus/io/refuse.hpp"

namespace saltus {

namespace {

constexpr double deuterium_mass_amu = 2.01410177812, tritium_mass_amu = 3.01604928;

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

[[noreturn]] void refuse_element(std::string_view label) {
  std::string canonical = lower_case(label.substr(0, 2));
  if (!canonical.empty() && canonical[0] >= 'a' && canonical[0] <= 'z') canonical[0] = static_cast<char>(canonical[0] - 'a' + 'A');
  std::string hint;
  for (std::size_t length = std::min<std::size_t>(canonical.size(), 2); length > 0 && hint.empty(); --length)
    if (atomic_number_of(canonical.substr(0, length))) hint = fmt::format(" (did you mean '{}'?)", canonical.substr(0, length));
  refuse("unknown element {}{}; write symbols as in the periodic table", shown(label), hint);
}

}  // namespace

std::string_view next_word(std::string_view& rest) {
  const char *at = rest.data(), *const end = at + rest.size();
  while (at != end && is_blank(*at)) ++at;
  const char* const start = at;
  while (at != end && !is_blank(*at)) ++at;
  rest = {at, static_cast<std::size_t>(end - at)};
  return {start, static_cast<std::size_t>(at - start)};
}

std::optional<double> number_from(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && (text[1] == '-' || text[1] == '+')) return std::nullopt;
  if (auto value = parse_double(text)) return value;
  std::string c_style(text);
  const std::size_t exponent = c_style.find_first_of("dD");
  if (exponent == std::string::npos || exponent == 0) return std::nullopt;
  c_style[exponent] = 'e';
  return parse_double(c_style);
}

double finite_number(std::string_view text, std::string_view what) {
  const auto value = number_from(text);
  if (!value) refuse("{}: {} is not a number", what, shown(text));
  if (!std::isfinite(*value)) refuse("{}: {} is not finite", what, shown(text));
  return *value;
}

std::int64_t integer(std::string_view text, std::string_view what) {
  const auto value = parse_int(text);
  if (!value) refuse("{}: {} is not an integer", what, shown(text));
  return *value;
}

Element element_from(std::string_view label) {
  if (const auto z = atomic_number_of(label)) return {*z, standard_mass_amu(*z)};
  if (label == "D") return {1, deuterium_mass_amu};
  if (label == "T") return {1, tritium_mass_amu};
  if (const auto z = parse_int(label); z && *z >= 1 && *z <= element_count)
    return {static_cast<std::uint8_t>(*z), standard_mass_amu(static_cast<int>(*z))};
  refuse_element(label);
}

}  // namespace saltus
