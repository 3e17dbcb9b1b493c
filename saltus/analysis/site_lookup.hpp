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

class SiteLookup {
 public:
  /// Sites in [0, 1) or anywhere. Throws Error{usage} when there are none or the cell is not periodic along all vectors.
  SiteLookup(const Cell& cell, std::span<const Fractional> sites);
  /// Nearest site image to any point; ties go to the lower site index.
  NearestSite nearest(const Vec3& position_ang) const;

 private:
  struct Candidate {
    Vec3 position_ang;
    std::uint32_t site;
    Int3 image;
  };
  Cell cell_;
  Int3 voxels_{};
  std::vector<std::uint32_t> first_;   // [voxels+1]
  std::vector<Candidate> candidates_;
};

}  // namespace saltus
