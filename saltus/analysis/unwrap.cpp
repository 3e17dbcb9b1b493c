#include "saltus/analysis/unwrap.hpp"

#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

void Unwrapper::add(const Cell& cell, std::span<const Vec3> position_ang) {
  const std::size_t n = position_ang.size();
  if (frames_ > 0 && n != position_.size())
    throw Error(ErrorKind::usage, fmt::format("unwrapping: {} positions after frames of {}", n, position_.size()));
  for (std::size_t i = 0; i < n; ++i)
    if (!is_finite(position_ang[i]) || norm2(position_ang[i]) > 1e18)
      throw Error(ErrorKind::numeric, fmt::format("position of particle {} is not finite or absurdly far away", i));
  if (frames_ == 0) {
    cell_ = cell;
    wrapped_.resize(n);
    image_.assign(n, Int3{});
    lost_.assign(n, Vec3{});
    for (std::size_t i = 0; i < n; ++i) wrapped_[i] = cell.wrap(position_ang[i]);
    position_ = wrapped_;
    frames_ = 1;
    return;
  }
  if (!(cell == cell_)) constant_cell_ = false;
  cell_ = cell;
  const double radius = cell.inscribed_radius_ang();
  for (std::size_t i = 0; i < n; ++i) {
    const Vec3 wrapped = cell.wrap(position_ang[i]);
    const Vec3 raw = wrapped - wrapped_[i];
    const Vec3 step = cell.minimum_image(raw);
    const Fractional turns = cell.to_fractional(step - raw);
    image_[i][0] += static_cast<int>(std::lround(turns.a));
    image_[i][1] += static_cast<int>(std::lround(turns.b));
    image_[i][2] += static_cast<int>(std::lround(turns.c));
    wrapped_[i] = wrapped;
    if (constant_cell_) {
      position_[i] = wrapped + cell.translation_ang(image_[i]);
    } else {
      const Vec3 corrected = step - lost_[i];
      const Vec3 sum = position_[i] + corrected;
      lost_[i] = (sum - position_[i]) - corrected;
      position_[i] = sum;
    }
    const double length = norm(step);
    ++steps_.steps;
    if (length > 0.8 * radius) ++steps_.flagged;
    if (length > (1 - 1e-9) * radius) ++steps_.undetermined;  // half of the shortest lattice vector goes either way
    if (std::isfinite(radius) ? length > steps_.largest_in_radii * radius : length > steps_.largest_ang) {
      steps_.largest_ang = length;
      steps_.largest_in_radii = length / radius;
      steps_.largest_frame = frames_;
      steps_.largest_particle = static_cast<std::uint32_t>(i);
    }
  }
  ++frames_;
}

}  // namespace saltus
