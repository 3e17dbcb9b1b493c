#include "saltus/analysis/instantaneous_interface.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr double cut = 4;                  // of the Gaussians, in widths
constexpr double lateral_points = 3;       // grid points per width
constexpr double normal_points = 5;
constexpr double most_points = 1e8;

// Smeared density on columns over the plane.
struct ColumnGrid {
  Vec3 unit, along_a, along_b;
  double period = 0, a = 0, b_x = 0, b_y = 0, c_u = 0, c_v = 0;
  int count_a = 0, count_b = 0, count_z = 0;
  double z_first = 0, z_step = 0, centre = 0;
  std::vector<double> density;  // [count_a][count_b][count_z]
};

double floor_mod(double x) { return x - std::floor(x); }

ColumnGrid smeared(const Cell& cell, std::span<const Vec3> group, const SurfaceNormal& normal, double width) {
  if (normal.direction) throw Error(ErrorKind::usage, "an instantaneous interface needs a normal of two lattice vectors: a, b or c");
  if (!(width > 0) || !std::isfinite(width)) throw Error(ErrorKind::usage, fmt::format("the width of an instantaneous interface must be positive, not {} Å", width));
  if (group.empty()) throw Error(ErrorKind::usage, "an instantaneous interface needs atoms that define it");
  const int axis = normal.axis, axis_a = (axis + 1) % 3, axis_b = (axis + 2) % 3;
  const auto periodic = [&](int k) { return cell.periodic()[static_cast<std::size_t>(k)]; };
  if (!periodic(axis_a) || !periodic(axis_b)) throw Error(ErrorKind::usage, "an instantaneous interface needs a cell that is periodic along the surface");
  const NormalCoordinate z = normal_coordinate(cell, normal);
  ColumnGrid grid;
  grid.unit = z.unit;
  grid.period = z.period_ang;
  const Vec3 a = cell.rows_ang()[axis_a], b = cell.rows_ang()[axis_b], c = cell.rows_ang()[axis];
  grid.a = norm(a);
  grid.along_a = a / grid.a;
  grid.along_b = cross(z.unit, grid.along_a);
  grid.b_x = dot(b, grid.along_a);
  grid.b_y = dot(b, grid.along_b);
  const auto in_plane = [&](const Vec3& r) {
    const double v = dot(r, grid.along_b) / grid.b_y;
    return std::array{(dot(r, grid.along_a) - v * grid.b_x) / grid.a, v};
  };
  grid.c_u = in_plane(c)[0];
  grid.c_v = in_plane(c)[1];

  std::vector<double> height(group.size());
  for (std::size_t i = 0; i < group.size(); ++i) {
    height[i] = dot(z.unit, group[i]);
    if (!std::isfinite(height[i])) throw Error(ErrorKind::numeric, "a position is not finite");
  }
  std::vector<double> image(group.size(), 0);
  if (grid.period > 0) {
    std::vector<double> scaled = height;
    for (double& s : scaled) s /= grid.period;
    image = images_of_group(scaled, grid.period);
    for (std::size_t i = 0; i < group.size(); ++i) height[i] += image[i] * grid.period;
  }
  const auto [lowest, highest] = std::minmax_element(height.begin(), height.end());
  grid.centre = (*lowest + *highest) / 2;
  grid.z_step = width / normal_points;
  grid.z_first = *lowest - (cut + 0.5) * width;
  const double points_z = (*highest - *lowest + (2 * cut + 1) * width) / grid.z_step + 1;
  const double points_a = std::max(4.0, std::ceil(grid.a * lateral_points / width)), points_b = std::max(4.0, std::ceil(norm(b) * lateral_points / width));
  if (!(points_a * points_b * points_z < most_points))
    throw Error(ErrorKind::usage, fmt::format("an instantaneous interface of width {} Å takes {:.2g} grid points here, more than {:.0e}; give a larger width", width,
                                              points_a * points_b * points_z, most_points));
  grid.count_a = static_cast<int>(points_a);
  grid.count_b = static_cast<int>(points_b);
  grid.count_z = static_cast<int>(points_z);
  grid.density.assign(static_cast<std::size_t>(grid.count_a) * static_cast<std::size_t>(grid.count_b) * static_cast<std::size_t>(grid.count_z), 0);

  const double reach = cut * width, scale = -0.5 / (width * width), peak = std::pow(2 * std::numbers::pi * width * width, -1.5);
  const double reach_u = reach * norm(b) / (grid.a * std::abs(grid.b_y)), reach_v = reach / std::abs(grid.b_y);  // in fractions
  std::vector<double> along_z;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const auto fraction = in_plane(group[i]);
    const double u = fraction[0] + image[i] * grid.c_u, v = fraction[1] + image[i] * grid.c_v;
    const int z_begin = static_cast<int>(std::ceil((height[i] - reach - grid.z_first) / grid.z_step));
    const int z_end = static_cast<int>(std::floor((height[i] + reach - grid.z_first) / grid.z_step)) + 1;
    along_z.clear();
    for (int k = z_begin; k < z_end; ++k) {
      const double dz = grid.z_first + k * grid.z_step - height[i];
      along_z.push_back(peak * std::exp(scale * dz * dz));
    }
    const double u0 = floor_mod(u), v0 = floor_mod(v);
    for (int p = static_cast<int>(std::ceil((u0 - reach_u) * grid.count_a)); p <= static_cast<int>(std::floor((u0 + reach_u) * grid.count_a)); ++p)
      for (int q = static_cast<int>(std::ceil((v0 - reach_v) * grid.count_b)); q <= static_cast<int>(std::floor((v0 + reach_v) * grid.count_b)); ++q) {
        const double du = p / static_cast<double>(grid.count_a) - u0, dv = q / static_cast<double>(grid.count_b) - v0;
        const double dx = du * grid.a + dv * grid.b_x, dy = dv * grid.b_y, distance2 = dx * dx + dy * dy;
        if (distance2 > reach * reach) continue;
        const double lateral = std::exp(scale * distance2);
        const int column_a = (p % grid.count_a + grid.count_a) % grid.count_a, column_b = (q % grid.count_b + grid.count_b) % grid.count_b;
        double* column = grid.density.data() + (static_cast<std::size_t>(column_a) * static_cast<std::size_t>(grid.count_b) + static_cast<std::size_t>(column_b)) *
                                                   static_cast<std::size_t>(grid.count_z);
        for (int k = z_begin; k < z_end; ++k) column[k] += lateral * along_z[static_cast<std::size_t>(k - z_begin)];
      }
  }
  return grid;
}

// Cubic interpolation (Catmull–Rom) of four points around 0 … 1: value and derivative.
std::array<double, 2> cubic(const std::array<double, 4>& p, double t) {
  const double c1 = (p[2] - p[0]) / 2, c2 = p[0] - 2.5 * p[1] + 2 * p[2] - p[3] / 2, c3 = (p[3] - p[0]) / 2 + 1.5 * (p[1] - p[2]);
  return {p[1] + t * (c1 + t * (c2 + t * c3)), c1 + t * (2 * c2 + 3 * t * c3)};
}

}  // namespace

double bulk_density_per_ang3(const Cell& cell, std::span<const Vec3> group_ang, const SurfaceNormal& normal, double width_ang) {
  const ColumnGrid grid = smeared(cell, group_ang, normal, width_ang);
  const auto count_z = static_cast<std::size_t>(grid.count_z);
  std::vector<double> profile(count_z, 0.0);
  for (std::size_t k = 0; k < grid.density.size(); ++k) profile[k % count_z] += grid.density[k];
  double sum = 0, squares = 0;
  for (double& density : profile) {
    density /= static_cast<double>(grid.count_a) * grid.count_b;
    sum += density, squares += density * density;
  }
  std::erase_if(profile, [&](double density) { return density < squares / sum; });
  const auto middle = profile.begin() + static_cast<std::ptrdiff_t>(profile.size() / 2);
  std::nth_element(profile.begin(), middle, profile.end());
  return *middle;
}

InstantaneousInterface::InstantaneousInterface(const Cell& cell, std::span<const Vec3> group_ang, const SurfaceNormal& normal, const InterfaceSettings& settings) {
  const double level =
      settings.level_per_ang3 != 0 ? settings.level_per_ang3 : bulk_density_per_ang3(cell, group_ang, normal, settings.width_ang) / 2;
  if (!(level > 0) || !std::isfinite(level)) throw Error(ErrorKind::usage, fmt::format("the level of an instantaneous interface must be positive, not {} per Å³", level));
  const ColumnGrid grid = smeared(cell, group_ang, normal, settings.width_ang);
  unit_ = grid.unit, along_a_ = grid.along_a, along_b_ = grid.along_b;
  period_ = grid.period, centre_ = grid.centre;
  a_ = grid.a, b_x_ = grid.b_x, b_y_ = grid.b_y, c_u_ = grid.c_u, c_v_ = grid.c_v;
  count_a_ = grid.count_a, count_b_ = grid.count_b;
  std::size_t open = 0;
  double highest = 0;
  const int last = grid.count_z - 1;
  for (std::size_t column = 0; column < static_cast<std::size_t>(count_a_) * static_cast<std::size_t>(count_b_); ++column) {
    // From outside inwards; beyond the grid and at its ends there is nothing.
    const double* density = grid.density.data() + column * static_cast<std::size_t>(grid.count_z);
    const auto at = [&](int k) { return density[settings.upper ? last - k : k]; };
    int k = 1;
    while (k < last && at(k) < level) ++k;
    if (k == last) {
      ++open;
      highest = std::max(highest, *std::max_element(density, density + grid.count_z));
      continue;
    }
    const double inwards = k - 1 + (level - at(k - 1)) / (at(k) - at(k - 1));
    height_.push_back(grid.z_first + grid.z_step * (settings.upper ? last - inwards : inwards));
  }
  if (open > 0)
    throw Error(ErrorKind::numeric, fmt::format("the surface has holes: at {} of {} points of the plane the smeared density (at most {:.3g} per Å³ there) nowhere reaches the "
                                                "level {:.3g} per Å³; give a lower level or a larger width",
                                                open, static_cast<std::size_t>(count_a_) * static_cast<std::size_t>(count_b_), highest, level));
}

InstantaneousInterface::Local InstantaneousInterface::local(const Vec3& r) const {
  Local here;
  here.z = dot(unit_, r);
  const double image = period_ > 0 ? -std::round((here.z - centre_) / period_) : 0;
  here.z += image * period_;
  const double fraction_v = dot(r, along_b_) / b_y_, fraction_u = (dot(r, along_a_) - fraction_v * b_x_) / a_;
  const double u = floor_mod(fraction_u + image * c_u_) * count_a_, v = floor_mod(fraction_v + image * c_v_) * count_b_;
  const int p = static_cast<int>(std::floor(u)), q = static_cast<int>(std::floor(v));
  std::array<double, 4> values{}, slopes_v{};
  for (int i = 0; i < 4; ++i) {
    std::array<double, 4> row{};
    const int at_a = (p + i - 1 + count_a_) % count_a_;
    for (int j = 0; j < 4; ++j) row[static_cast<std::size_t>(j)] = height_[static_cast<std::size_t>(at_a * count_b_ + (q + j - 1 + count_b_) % count_b_)];
    const auto along_v = cubic(row, v - q);
    values[static_cast<std::size_t>(i)] = along_v[0];
    slopes_v[static_cast<std::size_t>(i)] = along_v[1];
  }
  const auto along_u = cubic(values, u - p);
  here.height = along_u[0];
  const double h_u = along_u[1] * count_a_, h_v = cubic(slopes_v, u - p)[0] * count_b_;
  const double h_x = h_u / a_, h_y = (h_v - h_u * b_x_ / a_) / b_y_;
  here.slope2 = h_x * h_x + h_y * h_y;
  return here;
}

double InstantaneousInterface::height_ang(const Vec3& position_ang) const {
  const Local here = local(position_ang);
  return here.height + dot(unit_, position_ang) - here.z;
}

double InstantaneousInterface::distance_ang(const Vec3& position_ang) const {
  const Local here = local(position_ang);
  return (here.z - here.height) / std::sqrt(1 + here.slope2);
}

}  // namespace saltus
