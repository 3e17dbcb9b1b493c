// Voids of a periodic framework: Voronoi nodes, the centres of empty spheres that touch four atoms or more (circumcentres of the Delaunay
// tetrahedra). No atom lies farther from any point than the largest of them, so that touching atoms are found near each other.
#pragma once

#include <span>
#include <vector>

#include "saltus/analysis/sites.hpp"

namespace saltus {

struct VoidNode {
  Fractional position;      ///< in [0, 1)
  double radius_ang = 0;    ///< to the nearest atoms
};

/// All nodes, each once (within 10⁻⁴ Å), the widest first. Throws Error{usage} for no atoms or a cell that is not periodic along all
/// vectors, Error{unsupported} where an atom could touch more than 400 others: two atoms of the framework are all but at one place.
std::vector<VoidNode> voronoi_nodes(const Cell& cell, std::span<const Vec3> framework_ang);

/// Sites at nodes: those that chain up nearer than merge_distance_ang to each other become one, at their mean; those to which fewer ions are
/// nearest than smallest_occupation are left out. Grid, smoothing and persistence are not used; other arguments as find_sites.
/// Throws Error{usage} when no site is left.
Sites sites_at_nodes(const Cell& cell, std::span<const VoidNode> nodes, std::span<const Vec3> position_ang, std::size_t frames, const SiteSettings& settings);

}  // namespace saltus
