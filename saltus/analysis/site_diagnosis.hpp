// Do the sites fit the paths? Where ions stay far from every site one is missing; a site whose offsets have two peaks along their widest
// direction is two (kurtosis k of two equal Gaussians at ±a: k - 3 = -2 a⁴ / m2², m2 the variance along that direction).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "saltus/analysis/assignment.hpp"
#include "saltus/analysis/sites.hpp"

namespace saltus {

struct MissingSite {
  Fractional position;
  double occupation = 0;       ///< mean number of ions that are there, averaged over the folded cells
  double distance_ang = 0;     ///< to the nearest site
};

/// Offsets of the ions from the site that they belong to, excursions far from it left out.
struct SiteShape {
  std::size_t samples = 0;
  double widest_ang = 0;       ///< rms offset from the mean place along the widest direction
  Vec3 direction;              ///< of it, a unit vector
  double kurtosis = 3;         ///< along it: 3 for a Gaussian, 1.8 for a box, towards 1 for two separate peaks
  double peak_distance_ang = 0;///< between two equal peaks of this kurtosis; 0: one peak
};

struct DiagnosisLimits {
  double far = 0.8;                   ///< of the distance to the nearest other site (at most 2.4 Å): beyond, an ion is far
  double smallest_missing = 0.005;    ///< share of all ion-frames that a missing site must hold
  double two_peaks = 2.2;             ///< kurtosis below which a site is two (a = 1.36 standard deviations of each peak: a saddle shows) …
  std::size_t fewest_samples = 1000;  ///< … if so many frames speak of it
};

struct SiteDiagnosis {
  double far_fraction = 0;            ///< share of ion-frames far from every site
  std::vector<MissingSite> missing;   ///< peaks of their density, the most occupied first
  std::vector<SiteShape> shape;       ///< [sites]
  std::vector<std::string> warnings;
};

/// `position_ang` as assign_sites took it, `density` as find_sites took it (grid and smoothing count).
SiteDiagnosis diagnose_sites(const Sites& sites, const SiteVisits& visits, std::span<const Vec3> position_ang, const SiteSettings& density,
                             const DiagnosisLimits& limits = {});

}  // namespace saltus
