// Coordinates along a direction of a cell, and how they repeat.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "saltus/atoms/cell.hpp"

namespace saltus {

/// A direction: the normal of the plane that two lattice vectors span, on the side of the third, in whatever cell the frame has; or fixed.
struct SurfaceNormal {
  int axis = 2;                   ///< of the third vector
  std::optional<Vec3> direction;  ///< fixed, of any length; none: as `axis` says
};

/// "a", "b" or "c" (normal of the plane of the other two vectors), "x", "y" or "z", or three numbers "0,0,1". Throws Error{usage}.
SurfaceNormal surface_normal_from(std::string_view text);

/// The coordinate z = unit · r. Images of a point lie whole periods apart along it.
struct NormalCoordinate {
  Vec3 unit;
  double period_ang = 0;  ///< 0: does not repeat
};

/// Throws Error{usage} for a direction of no length, an axis without lattice vectors, or a direction along which images lie closer than
/// 1 Å: then it is the normal of no lattice plane, and where a molecule is along it means nothing.
NormalCoordinate normal_coordinate(const Cell& cell, const SurfaceNormal& normal);

/// Makes a group whole: the whole number to add to each coordinate (in units of the period), so that the widest stretch without atoms
/// lies outside. Throws Error{usage} when two such stretches are equally wide within 1 Å or none is 2 Å wide: then the group has no
/// position along the period.
std::vector<double> images_of_group(std::span<const double> coordinate, double period_ang);

}  // namespace saltus
