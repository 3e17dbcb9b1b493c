#include "saltus/analysis/surface_normal.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/text.hpp"

namespace saltus {

namespace {

constexpr double shortest_period_ang = 1;

// Largest length of which both are whole multiples, within a tolerance.
double common_measure_ang(double a, double b) {
  constexpr double tolerance_ang = 1e-3;
  while (b > tolerance_ang) {
    const double rest = std::fmod(a, b);
    a = b;
    b = b - rest < tolerance_ang ? 0 : rest;
  }
  return a;
}

}  // namespace

SurfaceNormal surface_normal_from(std::string_view text) {
  const std::string_view word = trim(text);
  constexpr std::string_view axes = "abc", directions = "xyz";
  if (word.size() == 1) {
    if (const std::size_t axis = axes.find(word[0]); axis != std::string_view::npos) return {static_cast<int>(axis), std::nullopt};
    if (const std::size_t axis = directions.find(word[0]); axis != std::string_view::npos) {
      Vec3 direction;
      direction[static_cast<int>(axis)] = 1;
      return {2, direction};
    }
  }
  Vec3 direction;
  std::string_view rest = word;
  for (int axis = 0; axis < 3; ++axis) {
    const std::size_t comma = rest.find(',');
    const auto value = (comma == std::string_view::npos) == (axis == 2) ? parse_double(trim(rest.substr(0, comma))) : std::nullopt;
    if (!value || !std::isfinite(*value))
      throw Error(ErrorKind::usage, fmt::format("'{}' is no direction: expected a, b or c (normal of the plane of the other two lattice vectors), x, y or z, or three "
                                                "numbers such as 0,0,1",
                                                text));
    direction[axis] = *value;
    if (axis < 2) rest.remove_prefix(comma + 1);
  }
  if (!(norm(direction) > 0) || !std::isfinite(norm(direction))) throw Error(ErrorKind::usage, fmt::format("the direction '{}' has no length", text));
  return {2, direction};
}

NormalCoordinate normal_coordinate(const Cell& cell, const SurfaceNormal& normal) {
  const Mat3& rows = cell.rows_ang();
  if (!normal.direction) {
    if (!cell.has_vectors())
      throw Error(ErrorKind::usage, "the frames have no lattice vectors, so that none of a, b and c is a direction; give x, y, z or three numbers");
    Vec3 unit = cross(rows[(normal.axis + 1) % 3], rows[(normal.axis + 2) % 3]);
    unit = unit / (dot(unit, rows[normal.axis]) < 0 ? -norm(unit) : norm(unit));
    return {unit, cell.periodic()[static_cast<std::size_t>(normal.axis)] ? cell.height_ang(normal.axis) : 0};
  }
  const double length = norm(*normal.direction);
  if (!(length > 0) || !std::isfinite(length)) throw Error(ErrorKind::usage, "the direction of the surface normal has no length");
  NormalCoordinate coordinate{*normal.direction / length, 0};
  for (int axis = 0; axis < 3; ++axis)
    if (const double along = std::abs(dot(coordinate.unit, rows[axis])); cell.periodic()[static_cast<std::size_t>(axis)] && along > 1e-6 * norm(rows[axis]))
      coordinate.period_ang = common_measure_ang(std::max(along, coordinate.period_ang), std::min(along, coordinate.period_ang));
  if (coordinate.period_ang > 0 && coordinate.period_ang < shortest_period_ang)
    throw Error(ErrorKind::usage, fmt::format("periodic images lie {:.3g} Å apart along the direction {:.6g},{:.6g},{:.6g}: it is no normal of a lattice plane; give "
                                              "a, b or c, or the normal of a plane that lattice vectors span",
                                              coordinate.period_ang, coordinate.unit.x, coordinate.unit.y, coordinate.unit.z));
  return coordinate;
}

std::vector<double> images_of_group(std::span<const double> coordinate, double period_ang) {
  const std::size_t n = coordinate.size();
  std::vector<double> fraction(n), image(n);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = 0; i < n; ++i) fraction[i] = coordinate[i] - std::floor(coordinate[i]);
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return fraction[i] < fraction[j]; });
  double widest = -1, second = 0;
  std::size_t start = 0;  // place in order behind the widest gap
  for (std::size_t k = 0; k < n; ++k) {
    const double gap = k == 0 ? fraction[order[0]] + 1 - fraction[order[n - 1]] : fraction[order[k]] - fraction[order[k - 1]];
    if (gap > widest) {
      second = std::max(widest, 0.0);
      widest = gap;
      start = k;
    } else {
      second = std::max(second, gap);
    }
  }
  if (n > 0 && (widest * period_ang < 2 || (widest - second) * period_ang < 1))
    throw Error(ErrorKind::usage, fmt::format("the surface group ({} atoms) has no position along the normal: the widest stretches without its atoms are {:.2f} and {:.2f} Å of "
                                              "the period of {:.2f} Å; select the atoms of one surface",
                                              n, widest * period_ang, second * period_ang, period_ang));
  for (std::size_t k = 0; k < n; ++k) image[order[k]] = (k < start ? 1 : 0) - std::floor(coordinate[order[k]]);
  return image;
}

}  // namespace saltus
