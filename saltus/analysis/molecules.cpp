#include "saltus/analysis/molecules.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "saltus/analysis/covalent_bonds.hpp"
#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

namespace {

// Bonded atoms of each atom: those of atom i at first[i] … first[i+1]−1.
struct BondTable {
  std::vector<std::uint32_t> first, partner;
};

BondTable bond_table(const Frame& frame) {
  const auto bonds = covalent_bonds(frame.cell, *frame.atoms, frame.position_ang);
  BondTable table;
  table.first.assign(frame.size() + 1, 0);
  for (const CovalentBond& bond : bonds) ++table.first[bond.first + 1], ++table.first[bond.second + 1];
  std::partial_sum(table.first.begin(), table.first.end(), table.first.begin());
  table.partner.resize(table.first.back());
  std::vector<std::uint32_t> next(table.first.begin(), table.first.end() - 1);
  for (const CovalentBond& bond : bonds) {
    table.partner[next[bond.first]++] = bond.second;
    table.partner[next[bond.second]++] = bond.first;
  }
  return table;
}

std::vector<std::uint32_t> connected(const BondTable& bonds) {
  const auto n = static_cast<std::uint32_t>(bonds.first.size() - 1);
  std::vector<std::uint32_t> molecule(n, no_atom), queue;
  std::uint32_t count = 0;
  for (std::uint32_t start = 0; start < n; ++start) {
    if (molecule[start] != no_atom) continue;
    queue.assign(1, start);
    molecule[start] = count;
    for (std::size_t k = 0; k < queue.size(); ++k)
      for (std::uint32_t p = bonds.first[queue[k]]; p < bonds.first[queue[k] + 1]; ++p)
        if (const std::uint32_t other = bonds.partner[p]; molecule[other] == no_atom) {
          molecule[other] = count;
          queue.push_back(other);
        }
    ++count;
  }
  return molecule;
}

std::vector<std::uint32_t> residues(const Atoms& atoms) {
  if (!atoms.labels || (atoms.labels->residue.empty() && atoms.labels->residue_name.empty()))
    throw Error(ErrorKind::usage, "the file names no residues; molecules can be found by covalent bonds");
  const AtomLabels& labels = *atoms.labels;
  const auto differ = [](const auto& names, std::size_t i) { return !names.empty() && names[i] != names[i - 1]; };
  std::vector<std::uint32_t> molecule(atoms.size(), 0);
  for (std::size_t i = 1; i < atoms.size(); ++i)
    molecule[i] = molecule[i - 1] + (differ(labels.residue, i) || differ(labels.residue_name, i) ? 1 : 0);
  return molecule;
}

}  // namespace

std::vector<std::uint32_t> molecule_of_each_atom(const Frame& frame, MoleculeRule rule) {
  if (rule == MoleculeRule::residues) return residues(*frame.atoms);
  if (rule == MoleculeRule::bonds) return connected(bond_table(frame));
  std::vector<std::uint32_t> own(frame.size());
  std::iota(own.begin(), own.end(), 0u);
  return own;
}

std::vector<std::string> molecule_formulas(const Atoms& atoms, std::span<const std::uint32_t> molecule_of_atom) {
  std::vector<Atoms> molecules;
  for (std::size_t i = 0; i < molecule_of_atom.size(); ++i) {
    if (molecule_of_atom[i] >= molecules.size()) molecules.resize(molecule_of_atom[i] + 1);
    molecules[molecule_of_atom[i]].atomic_number.push_back(atoms.atomic_number[i]);
  }
  std::vector<std::string> formulas;
  for (const Atoms& molecule : molecules) formulas.push_back(formula(molecule));
  return formulas;
}

MoleculeGroups molecules_of(const Frame& frame, std::span<const std::uint32_t> selected, MoleculeRule rule) {
  const std::size_t n = frame.size();
  std::vector<bool> kept(n, false);
  for (const std::uint32_t i : selected) {
    if (i >= n) throw Error(ErrorKind::usage, fmt::format("atom {} is selected, but there are {} atoms, counted from 0", i, n));
    kept[i] = true;
  }
  MoleculeGroups groups;
  groups.first.push_back(0);
  const auto close = [&] {
    double mass = 0;
    for (std::size_t k = groups.first.back(); k < groups.atom.size(); ++k) mass += frame.atoms->mass_amu[groups.atom[k]];
    for (std::size_t k = groups.first.back(); k < groups.atom.size(); ++k) groups.weight.push_back(frame.atoms->mass_amu[groups.atom[k]] / mass);
    groups.first.push_back(static_cast<std::uint32_t>(groups.atom.size()));
  };
  const auto add = [&](std::uint32_t atom, std::uint32_t from) {
    groups.atom.push_back(atom);
    groups.from.push_back(from);
    return static_cast<std::uint32_t>(groups.atom.size() - 1);
  };
  if (rule == MoleculeRule::atoms) {
    for (std::uint32_t i = 0; i < n; ++i)
      if (kept[i]) add(i, static_cast<std::uint32_t>(groups.atom.size())), close();
    return groups;
  }
  const BondTable bonds = bond_table(frame);
  const std::vector<std::uint32_t> molecule = rule == MoleculeRule::bonds ? connected(bonds) : residues(*frame.atoms);
  std::vector<std::vector<std::uint32_t>> selected_of(molecule.empty() ? 0 : *std::max_element(molecule.begin(), molecule.end()) + 1);
  for (std::uint32_t i = 0; i < n; ++i)
    if (kept[i]) selected_of[molecule[i]].push_back(i);
  std::vector<std::uint32_t> anchor(n, no_atom);  // of atoms reached: place of the selected atom nearest to the root
  std::vector<std::uint32_t> queue;
  for (const auto& members : selected_of) {
    if (members.empty()) continue;
    const auto root = static_cast<std::uint32_t>(groups.atom.size());
    queue.assign(1, members[0]);
    anchor[members[0]] = add(members[0], root);
    for (std::size_t k = 0; k < queue.size(); ++k)
      for (std::uint32_t p = bonds.first[queue[k]]; p < bonds.first[queue[k] + 1]; ++p) {
        const std::uint32_t other = bonds.partner[p];
        if (anchor[other] != no_atom || molecule[other] != molecule[members[0]]) continue;
        anchor[other] = kept[other] ? add(other, anchor[queue[k]]) : anchor[queue[k]];
        queue.push_back(other);
      }
    for (const std::uint32_t i : members)  // of a residue, atoms that no bond reaches
      if (anchor[i] == no_atom) anchor[i] = add(i, root);
    close();
  }
  return groups;
}

std::vector<Vec3> molecule_points(const MoleculeGroups& molecules, const Cell& cell, std::span<const Vec3> r) {
  std::vector<Vec3> points(molecules.size());
  std::vector<Vec3> offset;  // of each atom from the first of its molecule
  for (std::size_t m = 0; m < molecules.size(); ++m) {
    const std::size_t begin = molecules.first[m], end = molecules.first[m + 1];
    offset.assign(end - begin, Vec3{});
    Vec3 centre;
    for (std::size_t k = begin + 1; k < end; ++k) {
      const std::size_t from = molecules.from[k];
      offset[k - begin] = offset[from - begin] + cell.minimum_image(r[molecules.atom[k]] - r[molecules.atom[from]]);
      centre += molecules.weight[k] * offset[k - begin];
    }
    points[m] = r[molecules.atom[begin]] + centre;
    if (!is_finite(points[m])) throw Error(ErrorKind::numeric, fmt::format("the position of molecule {} (of atom {}, counted from 0) is not finite", m, molecules.atom[begin]));
  }
  return points;
}

std::vector<MolecularAxis> hydrogen_axes(const Frame& frame, const MoleculeGroups& molecules, AxisRule rule) {
  const BondTable bonds = bond_table(frame);
  std::vector<MolecularAxis> axes;
  for (std::uint32_t m = 0; m < molecules.size(); ++m)
    for (std::uint32_t k = molecules.first[m]; k < molecules.first[m + 1]; ++k) {
      const std::uint32_t origin = molecules.atom[k];
      if (frame.atoms->atomic_number[origin] == 1) continue;
      MolecularAxis axis{m, origin, {}};
      for (std::uint32_t p = bonds.first[origin]; p < bonds.first[origin + 1]; ++p)
        if (const std::uint32_t h = bonds.partner[p]; frame.atoms->atomic_number[h] == 1) axis.towards.push_back(h);
      if (axis.towards.empty()) continue;
      if (rule == AxisRule::bisector) axes.push_back(std::move(axis));
      else
        for (const std::uint32_t h : axis.towards) axes.push_back({m, origin, {h}});
    }
  if (axes.empty()) throw Error(ErrorKind::usage, fmt::format("none of {} molecules has an atom with hydrogens whose direction could be followed", molecules.size()));
  return axes;
}

std::vector<Vec3> axis_directions(std::span<const MolecularAxis> axes, const Cell& cell, std::span<const Vec3> r) {
  std::vector<Vec3> directions;
  directions.reserve(axes.size());
  for (const MolecularAxis& axis : axes) {
    Vec3 sum;
    for (const std::uint32_t h : axis.towards) sum += cell.minimum_image(r[h] - r[axis.origin]);
    if (!(norm(sum) > 1e-6) || !is_finite(sum)) throw Error(ErrorKind::numeric, fmt::format("atom {} (counted from 0) and its hydrogens point nowhere", axis.origin));
    directions.push_back(sum / norm(sum));
  }
  return directions;
}

}  // namespace saltus
