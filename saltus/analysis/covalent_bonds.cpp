#include "saltus/analysis/covalent_bonds.hpp"

#include <algorithm>
#include <array>

#include "saltus/atoms/elements.hpp"
#include "saltus/atoms/neighbor_list.hpp"

namespace saltus {

namespace {

constexpr double covalent_factor = 1.25;
constexpr double shortest_reach_ang = 2;

bool is_non_metal(int z) {
  constexpr std::array non_metals{5, 6, 7, 8, 9, 14, 15, 16, 17, 32, 33, 34, 35, 52, 53};
  return std::find(non_metals.begin(), non_metals.end(), z) != non_metals.end();
}

}  // namespace

std::vector<CovalentBond> covalent_bonds(const Cell& cell, const Atoms& atoms, std::span<const Vec3> r) {
  const auto n = static_cast<std::uint32_t>(atoms.size());
  const auto bond_limit = [](int z, int other) { return covalent_factor * (covalent_radius_ang(z) + covalent_radius_ang(other)); };
  double reach = shortest_reach_ang;  // of every bond between non-metals, and of nearly every one of a hydrogen
  for (std::uint32_t i = 0; i < n; ++i)
    if (const int z = atoms.atomic_number[i]; is_non_metal(z)) reach = std::max(reach, bond_limit(z, z));
  const NeighborList near = build_neighbor_list(cell, r, reach);

  std::vector<CovalentBond> bonds;
  for (std::uint32_t i = 0; i < n; ++i) {
    const int z = atoms.atomic_number[i];
    CovalentBond nearest{no_atom, i, std::numeric_limits<double>::infinity()};
    const auto consider = [&](std::uint32_t j) {
      const int other = atoms.atomic_number[j];
      const bool pair = z > 1 && j > i && is_non_metal(z) && is_non_metal(other);
      if (other == 1 || (z > 1 && !pair)) return;
      const double d = norm(cell.minimum_image(r[j] - r[i]));
      if (z == 1 && d < nearest.length_ang) nearest = {j, i, d};
      if (pair && d < bond_limit(z, other)) bonds.push_back({i, j, d});
    };
    for (std::uint32_t p = near.first[i]; p < near.first[i + 1]; ++p)
      if (p == near.first[i] || near.neighbor[p] != near.neighbor[p - 1]) consider(near.neighbor[p]);
    if (z == 1 && nearest.first == no_atom)
      for (std::uint32_t j = 0; j < n; ++j) consider(j);
    if (z == 1 && nearest.first != no_atom) bonds.push_back(nearest);
  }
  return bonds;
}

}  // namespace saltus
