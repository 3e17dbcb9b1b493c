#include "saltus/io/restricted_cell.hpp"

#include "saltus/base/error.hpp"

namespace saltus {

RestrictedCell restricted_cell(const Mat3& rows) {
  const Vec3 &a = rows[0], &b = rows[1], &c = rows[2];
  const double volume_ang3 = determinant(rows);
  if (!(volume_ang3 > 0))
    throw Error(ErrorKind::usage, "the lattice vectors are left-handed; exchange two of them (and the fractional coordinates) first");
  if (a.y == 0 && a.z == 0 && b.z == 0 && a.x > 0 && b.y > 0 && c.z > 0) return {rows, Mat3::identity(), false};
  const Vec3 x = a / norm(a), along = b - dot(b, x) * x, y = along / norm(along), z = cross(x, y);
  const Mat3 rotation = transpose({{x, y, z}});
  // What is zero by construction is not left to rounding.
  return {{{Vec3{norm(a), 0, 0}, Vec3{dot(b, x), dot(b, y), 0}, Vec3{dot(c, x), dot(c, y), dot(c, z)}}}, rotation, true};
}

}  // namespace saltus
