#include "saltus/analysis/wannier_centres.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

std::vector<AssignedCentre> assign_wannier_centres(const Cell& cell, const Atoms& atoms, std::span<const Vec3> position_ang,
                                                   std::span<const Vec3> centre_ang, double largest_excess_ang) {
  const std::size_t n = atoms.size();
  if (position_ang.size() != n) throw Error(ErrorKind::usage, fmt::format("{} positions for {} atoms", position_ang.size(), n));
  if (std::none_of(atoms.atomic_number.begin(), atoms.atomic_number.end(), [](int z) { return z > 1; }))
    throw Error(ErrorKind::unsupported, "Wannier centres are assigned to atoms heavier than hydrogen, and there is none");
  const std::vector<CovalentBond> bonds = covalent_bonds(cell, atoms, position_ang);
  std::vector<AssignedCentre> assigned(centre_ang.size());
  struct Claim {
    double excess;
    std::size_t centre, bond;
    bool operator<(const Claim& other) const { return std::tie(excess, centre, bond) < std::tie(other.excess, other.centre, other.bond); }
  };
  std::vector<Claim> claims;
  std::vector<double> distance(n);
  for (std::size_t k = 0; k < centre_ang.size(); ++k) {
    AssignedCentre& centre = assigned[k];
    for (std::uint32_t i = 0; i < n; ++i) {
      const Vec3 to_centre = cell.minimum_image(centre_ang[k] - position_ang[i]);
      distance[i] = norm(to_centre);
      if (atoms.atomic_number[i] == 1 || (centre.heavy != no_atom && distance[i] >= distance[centre.heavy])) continue;
      centre.heavy = i;
      centre.from_heavy_ang = to_centre;
    }
    for (std::size_t b = 0; b < bonds.size(); ++b)
      if (const double excess = distance[bonds[b].first] + distance[bonds[b].second] - bonds[b].length_ang; excess < largest_excess_ang)
        claims.push_back({excess, k, b});
  }
  std::sort(claims.begin(), claims.end());
  std::vector<bool> full(bonds.size());
  for (const Claim& claim : claims) {
    AssignedCentre& centre = assigned[claim.centre];
    const CovalentBond& bond = bonds[claim.bond];
    if (centre.partner != no_atom || full[claim.bond]) continue;
    full[claim.bond] = atoms.atomic_number[bond.second] == 1;
    std::uint32_t heavy = bond.first, partner = bond.second;
    const int z = atoms.atomic_number[heavy], other = atoms.atomic_number[partner];
    if (other > z || (other == z && centre.heavy == partner)) std::swap(heavy, partner);
    if (heavy != centre.heavy) centre.from_heavy_ang = cell.minimum_image(centre_ang[claim.centre] - position_ang[heavy]);
    centre.heavy = heavy;
    centre.partner = partner;
  }
  return assigned;
}

std::vector<int> centres_around(std::size_t atoms, std::span<const AssignedCentre> centres) {
  std::vector<int> count(atoms);
  for (const AssignedCentre& centre : centres)
    for (const std::uint32_t atom : {centre.heavy, centre.partner})
      if (atom != no_atom) ++count[atom];
  return count;
}

std::optional<int> gth_valence_electrons(int z) {
  constexpr std::array<int, 55> electrons{0, 1, 2, 3,  4,  3,  4,  5,  6,  7,  8,  9,  10, 3,  4,  5,  6,  7,  8,
                                          9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 11, 12, 13, 4,  5,  6,  7,  8,
                                          9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 11, 12, 13, 4,  5,  6,  7,  8};
  if (z < 1 || z >= static_cast<int>(electrons.size())) return {};
  return electrons[static_cast<std::size_t>(z)];
}

std::optional<ProtonSharing> proton_sharing(const Frame& frame, std::span<const AssignedCentre> centres, const ProtonBond& bond) {
  const ProtonVectors vectors = proton_vectors(frame, bond);
  const Vec3 to_donor = -vectors.hydrogen_ang, to_acceptor = vectors.acceptor_ang - vectors.hydrogen_ang;
  ProtonSharing sharing{vectors.nu_ang(), vectors.donor_acceptor_ang(), 0, 0};
  const auto nearest = [&](std::uint32_t heavy, const Vec3& from_hydrogen) -> std::optional<double> {
    double least = std::numeric_limits<double>::infinity();
    std::optional<double> distance;
    for (const AssignedCentre& centre : centres)
      if (centre.heavy == heavy)
        if (const double from_proton = norm2(from_hydrogen + centre.from_heavy_ang); from_proton < least) {
          least = from_proton;
          distance = norm(centre.from_heavy_ang);
        }
    return distance;
  };
  const auto at_donor = nearest(bond.donor, to_donor), at_acceptor = nearest(bond.acceptor, to_acceptor);
  if (!at_donor || !at_acceptor) return {};
  sharing.donor_centre_ang = *at_donor;
  sharing.acceptor_centre_ang = *at_acceptor;
  return sharing;
}

}  // namespace saltus
