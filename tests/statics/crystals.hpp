// Crystals of the statics tests: face-centred cubic and others, bound by nearest neighbours alone or by Lennard-Jones argon.
#pragma once

#include <cmath>
#include <memory>

#include "saltus/atoms/frame.hpp"
#include "saltus/potentials/lennard_jones.hpp"

namespace saltus::test {

constexpr double epsilon_ev = 0.0103, sigma_ang = 3.4;

// Reaches the nearest neighbours only: switched off between 1.2 and 1.35 of their distance, before the second at 1.414.
inline LennardJones nearest_neighbor_argon() {
  const double nearest = std::pow(2.0, 1.0 / 6) * sigma_ang;
  return LennardJones({{{18, epsilon_ev, sigma_ang}}, 1.2 * nearest, 1.35 * nearest});
}

inline double nearest_distance_ang() { return std::pow(2.0, 1.0 / 6) * sigma_ang; }

// Second derivative of the pair energy at its minimum.
inline double pair_stiffness_ev_ang2() {
  const double r = nearest_distance_ang(), s6 = std::pow(sigma_ang / r, 6);
  return 4 * epsilon_ev * (156 * s6 * s6 - 42 * s6) / (r * r);
}

inline Frame fcc_cube(double nearest_ang, std::uint8_t element = 18) {
  const double a = std::sqrt(2.0) * nearest_ang;
  Frame cube;
  cube.cell = Cell(Mat3{{Vec3{a, 0, 0}, Vec3{0, a, 0}, Vec3{0, 0, a}}});
  cube.position_ang = {{0, 0, 0}, {0, a / 2, a / 2}, {a / 2, 0, a / 2}, {a / 2, a / 2, 0}};
  cube.atoms = std::make_shared<const Atoms>(atoms_of({element, element, element, element}));
  return cube;
}

inline Frame fcc_primitive(double nearest_ang) {
  const double h = nearest_ang / std::sqrt(2.0);
  Frame cell;
  cell.cell = Cell(Mat3{{Vec3{0, h, h}, Vec3{h, 0, h}, Vec3{h, h, 0}}});
  cell.position_ang = {{0, 0, 0}};
  cell.atoms = std::make_shared<const Atoms>(atoms_of({18}));
  return cell;
}

}  // namespace saltus::test
