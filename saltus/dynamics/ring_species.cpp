#include "saltus/dynamics/ring_species.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"

namespace saltus {

namespace {

std::string isotope_name(std::uint8_t atomic_number, double mass_amu) {
  if (atomic_number == 1 && std::abs(mass_amu - 2.014) < 0.01) return "D";
  if (atomic_number == 1 && std::abs(mass_amu - 3.016) < 0.01) return "T";
  return std::string(symbol_of(atomic_number));
}

}  // namespace

std::vector<RingSpecies> ring_species(const Atoms& atoms) {
  std::vector<RingSpecies> list;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    const auto same = [&](const RingSpecies& s) { return s.atomic_number == atoms.atomic_number[i] && s.mass_amu == atoms.mass_amu[i]; };
    auto found = std::find_if(list.begin(), list.end(), same);
    if (found == list.end()) {
      list.push_back({isotope_name(atoms.atomic_number[i], atoms.mass_amu[i]), atoms.atomic_number[i], atoms.mass_amu[i], {}});
      found = list.end() - 1;
    }
    found->atom.push_back(static_cast<std::uint32_t>(i));
  }
  for (std::size_t a = 0; a < list.size(); ++a)
    for (std::size_t b = a + 1; b < list.size(); ++b)
      if (list[a].name == list[b].name) list[b].name += fmt::format("_{:g}", list[b].mass_amu);
  return list;
}

const RingSpecies& species_named(const std::vector<RingSpecies>& list, const std::string& name, const char* what) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const RingSpecies& s) { return s.name == name; });
  if (found != list.end()) return *found;
  std::vector<std::string> names;
  for (const RingSpecies& s : list) names.push_back(s.name);
  throw Error(ErrorKind::usage, fmt::format("{} of '{}' is asked for, but the atoms are {}", what, name, join(names)));
}

}  // namespace saltus
