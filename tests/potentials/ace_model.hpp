// A small random ACE model of lithium and silicon, for tests.
#pragma once

#include <span>

#include "saltus/base/random.hpp"
#include "saltus/potentials/ace.hpp"

namespace saltus {

inline AceParameters random_ace(std::uint64_t seed, int body_order = 4) {
  AceParameters p;
  p.basis = {4.5, body_order, 6, 6, 3, 4, 2};
  p.elements = {3, 14};
  p.reference_energy_ev = {-1.5, -100.25};
  for (int k = 0; k < 4; ++k) {
    p.radial.push_back(default_radial_pair(4.5, k == 3 ? 2.3 : 2.0));
    p.repulsion_end_ang.push_back(2.5 + 0.2 * k);
  }
  p.repulsion_end_ang[2] = p.repulsion_end_ang[1];
  Random random(seed, 0);
  const AceBasis basis = make_ace_basis(p.basis, 2);
  for (int s = 0; s < 2; ++s) {
    p.coefficient_ev.emplace_back();
    for (std::size_t f = 0; f < basis.size(); ++f) p.coefficient_ev.back().push_back(0.05 * random.normal() / roughness(basis.function[f]));
  }
  return p;
}

/// Atoms of a small skewed cell, no two closer than about 1.6 Å.
inline Frame skewed_cell(std::uint64_t seed) {
  Random random(seed, 1);
  Frame frame;
  frame.cell = Cell(Mat3{{Vec3{5.1, 0, 0}, Vec3{1.7, 4.8, 0}, Vec3{-1.1, 0.9, 5.4}}});
  std::vector<std::uint8_t> z;
  while (frame.position_ang.size() < 7) {
    const Vec3 trial = frame.cell.to_cartesian({random.uniform(), random.uniform(), random.uniform()});
    bool apart = true;
    for (const Vec3& r : frame.position_ang) apart = apart && norm(frame.cell.minimum_image(trial - r)) > 1.6;
    if (!apart) continue;
    frame.position_ang.push_back(trial);
    z.push_back(z.size() % 3 == 2 ? 14 : 3);
  }
  frame.atoms = std::make_shared<const Atoms>(atoms_of(z));
  return frame;
}

/// The same cell, several images of each neighbour within the cutoff, with as many of these elements as fit.
inline Frame crowd_of(std::span<const std::uint8_t> elements, std::uint64_t seed) {
  Frame frame = skewed_cell(seed);
  Atoms atoms = *frame.atoms;
  for (std::size_t i = 0; i < atoms.size(); ++i) atoms.atomic_number[i] = elements[(i * 5 + i / 3) % elements.size()];
  frame.atoms = std::make_shared<const Atoms>(atoms);
  return frame;
}

}  // namespace saltus
