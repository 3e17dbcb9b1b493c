#include "saltus/analysis/site_lookup.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

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

  const auto centre = [&](std::size_t voxel) {
    const auto nb = static_cast<std::size_t>(voxels_[1]), nc = static_cast<std::size_t>(voxels_[2]);
    return cell.to_cartesian({(static_cast<double>(voxel / (nb * nc)) + 0.5) / voxels_[0],
                              (static_cast<double>(voxel / nc % nb) + 0.5) / voxels_[1],
                              (static_cast<double>(voxel % nc) + 0.5) / voxels_[2]});
  };
  const std::size_t total = static_cast<std::size_t>(voxels_[0]) * static_cast<std::size_t>(voxels_[1]) *
                            static_cast<std::size_t>(voxels_[2]);
  std::vector<Vec3> home;
  for (const Fractional& f : sites) home.push_back(cell.to_cartesian(f));
  std::vector<double> nearest_ang(total);
  parallel_chunks(total, 256, [&](std::size_t begin, std::size_t end) {
    for (std::size_t v = begin; v < end; ++v) {
      double best = std::numeric_limits<double>::max();
      for (const Vec3& r : home) best = std::min(best, norm2(cell.minimum_image(r - centre(v))));
      nearest_ang[v] = std::sqrt(best);
    }
  });
  // A site image farther from the centre than the nearest one by more than the diagonal is nearest nowhere in the voxel.
  const double reach = *std::max_element(nearest_ang.begin(), nearest_ang.end()) + further_ang + diagonal * (1 + 1e-9);
  std::vector<SiteImage> images;
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const Fractional& f = sites[s];
    Int3 low{}, high{};
    for (int axis = 0; axis < 3; ++axis) {
      const double x = axis == 0 ? f.a : axis == 1 ? f.b : f.c;
      const double margin = reach / cell.height_ang(axis) + 1e-9;
      low[static_cast<std::size_t>(axis)] = static_cast<int>(std::ceil(-margin - x));
      high[static_cast<std::size_t>(axis)] = static_cast<int>(std::floor(1 + margin - x));
    }
    for (int a = low[0]; a <= high[0]; ++a)
      for (int b = low[1]; b <= high[1]; ++b)
        for (int c = low[2]; c <= high[2]; ++c)
          images.push_back({home[s] + cell.translation_ang({a, b, c}), static_cast<std::uint32_t>(s), {a, b, c}});
  }
  std::vector<std::vector<SiteImage>> found(total);
  parallel_chunks(total, 64, [&](std::size_t begin, std::size_t end) {
    for (std::size_t v = begin; v < end; ++v) {
      const Vec3 point = centre(v);
      const double limit = nearest_ang[v] + further_ang + diagonal * (1 + 1e-9);
      for (const SiteImage& image : images)
        if (norm2(image.position_ang - point) <= limit * limit) found[v].push_back(image);
    }
  });
  first_.push_back(0);
  for (const auto& list : found) {
    candidates_.insert(candidates_.end(), list.begin(), list.end());
    first_.push_back(static_cast<std::uint32_t>(candidates_.size()));
  }
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
