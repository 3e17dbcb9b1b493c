#include "saltus/analysis/voronoi_nodes.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "saltus/analysis/density.hpp"
#include "saltus/analysis/site_lookup.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

namespace {

constexpr double same_node_ang = 1e-4;
constexpr double touching_ang = 1e-6;      // of an atom inside the sphere
constexpr std::size_t most_neighbours = 400;

/// An upper bound of the radius of the largest empty sphere: distances on a grid, and half the diagonal of its voxels.
double covering_radius_ang(const Cell& cell, const SiteLookup& atoms) {
  const Grid grid = make_grid(cell, std::max(0.5, std::cbrt(cell.volume_ang3()) / 60));
  double largest = 0, diagonal = 0;
  for (std::size_t v = 0; v < grid.size(); ++v) largest = std::max(largest, atoms.nearest(cell.to_cartesian(grid.fractional(v))).distance_ang);
  for (const double b : {-1.0, 1.0})
    for (const double c : {-1.0, 1.0})
      diagonal = std::max(diagonal, norm(cell.to_cartesian({1.0 / grid.count[0], b / grid.count[1], c / grid.count[2]})));
  return largest + diagonal / 2;
}

/// Vectors from an atom to all images of all others (and of itself) within reach.
std::vector<Vec3> neighbours_of(const Cell& cell, std::span<const Vec3> framework_ang, std::size_t atom, double reach_ang) {
  std::vector<Vec3> found;
  Int3 span{};
  for (int axis = 0; axis < 3; ++axis) span[static_cast<std::size_t>(axis)] = static_cast<int>(std::ceil(reach_ang / cell.height_ang(axis))) + 1;
  for (const Vec3& other : framework_ang) {
    const Vec3 nearest = cell.minimum_image(other - framework_ang[atom]);
    for (int a = -span[0]; a <= span[0]; ++a)
      for (int b = -span[1]; b <= span[1]; ++b)
        for (int c = -span[2]; c <= span[2]; ++c) {
          const Vec3 d = nearest + cell.translation_ang({a, b, c});
          if (norm2(d) < reach_ang * reach_ang && norm2(d) > 1e-12) found.push_back(d);
        }
  }
  if (found.size() > most_neighbours)
    throw Error(ErrorKind::unsupported, fmt::format("Voronoi nodes: {} atoms lie within {:.1f} Å of one, at most {} can be treated; is the framework dense beside a large void?",
                                                    found.size(), reach_ang, most_neighbours));
  std::sort(found.begin(), found.end(), [](const Vec3& a, const Vec3& b) { return norm2(a) < norm2(b); });
  return found;
}

/// Nodes that touch one atom: the points as far from it as from three neighbours, u · r_j = r_j² / 2.
void add_nodes_of(const Cell& cell, const Vec3& atom, const std::vector<Vec3>& around, double largest_ang, const SiteLookup& atoms, std::vector<VoidNode>& nodes) {
  for (std::size_t i = 0; i < around.size(); ++i)
    for (std::size_t j = i + 1; j < around.size(); ++j) {
      const Vec3 normal = cross(around[i], around[j]);
      const double n2 = norm2(normal), ri2 = norm2(around[i]), rj2 = norm2(around[j]);
      if (n2 < 1e-8 * ri2 * rj2) continue;
      // Centre of the circle through the three atoms; spheres through them lie along the normal.
      const Vec3 circle = (ri2 * cross(around[j], normal) + rj2 * cross(normal, around[i])) / (2 * n2);
      if (norm2(circle) > largest_ang * largest_ang) continue;
      for (std::size_t k = j + 1; k < around.size(); ++k) {
        const double along = dot(normal, around[k]);
        if (along * along < 1e-8 * n2 * norm2(around[k])) continue;
        const Vec3 u = circle + (norm2(around[k]) / 2 - dot(circle, around[k])) / along * normal;
        const double radius = norm(u);
        if (radius > largest_ang || atoms.nearest(atom + u).distance_ang < radius - touching_ang) continue;
        const Fractional f = cell.to_fractional(cell.wrap(atom + u));
        nodes.push_back({f, radius});
      }
    }
}

double into_unit(double x) {
  x -= std::floor(x);
  return x < 1 ? x : 0;
}

/// Groups of points that chain up nearer than `distance_ang`, each as its first member and the mean of offsets from there.
std::vector<VoidNode> clustered(const Cell& cell, const std::vector<VoidNode>& nodes, double distance_ang) {
  std::vector<VoidNode> result;
  std::vector<bool> taken(nodes.size(), false);
  std::vector<Vec3> place;
  for (const VoidNode& node : nodes) place.push_back(cell.to_cartesian(node.position));
  for (std::size_t first = 0; first < nodes.size(); ++first) {
    if (taken[first]) continue;
    taken[first] = true;
    std::vector<Vec3> member{place[first]};  // unwrapped along the chain
    double radius = nodes[first].radius_ang;
    for (std::size_t at = 0; at < member.size(); ++at)
      for (std::size_t k = 0; k < nodes.size(); ++k) {
        if (taken[k]) continue;
        const Vec3 d = cell.minimum_image(place[k] - member[at]);
        if (norm2(d) >= distance_ang * distance_ang) continue;
        taken[k] = true;
        member.push_back(member[at] + d);
        radius = std::max(radius, nodes[k].radius_ang);
      }
    Vec3 sum;
    for (const Vec3& r : member) sum += r;
    const Fractional f = cell.to_fractional(sum / static_cast<double>(member.size()));
    result.push_back({{into_unit(f.a), into_unit(f.b), into_unit(f.c)}, radius});
  }
  return result;
}

}  // namespace

std::vector<VoidNode> voronoi_nodes(const Cell& cell, std::span<const Vec3> framework_ang) {
  if (framework_ang.empty()) throw Error(ErrorKind::usage, "Voronoi nodes are those of a framework: there is none");
  std::vector<Fractional> places;
  for (const Vec3& r : framework_ang) places.push_back(cell.to_fractional(r));
  const SiteLookup atoms(cell, places);
  const double largest = covering_radius_ang(cell, atoms);
  std::vector<std::vector<VoidNode>> found(framework_ang.size());
  parallel_chunks(framework_ang.size(), 1, [&](std::size_t atom, std::size_t) {
    std::vector<VoidNode> all;
    add_nodes_of(cell, framework_ang[atom], neighbours_of(cell, framework_ang, atom, 2 * largest), largest, atoms, all);
    found[atom] = clustered(cell, all, same_node_ang);
  });
  std::vector<VoidNode> nodes;
  for (const auto& part : found) nodes.insert(nodes.end(), part.begin(), part.end());
  nodes = clustered(cell, nodes, same_node_ang);
  std::stable_sort(nodes.begin(), nodes.end(), [](const VoidNode& a, const VoidNode& b) { return a.radius_ang > b.radius_ang; });
  return nodes;
}

Sites sites_at_nodes(const Cell& cell, std::span<const VoidNode> nodes, std::span<const Vec3> position_ang, std::size_t frames, const SiteSettings& settings) {
  if (frames == 0 || position_ang.empty() || position_ang.size() % frames)
    throw Error(ErrorKind::usage, fmt::format("sites: {} positions are not those of {} frames", position_ang.size(), frames));
  const Cell small = folded(cell, settings.fold);
  std::vector<VoidNode> merged = clustered(small, {nodes.begin(), nodes.end()}, std::max(same_node_ang, settings.merge_distance_ang));
  if (merged.empty()) throw Error(ErrorKind::usage, "there are no nodes to make sites of");
  Sites sites;
  sites.cell = small;
  sites.fold = settings.fold;
  sites.merged_by_distance = nodes.size() - merged.size();
  std::vector<Fractional> all;
  for (const VoidNode& node : merged) all.push_back(node.position);
  const SiteLookup lookup(small, all);
  std::vector<double> count(all.size(), 0);
  for (const Vec3& r : position_ang) count[lookup.nearest(r).site] += 1;
  const double per_occupation = static_cast<double>(frames) * settings.fold[0] * settings.fold[1] * settings.fold[2];
  const double least = least_ion_frames(settings, position_ang.size(), frames);
  double assigned = 0;
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (count[k] < least) {
      ++sites.merged_by_occupation;
      continue;
    }
    sites.position.push_back(all[k]);
    sites.occupation.push_back(count[k] / per_occupation);
    assigned += count[k];
  }
  if (sites.size() == 0) throw Error(ErrorKind::usage, "sites: no node holds as many ions as a site must");
  sites.unassigned_fraction = 1 - assigned / static_cast<double>(position_ang.size());
  return sites;
}

}  // namespace saltus
