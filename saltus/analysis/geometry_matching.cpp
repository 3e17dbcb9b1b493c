#include "saltus/analysis/geometry_matching.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace saltus {

GeometryMatcher::GeometryMatcher(const Cell& cell, std::vector<std::vector<Vec3>> sought_ang, double tolerance_ang)
    : cell_(cell), sought_(std::move(sought_ang)), tolerance_ang_(tolerance_ang) {
  const double atoms = sought_.empty() ? 0 : static_cast<double>(sought_.front().size());
  // |Δ signature| ≤ Σ over atoms and axes of weight (at most 3)·2π·|Δ fraction|, and |Δ fraction| ≤ |Δr| / height of the cell.
  double slope = 0;
  for (int axis = 0; axis < 3; ++axis)
    slope += cell_.periodic()[static_cast<std::size_t>(axis)] ? 2 * std::numbers::pi / cell_.height_ang(axis) : 1;
  signature_tolerance_ = 3 * atoms * slope * tolerance_ang_ + 1e-12 * atoms;
  for (std::size_t k = 0; k < sought_.size(); ++k) by_signature_.emplace_back(signature(sought_[k]), k);
  std::sort(by_signature_.begin(), by_signature_.end());
}

// A number that lattice translations of an atom do not change, and that varies smoothly with the positions.
double GeometryMatcher::signature(std::span<const Vec3> position_ang) const {
  double sum = 0;
  for (std::size_t i = 0; i < position_ang.size(); ++i) {
    const Fractional f = cell_.any_periodic() ? cell_.to_fractional(position_ang[i]) : Fractional{};
    const double fraction[] = {f.a, f.b, f.c};
    for (int axis = 0; axis < 3; ++axis) {
      const double weight = 1 + static_cast<double>((i + static_cast<std::size_t>(axis)) % 3);
      sum += weight * (cell_.periodic()[static_cast<std::size_t>(axis)] ? std::sin(2 * std::numbers::pi * fraction[axis] + 1 + axis) : position_ang[i][axis]);
    }
  }
  return sum;
}

std::vector<std::size_t> GeometryMatcher::find(const Cell& cell, std::span<const Vec3> position_ang) const {
  auto first = by_signature_.begin(), last = by_signature_.end();
  if (cell == cell_) {
    const double here = signature(position_ang);
    first = std::lower_bound(first, last, std::pair(here - signature_tolerance_, std::size_t{0}));
    last = std::upper_bound(first, last, std::pair(here + signature_tolerance_, sought_.size()));
  }
  std::vector<std::size_t> equal;
  for (; first != last; ++first) {
    const auto& sought = sought_[first->second];
    bool same = sought.size() == position_ang.size();
    for (std::size_t i = 0; same && i < sought.size(); ++i)
      same = norm2(cell.minimum_image(sought[i] - position_ang[i])) <= tolerance_ang_ * tolerance_ang_;
    if (same) equal.push_back(first->second);
  }
  std::sort(equal.begin(), equal.end());
  return equal;
}

}  // namespace saltus
