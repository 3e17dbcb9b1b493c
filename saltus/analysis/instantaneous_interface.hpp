// The instantaneous interface of a rough or soft surface. A group of atoms is smeared out,
//   ρ(r) = Σ_i (2πξ²)^(−3/2) exp(−|r − r_i|²/2ξ²)      (cut at 4ξ),
// and the interface is where ρ equals a level: a height h(x, y) along the normal, the outermost on one side. The distance of a point from it is
// that along the local normal to first order,
//   d = (z − h(x, y)) / sqrt(1 + |∇h|²),
// positive towards the normal of the surface. Overhangs and droplets beyond the interface are not told apart from it.
// Reference: A. P. Willard and D. Chandler, J. Phys. Chem. B 114, 1954 (2010); ξ = 2.4 Å is theirs for water.
#pragma once

#include <span>
#include <vector>

#include "saltus/analysis/surface_normal.hpp"
#include "saltus/atoms/cell.hpp"

namespace saltus {

struct InterfaceSettings {
  double width_ang = 2.4;     ///< ξ
  double level_per_ang3 = 0;  ///< of ρ; 0: half of bulk_density_per_ang3() of the first frame
  bool upper = true;          ///< the side to which the normal points; false: the other one
};

/// Interface of one frame.
class InstantaneousInterface {
 public:
  /// Throws Error{usage} for a normal that is not a, b or c, a cell not periodic along the other two vectors, an empty group, a width or
  /// level that is not positive, or one that takes more than 10⁸ grid points; Error{numeric} where ρ nowhere reaches the level
  /// above some point of the plane, with how many such points there are. Errors of images_of_group().
  InstantaneousInterface(const Cell& cell, std::span<const Vec3> group_ang, const SurfaceNormal& normal, const InterfaceSettings& settings);

  double distance_ang(const Vec3& position_ang) const;
  /// h where a position is in the plane, in Å along the normal from the origin of the cell; of the image nearest to the position.
  double height_ang(const Vec3& position_ang) const;

 private:
  struct Local {
    double z = 0, height = 0, slope2 = 0;
  };
  Local local(const Vec3& position_ang) const;

  Vec3 unit_, along_a_, along_b_;  // normal; x and y axes in the plane
  double period_ = 0, centre_ = 0;
  double a_ = 0, b_x_ = 0, b_y_ = 0, c_u_ = 0, c_v_ = 0;  // lattice vectors in the plane; the third in units of them
  int count_a_ = 0, count_b_ = 0;
  std::vector<double> height_;  // [count_a][count_b]
};

/// Density of the inside of a group: p(z), the mean of ρ over the plane, is taken where it exceeds ∫p²/∫p, and of these values the median.
double bulk_density_per_ang3(const Cell& cell, std::span<const Vec3> group_ang, const SurfaceNormal& normal, double width_ang);

}  // namespace saltus
