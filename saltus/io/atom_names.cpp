#include "saltus/io/atom_names.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/io/lines.hpp"

namespace saltus {

namespace {

constexpr std::array<std::string_view, 12> waters{"SOL",  "WAT", "HOH",   "H2O", "TIP3", "TIP4",
                                                  "TIP5", "TP3", "TIP3P", "SPC", "SPCE", "OPC"};
constexpr std::array<std::string_view, 65> biomolecules{
    "ALA", "ARG",  "ARGN", "ASN", "ASP", "ASPH", "ASH",  "CYS",  "CYSH", "CYX",  "CYM",  "CYS2", "GLN",
    "GLU", "GLUH", "GLH",  "GLY", "HIS", "HISA", "HISB", "HISD", "HISE", "HISH", "HIS1", "HIS2", "HID",
    "HIE", "HIP",  "HSD",  "HSE", "HSP", "ILE",  "LEU",  "LYS",  "LYSH", "LYN",  "MET",  "PHE",  "PRO",
    "SER", "THR",  "TRP",  "TYR", "VAL", "ACE",  "NME",  "NAC",  "DA",   "DC",   "DG",   "DT",   "A",
    "C",   "G",    "U",    "RA",  "RC",  "RG",   "RU",   "ADE",  "CYT",  "GUA",  "THY",  "URA",  "NH2"};
using Ion = std::pair<std::string_view, std::string_view>;
constexpr std::array<Ion, 10> charmm_ions{Ion{"SOD", "Na"}, Ion{"CLA", "Cl"}, Ion{"POT", "K"},  Ion{"CES", "Cs"},
                                          Ion{"LIT", "Li"}, Ion{"RUB", "Rb"}, Ion{"CAL", "Ca"}, Ion{"BAR", "Ba"},
                                          Ion{"CAD", "Cd"}, Ion{"ZIN", "Zn"}};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

std::string_view first_letters(std::string_view name) {
  name.remove_prefix(std::min(name.find_first_not_of("0123456789"), name.size()));
  std::size_t length = 0;
  while (length < name.size() && (is_upper(name[length]) || is_lower(name[length]))) ++length;
  return name.substr(0, length);
}

std::string upper_case(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (is_lower(c)) c = static_cast<char>(c - 'a' + 'A');
  return result;
}

// The element spelled by one or two letters, in any case.
std::optional<std::uint8_t> spelled_by(std::string_view letters) {
  std::string symbol = upper_case(letters);
  if (symbol.size() == 2) symbol[1] = static_cast<char>(symbol[1] - 'A' + 'a');
  return atomic_number_of(symbol);
}

template <typename Names>
bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

[[noreturn]] void refuse(std::string_view name, std::string_view residue, const std::string& why,
                         const char* remedy = "give a topology that names the elements") {
  throw Error(ErrorKind::format, fmt::format("atom {} of residue {} {}; {}", shown(name), shown(residue), why, remedy));
}

}  // namespace

std::uint8_t element_of_atom_name(std::string_view name, std::string_view residue) {
  const std::string_view letters = first_letters(name);
  if (letters.empty()) refuse(name, residue, "has no letters to tell its element by");
  const std::string upper = upper_case(letters), upper_residue = upper_case(residue);
  const auto one = spelled_by(upper.substr(0, 1));

  if (contains(waters, upper_residue)) {
    if (upper[0] == 'O' || upper[0] == 'H') return *one;
    refuse(name, residue, "is neither O nor H",
           "sites without a nucleus are not read: write the file again without them (gmx trjconv -n)");
  }
  if (upper == upper_case(first_letters(residue)) || upper_residue == "ION") {
    if (upper == "W") refuse(name, residue, "may be tungsten or the water of a coarse-grained model");
    for (const auto& [ion, symbol] : charmm_ions)
      if (upper == ion) return *atomic_number_of(symbol);
    if (const auto z = upper.size() <= 2 ? spelled_by(upper) : std::nullopt) return *z;
    refuse(name, residue, "has the name of no element or ion");
  }
  if (contains(biomolecules, upper_residue)) {
    if (std::string_view("HCNOPS").find(upper[0]) != std::string_view::npos) return *one;
    refuse(name, residue, "is none of H, C, N, O, P and S");
  }
  const bool symbol_case =
      is_upper(letters[0]) && (letters.size() == 1 || (letters.size() == 2 && is_lower(letters[1])));
  if (const auto z = symbol_case ? atomic_number_of(letters) : std::nullopt) return *z;

  const auto two = upper.size() >= 2 ? spelled_by(upper.substr(0, 2)) : std::nullopt;
  if (one && two) refuse(name, residue, fmt::format("may be {} or {}", symbol_of(*one), symbol_of(*two)));
  if (one && std::string_view("HCNOFPS").find(upper[0]) != std::string_view::npos) return *one;
  if (two && !one && upper.size() == 2) return *two;
  refuse(name, residue, "does not tell its element");
}

}  // namespace saltus
