#include "saltus/runs/site_symmetry.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus::runs {

SiteSymmetry find_symmetry(const Cell& cell, std::span<const Vec3> framework_ang, double tolerance_ang, std::vector<std::string>& warnings) {
  if (framework_ang.empty()) throw Error(ErrorKind::usage, "symmetry is that of a framework: name it");
  SiteSymmetry symmetry;
  symmetry.tolerance_ang = tolerance_ang;
  std::vector<Fractional> places;
  for (const Vec3& r : framework_ang) places.push_back(cell.to_fractional(r));
  symmetry.group = find_space_group(cell, places, std::vector<int>(places.size(), 1), tolerance_ang);
  symmetry.framework_shift_ang = symmetrised(cell, symmetry.group.operations, places, 2 * tolerance_ang).largest_shift_ang;
  if (symmetry.group.operations.size() == 1)
    warnings.push_back(fmt::format("the mean framework has no symmetry within {:.3g} Å: nothing is imposed; a larger tolerance or a longer run may find it",
                                   tolerance_ang));
  return symmetry;
}

void impose_symmetry(SiteSymmetry& symmetry, std::span<const Vec3> framework_ang, const SiteSettings& settings, Sites& sites,
                     std::vector<std::string>& warnings) {
  const Cell& cell = sites.cell;
  const double reach = settings.merge_distance_ang > 0 ? settings.merge_distance_ang / 2 : 0.5;
  symmetry.positions = symmetrised(cell, symmetry.group.operations, sites.position, reach);
  sites.position = symmetry.positions.position;
  sites.occupation.clear();
  const std::size_t orbits = 1 + *std::max_element(symmetry.positions.orbit.begin(), symmetry.positions.orbit.end());
  symmetry.sites.assign(orbits, 0);
  for (const std::uint32_t orbit : symmetry.positions.orbit) ++symmetry.sites[orbit];

  std::vector<Fractional> all;
  std::vector<int> kind;
  for (const Vec3& r : framework_ang) all.push_back(cell.to_fractional(r));
  all = symmetrised(cell, symmetry.group.operations, all, 2 * symmetry.tolerance_ang).position;
  kind.assign(all.size(), 1);
  for (std::size_t k = 0; k < sites.size(); ++k) {
    all.push_back(sites.position[k]);
    kind.push_back(2 + static_cast<int>(symmetry.positions.orbit[k]));
  }
  std::optional<WyckoffLetters> letters;
  try {
    letters = find_wyckoff_letters(cell, all, kind, 0.01);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::numeric) throw;  // no letters then; the orbits stand
  }
  if (letters && letters->group_number != symmetry.group.number) letters.reset();
  symmetry.label.assign(orbits, "");
  for (std::size_t k = 0; k < sites.size(); ++k) {
    const std::uint32_t orbit = symmetry.positions.orbit[k];
    symmetry.label[orbit] = fmt::format("{:.0f}", static_cast<double>(symmetry.sites[orbit]) * symmetry.group.conventional_ratio);
    if (letters) symmetry.label[orbit] += letters->letter[all.size() - sites.size() + k];
  }
  if (symmetry.positions.added > 0)
    warnings.push_back(fmt::format("{} of {} sites were not found but follow from the others by symmetry: their occupation is that of the ions near them",
                                   symmetry.positions.added, sites.size()));
}

std::vector<kinetics::StateMap> state_maps(const SiteSymmetry& symmetry) {
  std::vector<kinetics::StateMap> maps;
  for (std::size_t g = 0; g < symmetry.group.operations.size(); ++g) {
    const auto& target = symmetry.positions.maps_to[g];
    maps.push_back({symmetry.group.operations[g].rotation, {target.begin(), target.end()}, symmetry.positions.cell[g]});
  }
  return maps;
}

std::string unequal_jumps(const kinetics::JumpClasses& jumps) {
  return fmt::format("jumps that symmetry makes equivalent are not equally frequent (smallest p {:.1e} of {} classes): the run is too short or the symmetry broken",
                     jumps.smallest_p, jumps.tested);
}

}  // namespace saltus::runs
