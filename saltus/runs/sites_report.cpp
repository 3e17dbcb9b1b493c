#include "saltus/runs/sites_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "saltus/analysis/following.hpp"
#include "saltus/analysis/framework.hpp"
#include "saltus/analysis/mean_framework.hpp"
#include "saltus/base/error.hpp"
#include "saltus/base/units.hpp"
#include "saltus/kinetics/distributions.hpp"
#include "saltus/kinetics/jackknife.hpp"
#include "saltus/kinetics/jump_rates.hpp"
#include "saltus/kinetics/lag_dependence.hpp"
#include "saltus/kinetics/mean_square_displacement.hpp"
#include "saltus/runs/whole_paths.hpp"

namespace saltus::runs {

using units::fs_per_ps;

namespace {

constexpr std::int64_t fewest_jumps = 100;  // below, no lag test
constexpr int tested_timescales = 1;
constexpr double fewest_frames = 20;           // of a mean stay: with fewer, more than 5 % of the jumps hide between frames

void check_host(const Paths& paths, std::vector<std::string>& warnings) {
  if (paths.framework.empty() || paths.frames < 30) return;
  const FrameworkCheck check = check_framework(paths.cell, paths.framework_site_path(), paths.frames, paths.frame_spacing_fs);
  if (!check.crystalline) warnings.push_back("the framework does not stay crystalline, so that sites mean little: " + check.reason);
}

/// [sites][blocks] mean number of ions.
std::vector<std::vector<double>> block_occupation(const SitesReport& report, std::span<const std::int64_t> bounds) {
  const std::size_t blocks = bounds.size() - 1;
  std::vector<std::vector<double>> result(report.sites.size(), std::vector<double>(blocks, 0));
  const Int3& fold = report.sites.fold;
  for (const auto& visits : report.visits.ion)
    for (const Visit& visit : visits)
      for (std::size_t b = 0; b < blocks; ++b) {
        const std::int64_t from = std::max(visit.first_frame, bounds[b]), to = std::min(visit.last_frame + 1, bounds[b + 1]);
        if (from < to) result[visit.site][b] += static_cast<double>(to - from) / static_cast<double>(bounds[b + 1] - bounds[b]) / (fold[0] * fold[1] * fold[2]);
      }
  return result;
}

void add_figures(SitesReport& report, std::span<const std::int64_t> bounds, const kinetics::TransitionCounts& steps) {
  const std::vector<double> nearest = nearest_site_distance_ang(report.sites), exposure = kinetics::exposure_frames(steps);
  const kinetics::JumpStatistics jumps = kinetics::jump_statistics(report.trajectory);
  std::vector<bool> arrivals(report.sites.size(), false);
  for (const auto& visits : report.visits.ion)
    for (std::size_t k = 1; k < visits.size(); ++k) arrivals[visits[k].site] = true;
  const auto occupation = block_occupation(report, bounds);
  for (std::size_t s = 0; s < report.sites.size(); ++s) {
    SiteFigures figures;
    figures.occupation = report.visits.occupation[s];
    figures.departures = jumps.departures[s];
    figures.nearest_ang = nearest[s];
    if (arrivals[s] || figures.departures > 0) {
      Estimate e = kinetics::jackknife_estimate(figures.occupation, kinetics::leave_one_out_means(occupation[s]));
      e.low = std::max(e.low, 0.0);
      figures.occupation_interval = e;
    }
    const double never = std::numeric_limits<double>::infinity();
    figures.residence_fs = {never, 0, never};
    if (exposure[s] > 0)
      figures.residence_fs = kinetics::event_time(static_cast<double>(figures.departures), exposure[s] * report.frame_spacing_fs, report.jump_dispersion);
    report.figures.push_back(figures);
  }
}

/// Occupation of whole orbits.
void add_orbit_figures(SitesReport& report, std::span<const std::int64_t> bounds) {
  SiteSymmetry& symmetry = *report.symmetry;
  const auto occupation = block_occupation(report, bounds);
  const std::size_t orbits = symmetry.label.size();
  std::vector<std::vector<double>> blocks(orbits, std::vector<double>(bounds.size() - 1, 0));
  std::vector<bool> exchange(orbits, false);
  symmetry.occupation.assign(orbits, 0);
  for (std::size_t k = 0; k < report.sites.size(); ++k) {
    const std::uint32_t orbit = symmetry.positions.orbit[k];
    const double share = 1 / static_cast<double>(symmetry.sites[orbit]);
    symmetry.occupation[orbit] += share * report.figures[k].occupation;
    for (std::size_t b = 0; b < blocks[orbit].size(); ++b) blocks[orbit][b] += share * occupation[k][b];
    exchange[orbit] = exchange[orbit] || report.figures[k].occupation_interval;
  }
  for (std::size_t orbit = 0; orbit < orbits; ++orbit) {
    symmetry.occupation_interval.emplace_back();
    if (!exchange[orbit]) continue;
    Estimate e = kinetics::jackknife_estimate(symmetry.occupation[orbit], kinetics::leave_one_out_means(blocks[orbit]));
    e.low = std::max(e.low, 0.0);
    symmetry.occupation_interval.back() = e;
  }
}

/// Rates of the jumps: pooled over equivalent ones where these agree.
void add_rates(SitesReport& report, const kinetics::TransitionCounts& steps) {
  std::vector<kinetics::StateMap> maps;
  if (report.symmetry) maps = state_maps(*report.symmetry);
  report.jumps = kinetics::jump_classes(steps, maps, report.jump_dispersion);
  if (report.jumps.classes.empty()) return;
  std::vector<Vec3> site_ang;
  for (const Fractional& f : report.sites.position) site_ang.push_back(report.sites.cell.to_cartesian(f));
  const double spacing_ps = report.frame_spacing_fs / fs_per_ps;
  if (report.symmetry && report.jumps.differ()) {
    report.warnings.push_back(unequal_jumps(report.jumps) + "; each jump keeps its own rate in the network");
  } else if (report.symmetry && maps.size() > 1) {
    report.symmetry->pooled = true;
    report.network = kinetics::rate_network(kinetics::summed_over(steps, maps), 1 / (static_cast<double>(maps.size()) * report.jump_dispersion), site_ang,
                                            report.sites.cell.rows_ang(), spacing_ps);
  }
  if (!report.network) report.network = kinetics::rate_network(steps, 1 / report.jump_dispersion, site_ang, report.sites.cell.rows_ang(), spacing_ps);
  if (const kinetics::ImbalanceTest test = kinetics::imbalance_of(steps);
      test.pairs > 0 && kinetics::chi_squared_tail(test.chi2 / report.jump_dispersion, static_cast<int>(test.pairs)) < 0.01)
    report.warnings.push_back(fmt::format("jumps and their reverses are not equally frequent (chi² {:.1f} over {} pairs): the run is not in equilibrium, and "
                                          "the rates, which assume it, are doubtful",
                                          test.chi2, test.pairs));
}

MarkovTest test_markov(const SitesReport& report, std::span<const std::int64_t> bounds, const Progress& progress) {
  MarkovTest test;
  if (report.visits.report.jumps < fewest_jumps) {
    test.verdict = fmt::format("Whether one ion is a Markov chain on these sites is not tested: {} jumps, {} are needed", report.visits.report.jumps, fewest_jumps);
    return test;
  }
  std::vector<Vec3> site_ang;
  for (const Fractional& f : report.sites.position) site_ang.push_back(report.sites.cell.to_cartesian(f));
  const std::vector<std::int64_t> lags = kinetics::log_spaced_lags(std::max<std::int64_t>(1, (bounds[1] - bounds[0]) / 2), 3);
  test.lags = kinetics::estimate_lags(report.trajectory, site_ang, report.sites.cell.rows_ang(), report.frame_spacing_fs, lags, bounds, tested_timescales, progress);
  std::vector<kinetics::SeriesMember> series;
  std::vector<kinetics::Timescale> slowest;
  std::vector<std::size_t> member;
  for (std::size_t k = 0; k < test.lags.size(); ++k) {
    const kinetics::LagEstimate& lag = test.lags[k];
    slowest.push_back(lag.timescales.empty() ? kinetics::Timescale{} : lag.timescales[0]);
    if (!lag.diffusion_ang2_fs) continue;
    series.push_back({lag.lag_fs, lag.diffusion_ang2_fs->value, lag.replicate_ang2_fs});
    member.push_back(k);
  }
  if (const auto from = kinetics::constant_from(series)) test.plateau = member[*from];
  test.level = kinetics::level_from(slowest);
  const bool has_timescale = std::any_of(test.lags.begin(), test.lags.end(), [](const auto& lag) { return !lag.timescales.empty() && lag.timescales[0].value_fs; });
  const double longest_ps = test.lags.back().lag_fs / fs_per_ps;
  const auto at = [&](std::size_t k) { return test.lags[k].lag_fs / fs_per_ps; };
  if (test.plateau && (test.level || !has_timescale))
    test.verdict = fmt::format("One ion can be taken for a Markov chain on these sites from a lag of {:.4g} ps on: D{} no longer change{} with the lag, up to {:.4g} ps",
                               std::max(at(*test.plateau), test.level ? at(*test.level) : 0), has_timescale ? " and the slowest timescale" : "",
                               has_timescale ? "" : "s", longest_ps);
  else
    test.verdict = fmt::format("Not Markovian at any tested lag, up to {:.4g} ps: {} with the lag, or level so late that nothing longer is left to see it by", longest_ps,
                               test.plateau ? "the slowest timescale changes" : test.level || !has_timescale ? "D changes" : "D and the slowest timescale change");
  return test;
}

}  // namespace

kinetics::SiteTrajectory site_trajectory_of(const SiteVisits& visits, std::size_t sites) {
  kinetics::SiteTrajectory trajectory;
  trajectory.n_states = static_cast<int>(sites);
  trajectory.n_carriers = static_cast<int>(visits.ion.size());
  trajectory.n_frames = visits.frames;
  for (std::size_t ion = 0; ion < visits.ion.size(); ++ion) {
    if (visits.ion[ion].empty()) continue;
    kinetics::SiteSegment segment{static_cast<int>(ion), {}};
    for (const Visit& visit : visits.ion[ion])
      segment.visits.push_back({visit.first_frame, visit.last_frame + 1, static_cast<int>(visit.site), visit.image});
    trajectory.segments.push_back(std::move(segment));
  }
  return trajectory;
}

SiteStates states_of(const SitesReport& report, bool primitive) {
  SiteStates states;
  states.ions = report.ions;
  states.site.assign(report.frames * report.ions, -1);
  states.image.assign(3 * states.site.size(), 0);
  const Int3& fold = report.sites.fold;
  for (std::size_t ion = 0; ion < report.ions; ++ion)
    for (const Visit& visit : report.visits.ion[ion]) {
      Int3 image = visit.image;
      auto site = static_cast<std::int32_t>(visit.site);
      if (!primitive) {
        int cell = 0;
        for (std::size_t x = 0; x < 3; ++x) {
          const int inside = ((image[x] % fold[x]) + fold[x]) % fold[x];
          image[x] = (image[x] - inside) / fold[x];
          cell = cell * fold[x] + inside;
        }
        site += cell * static_cast<std::int32_t>(report.sites.size());
      }
      for (std::int64_t frame = visit.first_frame; frame <= visit.last_frame; ++frame) {
        const std::size_t at = static_cast<std::size_t>(frame) * report.ions + ion;
        states.site[at] = site;
        for (std::size_t x = 0; x < 3; ++x) states.image[3 * at + x] = image[x];
      }
    }
  return states;
}

SitesReport analyze_sites(const TrajectoryInput& input, const SitesSettings& settings, const Progress& progress) {
  SitesReport report;
  WholePaths whole = read_whole_paths(input, PathSettings{settings.mobile, settings.framework}, settings.density.fold, progress);
  report.paths = std::move(whole.paths);
  report.formula = std::move(whole.formula);
  report.warnings = std::move(whole.warnings);
  const Paths& paths = report.paths;
  report.frames = paths.frames;
  report.ions = paths.mobile.size();
  report.frame_spacing_fs = paths.frame_spacing_fs;
  const std::vector<std::int64_t> bounds = kinetics::block_bounds(static_cast<std::int64_t>(paths.frames), settings.blocks);
  check_host(paths, report.warnings);
  if (settings.follow) report.followed_ang = following_path_ang(paths);
  const std::vector<Vec3>& ions = report.ion_path_ang();

  report_progress(progress, "sites", 0, 0);
  const Cell cell = folded(paths.cell, settings.density.fold);
  const std::vector<Vec3> framework_ang = mean_framework_ang(cell, paths);
  SiteSettings density = settings.density;
  if (settings.symmetry_ang) {
    report.symmetry = find_symmetry(cell, framework_ang, *settings.symmetry_ang, report.warnings);
    density.symmetry = report.symmetry->group.operations;
  }
  if (settings.method == SiteMethod::given) {
    report.sites = given_sites(paths.cell, settings.density.fold, settings.given);
  } else if (settings.method == SiteMethod::voronoi) {
    if (framework_ang.empty()) throw Error(ErrorKind::usage, "voids are those of a framework: name it");
    report.sites = sites_at_nodes(paths.cell, voronoi_nodes(cell, framework_ang), ions, paths.frames, density);
  } else {
    report.sites = find_sites(paths.cell, ions, paths.frames, density);
  }
  if (report.symmetry) impose_symmetry(*report.symmetry, framework_ang, density, report.sites, report.warnings);
  report_progress(progress, "jumps", 0, 0);
  report.visits = assign_sites(report.sites, ions, paths.frames, paths.frame_spacing_fs, settings.assignment);
  report.warnings.insert(report.warnings.end(), report.visits.report.warnings.begin(), report.visits.report.warnings.end());
  report.sensitivity = core_sensitivity(report.sites, report.visits, ions);
  report.diagnosis = diagnose_sites(report.sites, report.visits, ions, settings.density);
  report.warnings.insert(report.warnings.end(), report.diagnosis.warnings.begin(), report.diagnosis.warnings.end());

  report.trajectory = site_trajectory_of(report.visits, report.sites.size());
  if (report.trajectory.segments.empty())
    throw Error(ErrorKind::usage, "no ion ever enters the core of a site: the sites are not those of these ions, or their origin is another");
  std::vector<kinetics::TransitionCounts> blocks;
  for (std::size_t b = 0; b + 1 < bounds.size(); ++b) blocks.push_back(kinetics::count_transitions(report.trajectory, 1, {bounds[b], bounds[b + 1] + 1}));
  report.jump_dispersion = kinetics::jump_dispersion(blocks);
  const kinetics::TransitionCounts steps = kinetics::sum_counts(blocks);
  add_figures(report, bounds, steps);
  if (report.symmetry) add_orbit_figures(report, bounds);
  for (const SiteFigures& f : report.figures)
    if (f.departures >= 10 && f.residence_fs.value < fewest_frames * report.frame_spacing_fs) {
      report.warnings.push_back(fmt::format("ions stay on some sites for {:.1f} frames on average: jumps back and forth between frames are not seen and rates come out too "
                                            "low; frames more often than every {:.6g} fs are needed",
                                            f.residence_fs.value / report.frame_spacing_fs, report.frame_spacing_fs));
      break;
    }
  add_rates(report, steps);
  report.markov = test_markov(report, bounds, progress);
  return report;
}

}  // namespace saltus::runs
