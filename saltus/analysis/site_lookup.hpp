// Nearest site of a point: a voxel table over the fractional cell lists all site images that are nearest for some point
// of the voxel, then exact distances, in any cell.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/atoms/cell.hpp"

namespace saltus {

struct NearestSite {
  std::uint32_t site = 0;
  Int3 image{};               ///< cell of the site: its position is cartesian(site) + image·cell
  double distance_ang = 0;
};

/// One image of a site.
struct SiteImage {
  Vec3 position_ang;
  std::uint32_t site;
  Int3 image;
};

class SiteLookup {
 public:
  /// Sites in [0, 1) or anywhere. Throws Error{usage} when there are none or the cell is not periodic along all vectors.
  ///
  /// further_ang  how much farther than the nearest site the images that around() gives may lie
  SiteLookup(const Cell& cell, std::span<const Fractional> sites, double further_ang = 0);
  /// Nearest site image to any point; ties go to the lower site index.
  NearestSite nearest(const Vec3& position_ang) const;
  /// All images up to further_ang farther than the nearest, and some more. `wrapped_ang` becomes the position that they are around.
  std::span<const SiteImage> around(const Vec3& position_ang, Vec3& wrapped_ang) const;

 private:
  std::size_t voxel_of_wrapped(const Vec3& wrapped_ang) const;

  Cell cell_;
  Int3 voxels_{};
  std::vector<std::uint32_t> first_;   // [voxels+1]
  std::vector<SiteImage> candidates_;
};

}  // namespace saltus
