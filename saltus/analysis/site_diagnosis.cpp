#include "saltus/analysis/site_diagnosis.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/analysis/site_lookup.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

namespace {

constexpr double farthest_ang = 2.4;
constexpr std::size_t most_far = 5'000'000;  // positions kept to look for peaks in: thinned out evenly beyond

struct Moments {
  double n = 0;
  Vec3 sum;
  Mat3 square;
  double second = 0, fourth = 0;  // along the widest direction
};

/// Calls take(site, offset) for all offsets within reach of the site that the ion belongs to.
template <typename Take>
void for_offsets(const Sites& sites, const std::vector<Visit>& visits, std::span<const Vec3> position_ang, std::size_t ions, std::size_t ion,
                 const std::vector<double>& reach_ang, const Take& take) {
  for (const Visit& visit : visits) {
    const Vec3 home = sites.cell.to_cartesian(sites.position[visit.site]) + sites.cell.translation_ang(visit.image);
    for (std::int64_t frame = visit.first_frame; frame <= visit.last_frame; ++frame) {
      const Vec3 u = position_ang[static_cast<std::size_t>(frame) * ions + ion] - home;
      if (norm2(u) < reach_ang[visit.site] * reach_ang[visit.site]) take(visit.site, u);
    }
  }
}

/// Eigenvector of the largest eigenvalue of a covariance, by repeated squaring.
Vec3 widest_direction(Mat3 covariance) {
  for (int k = 0; k < 30; ++k) {
    double largest = 0;
    for (const Vec3& row : covariance.row) largest = std::max({largest, std::abs(row.x), std::abs(row.y), std::abs(row.z)});
    if (!(largest > 0)) return {1, 0, 0};
    for (int i = 0; i < 3; ++i) covariance[i] *= 1 / largest;
    covariance = covariance * covariance;
  }
  Vec3 best;
  for (const Vec3& row : covariance.row)
    if (norm2(row) > norm2(best)) best = row;
  return best / norm(best);
}

std::vector<SiteShape> shapes_of(const Sites& sites, const SiteVisits& visits, std::span<const Vec3> position_ang, const std::vector<double>& reach_ang,
                                 const DiagnosisLimits& limits) {
  const std::size_t ions = visits.ion.size();
  std::vector<Moments> moments(sites.size());
  for (std::size_t ion = 0; ion < ions; ++ion)
    for_offsets(sites, visits.ion[ion], position_ang, ions, ion, reach_ang, [&](std::uint32_t site, const Vec3& u) {
      Moments& m = moments[site];
      m.n += 1;
      m.sum += u;
      m.square += outer(u, u);
    });
  std::vector<SiteShape> shapes(sites.size());
  for (std::size_t s = 0; s < sites.size(); ++s) {
    Moments& m = moments[s];
    shapes[s].samples = static_cast<std::size_t>(m.n);
    if (m.n < 2) continue;
    const Vec3 mean = m.sum / m.n;
    Mat3 covariance = m.square;
    for (int i = 0; i < 3; ++i) covariance[i] = covariance[i] / m.n - mean[i] * mean;
    shapes[s].direction = widest_direction(covariance);
  }
  for (std::size_t ion = 0; ion < ions; ++ion)
    for_offsets(sites, visits.ion[ion], position_ang, ions, ion, reach_ang, [&](std::uint32_t site, const Vec3& u) {
      Moments& m = moments[site];
      const double x = dot(u - m.sum / m.n, shapes[site].direction), x2 = x * x;
      m.second += x2;
      m.fourth += x2 * x2;
    });
  for (std::size_t s = 0; s < sites.size(); ++s) {
    const Moments& m = moments[s];
    SiteShape& shape = shapes[s];
    if (!(m.second > 0)) continue;
    const double variance = m.second / m.n;
    shape.widest_ang = std::sqrt(variance);
    shape.kurtosis = m.fourth / m.n / (variance * variance);
    if (shape.kurtosis < limits.two_peaks && shape.samples >= limits.fewest_samples)
      shape.peak_distance_ang = 2 * std::sqrt(variance * std::sqrt((3 - shape.kurtosis) / 2));
  }
  return shapes;
}

std::vector<MissingSite> missing_sites(const Sites& sites, std::vector<Vec3> far_ang, double thinning, std::size_t frames, std::size_t ions, const SiteSettings& density,
                                       const DiagnosisLimits& limits) {
  SiteSettings settings = density;
  settings.fold = {1, 1, 1};
  const double cells = sites.fold[0] * sites.fold[1] * sites.fold[2];
  const double count_per_occupation = static_cast<double>(frames) * cells / thinning;
  const double least = limits.smallest_missing * static_cast<double>(frames) * static_cast<double>(ions) / thinning;
  if (static_cast<double>(far_ang.size()) < least) return {};
  settings.smallest_occupation = 0;
  const Sites peaks = find_sites(sites.cell, far_ang, 1, settings);
  const SiteLookup lookup(sites.cell, sites.position);
  std::vector<MissingSite> missing;
  for (std::size_t k = 0; k < peaks.size(); ++k) {
    if (peaks.occupation[k] < least) continue;
    missing.push_back({peaks.position[k], peaks.occupation[k] / count_per_occupation, lookup.nearest(sites.cell.to_cartesian(peaks.position[k])).distance_ang});
  }
  std::stable_sort(missing.begin(), missing.end(), [](const MissingSite& a, const MissingSite& b) { return a.occupation > b.occupation; });
  return missing;
}

}  // namespace

SiteDiagnosis diagnose_sites(const Sites& sites, const SiteVisits& visits, std::span<const Vec3> position_ang, const SiteSettings& density,
                             const DiagnosisLimits& limits) {
  SiteDiagnosis diagnosis;
  const std::size_t ions = visits.ion.size(), frames = static_cast<std::size_t>(visits.frames);
  std::vector<double> reach_ang;
  for (const double d : nearest_site_distance_ang(sites)) reach_ang.push_back(std::min(limits.far * d, farthest_ang));
  const SiteLookup lookup(sites.cell, sites.position);
  constexpr std::size_t chunk = 65536;
  std::vector<std::vector<std::size_t>> far((position_ang.size() + chunk - 1) / chunk);
  parallel_chunks(position_ang.size(), chunk, [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) {
      const NearestSite near = lookup.nearest(position_ang[k]);
      if (near.distance_ang > reach_ang[near.site]) far[begin / chunk].push_back(k);
    }
  });
  std::size_t count = 0;
  for (const auto& part : far) count += part.size();
  diagnosis.far_fraction = static_cast<double>(count) / static_cast<double>(position_ang.size());
  const std::size_t every = count / most_far + 1;
  std::vector<Vec3> far_ang;
  std::size_t seen = 0;
  for (const auto& part : far)
    for (const std::size_t k : part)
      if (seen++ % every == 0) far_ang.push_back(position_ang[k]);
  diagnosis.missing = missing_sites(sites, std::move(far_ang), static_cast<double>(every), frames, ions, density, limits);
  diagnosis.shape = shapes_of(sites, visits, position_ang, reach_ang, limits);

  const auto place = [](const Fractional& f) { return fmt::format("{:.3f} {:.3f} {:.3f}", f.a, f.b, f.c); };
  if (!diagnosis.missing.empty()) {
    const MissingSite& m = diagnosis.missing.front();
    diagnosis.warnings.push_back(fmt::format("a site seems to be missing: {:.3g} ions per cell stay around {}, {:.2f} Å from the nearest site{}", m.occupation, place(m.position),
                                             m.distance_ang, diagnosis.missing.size() > 1 ? fmt::format(", and {} more such places", diagnosis.missing.size() - 1) : ""));
  }
  for (std::size_t s = 0; s < sites.size(); ++s)
    if (const SiteShape& shape = diagnosis.shape[s]; shape.peak_distance_ang > 0)
      diagnosis.warnings.push_back(fmt::format("site {} at {} has two peaks about {:.2f} Å apart: it may be two sites", s, place(sites.position[s]), shape.peak_distance_ang));
  return diagnosis;
}

}  // namespace saltus
