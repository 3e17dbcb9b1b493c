#include "saltus/models/species.hpp"

#include <algorithm>
#include <iterator>

namespace saltus {

namespace {

constexpr std::string_view symbols[] = {
    "",   "H",  "He", "Li", "Be", "B",  "C",  "N",  "O",  "F",  "Ne", "Na", "Mg", "Al", "Si", "P",  "S",  "Cl", "Ar", "K",  "Ca", "Sc", "Ti", "V",
    "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr", "Rb", "Sr", "Y",  "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag",
    "Cd", "In", "Sn", "Sb", "Te", "I",  "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu",
    "Hf", "Ta", "W",  "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U",  "Np", "Pu", "Am",
    "Cm", "Bk", "Cf", "Es", "Fm", "Md", "No", "Lr", "Rf", "Db", "Sg", "Bh", "Hs", "Mt", "Ds", "Rg", "Cn", "Nh", "Fl", "Mc", "Lv", "Ts", "Og"};

}  // namespace

std::string symbols_of_numbers(const std::vector<std::uint8_t>& atomic_number) {
  std::string words;
  for (const std::uint8_t z : atomic_number) {
    if (!words.empty()) words += ' ';
    words += symbols[std::min<std::size_t>(z, std::size(symbols) - 1)];
  }
  return words;
}

std::optional<std::vector<std::uint8_t>> numbers_of_symbols(std::string_view words) {
  std::vector<std::uint8_t> numbers;
  while (true) {
    words.remove_prefix(std::min(words.find_first_not_of(" \t\r\n"), words.size()));
    if (words.empty()) break;
    const std::size_t end = std::min(words.find_first_of(" \t\r\n"), words.size());
    const auto found = std::find(std::begin(symbols) + 1, std::end(symbols), words.substr(0, end));
    const auto z = static_cast<std::uint8_t>(found - std::begin(symbols));
    if (found == std::end(symbols) || std::find(numbers.begin(), numbers.end(), z) != numbers.end()) return std::nullopt;
    numbers.push_back(z);
    words.remove_prefix(end);
  }
  if (numbers.empty()) return std::nullopt;
  return numbers;
}

}  // namespace saltus
