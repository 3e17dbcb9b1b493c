#include "saltus/io/cell_parameters.hpp"

#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

Cell cell_from_parameters(const CellParameters& parameters) {
  const auto& [a, b, c] = parameters.length_ang;
  const auto& [cos_alpha, cos_beta, cos_gamma] = parameters.cosine;
  if (a == 0 && b == 0 && c == 0) return {};
  for (const double length : parameters.length_ang)
    if (!(length > 0) || !std::isfinite(length))
      throw Error(ErrorKind::format, fmt::format("cell lengths must be positive, found {}, {}, {} Å", a, b, c));
  for (const double cosine : parameters.cosine)
    if (!(std::abs(cosine) < 1))
      throw Error(ErrorKind::format, fmt::format("an angle of the cell has the cosine {}", cosine));
  const double sin_gamma = std::sqrt(1 - cos_gamma * cos_gamma);
  const double lean = (cos_alpha - cos_beta * cos_gamma) / sin_gamma;
  const double height_squared = 1 - cos_beta * cos_beta - lean * lean;
  if (!(height_squared > 1e-12))
    throw Error(ErrorKind::format,
                fmt::format("no cell has angles with the cosines {}, {}, {}", cos_alpha, cos_beta, cos_gamma));
  return Cell(Mat3{{Vec3{a, 0, 0}, Vec3{b * cos_gamma, b * sin_gamma, 0},
                    Vec3{c * cos_beta, c * lean, c * std::sqrt(height_squared)}}});
}

double cosine_of_degrees(double angle_degrees) {
  return angle_degrees == 90 ? 0 : std::cos(angle_degrees * std::numbers::pi / 180);
}

CellParameters cell_parameters_of(const Cell& cell) {
  const Mat3& rows = cell.rows_ang();
  CellParameters parameters;
  for (int i = 0; i < 3; ++i) {
    const Vec3 &p = rows[(i + 1) % 3], &q = rows[(i + 2) % 3];
    parameters.length_ang[static_cast<std::size_t>(i)] = norm(rows[i]);
    parameters.cosine[static_cast<std::size_t>(i)] = dot(p, q) / (norm(p) * norm(q));
  }
  return parameters;
}

bool is_in_standard_orientation(const Cell& cell) {
  const Mat3& rows = cell.rows_ang();
  const double near_a = 1e-6 * norm(rows[0]), near_b = 1e-6 * norm(rows[1]);
  return std::abs(rows[0].y) <= near_a && std::abs(rows[0].z) <= near_a && std::abs(rows[1].z) <= near_b &&
         rows[0].x > 0 && rows[1].y > 0 && rows[2].z > 0;
}

}  // namespace saltus
