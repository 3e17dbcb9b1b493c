#include "saltus/kinetics/diffusion_tensor.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <Eigen/Eigenvalues>

#include "saltus/kinetics/distributions.hpp"
#include "saltus/kinetics/jackknife.hpp"

namespace saltus::kinetics {

namespace {

Vec3 vec3_of(const Eigen::Vector3d& v) { return {v(0), v(1), v(2)}; }

}  // namespace

DiffusionTensor diffusion_tensor(const Mat3& tensor, std::span<const Mat3> replicate) {
  DiffusionTensor result;
  std::vector<double> values(replicate.size());
  const auto along = [](const Mat3& m, const Vec3& a, const Vec3& b) { return dot(a, b * m); };
  for (std::size_t k = 0; k < 6; ++k) {
    const auto [i, j] = tensor_components[k];
    for (std::size_t b = 0; b < replicate.size(); ++b) values[b] = replicate[b][i][j];
    result.component_ang2_fs[k] = jackknife_estimate(tensor[i][j], values);
    result.block_error_ang2_fs[k] = jackknife_error(values);
    if (i == j) {
      Estimate& e = result.component_ang2_fs[k];
      e.low = std::max(e.low, std::min(0.0, e.value));
    }
  }
  Eigen::Matrix3d matrix;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) matrix(i, j) = tensor[i][j];
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> solver(matrix);
  for (std::size_t k = 0; k < 3; ++k) {
    Vec3& axis = result.axis[k];
    axis = vec3_of(solver.eigenvectors().col(2 - static_cast<Eigen::Index>(k)));
    const double largest = std::max({axis.x, axis.y, axis.z}), smallest = std::min({axis.x, axis.y, axis.z});
    if (-smallest > largest) axis *= -1;  // of both directions the one whose largest component is positive
  }
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t b = 0; b < replicate.size(); ++b) values[b] = along(replicate[b], result.axis[k], result.axis[k]);
    Estimate& e = result.eigenvalue_ang2_fs[k] = jackknife_estimate(along(tensor, result.axis[k], result.axis[k]), values);
    e.low = std::max(e.low, std::min(0.0, e.value));
  }
  // First-order perturbation: the axis k turns towards j by (k|dD|j) / (difference of their eigenvalues).
  const double t = student_t(0.95, static_cast<int>(replicate.size()) - 1);
  for (std::size_t k = 0; k < 3; ++k) {
    double square = 0;
    bool known = true;
    for (std::size_t j = 0; j < 3; ++j) {
      if (j == k) continue;
      std::vector<double> gap(replicate.size());
      for (std::size_t b = 0; b < replicate.size(); ++b) {
        gap[b] = along(replicate[b], result.axis[k], result.axis[k]) - along(replicate[b], result.axis[j], result.axis[j]);
        values[b] = along(replicate[b], result.axis[k], result.axis[j]);
      }
      const double difference = result.eigenvalue_ang2_fs[k].value - result.eigenvalue_ang2_fs[j].value;
      known = known && std::abs(difference) > t * jackknife_error(gap);
      if (known) square += std::pow(jackknife_error(values) / difference, 2);
    }
    if (known) result.axis_error_degrees[k] = t * std::sqrt(square) * 180 / std::numbers::pi;
  }
  return result;
}

}  // namespace saltus::kinetics
