// D as a tensor with what time blocks say of it: components, eigenvalues, axes.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "saltus/base/estimate.hpp"
#include "saltus/base/vec3.hpp"

namespace saltus::kinetics {

/// The components of a symmetric tensor in the order in which they are listed.
inline constexpr std::array<std::array<int, 2>, 6> tensor_components{{{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}}};

/// D as a tensor, components in the order xx, yy, zz, xy, xz, yz; intervals from the time blocks.
struct DiffusionTensor {
  std::array<Estimate, 6> component_ang2_fs;
  std::array<double, 6> block_error_ang2_fs{};  ///< standard errors
  std::array<double, 6> model_error_ang2_fs{};  ///< if particles moved independently
  /// Eigenvalues, largest first, with the interval of D along the axis found. Where they lie closer than their errors, the largest
  /// is too large and the smallest too small, as the extremes of equals are.
  std::array<Estimate, 3> eigenvalue_ang2_fs;
  std::array<Vec3, 3> axis;                     ///< unit vectors
  /// 95 % half angle in degrees that the axis is known to; none: an eigenvalue beside it is within the errors.
  std::array<std::optional<double>, 3> axis_error_degrees;
};

/// The tensor with intervals from its delete-one-block replicates [B], B >= 2: Student's t; D along an axis is not negative.
/// model_error_ang2_fs is left zero.
DiffusionTensor diffusion_tensor(const Mat3& tensor_ang2_fs, std::span<const Mat3> replicate_ang2_fs);

}  // namespace saltus::kinetics
