// Which of many geometries a given one is: equality of atom positions modulo the lattice, within a tolerance. For frames that carry no
// label, as those that a force client prints in order of arrival.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "saltus/atoms/frame.hpp"

namespace saltus {

class GeometryMatcher {
 public:
  /// cell           of the geometries sought, where all have the same; another one may be given to find(), which then is slower
  /// sought_ang     [geometries][atoms], each of the same number of atoms
  /// tolerance_ang  largest distance between two positions of an atom that are called equal
  GeometryMatcher(const Cell& cell, std::vector<std::vector<Vec3>> sought_ang, double tolerance_ang);

  /// Indices, ascending, of the sought geometries that equal `position_ang` modulo the lattice of `cell`.
  std::vector<std::size_t> find(const Cell& cell, std::span<const Vec3> position_ang) const;

 private:
  double signature(std::span<const Vec3> position_ang) const;

  Cell cell_;
  std::vector<std::vector<Vec3>> sought_;
  double tolerance_ang_, signature_tolerance_ = 0;
  std::vector<std::pair<double, std::size_t>> by_signature_;  // ascending
};

}  // namespace saltus
