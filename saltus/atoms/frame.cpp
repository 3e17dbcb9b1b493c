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
  Atoms atoms;
  for (int a = 0; a < repeats[0]; ++a)
    for (int b = 0; b < repeats[1]; ++b)
      for (int c = 0; c < repeats[2]; ++c) {
        const Vec3 shift = frame.cell.translation_ang({a, b, c});
        for (std::size_t i = 0; i < frame.size(); ++i) {
          atoms.atomic_number.push_back(frame.atoms->atomic_number[i]);
          atoms.mass_amu.push_back(frame.atoms->mass_amu[i]);
          result.position_ang.push_back(frame.position_ang[i] + shift);
          if (!frame.velocity_ang_fs.empty()) result.velocity_ang_fs.push_back(frame.velocity_ang_fs[i]);
        }
      }
  result.atoms = std::make_shared<const Atoms>(std::move(atoms));
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
  Atoms atoms;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    if (gone[i]) continue;
    atoms.atomic_number.push_back(frame.atoms->atomic_number[i]);
    atoms.mass_amu.push_back(frame.atoms->mass_amu[i]);
    result.position_ang.push_back(frame.position_ang[i]);
    if (!frame.velocity_ang_fs.empty()) result.velocity_ang_fs.push_back(frame.velocity_ang_fs[i]);
  }
  result.atoms = std::make_shared<const Atoms>(std::move(atoms));
  return result;
}

}  // namespace saltus
