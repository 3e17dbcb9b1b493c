// Lattices with equal jumps to nearest neighbours, as networks.
#pragma once

#include <span>
#include <string_view>

#include "saltus/kinetics/site_network.hpp"

namespace saltus::kinetics {

struct LatticeRow {
  const char* name;
  const char* help;
  int dimensions;
};

/// chain, square, honeycomb, sc, bcc, fcc, diamond.
std::span<const LatticeRow> lattices();

/// The primitive cell. jump_ang is the distance of neighbours, rate that of each single jump; lattices of fewer than three
/// dimensions stand ten jumps apart. Throws Error{usage} for an unknown name or what is not positive.
SiteNetwork lattice_network(std::string_view name, double jump_ang, double rate);

}  // namespace saltus::kinetics
