#include "saltus/analysis/molecular_dipoles.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

void require_sizes(const Atoms& atoms, std::span<const Vec3> r, std::span<const int> electrons) {
  if (r.size() != atoms.size() || electrons.size() != atoms.size())
    throw Error(ErrorKind::usage, fmt::format("{} positions and {} numbers of electrons for {} atoms", r.size(), electrons.size(), atoms.size()));
}

}  // namespace

std::vector<MolecularDipole> molecular_dipoles(const Cell& cell, const Atoms& atoms, std::span<const Vec3> position_ang,
                                               std::span<const AssignedCentre> centres, std::span<const int> electrons) {
  require_sizes(atoms, position_ang, electrons);
  const std::size_t n = atoms.size();
  std::vector<std::vector<std::uint32_t>> bonded(n);
  for (const CovalentBond& bond : covalent_bonds(cell, atoms, position_ang)) {
    bonded[bond.first].push_back(bond.second);
    bonded[bond.second].push_back(bond.first);
  }
  constexpr double same_image_ang = 1e-3;
  std::vector<std::size_t> molecule_of(n, n);
  std::vector<Vec3> place(n);
  std::vector<MolecularDipole> molecules;
  for (std::uint32_t first = 0; first < n; ++first) {
    if (molecule_of[first] < n) continue;
    MolecularDipole molecule;
    molecule_of[first] = molecules.size();
    place[first] = position_ang[first];
    molecule.atoms = {first};
    for (std::size_t next = 0; next < molecule.atoms.size(); ++next) {
      const std::uint32_t i = molecule.atoms[next];
      for (const std::uint32_t j : bonded[i]) {
        const Vec3 beside = place[i] + cell.minimum_image(position_ang[j] - position_ang[i]);
        if (molecule_of[j] == n) {
          molecule_of[j] = molecules.size();
          place[j] = beside;
          molecule.atoms.push_back(j);
        } else if (norm(place[j] - beside) > same_image_ang) {
          molecule.whole = false;
        }
      }
    }
    std::sort(molecule.atoms.begin(), molecule.atoms.end());
    molecules.push_back(std::move(molecule));
  }
  std::vector<Vec3> centre_of_mass(molecules.size());
  for (std::size_t m = 0; m < molecules.size(); ++m) {
    double mass = 0;
    for (const std::uint32_t i : molecules[m].atoms) {
      molecules[m].charge += electrons[i];
      molecules[m].dipole_e_ang += static_cast<double>(electrons[i]) * place[i];
      centre_of_mass[m] += atoms.mass_amu[i] * place[i];
      mass += atoms.mass_amu[i];
    }
    centre_of_mass[m] *= 1 / mass;
  }
  for (const AssignedCentre& centre : centres) {
    MolecularDipole& molecule = molecules[molecule_of[centre.heavy]];
    molecule.charge -= 2;
    molecule.dipole_e_ang -= 2.0 * (place[centre.heavy] + centre.from_heavy_ang);
  }
  for (std::size_t m = 0; m < molecules.size(); ++m) molecules[m].dipole_e_ang -= static_cast<double>(molecules[m].charge) * centre_of_mass[m];
  return molecules;
}

std::vector<Vec3> gathered(const Cell& cell, std::span<const Vec3> position_ang) {
  const std::size_t n = position_ang.size();
  std::vector<Vec3> place(position_ang.begin(), position_ang.end()), beside(n);
  std::vector<double> distance(n, std::numeric_limits<double>::infinity());
  std::vector<bool> placed(n);
  for (std::size_t count = 0, i = 0; count < n; ++count) {
    placed[i] = true;
    std::size_t next = i;
    for (std::size_t j = 0; j < n; ++j) {
      if (placed[j]) continue;
      const Vec3 v = cell.minimum_image(position_ang[j] - position_ang[i]);
      if (const double d = norm2(v); d < distance[j]) {
        distance[j] = d;
        beside[j] = place[i] + v;
      }
      if (placed[next] || distance[j] < distance[next]) next = j;
    }
    if (next != i) place[next] = beside[next];
    i = next;
  }
  return place;
}

Vec3 total_dipole_e_ang(const Atoms& atoms, std::span<const Vec3> position_ang, std::span<const AssignedCentre> centres, std::span<const int> electrons) {
  require_sizes(atoms, position_ang, electrons);
  Vec3 dipole, centre_of_mass;
  double mass = 0;
  int charge = -2 * static_cast<int>(centres.size());
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    dipole += static_cast<double>(electrons[i]) * position_ang[i];
    centre_of_mass += atoms.mass_amu[i] * position_ang[i];
    mass += atoms.mass_amu[i];
    charge += electrons[i];
  }
  for (const AssignedCentre& centre : centres) dipole -= 2.0 * (position_ang[centre.heavy] + centre.from_heavy_ang);
  return dipole - (static_cast<double>(charge) / mass) * centre_of_mass;
}

}  // namespace saltus
