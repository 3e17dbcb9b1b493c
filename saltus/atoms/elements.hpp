// Chemical elements: symbols, standard atomic masses (IUPAC 2021, abridged), covalent radii (Cordero et al. 2008).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace saltus {

inline constexpr int element_count = 118;

/// Atomic number of a symbol ("Li", case as written in the periodic table), or nothing.
std::optional<std::uint8_t> atomic_number_of(std::string_view symbol);
/// Symbol of an atomic number 1…118; throws Error{usage} otherwise.
std::string_view symbol_of(int atomic_number);
/// Standard atomic mass in amu.
double standard_mass_amu(int atomic_number);
/// Single-bond covalent radius in Å (Z ≤ 96, else 1.6).
double covalent_radius_ang(int atomic_number);

}  // namespace saltus
