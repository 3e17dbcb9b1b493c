#include "saltus/analysis/site_lookup.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr double finest_voxel_ang = 0.7;
constexpr int most_voxels = 32;

// Voxel number of a fraction in [0, 1]; a fraction rounded up to 1 belongs to the last one.
int voxel_of(double fraction, int voxels) { return std::clamp(static_cast<int>(fraction * voxels), 0, voxels - 1); }

}  // namespace

SiteLookup::SiteLookup(const Cell& cell, std::span<const Fractional> sites, double further_ang) : cell_(cell) {
  if (sites.empty()) throw Error(ErrorKind::usage, "there are no sites to assign ions to");
  for (const bool periodic : cell.periodic())
    if (!periodic) throw Error(ErrorKind::usage, "sites need a cell that is periodic along all three vectors");
  const double voxel_ang = finest_voxel_ang + further_ang / 3;  // long lists need no fine voxels
  double diagonal = 0;  // of a voxel: twice the largest distance from its centre
  for (int axis = 0; axis < 3; ++axis)
    voxels_[static_cast<std::size_t>(axis)] =
        std::clamp(static_cast<int>(std::ceil(norm(cell.rows_ang()[axis]) / voxel_ang)), 1, most_voxels);
  for (const double b : {-1.0, 1.0})
    for (const double c : {-1.0, 1.0})
      diagonal = std::max(diagonal, norm(cell.to_cartesian({1.0 / voxels_[0], b / voxels_[1], c / voxels_[2]})));

  std::vector<Vec3> home;
  for (const Fractional& f : sites) home.push_back(cell.to_cartesian(f));
  const auto index = [&](const Int3& v) { return static_cast<std::size_t>((v[0] * voxels_[1] + v[1]) * voxels_[2] + v[2]); };
  // Calls take(voxel, image, distance²) for all voxels and images of the site that may lie within `reach` of each other, images ascending.
  const auto for_voxels = [&](std::size_t site, double reach, const auto& take) {
    Int3 low{}, high{};
    const double x[3] = {sites[site].a, sites[site].b, sites[site].c};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const double margin = reach / cell.height_ang(static_cast<int>(axis)) + 1e-9;
      low[axis] = static_cast<int>(std::ceil((x[axis] - margin) * voxels_[axis] - 0.5));
      high[axis] = static_cast<int>(std::floor((x[axis] + margin) * voxels_[axis] - 0.5));
    }
    const auto cell_of = [&](int v, std::size_t axis) { return static_cast<int>(std::floor(static_cast<double>(v) / voxels_[axis])); };
    for (int a = high[0]; a >= low[0]; --a)
      for (int b = high[1]; b >= low[1]; --b)
        for (int c = high[2]; c >= low[2]; --c) {
          const Int3 shift{cell_of(a, 0), cell_of(b, 1), cell_of(c, 2)};
          const Vec3 centre = cell.to_cartesian({(a + 0.5) / voxels_[0], (b + 0.5) / voxels_[1], (c + 0.5) / voxels_[2]});
          take(index({a - shift[0] * voxels_[0], b - shift[1] * voxels_[1], c - shift[2] * voxels_[2]}), Int3{-shift[0], -shift[1], -shift[2]}, norm2(home[site] - centre));
        }
  };
  const std::size_t total = static_cast<std::size_t>(voxels_[0]) * static_cast<std::size_t>(voxels_[1]) * static_cast<std::size_t>(voxels_[2]);
  // Distance of each voxel's centre to the nearest site, looked for in growing spheres around the sites until every centre lies in one.
  std::vector<double> nearest2;
  double farthest = 0;
  for (double reach = std::cbrt(cell.volume_ang3() / static_cast<double>(sites.size()));; reach *= 1.5) {
    nearest2.assign(total, std::numeric_limits<double>::max());
    for (std::size_t s = 0; s < sites.size(); ++s)
      for_voxels(s, reach, [&](std::size_t v, const Int3&, double distance2) { nearest2[v] = std::min(nearest2[v], distance2); });
    farthest = std::sqrt(*std::max_element(nearest2.begin(), nearest2.end()));
    if (farthest <= reach) break;
  }
  // A site image farther from the centre than the nearest one by more than the diagonal is nearest nowhere in the voxel.
  const double further = further_ang + diagonal * (1 + 1e-9);
  std::vector<double> limit2;
  for (const double d2 : nearest2) limit2.push_back((std::sqrt(d2) + further) * (std::sqrt(d2) + further));
  std::vector<std::uint32_t> count(total, 0);
  for (std::size_t s = 0; s < sites.size(); ++s)
    for_voxels(s, farthest + further, [&](std::size_t v, const Int3&, double distance2) { count[v] += distance2 <= limit2[v]; });
  first_.push_back(0);
  for (const std::uint32_t n : count) first_.push_back(first_.back() + n);
  candidates_.resize(first_.back());
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  for (std::size_t s = 0; s < sites.size(); ++s)
    for_voxels(s, farthest + further, [&](std::size_t v, const Int3& image, double distance2) {
      if (distance2 <= limit2[v]) candidates_[next[v]++] = {home[s] + cell.translation_ang(image), static_cast<std::uint32_t>(s), image};
    });
}

std::size_t SiteLookup::voxel_of_wrapped(const Vec3& wrapped_ang) const {
  const Fractional f = cell_.to_fractional(wrapped_ang);
  return static_cast<std::size_t>((voxel_of(f.a, voxels_[0]) * voxels_[1] + voxel_of(f.b, voxels_[1])) * voxels_[2] + voxel_of(f.c, voxels_[2]));
}

std::span<const SiteImage> SiteLookup::around(const Vec3& position_ang, Vec3& wrapped_ang) const {
  wrapped_ang = cell_.wrap(position_ang);
  const std::size_t voxel = voxel_of_wrapped(wrapped_ang);
  return std::span(candidates_).subspan(first_[voxel], first_[voxel + 1] - first_[voxel]);
}

NearestSite SiteLookup::nearest(const Vec3& position_ang) const {
  Int3 turn{};
  const Vec3 wrapped = cell_.wrap(position_ang, &turn);
  const std::size_t voxel = voxel_of_wrapped(wrapped);
  const SiteImage* best = nullptr;
  double best2 = std::numeric_limits<double>::max();
  for (std::uint32_t k = first_[voxel]; k < first_[voxel + 1]; ++k) {
    const double distance2 = norm2(candidates_[k].position_ang - wrapped);
    if (distance2 < best2) {
      best2 = distance2;
      best = &candidates_[k];
    }
  }
  return {best->site, {best->image[0] + turn[0], best->image[1] + turn[1], best->image[2] + turn[2]}, std::sqrt(best2)};
}

}  // namespace saltus
