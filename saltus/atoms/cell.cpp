#include "saltus/atoms/cell.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

// Pairwise (Gauss–Minkowski) reduction of the periodic vectors: subtracts integer multiples while that shortens.
void reduce(std::vector<Vec3>& vectors) {
  bool changed = true;
  for (int sweep = 0; changed && sweep < 1000; ++sweep) {
    changed = false;
    std::sort(vectors.begin(), vectors.end(), [](const Vec3& a, const Vec3& b) { return norm2(a) < norm2(b); });
    for (std::size_t i = 1; i < vectors.size(); ++i) {
      Vec3 best = vectors[i];
      // Closest lattice point of the shorter vectors: rounded projection and its surroundings.
      std::vector<Vec3> shorter(vectors.begin(), vectors.begin() + static_cast<std::ptrdiff_t>(i));
      for (int pass = 0; pass < 2; ++pass)
        for (const Vec3& v : shorter) best -= std::round(dot(best, v) / norm2(v)) * v;
      if (shorter.size() == 2) {
        const Vec3 base = best;
        for (int p = -1; p <= 1; ++p)
          for (int q = -1; q <= 1; ++q) {
            const Vec3 trial = base + p * shorter[0] + q * shorter[1];
            if (norm2(trial) < norm2(best)) best = trial;
          }
      }
      if (norm2(best) < norm2(vectors[i]) * (1 - 1e-12)) {
        vectors[i] = best;
        changed = true;
        break;
      }
    }
  }
}

}  // namespace

Cell::Cell(const Mat3& rows_ang, std::array<bool, 3> periodic) : rows_(rows_ang), periodic_(periodic), has_vectors_(true) {
  for (int i = 0; i < 3; ++i)
    if (!is_finite(rows_[i])) throw Error(ErrorKind::format, "lattice vectors must be finite");
  for (int i = 0; i < 3; ++i) {
    if (periodic_[static_cast<std::size_t>(i)] || norm2(rows_[i]) > 0) continue;
    Vec3 normal = cross(rows_[(i + 1) % 3], rows_[(i + 2) % 3]);
    if (norm2(normal) == 0)  // at most one other vector is given: any direction off it will do
      for (int axis = 0; axis < 3 && norm2(normal) == 0; ++axis) {
        Vec3 unit;
        unit[axis] = 1;
        const Vec3 other = norm2(rows_[(i + 1) % 3]) > 0 ? rows_[(i + 1) % 3] : rows_[(i + 2) % 3];
        normal = norm2(other) > 0 ? cross(unit, other) : unit;
      }
    rows_[i] = normal / norm(normal);
  }
  const double scale = norm(rows_[0]) * norm(rows_[1]) * norm(rows_[2]);
  const double volume = std::abs(determinant(rows_));
  if (!std::isfinite(scale) || !(volume > 1e-9 * scale))
    throw Error(ErrorKind::format, "the lattice is singular: its vectors are (nearly) linearly dependent");
  inverse_ = inverse(rows_);

  std::vector<Vec3> vectors;
  std::vector<int> free_axes;
  for (int i = 0; i < 3; ++i) {
    if (periodic_[static_cast<std::size_t>(i)]) vectors.push_back(rows_[i]);
    else free_axes.push_back(i);
  }
  if (vectors.empty()) {
    inscribed_radius_ang_ = std::numeric_limits<double>::infinity();
    return;
  }
  reduce(vectors);
  inscribed_radius_ang_ = norm(vectors[0]) / 2;
  const int count = static_cast<int>(vectors.size());
  // Fill the free directions with unit vectors normal to the periodic ones, so that rounding ignores them.
  Mat3 full;
  for (int i = 0; i < count; ++i) full[i] = vectors[static_cast<std::size_t>(i)];
  if (count == 2) full[2] = cross(full[0], full[1]) / norm(cross(full[0], full[1]));
  if (count == 1) {
    Vec3 unit{1, 0, 0};
    if (std::abs(full[0].x) > 0.9 * norm(full[0])) unit = {0, 1, 0};
    full[1] = cross(full[0], unit) / norm(cross(full[0], unit));
    full[2] = cross(full[0], full[1]) / norm(cross(full[0], full[1]));
  }
  reduced_rows_ = full;
  reduced_inverse_ = inverse(full);
  for (int p = -1; p <= 1; ++p)
    for (int q = -(count > 1); q <= (count > 1); ++q)
      for (int r = -(count > 2); r <= (count > 2); ++r)
        if (p != 0 || q != 0 || r != 0)
          reduced_translations_.push_back(p * full[0] + (count > 1 ? q * full[1] : Vec3{}) +
                                          (count > 2 ? r * full[2] : Vec3{}));
}

double Cell::volume_ang3() const { return has_vectors_ ? std::abs(determinant(rows_)) : 0; }

double Cell::height_ang(int axis) const {
  const Vec3 face = cross(rows_[(axis + 1) % 3], rows_[(axis + 2) % 3]);
  return std::abs(determinant(rows_)) / norm(face);
}

Fractional Cell::to_fractional(const Vec3& position_ang) const {
  const Vec3 f = position_ang * inverse_;
  return {f.x, f.y, f.z};
}

Vec3 Cell::to_cartesian(const Fractional& f) const { return Vec3{f.a, f.b, f.c} * rows_; }

Vec3 Cell::translation_ang(const Int3& image) const {
  return static_cast<double>(image[0]) * rows_[0] + static_cast<double>(image[1]) * rows_[1] +
         static_cast<double>(image[2]) * rows_[2];
}

Vec3 Cell::wrap(const Vec3& position_ang, Int3* image) const {
  const Vec3 f = position_ang * inverse_;
  Int3 shift{};
  for (int axis = 0; axis < 3; ++axis)
    if (periodic_[static_cast<std::size_t>(axis)]) shift[static_cast<std::size_t>(axis)] = static_cast<int>(std::floor(f[axis]));
  if (image) *image = shift;
  return position_ang - translation_ang(shift);
}

Vec3 Cell::minimum_image(const Vec3& displacement_ang) const {
  if (!any_periodic()) return displacement_ang;
  const Vec3 f = displacement_ang * reduced_inverse_;
  const int count = periodic_[0] + periodic_[1] + periodic_[2];
  Vec3 start = displacement_ang;
  for (int i = 0; i < count; ++i) start -= std::round(f[i]) * reduced_rows_[i];
  // Within the inscribed radius nothing can be shorter.
  if (norm2(start) <= inscribed_radius_ang_ * inscribed_radius_ang_ * (1 - 1e-12)) return start;
  Vec3 best = start;
  for (const Vec3& t : reduced_translations_)
    if (norm2(start + t) < norm2(best)) best = start + t;
  return best;
}

Cell repeated(const Cell& cell, const Int3& repeats) {
  if (!cell.has_vectors()) return cell;
  Mat3 rows = cell.rows_ang();
  for (int i = 0; i < 3; ++i) rows[i] *= static_cast<double>(repeats[static_cast<std::size_t>(i)]);
  return Cell(rows, cell.periodic());
}

}  // namespace saltus
