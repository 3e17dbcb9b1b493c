// The atoms of a ring polymer by species.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "saltus/atoms/frame.hpp"

namespace saltus {

/// Atoms of one element and mass, in order of first appearance.
struct RingSpecies {
  std::string name;                  ///< symbol of the element; D and T by their mass; Symbol_mass where an element has several masses besides
  std::uint8_t atomic_number = 0;
  double mass_amu = 0;
  std::vector<std::uint32_t> atom;
};
std::vector<RingSpecies> ring_species(const Atoms& atoms);

/// The one of that name. Throws Error{usage}, with the names that there are and `what` it is asked for ("an isotope").
const RingSpecies& species_named(const std::vector<RingSpecies>& list, const std::string& name, const char* what);

}  // namespace saltus
