#include "saltus/analysis/sites.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "saltus/analysis/density.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();

struct Basin {
  std::size_t peak = 0;      // grid point
  double height = 0;         // density there
  double population = 0;     // counts
  std::uint32_t parent = 0;  // union-find
};

struct Watershed {
  std::vector<Basin> basins;
  std::vector<std::uint32_t> label;  // [grid points] basin, or nowhere
  std::map<std::pair<std::uint32_t, std::uint32_t>, double> saddles;  // highest density between two basins

  std::uint32_t root(std::uint32_t basin) {
    while (basins[basin].parent != basin) basin = basins[basin].parent = basins[basins[basin].parent].parent;
    return basin;
  }
  // The lower peak becomes part of the higher one.
  void merge(std::uint32_t a, std::uint32_t b) {
    if (basins[a].height < basins[b].height || (basins[a].height == basins[b].height && b < a)) std::swap(a, b);
    basins[b].parent = a;
    basins[a].population += basins[b].population;
  }
  bool is_root(std::uint32_t basin) const { return basins[basin].parent == basin; }
};

Watershed find_basins(const Grid& grid, const std::vector<double>& density, double persistence_kt, std::size_t& merged) {
  std::vector<std::uint32_t> order;
  for (std::size_t v = 0; v < density.size(); ++v)
    if (density[v] > 0) order.push_back(static_cast<std::uint32_t>(v));
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return density[a] != density[b] ? density[a] > density[b] : a < b;
  });
  Watershed w;
  w.label.assign(density.size(), nowhere);
  const double factor = std::exp(persistence_kt);
  std::vector<std::size_t> around;
  for (const std::size_t v : order) {
    around.clear();
    const Int3 p = grid.point(v);
    std::size_t steepest = v;
    for (int i = -1; i <= 1; ++i)
      for (int j = -1; j <= 1; ++j)
        for (int k = -1; k <= 1; ++k) {
          const Int3 q{(p[0] + i + grid.count[0]) % grid.count[0], (p[1] + j + grid.count[1]) % grid.count[1],
                       (p[2] + k + grid.count[2]) % grid.count[2]};
          const std::size_t u = grid.index(q);
          if (w.label[u] == nowhere || u == v) continue;
          around.push_back(u);
          if (steepest == v || density[u] > density[steepest] || (density[u] == density[steepest] && u < steepest)) steepest = u;
        }
    if (steepest == v) {
      const auto id = static_cast<std::uint32_t>(w.basins.size());
      w.basins.push_back({v, density[v], 0, id});
      w.label[v] = id;
      continue;
    }
    w.label[v] = w.label[steepest];
    for (const std::size_t u : around) {
      const std::uint32_t here = w.root(w.label[v]), there = w.root(w.label[u]);
      if (here == there) continue;
      if (std::min(w.basins[here].height, w.basins[there].height) < density[v] * factor) {
        w.merge(here, there);
        ++merged;
      } else {
        w.saddles.try_emplace(std::minmax(here, there), density[v]);
      }
    }
  }
  return w;
}

// Joins basins of too few ions, the emptiest first, to the neighbour behind the lowest barrier; without one they vanish.
void merge_empty(Watershed& w, double smallest_population, std::size_t& merged) {
  std::vector<bool> dropped(w.basins.size(), false);
  while (true) {
    std::uint32_t emptiest = nowhere;
    for (std::uint32_t b = 0; b < w.basins.size(); ++b)
      if (w.is_root(b) && !dropped[b] && w.basins[b].population < smallest_population &&
          (emptiest == nowhere || w.basins[b].population < w.basins[emptiest].population))
        emptiest = b;
    if (emptiest == nowhere) break;
    std::uint32_t best = nowhere;
    double highest = 0;
    for (const auto& [pair, saddle] : w.saddles) {
      const std::uint32_t a = w.root(pair.first), b = w.root(pair.second);
      if (a == b || (a != emptiest && b != emptiest) || saddle <= highest) continue;
      highest = saddle;
      best = a == emptiest ? b : a;
    }
    if (best == nowhere) dropped[emptiest] = true;
    else w.merge(best, emptiest);
    ++merged;
  }
  for (auto& label : w.label)
    if (label != nowhere) {
      label = w.root(label);
      if (dropped[label]) label = nowhere;
    }
  for (std::uint32_t b = 0; b < w.basins.size(); ++b)
    if (dropped[b]) w.basins[b].population = 0;
}

struct Site {
  Vec3 centre_ang;
  std::uint32_t basin;
};

// Centroid of the points of each basin with at least half of the density at its peak.
std::vector<Site> centroids(Watershed& w, const Grid& grid, const std::vector<double>& density) {
  std::vector<Vec3> sum(w.basins.size());
  std::vector<double> weight(w.basins.size(), 0);
  for (std::size_t v = 0; v < density.size(); ++v) {
    if (w.label[v] == nowhere) continue;
    const std::uint32_t b = w.root(w.label[v]);
    if (density[v] < w.basins[b].height / 2) continue;
    const Vec3 peak = grid.cell.to_cartesian(grid.fractional(w.basins[b].peak));
    sum[b] += density[v] * grid.cell.minimum_image(grid.cell.to_cartesian(grid.fractional(v)) - peak);
    weight[b] += density[v];
  }
  std::vector<Site> sites;
  for (std::uint32_t b = 0; b < w.basins.size(); ++b)
    if (weight[b] > 0) sites.push_back({grid.cell.to_cartesian(grid.fractional(w.basins[b].peak)) + sum[b] / weight[b], b});
  return sites;
}

// The nearest pair of sites becomes one while it is too near.
std::vector<Site> merge_near(Watershed& w, const Grid& grid, const std::vector<double>& density, double distance_ang, std::size_t& merged) {
  while (true) {
    std::vector<Site> sites = centroids(w, grid, density);
    double nearest2 = distance_ang * distance_ang;
    std::pair<std::uint32_t, std::uint32_t> pair{nowhere, nowhere};
    for (std::size_t i = 0; i < sites.size(); ++i)
      for (std::size_t j = i + 1; j < sites.size(); ++j) {
        const double d2 = norm2(grid.cell.minimum_image(sites[j].centre_ang - sites[i].centre_ang));
        if (d2 < nearest2) {
          nearest2 = d2;
          pair = {sites[i].basin, sites[j].basin};
        }
      }
    if (pair.first == nowhere) return sites;
    w.merge(pair.first, pair.second);
    ++merged;
  }
}

double into_unit(double x) {
  x -= std::floor(x);
  return x < 1 ? x : 0;
}

Fractional into_cell(const Fractional& f) { return {into_unit(f.a), into_unit(f.b), into_unit(f.c)}; }

int cells_in(const Int3& fold) { return fold[0] * fold[1] * fold[2]; }

}  // namespace

double least_ion_frames(const SiteSettings& settings, std::size_t positions, std::size_t frames) {
  return settings.smallest_occupation * std::min(static_cast<double>(frames) * cells_in(settings.fold), static_cast<double>(positions));
}

Cell folded(const Cell& cell, const Int3& fold) {
  for (std::size_t a = 0; a < 3; ++a) {
    if (fold[a] < 1) throw Error(ErrorKind::usage, "the cell can only be folded by whole repeats of at least 1");
    if (!cell.periodic()[a]) throw Error(ErrorKind::usage, "sites need a cell that is periodic along all three vectors");
  }
  Mat3 rows = cell.rows_ang();
  for (int a = 0; a < 3; ++a) rows[a] *= 1.0 / fold[static_cast<std::size_t>(a)];
  return Cell(rows);
}

Sites find_sites(const Cell& cell, std::span<const Vec3> position_ang, std::size_t frames, const SiteSettings& settings) {
  if (frames == 0 || position_ang.empty() || position_ang.size() % frames)
    throw Error(ErrorKind::usage, fmt::format("sites: {} positions are not those of {} frames", position_ang.size(), frames));
  if (settings.smoothing_ang < 0 || settings.persistence_kt < 0 || settings.smallest_occupation < 0 || settings.merge_distance_ang < 0)
    throw Error(ErrorKind::usage, "sites: smoothing, persistence, smallest occupation and merging distance cannot be negative");
  Sites sites;
  sites.cell = folded(cell, settings.fold);
  sites.fold = settings.fold;
  const Grid grid = make_grid(sites.cell, settings.grid_ang);
  const std::vector<std::uint32_t> counts = counts_on_grid(grid, position_ang);
  std::vector<double> density = smoothed(grid, counts, settings.smoothing_ang);
  if (!settings.symmetry.empty()) density = averaged(grid, density, settings.symmetry);

  Watershed w = find_basins(grid, density, settings.persistence_kt, sites.merged_by_persistence);
  for (Basin& b : w.basins) b.population = 0;
  for (std::size_t v = 0; v < counts.size(); ++v)
    if (counts[v] && w.label[v] != nowhere) w.basins[w.root(w.label[v])].population += counts[v];
  const double per_occupation = static_cast<double>(frames) * cells_in(settings.fold);
  merge_empty(w, least_ion_frames(settings, position_ang.size(), frames), sites.merged_by_occupation);
  std::vector<Site> found = merge_near(w, grid, density, settings.merge_distance_ang, sites.merged_by_distance);
  if (found.empty()) throw Error(ErrorKind::usage, "sites: no basin of the density holds as many ions as a site must");

  std::sort(found.begin(), found.end(), [&](const Site& a, const Site& b) { return w.basins[a.basin].peak < w.basins[b.basin].peak; });
  double assigned = 0;
  for (const Site& site : found) {
    sites.position.push_back(into_cell(sites.cell.to_fractional(site.centre_ang)));
    sites.occupation.push_back(w.basins[site.basin].population / per_occupation);
    assigned += w.basins[site.basin].population;
  }
  sites.unassigned_fraction = std::max(0.0, 1 - assigned / static_cast<double>(position_ang.size()));
  return sites;
}

Sites given_sites(const Cell& cell, const Int3& fold, std::span<const Fractional> position) {
  Sites sites;
  sites.cell = folded(cell, fold);
  sites.fold = fold;
  if (position.empty()) throw Error(ErrorKind::usage, "no site is given");
  for (const Fractional& f : position) {
    if (!std::isfinite(f.a + f.b + f.c)) throw Error(ErrorKind::usage, fmt::format("site {}: coordinates must be finite", sites.size() + 1));
    sites.position.push_back(into_cell(f));
  }
  for (std::size_t i = 0; i < sites.size(); ++i)
    for (std::size_t j = i + 1; j < sites.size(); ++j)
      if (norm(sites.cell.minimum_image(sites.cell.to_cartesian(sites.position[j]) - sites.cell.to_cartesian(sites.position[i]))) < 0.1)
        throw Error(ErrorKind::usage, fmt::format("sites {} and {} lie at the same place", i + 1, j + 1));
  return sites;
}

std::vector<double> nearest_site_distance_ang(const Sites& sites) {
  std::vector<Vec3> home;
  for (const Fractional& f : sites.position) home.push_back(sites.cell.to_cartesian(f));
  std::vector<double> nearest(home.size(), 2 * sites.cell.inscribed_radius_ang());
  for (std::size_t i = 0; i < home.size(); ++i)
    for (std::size_t j = 0; j < home.size(); ++j)
      if (i != j) nearest[i] = std::min(nearest[i], norm(sites.cell.minimum_image(home[j] - home[i])));
  return nearest;
}

}  // namespace saltus
