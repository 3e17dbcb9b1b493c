// Three-vectors and 3×3 matrices (rows), plain values.
#pragma once

#include <array>
#include <cmath>

namespace saltus {

struct Vec3 {
  double x = 0, y = 0, z = 0;

  double& operator[](int axis) { return axis == 0 ? x : axis == 1 ? y : z; }
  double operator[](int axis) const { return axis == 0 ? x : axis == 1 ? y : z; }
  Vec3& operator+=(const Vec3& b) { x += b.x; y += b.y; z += b.z; return *this; }
  Vec3& operator-=(const Vec3& b) { x -= b.x; y -= b.y; z -= b.z; return *this; }
  Vec3& operator*=(double s) { x *= s; y *= s; z *= s; return *this; }
  bool operator==(const Vec3&) const = default;
};

inline Vec3 operator+(Vec3 a, const Vec3& b) { return a += b; }
inline Vec3 operator-(Vec3 a, const Vec3& b) { return a -= b; }
inline Vec3 operator-(const Vec3& a) { return {-a.x, -a.y, -a.z}; }
inline Vec3 operator*(double s, Vec3 a) { return a *= s; }
inline Vec3 operator*(Vec3 a, double s) { return a *= s; }
inline Vec3 operator/(Vec3 a, double s) { return a *= 1 / s; }
inline double dot(const Vec3& a, const Vec3& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vec3 cross(const Vec3& a, const Vec3& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline double norm2(const Vec3& a) { return dot(a, a); }
inline double norm(const Vec3& a) { return std::sqrt(norm2(a)); }
inline bool is_finite(const Vec3& a) { return std::isfinite(a.x) && std::isfinite(a.y) && std::isfinite(a.z); }

/// Integer triple: cell images, grid indices.
using Int3 = std::array<int, 3>;

struct Mat3 {
  std::array<Vec3, 3> row{};

  static Mat3 identity() { return {{Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}}}; }
  Vec3& operator[](int i) { return row[static_cast<std::size_t>(i)]; }
  const Vec3& operator[](int i) const { return row[static_cast<std::size_t>(i)]; }
  Mat3& operator+=(const Mat3& b) {
    for (int i = 0; i < 3; ++i) (*this)[i] += b[i];
    return *this;
  }
  bool operator==(const Mat3&) const = default;
};

/// a ⊗ b
inline Mat3 outer(const Vec3& a, const Vec3& b) { return {{a.x * b, a.y * b, a.z * b}}; }
/// Row vector times matrix: v·M, as in fractional → Cartesian with lattice vectors in rows.
inline Vec3 operator*(const Vec3& v, const Mat3& m) { return v.x * m[0] + v.y * m[1] + v.z * m[2]; }
/// Matrix times column vector.
inline Vec3 operator*(const Mat3& m, const Vec3& v) { return {dot(m[0], v), dot(m[1], v), dot(m[2], v)}; }
inline Mat3 operator*(const Mat3& a, const Mat3& b) { return {{a[0] * b, a[1] * b, a[2] * b}}; }
inline double determinant(const Mat3& m) { return dot(m[0], cross(m[1], m[2])); }
inline Mat3 transpose(const Mat3& m) {
  return {{Vec3{m[0].x, m[1].x, m[2].x}, Vec3{m[0].y, m[1].y, m[2].y}, Vec3{m[0].z, m[1].z, m[2].z}}};
}
/// Inverse; the caller has checked that the determinant is not zero.
inline Mat3 inverse(const Mat3& m) {
  const double d = determinant(m);
  return transpose({{cross(m[1], m[2]) / d, cross(m[2], m[0]) / d, cross(m[0], m[1]) / d}});
}

}  // namespace saltus
