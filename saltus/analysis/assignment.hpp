// Ions → sites with hysteresis: an ion keeps its last site until it enters the core of another one (transition-based
// assignment; Buchete and Hummer, J. Phys. Chem. B 112, 6057 (2008)). Visits are resolved by cell image.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saltus/analysis/sites.hpp"

namespace saltus {

/// An ion belongs to a site image during frames first_frame … last_frame, both included.
struct Visit {
  std::int64_t first_frame = 0, last_frame = 0;
  std::uint32_t site = 0;
  Int3 image{};               ///< of the folded cell, from the unwrapped path
};

struct AssignmentSettings {
  /// Core radius of every site; none: core_fraction × the distance to the nearest other site, for each site.
  std::optional<double> core_radius_ang;
  double core_fraction = 0.4;            ///< below 0.5, so that cores do not overlap
  double largest_core_ang = 1.2;         ///< bound on the radii from core_fraction
  double flicker_fs = 200;               ///< a visit shorter than this between two visits to one other site is a flicker
};

/// How well the sites describe the paths.
struct AssignmentReport {
  std::int64_t jumps = 0;                 ///< completed, core to core
  std::int64_t carriers_that_jumped = 0;
  double undefined_fraction = 0;          ///< share of ion-frames before the first core entry: dropped
  double outside_fraction = 0;            ///< share of ion-frames outside all cores
  double flicker_fraction = 0;            ///< share of jumps that go back within flicker_fs
  double return_fraction = 0;             ///< share of jumps that the ion's next one takes back, however late (of those that have a next one)
  std::size_t overlapping_cores = 0;      ///< pairs of sites whose cores overlap
  double largest_occupation = 0;
  double double_occupation_fraction = 0;  ///< share of frames in which two ions belong to one site
  double doubly_occupied_sites = 0;       ///< mean share of sites that hold two ions
  Vec3 offset_msq_ang2;                   ///< mean square of position − site, per component: the vibrations inside the sites
  std::vector<std::string> warnings;
};

struct SiteVisits {
  std::int64_t frames = 0;
  std::vector<std::vector<Visit>> ion;    ///< [ion] in time order, without gaps after the first core entry
  std::vector<double> core_radius_ang;    ///< [sites]
  std::vector<double> occupation;         ///< [sites] mean number of ions, averaged over the folded cells; 1 = always taken
  std::vector<double> shared;             ///< [sites] share of the time that two ions or more are on one image of the site
  AssignmentReport report;
};

/// position_ang [frame][ion]: unwrapped, relative to the framework, the paths the sites were found from.
/// Throws Error{usage} for sizes or settings that cannot be meant (a given radius of half the nearest distance between sites
/// or more only warns: overlaps are counted).
SiteVisits assign_sites(const Sites& sites, std::span<const Vec3> position_ang, std::size_t frames, double frame_spacing_fs,
                        const AssignmentSettings& settings = {});

/// Number of jumps with all core radii scaled, for the sensitivity to the choice: {0.9, 1.1} × the radii of `visits`.
struct CoreSensitivity {
  std::int64_t jumps_smaller = 0, jumps = 0, jumps_larger = 0;
};
CoreSensitivity core_sensitivity(const Sites& sites, const SiteVisits& visits, std::span<const Vec3> position_ang);

}  // namespace saltus
