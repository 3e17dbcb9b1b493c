// The simulation cell: lattice vectors in ROWS (Å), periodic or not along each.
#pragma once

#include <array>
#include <limits>
#include <vector>

#include "saltus/base/vec3.hpp"

namespace saltus {

/// Position in units of the lattice vectors; not to be mixed with Cartesian positions.
struct Fractional {
  double a = 0, b = 0, c = 0;
};

class Cell {
 public:
  /// No periodicity at all: an isolated system. volume_ang3() is 0.
  Cell() = default;
  /// rows_ang: lattice vectors as rows. Throws Error{format} when not finite, or when periodic somewhere and singular.
  /// A row of zeros along a non-periodic axis is replaced by a unit vector normal to the others.
  explicit Cell(const Mat3& rows_ang, std::array<bool, 3> periodic = {true, true, true});

  const Mat3& rows_ang() const { return rows_; }
  const std::array<bool, 3>& periodic() const { return periodic_; }
  bool any_periodic() const { return periodic_[0] || periodic_[1] || periodic_[2]; }
  /// Whether lattice vectors were given (a non-periodic cell may have them too).
  bool has_vectors() const { return has_vectors_; }
  double volume_ang3() const;
  /// Distance between the two faces that the other two vectors span, in Å.
  double height_ang(int axis) const;

  Fractional to_fractional(const Vec3& position_ang) const;
  Vec3 to_cartesian(const Fractional& fractional) const;
  /// Lattice translation image·rows in Å.
  Vec3 translation_ang(const Int3& image) const;
  /// Position moved into the cell along the periodic axes; image receives what was subtracted.
  Vec3 wrap(const Vec3& position_ang, Int3* image = nullptr) const;
  /// The shortest vector equivalent to `displacement_ang`, right for skewed cells (reduces, rounds, tests the images around).
  Vec3 minimum_image(const Vec3& displacement_ang) const;
  /// Half the shortest lattice vector: the inscribed radius of the Wigner–Seitz cell; infinity if not periodic.
  double inscribed_radius_ang() const { return inscribed_radius_ang_; }

  bool operator==(const Cell& other) const { return rows_ == other.rows_ && periodic_ == other.periodic_; }

 private:
  Mat3 rows_ = Mat3::identity();
  Mat3 inverse_ = Mat3::identity();
  std::array<bool, 3> periodic_{false, false, false};
  bool has_vectors_ = false;
  // Minimum image works in a reduced basis of the periodic directions.
  Mat3 reduced_rows_ = Mat3::identity();
  Mat3 reduced_inverse_ = Mat3::identity();
  std::vector<Vec3> reduced_translations_;
  double inscribed_radius_ang_ = std::numeric_limits<double>::infinity();
};

/// Cell repeated along its vectors.
Cell repeated(const Cell& cell, const Int3& repeats);

}  // namespace saltus
