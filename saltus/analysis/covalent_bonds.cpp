#include "saltus/analysis/covalent_bonds.hpp"

#include <algorithm>
#include <array>

#include "saltus/atoms/elements.hpp"

namespace saltus {

namespace {

constexpr double covalent_factor = 1.25;

bool is_non_metal(int z) {
  constexpr std::array non_metals{5, 6, 7, 8, 9, 14, 15, 16, 17, 32, 33, 34, 35, 52, 53};
  return std::find(non_metals.begin(), non_metals.end(), z) != non_metals.end();
}

}  // namespace

std::vector<CovalentBond> covalent_bonds(const Cell& cell, const Atoms& atoms, std::span<const Vec3> r) {
  std::vector<CovalentBond> bonds;
  const auto n = static_cast<std::uint32_t>(atoms.size());
  for (std::uint32_t i = 0; i < n; ++i) {
    const int z = atoms.atomic_number[i];
    CovalentBond nearest{no_atom, i, std::numeric_limits<double>::infinity()};
    for (std::uint32_t j = 0; j < n; ++j) {
      const int other = atoms.atomic_number[j];
      const bool pair = z > 1 && j > i && is_non_metal(z) && is_non_metal(other);
      if (other == 1 || (z > 1 && !pair)) continue;
      const double d = norm(cell.minimum_image(r[j] - r[i]));
      if (z == 1 && d < nearest.length_ang) nearest = {j, i, d};
      if (pair && d < covalent_factor * (covalent_radius_ang(z) + covalent_radius_ang(other))) bonds.push_back({i, j, d});
    }
    if (z == 1 && nearest.first != no_atom) bonds.push_back(nearest);
  }
  return bonds;
}

}  // namespace saltus
