#include "saltus/runs/scene_json.hpp"

#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

namespace saltus::runs {

using json = nlohmann::ordered_json;

namespace {

/// Framework atoms nearer than this after folding are one atom of the folded cell: below any bond length, above the spread
/// of mean positions.
constexpr double same_place_ang = 0.8;

json point(const Vec3& position) {
  const auto rounded = [](double x) { return std::round(x * 1e4) / 1e4; };
  return {rounded(position.x), rounded(position.y), rounded(position.z)};
}

std::vector<Vec3> mean_positions_ang(const Cell& cell, const Paths& paths) {
  const std::vector<Vec3>& path = paths.framework_site_path();
  const std::size_t atoms = paths.framework.size();
  struct Place {
    Vec3 first, offset_sum;
    double count = 0;
  };
  std::vector<Place> places;
  for (std::size_t atom = 0; atom < atoms; ++atom) {
    Vec3 sum;
    for (std::size_t frame = 0; frame < paths.frames; ++frame) sum += path[frame * atoms + atom];
    const Vec3 position = cell.wrap(sum / static_cast<double>(paths.frames));
    Place* found = nullptr;
    Vec3 offset;
    for (Place& place : places) {
      offset = cell.minimum_image(position - place.first);
      if (norm(offset) < same_place_ang) {
        found = &place;
        break;
      }
    }
    if (!found) {
      offset = {};
      found = &places.emplace_back(Place{position, {}, 0});
    }
    found->offset_sum += offset;
    found->count += 1;
  }
  std::vector<Vec3> result;
  for (const Place& place : places) result.push_back(cell.wrap(place.first + place.offset_sum / place.count));
  return result;
}

json jumps_json(const SiteVisits& visits) {
  using Pair = std::tuple<std::uint32_t, std::uint32_t, Int3>;
  std::map<Pair, std::pair<std::int64_t, std::int64_t>> counts;
  for (const std::vector<Visit>& ion : visits.ion)
    for (std::size_t k = 1; k < ion.size(); ++k) {
      const Visit &from = ion[k - 1], &to = ion[k];
      Int3 image, opposite;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        image[axis] = to.image[axis] - from.image[axis];
        opposite[axis] = -image[axis];
      }
      const Pair there{from.site, to.site, image}, back{to.site, from.site, opposite};
      if (there == back) continue;
      if (there < back) ++counts[there].first;
      else ++counts[back].second;
    }
  json result = json::array();
  for (const auto& [pair, count] : counts) {
    const auto& [from, to, image] = pair;
    result.push_back({from, to, image[0], image[1], image[2], count.first, count.second});
  }
  return result;
}

}  // namespace

json scene_json(const Sites& sites, const SiteVisits& visits, const Paths& paths, const std::string& mobile,
                const std::string& framework) {
  json scene{{"cell_ang", json::array()}, {"mobile", mobile}, {"element", framework}, {"framework_ang", json::array()}, {"sites_ang", json::array()}};
  for (int row = 0; row < 3; ++row) scene["cell_ang"].push_back(point(sites.cell.rows_ang()[row]));
  for (const Vec3& position : mean_positions_ang(sites.cell, paths)) scene["framework_ang"].push_back(point(position));
  for (const Fractional& site : sites.position) scene["sites_ang"].push_back(point(sites.cell.to_cartesian(site)));
  scene["jumps"] = jumps_json(visits);
  return scene;
}

}  // namespace saltus::runs
