// Frames of units of three atoms, water molecules or O H O, turned at random on a grid in a skewed cell.
#pragma once

#include <cmath>
#include <memory>

#include "saltus/atoms/frame.hpp"
#include "saltus/base/random.hpp"

namespace saltus {

inline Vec3 random_vector(Random& random) { return {random.normal(), random.normal(), random.normal()}; }

/// `others` of the unit's first atom, relative to it, in the plane of x and y.
inline Frame units_in_a_skewed_cell(const Vec3& second, const Vec3& third, std::vector<std::uint8_t> elements, double length_ang, double noise_ang, std::uint64_t seed) {
  Random random(seed, 7);
  Frame frame;
  frame.cell = Cell(Mat3{{Vec3{length_ang, 0, 0}, Vec3{0.3 * length_ang, 0.95 * length_ang, 0}, Vec3{-0.2 * length_ang, 0.25 * length_ang, length_ang}}});
  std::vector<std::uint8_t> atomic_number;
  for (int k = 0; k < 8; ++k) {
    const Vec3 origin = frame.cell.to_cartesian({0.5 * (k & 1) + 0.1, 0.5 * (k >> 1 & 1) + 0.1, 0.5 * (k >> 2) + 0.1});
    Vec3 x = random_vector(random);
    x *= 1 / norm(x);
    Vec3 y = cross(x, random_vector(random));
    y *= 1 / norm(y);
    for (const Vec3& r : {Vec3{}, second, third}) frame.position_ang.push_back(origin + r.x * x + r.y * y + noise_ang * random_vector(random));
    atomic_number.insert(atomic_number.end(), elements.begin(), elements.end());
  }
  frame.atoms = std::make_shared<const Atoms>(atoms_of(atomic_number));
  return frame;
}

inline Frame water_crowd(std::uint64_t seed) { return units_in_a_skewed_cell({0.94, 0, 0}, {-0.28, 0.9, 0}, {8, 1, 1}, 6.6, 0.05, seed); }

inline Frame shared_proton_crowd(std::uint64_t seed) { return units_in_a_skewed_cell({1.05, 0.1, 0}, {2.5, 0, 0}, {8, 1, 8}, 9, 0.05, seed); }

}  // namespace saltus
