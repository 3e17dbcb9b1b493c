#include "saltus/analysis/assignment.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "saltus/analysis/site_lookup.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

namespace {

struct IonSums {
  std::int64_t undefined = 0, outside = 0, assigned = 0;
  Vec3 offset_sq;
};

/// core_radius_ang, and for sites whose core reaches at most halfway to the nearest other one its square (else 0): inside, no other site can be
/// nearer and none need be looked up.
struct Cores {
  const std::vector<double>& radius_ang;
  std::vector<double> own2;

  Cores(const std::vector<double>& radius, const std::vector<double>& nearest_ang) : radius_ang(radius) {
    for (std::size_t s = 0; s < radius.size(); ++s) own2.push_back(radius[s] <= nearest_ang[s] / 2 ? radius[s] * radius[s] : 0);
  }
};

std::vector<Visit> visits_of_ion(const Sites& sites, const SiteLookup& lookup, const Cores& cores,
                                 std::span<const Vec3> position_ang, std::size_t ions, std::size_t ion, IonSums& sums) {
  std::vector<Visit> visits;
  Vec3 home;
  const std::size_t frames = position_ang.size() / ions;
  for (std::size_t frame = 0; frame < frames; ++frame) {
    const Vec3& r = position_ang[frame * ions + ion];
    const auto now = static_cast<std::int64_t>(frame);
    const bool at_home = !visits.empty() && norm2(r - home) < cores.own2[visits.back().site];
    const NearestSite near = at_home ? NearestSite{visits.back().site, visits.back().image, 0} : lookup.nearest(r);
    if (near.distance_ang >= cores.radius_ang[near.site]) {
      ++sums.outside;
    } else if (visits.empty() || visits.back().site != near.site || visits.back().image != near.image) {
      visits.push_back({now, now, near.site, near.image});
      home = sites.cell.to_cartesian(sites.position[near.site]) + sites.cell.translation_ang(near.image);
    }
    if (visits.empty()) {
      ++sums.undefined;
      continue;
    }
    visits.back().last_frame = now;
    ++sums.assigned;
    const Vec3 u = r - home;
    sums.offset_sq += {u.x * u.x, u.y * u.y, u.z * u.z};
  }
  return visits;
}

bool same_place(const Visit& a, const Visit& b) { return a.site == b.site && a.image == b.image; }

// Frames in which a site of the supercell holds two ions or more, and how many sites do.
void count_double_occupation(const Sites& sites, SiteVisits& result) {
  struct Stay {
    std::int64_t first, last;
  };
  const Int3& fold = sites.fold;
  const auto cells = static_cast<std::size_t>(fold[0]) * static_cast<std::size_t>(fold[1]) * static_cast<std::size_t>(fold[2]);
  std::vector<std::vector<Stay>> stays(sites.size() * cells);
  for (const auto& visits : result.ion)
    for (const Visit& v : visits) {
      std::size_t cell = 0;
      for (std::size_t a = 0; a < 3; ++a) cell = cell * static_cast<std::size_t>(fold[a]) + static_cast<std::size_t>(((v.image[a] % fold[a]) + fold[a]) % fold[a]);
      stays[v.site * cells + cell].push_back({v.first_frame, v.last_frame});
    }
  std::vector<std::int64_t> change(static_cast<std::size_t>(result.frames) + 1, 0);  // of the number of doubly occupied sites
  result.shared.assign(sites.size(), 0);
  for (std::size_t place = 0; place < stays.size(); ++place) {
    auto& list = stays[place];
    std::sort(list.begin(), list.end(), [](const Stay& a, const Stay& b) { return a.first < b.first; });
    std::int64_t taken_to = -1, doubled_to = -1;  // last frames with one ion, with two
    for (const Stay& s : list) {
      const std::int64_t from = std::max(s.first, doubled_to + 1), to = std::min(s.last, taken_to);
      if (from <= to) {
        ++change[static_cast<std::size_t>(from)];
        --change[static_cast<std::size_t>(to) + 1];
        doubled_to = to;
        result.shared[place / cells] += static_cast<double>(to - from + 1);
      }
      taken_to = std::max(taken_to, s.last);
    }
  }
  for (double& share : result.shared) share /= static_cast<double>(result.frames) * static_cast<double>(cells);
  std::int64_t now = 0, frames = 0, sum = 0;
  for (std::size_t f = 0; f < static_cast<std::size_t>(result.frames); ++f) {
    now += change[f];
    frames += now > 0;
    sum += now;
  }
  result.report.double_occupation_fraction = static_cast<double>(frames) / static_cast<double>(result.frames);
  result.report.doubly_occupied_sites = static_cast<double>(sum) / static_cast<double>(result.frames) / static_cast<double>(stays.size());
}

void count_jumps(const SiteVisits& result, double frame_spacing_fs, double flicker_fs, AssignmentReport& report) {
  std::int64_t flickers = 0, returns = 0, followed = 0;
  for (const auto& visits : result.ion) {
    if (visits.size() > 1) ++report.carriers_that_jumped;
    report.jumps += static_cast<std::int64_t>(visits.size()) - (visits.empty() ? 0 : 1);
    for (std::size_t k = 1; k + 1 < visits.size(); ++k) {
      const double stay_fs = static_cast<double>(visits[k + 1].first_frame - visits[k].first_frame) * frame_spacing_fs;
      ++followed;
      if (!same_place(visits[k - 1], visits[k + 1])) continue;
      ++returns;
      flickers += stay_fs <= flicker_fs;
    }
  }
  if (report.jumps > 0) report.flicker_fraction = static_cast<double>(flickers) / static_cast<double>(report.jumps);
  if (followed > 0) report.return_fraction = static_cast<double>(returns) / static_cast<double>(followed);
}

void warn(const SiteVisits& result, AssignmentReport& report) {
  const auto add = [&](bool when, std::string text) {
    if (when) report.warnings.push_back(std::move(text));
  };
  add(report.overlapping_cores > 0, fmt::format("the cores of {} pairs of sites overlap: the core radius is too large", report.overlapping_cores));
  add(report.undefined_fraction > 0.01,
      fmt::format("{:.1f} % of the ion-frames come before the ion first enters a core: sites are missing or cores too small",
                  100 * report.undefined_fraction));
  add(report.outside_fraction > 0.3, fmt::format("ions are outside all cores in {:.0f} % of the frames", 100 * report.outside_fraction));
  add(report.largest_occupation > 1.05,
      fmt::format("a site holds {:.2f} ions on average: sites were merged that are not one", report.largest_occupation));
  add(report.doubly_occupied_sites > 0.01, fmt::format("{:.1f} % of the sites hold two ions on average", 100 * report.doubly_occupied_sites));
  add(report.flicker_fraction > 0.5 && report.jumps >= 100,
      fmt::format("{:.0f} % of the jumps go straight back: cores too large or sites that are not one minimum each",
                  100 * report.flicker_fraction));
  std::size_t silent = 0;
  for (const auto& visits : result.ion) silent += visits.empty();
  add(silent > 0, fmt::format("{} ions never enter a core", silent));
}

void check_sizes(const Sites& sites, std::span<const Vec3> position_ang, std::size_t frames) {
  if (sites.size() == 0) throw Error(ErrorKind::usage, "there are no sites to assign ions to");
  if (frames == 0 || position_ang.empty() || position_ang.size() % frames)
    throw Error(ErrorKind::usage, fmt::format("assignment: {} positions are not those of {} frames", position_ang.size(), frames));
}

}  // namespace

SiteVisits assign_sites(const Sites& sites, std::span<const Vec3> position_ang, std::size_t frames, double frame_spacing_fs,
                        const AssignmentSettings& settings) {
  check_sizes(sites, position_ang, frames);
  if (settings.core_radius_ang && !(*settings.core_radius_ang > 0)) throw Error(ErrorKind::usage, "the core radius must be positive");
  if (!settings.core_radius_ang && !(settings.core_fraction > 0 && settings.core_fraction < 0.5 && settings.largest_core_ang > 0))
    throw Error(ErrorKind::usage, "the core radius as a share of the nearest distance between sites must lie between 0 and 0.5");

  SiteVisits result;
  result.frames = static_cast<std::int64_t>(frames);
  const std::vector<double> nearest = nearest_site_distance_ang(sites);
  for (const double d : nearest)
    result.core_radius_ang.push_back(settings.core_radius_ang ? *settings.core_radius_ang
                                                              : std::min(settings.core_fraction * d, settings.largest_core_ang));
  AssignmentReport& report = result.report;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    if (2 * result.core_radius_ang[i] > 2 * sites.cell.inscribed_radius_ang()) ++report.overlapping_cores;
    for (std::size_t j = i + 1; j < sites.size(); ++j) {
      const double d = norm(sites.cell.minimum_image(sites.cell.to_cartesian(sites.position[j]) - sites.cell.to_cartesian(sites.position[i])));
      if (result.core_radius_ang[i] + result.core_radius_ang[j] > d) ++report.overlapping_cores;
    }
  }

  const SiteLookup lookup(sites.cell, sites.position);
  const std::size_t ions = position_ang.size() / frames;
  result.ion.resize(ions);
  std::vector<IonSums> sums(ions);
  const Cores cores(result.core_radius_ang, nearest);
  parallel_chunks(ions, 1, [&](std::size_t ion, std::size_t) {
    result.ion[ion] = visits_of_ion(sites, lookup, cores, position_ang, ions, ion, sums[ion]);
  });

  IonSums total;
  for (const IonSums& s : sums) {
    total.undefined += s.undefined;
    total.outside += s.outside;
    total.assigned += s.assigned;
    total.offset_sq += s.offset_sq;
  }
  const auto ion_frames = static_cast<double>(position_ang.size());
  report.undefined_fraction = static_cast<double>(total.undefined) / ion_frames;
  report.outside_fraction = static_cast<double>(total.outside) / ion_frames;
  if (total.assigned > 0) report.offset_msq_ang2 = total.offset_sq / static_cast<double>(total.assigned);

  result.occupation.assign(sites.size(), 0);
  for (const auto& visits : result.ion)
    for (const Visit& v : visits) result.occupation[v.site] += static_cast<double>(v.last_frame - v.first_frame + 1);
  const double site_frames = static_cast<double>(frames) * sites.fold[0] * sites.fold[1] * sites.fold[2];
  for (double& x : result.occupation) x /= site_frames;
  report.largest_occupation = *std::max_element(result.occupation.begin(), result.occupation.end());
  count_double_occupation(sites, result);
  count_jumps(result, frame_spacing_fs, settings.flicker_fs, report);
  warn(result, report);
  return result;
}

CoreSensitivity core_sensitivity(const Sites& sites, const SiteVisits& visits, std::span<const Vec3> position_ang) {
  check_sizes(sites, position_ang, static_cast<std::size_t>(visits.frames));
  const SiteLookup lookup(sites.cell, sites.position);
  const std::vector<double> nearest = nearest_site_distance_ang(sites);
  const std::size_t ions = visits.ion.size();
  const auto jumps_with = [&](double scale) {
    std::vector<double> radius = visits.core_radius_ang;
    for (double& r : radius) r *= scale;
    const Cores cores(radius, nearest);
    std::vector<std::int64_t> jumps(ions, 0);
    parallel_chunks(ions, 1, [&](std::size_t ion, std::size_t) {
      IonSums unused;
      const auto found = visits_of_ion(sites, lookup, cores, position_ang, ions, ion, unused);
      jumps[ion] = found.empty() ? 0 : static_cast<std::int64_t>(found.size()) - 1;
    });
    std::int64_t sum = 0;
    for (const auto j : jumps) sum += j;
    return sum;
  };
  return {jumps_with(0.9), visits.report.jumps, jumps_with(1.1)};
}

}  // namespace saltus
