#include "saltus/io/h5md_units.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"
#include "saltus/base/units.hpp"
#include "saltus/io/lines.hpp"

namespace saltus::h5md {

namespace {

// Powers of length, time and mass.
using Dimension = std::array<int, 3>;

struct NamedUnit {
  std::string_view name;
  double factor;  // in Å, fs, amu; an energy in eV, with `energy` set
  Dimension dimension;
  bool energy = false;
};

constexpr Dimension length{1, 0, 0}, duration{0, 1, 0}, mass{0, 0, 1}, energy{2, -2, 1}, force{1, -2, 1}, number{0, 0, 0};
constexpr double ang_per_metre = 1e10, fs_per_second = 1e15;

constexpr NamedUnit known[] = {
    {"Angstrom", 1, length},
    {"angstrom", 1, length},
    {"Ang", 1, length},
    {"A", 1, length},
    {"Å", 1, length},
    {"pm", 1e-2, length},
    {"nm", 10, length},
    {"um", 1e4, length},
    {"mm", 1e7, length},
    {"cm", 1e8, length},
    {"m", ang_per_metre, length},
    {"bohr", units::ang_per_bohr, length},
    {"Bohr", units::ang_per_bohr, length},
    {"a0", units::ang_per_bohr, length},
    {"as", 1e-3, duration},
    {"fs", 1, duration},
    {"ps", units::fs_per_ps, duration},
    {"ns", units::fs_per_ns, duration},
    {"us", 1e9, duration},
    {"ms", 1e12, duration},
    {"s", fs_per_second, duration},
    {"sec", fs_per_second, duration},
    {"second", fs_per_second, duration},
    {"AKMA", 48.88821290839617, duration},
    {"u", 1, mass},
    {"amu", 1, mass},
    {"Da", 1, mass},
    {"dalton", 1, mass},
    {"g", units::amu_per_gram, mass},
    {"kg", 1e3 * units::amu_per_gram, mass},
    {"eV", 1, energy, true},
    {"meV", 1e-3, energy, true},
    {"keV", 1e3, energy, true},
    {"J", units::ev_per_joule, energy, true},
    {"kJ", 1e3 * units::ev_per_joule, energy, true},
    {"cal", 4.184 * units::ev_per_joule, energy, true},
    {"kcal", 4184 * units::ev_per_joule, energy, true},
    {"Hartree", units::ev_per_hartree, energy, true},
    {"hartree", units::ev_per_hartree, energy, true},
    {"Ha", units::ev_per_hartree, energy, true},
    {"Ry", units::ev_per_hartree / 2, energy, true},
    {"N", units::ev_per_joule / ang_per_metre, force, true},
    {"Newton", units::ev_per_joule / ang_per_metre, force, true},
    {"mol", units::particles_per_mole, number},
};

struct Target {
  const char* name;
  const char* unit;
  Dimension dimension;
  int energies;  // power of an energy in it
};

const Target& target_of(Quantity quantity) {
  static constexpr Target targets[] = {
      {"length", "Angstrom", length, 0}, {"time", "fs", duration, 0},   {"velocity", "Angstrom fs-1", {1, -1, 0}, 0},
      {"force", "eV Angstrom-1", force, 1}, {"energy", "eV", energy, 1}, {"mass", "u", mass, 0},
  };
  return targets[static_cast<std::size_t>(quantity)];
}

[[noreturn]] void refuse(std::string_view unit, const Target& target) {
  throw Error(ErrorKind::format, fmt::format("the unit {} is not known as one of {}; '{}' is, for instance", shown(unit), target.name,
                                             target.unit));
}

}  // namespace

const char* unit_of(Quantity quantity) { return target_of(quantity).unit; }

double factor_from_unit(std::string_view unit, Quantity quantity) {
  const Target& target = target_of(quantity);
  double factor = 1;
  Dimension dimension{};
  int energies = 0, words = 0, sign = 1;
  for (std::size_t at = 0; at < unit.size();) {
    const std::size_t stop = std::min(unit.find_first_of(" */", at), unit.size());
    std::string_view word = unit.substr(at, stop - at);
    at = stop;
    if (!word.empty()) {
      if (++words > 8) refuse(unit, target);
      const std::size_t digits = word.find_last_not_of("0123456789");
      int power = 1;
      // "a0" ends with a digit that is no power.
      if (word != "a0" && digits != std::string_view::npos && digits + 1 < word.size()) {
        const auto value = parse_int(word.substr(digits + 1));
        if (!value || *value > 9) refuse(unit, target);
        power = static_cast<int>(*value);
        word = word.substr(0, digits + 1);
        if (word.back() == '^') word.remove_suffix(1);
        if (!word.empty() && (word.back() == '-' || word.back() == '+')) {
          if (word.back() == '-') power = -power;
          word.remove_suffix(1);
          if (!word.empty() && word.back() == '^') word.remove_suffix(1);
        }
      }
      const NamedUnit* found = nullptr;
      for (const auto& candidate : known)
        if (candidate.name == word) found = &candidate;
      if (!found) refuse(unit, target);
      power *= sign;
      factor *= std::pow(found->factor, power);
      for (std::size_t k = 0; k < 3; ++k) dimension[k] += power * found->dimension[k];
      if (found->energy) energies += power;
    }
    sign = 1;
    for (; at < unit.size() && (unit[at] == ' ' || unit[at] == '*' || unit[at] == '/'); ++at)
      if (unit[at] == '/') sign = -1;
  }
  if (words == 0 || dimension != target.dimension) refuse(unit, target);
  return factor * std::pow(units::ev_per_amu_ang2_fs2, target.energies - energies);
}

}  // namespace saltus::h5md
