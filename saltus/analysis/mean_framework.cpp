#include "saltus/analysis/mean_framework.hpp"

namespace saltus {

namespace {

constexpr double same_place_ang = 0.8;

}  // namespace

std::vector<Vec3> mean_framework_ang(const Cell& cell, const Paths& paths) {
  const std::vector<Vec3>& path = paths.framework_site_path();
  const std::size_t atoms = paths.framework.size();
  if (atoms == 0) return {};
  const std::size_t frames = path.size() / atoms;
  struct Place {
    Vec3 first, offset_sum;
    double count = 0;
  };
  std::vector<Place> places;
  for (std::size_t atom = 0; atom < atoms; ++atom) {
    Vec3 sum;
    for (std::size_t frame = 0; frame < frames; ++frame) sum += path[frame * atoms + atom];
    const Vec3 position = cell.wrap(sum / static_cast<double>(frames));
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

}  // namespace saltus
