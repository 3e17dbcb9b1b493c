#include "saltus/atoms/frame.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

Atoms atoms_of(std::vector<std::uint8_t> atomic_number) {
  Atoms atoms;
  atoms.mass_amu.reserve(atomic_number.size());
  for (const auto z : atomic_number) atoms.mass_amu.push_back(standard_mass_amu(z));
  atoms.atomic_number = std::move(atomic_number);
  return atoms;
}

Atoms atoms_at(const Atoms& atoms, const std::vector<std::uint32_t>& indices) {
  const auto take = [&](const auto& from, auto& into) {
    if (!from.empty())
      for (const std::uint32_t i : indices) into.push_back(from[i]);
  };
  for (const std::uint32_t i : indices)
    if (i >= atoms.size()) throw Error(ErrorKind::usage, fmt::format("there is no atom {}: there are {} atoms, counted from 0", i, atoms.size()));
  Atoms kept;
  take(atoms.atomic_number, kept.atomic_number);
  take(atoms.mass_amu, kept.mass_amu);
  if (!atoms.labels) return kept;
  AtomLabels labels;
  take(atoms.labels->atom_name, labels.atom_name);
  take(atoms.labels->residue_name, labels.residue_name);
  take(atoms.labels->residue, labels.residue);
  kept.labels = std::make_shared<const AtomLabels>(std::move(labels));
  return kept;
}

std::string formula(const Atoms& atoms) {
  std::map<int, std::size_t> count;
  for (const auto z : atoms.atomic_number) ++count[z];
  std::string text;
  for (const auto& [z, n] : count) {
    text += symbol_of(z);
    if (n > 1) text += std::to_string(n);
  }
  return text;
}

Frame repeated(const Frame& frame, const Int3& repeats) {
  for (int axis = 0; axis < 3; ++axis) {
    const int n = repeats[static_cast<std::size_t>(axis)];
    if (n < 1) throw Error(ErrorKind::usage, fmt::format("supercell repeats must be at least 1, not {}", n));
    if (n > 1 && !frame.cell.periodic()[static_cast<std::size_t>(axis)])
      throw Error(ErrorKind::usage, fmt::format("cannot repeat along lattice vector {}: it is not periodic", axis + 1));
  }
  Frame result;
  result.cell = repeated(frame.cell, repeats);
  result.step = frame.step;
  result.time_fs = frame.time_fs;
  result.bead = frame.bead;
  std::vector<std::uint32_t> source;
  for (int a = 0; a < repeats[0]; ++a)
    for (int b = 0; b < repeats[1]; ++b)
      for (int c = 0; c < repeats[2]; ++c) {
        const Vec3 shift = frame.cell.translation_ang({a, b, c});
        for (std::size_t i = 0; i < frame.size(); ++i) {
          source.push_back(static_cast<std::uint32_t>(i));
          result.position_ang.push_back(frame.position_ang[i] + shift);
          if (!frame.velocity_ang_fs.empty()) result.velocity_ang_fs.push_back(frame.velocity_ang_fs[i]);
        }
      }
  result.atoms = std::make_shared<const Atoms>(atoms_at(*frame.atoms, source));
  return result;
}

Frame without_atoms(const Frame& frame, const std::vector<std::size_t>& removed) {
  std::vector<bool> gone(frame.size(), false);
  for (const std::size_t i : removed) {
    if (i >= frame.size())
      throw Error(ErrorKind::usage,
                  fmt::format("cannot remove atom {}: there are {} atoms, counted from 0", i, frame.size()));
    if (gone[i]) throw Error(ErrorKind::usage, fmt::format("atom {} is named twice among the atoms to remove", i));
    gone[i] = true;
  }
  Frame result;
  result.cell = frame.cell;
  result.step = frame.step;
  result.time_fs = frame.time_fs;
  result.bead = frame.bead;
  std::vector<std::uint32_t> kept;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    if (gone[i]) continue;
    kept.push_back(static_cast<std::uint32_t>(i));
    result.position_ang.push_back(frame.position_ang[i]);
    if (!frame.velocity_ang_fs.empty()) result.velocity_ang_fs.push_back(frame.velocity_ang_fs[i]);
  }
  result.atoms = std::make_shared<const Atoms>(atoms_at(*frame.atoms, kept));
  return result;
}

void keep_only(Frame& frame, const std::vector<std::uint32_t>& indices, std::shared_ptr<const Atoms> kept) {
  const auto thin = [&](std::vector<Vec3>& field) {
    if (field.empty()) return;
    for (std::size_t k = 0; k < indices.size(); ++k) field[k] = field[indices[k]];
    field.resize(indices.size());
  };
  thin(frame.position_ang);
  thin(frame.velocity_ang_fs);
  thin(frame.force_ev_ang);
  frame.energy_ev.reset();
  frame.virial_ev.reset();
  frame.atoms = std::move(kept);
}

}  // namespace saltus
