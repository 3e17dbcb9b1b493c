#include "saltus/runs/scene_json.hpp"

#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "saltus/analysis/mean_framework.hpp"

namespace saltus::runs {

using json = nlohmann::ordered_json;

namespace {

json point(const Vec3& position) {
  const auto rounded = [](double x) { return std::round(x * 1e4) / 1e4; };
  return {rounded(position.x), rounded(position.y), rounded(position.z)};
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
  for (const Vec3& position : mean_framework_ang(sites.cell, paths)) scene["framework_ang"].push_back(point(position));
  for (const Fractional& site : sites.position) scene["sites_ang"].push_back(point(sites.cell.to_cartesian(site)));
  scene["jumps"] = jumps_json(visits);
  return scene;
}

}  // namespace saltus::runs
