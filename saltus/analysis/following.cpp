#include "saltus/analysis/following.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "saltus/analysis/site_lookup.hpp"
#include "saltus/analysis/sites.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

namespace {

constexpr double cut = 2.5;  // of s beyond the nearest atom: weights below 4 % of the nearest one's, and far below it for a nearest one at s or more

}  // namespace

std::vector<Vec3> following_path_ang(const Paths& paths) {
  const std::vector<Vec3>&framework = paths.framework_site_path(), &ions = paths.site_path();
  const std::size_t atoms = paths.framework.size(), mobile = paths.mobile.size();
  if (atoms == 0) throw Error(ErrorKind::usage, "sites can only follow a framework: name it");
  if (framework.size() != paths.frames * atoms) throw Error(ErrorKind::usage, "to follow the framework all of its frames are needed");
  std::vector<Vec3> mean(atoms);
  for (std::size_t k = 0; k < framework.size(); ++k) mean[k % atoms] += framework[k] / static_cast<double>(paths.frames);
  Sites places;
  places.cell = paths.cell;
  for (const Vec3& r : mean) places.position.push_back(paths.cell.to_fractional(r));
  const std::vector<double> nearest = nearest_site_distance_ang(places);
  const double s = std::accumulate(nearest.begin(), nearest.end(), 0.0) / static_cast<double>(atoms) / 2;
  const SiteLookup lookup(paths.cell, places.position, cut * s);

  std::vector<Vec3> result(ions.size());
  parallel_chunks(paths.frames, 16, [&](std::size_t begin, std::size_t end) {
    for (std::size_t frame = begin; frame < end; ++frame)
      for (std::size_t ion = 0; ion < mobile; ++ion) {
        const Vec3& r = ions[frame * mobile + ion];
        Vec3 wrapped, sum;
        const auto around = lookup.around(r, wrapped);
        double least = std::numeric_limits<double>::max(), weights = 0;
        for (const SiteImage& atom : around) least = std::min(least, norm2(atom.position_ang - wrapped));
        for (const SiteImage& atom : around) {
          const double weight = std::exp((least - norm2(atom.position_ang - wrapped)) / (2 * s * s));
          sum += weight * (framework[frame * atoms + atom.site] - mean[atom.site]);
          weights += weight;
        }
        result[frame * mobile + ion] = r - sum / weights;
      }
  });
  return result;
}

}  // namespace saltus
