// 3×3 tensors of transport: the few operations the estimators need.
#pragma once

#include "saltus/base/vec3.hpp"

namespace saltus::kinetics {

inline double trace(const Mat3& m) { return m[0].x + m[1].y + m[2].z; }
inline Mat3 scaled(const Mat3& m, double s) { return {{s * m[0], s * m[1], s * m[2]}}; }
/// a + s·b
inline Mat3 sum(const Mat3& a, const Mat3& b, double s = 1) {
  return {{a[0] + s * b[0], a[1] + s * b[1], a[2] + s * b[2]}};
}
inline Mat3 symmetric_part(const Mat3& m) { return scaled(sum(m, transpose(m)), 0.5); }

}  // namespace saltus::kinetics
