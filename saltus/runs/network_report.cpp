#include "saltus/runs/network_report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/driven_network.hpp"
#include "saltus/kinetics/site_scattering.hpp"
#include "saltus/runs/network_file.hpp"

namespace saltus::runs {

namespace {

using kinetics::ConnectedNetwork;
using kinetics::NetworkMoments;
using kinetics::NetworkTransport;
using kinetics::SiteNetwork;

constexpr int largest_dense = 3000;

void add_warnings(NetworkReport& report) {
  const ConnectedNetwork& connected = report.connected;
  if (connected.dropped_sites > 0) {
    report.warnings.push_back(fmt::format(
        "the network falls into {} parts; the largest, of {} sites, is used, {} sites are dropped, {}", connected.n_sets,
        connected.site.size(), connected.dropped_sites,
        connected.dropped_probability ? fmt::format("with {:.4g} of the probability", *connected.dropped_probability)
                                      : "with an unknown share of the probability (none is given)"));
  }
  if (connected.broken) {
    const kinetics::BrokenCycle& cycle = *connected.broken;
    const std::string path = cycle.site.size() > 12
                                 ? fmt::format("{} → … ({} sites)", fmt::join(cycle.site.begin(), cycle.site.begin() + 12, " → "), cycle.site.size())
                                 : fmt::format("{} → {}", fmt::join(cycle.site, " → "), cycle.site.front());
    report.warnings.push_back(
        std::isfinite(cycle.affinity)
            ? fmt::format("detailed balance fails: along the cycle {} the product of the weights is {:.6g} times that of the way back; "
                          "treated as a driven network",
                          path, std::exp(cycle.affinity))
            : fmt::format("detailed balance fails: the cycle {} goes one way only; treated as a driven network", path));
  }
  if (connected.percolating_ang.size() < 3)
    report.warnings.push_back(fmt::format("no closed way leads through the crystal in {} of three directions: D vanishes there by topology",
                                          3 - connected.percolating_ang.size()));
}

void add_error(const SiteNetwork& network, const NetworkTransport& per_unit, double unit, NetworkReport& report) {
  std::vector<double> count;
  for (const int k : report.connected.jump) {
    const auto& c = network.jumps[static_cast<std::size_t>(k)].count;
    if (!c) break;
    count.push_back(*c);
  }
  if (count.size() != report.connected.jump.size()) {
    report.error_note = count.empty() ? "exact for the rates given; counts of the jumps would give an interval"
                                      : "no interval: some jumps have counts, others have none";
    return;
  }
  if (report.connected.broken) {
    report.error_note = "no interval: counts are propagated for reversible networks only";
    return;
  }
  kinetics::DiffusionError error = kinetics::diffusion_error(report.connected, per_unit, count, network.lag.has_value());
  const auto scale = [unit](Estimate& e) { e = {e.value / unit, e.low / unit, e.high / unit}; };
  scale(error.mean_ang2);
  for (Estimate& e : error.principal_ang2) scale(e);
  report.error_ang2_per_ps = error;
}

void add_modes(const SiteNetwork& network, const NetworkMoments& moments, const NetworkTransport& transport, double unit,
               const NetworkSettings& settings, NetworkReport& report) {
  if (moments.pi.size() > largest_dense) {
    report.warnings.push_back(fmt::format("relaxation times are left out: {} sites, more than {}", moments.pi.size(), largest_dense));
    return;
  }
  report.modes.emplace();
  if (report.connected.broken) {
    for (const double time : kinetics::driven_relaxation_times(moments, network.lag.has_value()))
      report.modes->push_back({time * unit, 0, false});
  } else {
    const double whole = kinetics::trace(transport.uncorrelated_diffusion_ang2);
    for (const auto& mode : kinetics::relaxation_modes(moments, network.lag.has_value()))
      report.modes->push_back({mode.time ? std::optional(*mode.time * unit) : std::nullopt,
                               whole > 0 ? kinetics::trace(mode.diffusion_ang2) / whole : 0, false});
  }
  if (!settings.trajectory_ps) return;
  int slow = 0;
  for (ModeShare& mode : *report.modes) {
    mode.slower_than_trajectory = mode.time_ps && *mode.time_ps > *settings.trajectory_ps;
    slow += mode.slower_than_trajectory;
  }
  if (slow > 0)
    report.warnings.push_back(fmt::format("{} of {} relaxations are slower than the {:.6g} ps that were sampled: the populations of the "
                                          "sites they exchange are not known",
                                          slow, report.modes->size(), *settings.trajectory_ps));
}

void add_paths(const SiteNetwork& network, const NetworkTransport& transport, NetworkReport& report) {
  const kinetics::JumpNetwork& moves = report.connected.network;
  const double mean = kinetics::trace(transport.diffusion_ang2) / 3;
  std::vector<double> share(moves.moves.size(), 0.0);
  for (int x = 0; x < 3; ++x) {
    Vec3 direction;
    direction[x] = 1;
    const auto along = kinetics::move_shares_ang2(moves, transport, direction);
    for (std::size_t k = 0; k < share.size(); ++k) share[k] += along[k] / 3;
  }
  for (std::size_t k = 0; k < share.size(); ++k) {
    const auto r = static_cast<std::size_t>(report.connected.reverse[k]);
    if (r < k) continue;
    const auto& jump = network.jumps[static_cast<std::size_t>(report.connected.jump[k])];
    report.paths.push_back({jump.from, jump.to, jump.image, jump.displacement_ang, moves.moves[k].weight, moves.moves[r].weight,
                            mean > 0 ? (share[k] + share[r]) / mean : 0});
  }
  std::stable_sort(report.paths.begin(), report.paths.end(),
                   [](const PathShare& a, const PathShare& b) { return a.share > b.share; });
}

void add_times(const SiteNetwork& network, const NetworkMoments& moments, const NetworkSettings& settings, NetworkReport& report) {
  if (settings.times_ps.empty()) {
    if (!settings.wave_vector_per_ang.empty())
      throw Error(ErrorKind::usage, "scattering needs times: give --msd-times-ps");
    return;
  }
  for (std::size_t k = 0; k < settings.times_ps.size(); ++k)
    if (!std::isfinite(settings.times_ps[k]) || settings.times_ps[k] < 0 || (k > 0 && settings.times_ps[k] < settings.times_ps[k - 1]))
      throw Error(ErrorKind::usage, "--msd-times-ps: times must ascend from 0");
  const kinetics::JumpNetwork& moves = report.connected.network;
  std::vector<Mat3> msd;
  std::vector<std::int64_t> steps;
  if (network.lag) {
    if (!settings.wave_vector_per_ang.empty() && report.connected.broken)
      throw Error(ErrorKind::unsupported, "scattering of probabilities per lag needs detailed balance; of rates it does not");
    for (const double time : settings.times_ps) {
      const double step = time / *network.lag;
      if (step > 1e7 || std::abs(step - std::round(step)) > 1e-6 * std::max(1.0, step))
        throw Error(ErrorKind::usage, fmt::format("--msd-times-ps: {} ps is not a whole multiple (at most 1e7) of the lag, {} ps", time, *network.lag));
      steps.push_back(std::llround(step));
    }
    msd = report.connected.broken ? kinetics::driven_lag_msd_ang2(moves, steps) : kinetics::network_msd_ang2(moments, steps);
  } else {
    if (moves.pi.size() > largest_dense)
      throw Error(ErrorKind::unsupported, fmt::format("closed forms of MSD and scattering: {} sites, at most {}", moves.pi.size(), largest_dense));
    msd = report.connected.broken ? kinetics::driven_msd_ang2(moves, settings.times_ps)
                                  : kinetics::network_msd_continuous_ang2(moments, settings.times_ps);
  }
  for (std::size_t k = 0; k < msd.size(); ++k) report.times.push_back({settings.times_ps[k], msd[k], {}});
  for (const Vec3& q : settings.wave_vector_per_ang) {
    std::vector<double> f;
    if (network.lag) f = kinetics::lag_scattering(moves, q, steps);
    else if (!report.connected.broken) f = kinetics::incoherent_scattering(moves, q, settings.times_ps);
    else
      for (const double time : settings.times_ps) f.push_back(kinetics::driven_scattering(moves, q, time));
    for (std::size_t k = 0; k < f.size(); ++k) report.times[k].scattering.push_back(f[k]);
  }
}

void add_vacancy(const SiteNetwork& network, const NetworkSettings& settings, NetworkReport& report) {
  if (settings.vacancy_cells.empty()) return;
  for (std::size_t k = 0; k < settings.vacancy_cells.size(); ++k)
    if (settings.vacancy_cells[k] < 1 || (k > 0 && settings.vacancy_cells[k] <= settings.vacancy_cells[k - 1]))
      throw Error(ErrorKind::usage, "--vacancy-cells: edges must ascend from 1");
  if (report.connected.broken) throw Error(ErrorKind::unsupported, "--vacancy-cells needs a network with detailed balance");
  VacancyTransport& vacancy = report.vacancy.emplace();
  const ConnectedNetwork walk = kinetics::connect(kinetics::vacancy_network(network, report.connected));
  vacancy.vacancy_diffusion_ang2_per_ps = kinetics::network_transport(kinetics::network_moments(walk.network)).diffusion_ang2;
  // Along axes in which nothing percolates a longer cell is only a longer list of separate crystals.
  for (const int edge : settings.vacancy_cells) {
    Int3 cells{edge, edge, edge};
    for (int x = 0; x < 3; ++x) {
      bool joined = false;
      for (const int k : report.connected.jump) {
        const auto& image = network.jumps[static_cast<std::size_t>(k)].image;
        joined = joined || (image && (*image)[static_cast<std::size_t>(x)] != 0);
      }
      if (!joined) cells[static_cast<std::size_t>(x)] = 1;
    }
    vacancy.tracer.push_back(kinetics::tracer_by_vacancy(kinetics::tile(network, report.connected, cells), report.connected));
  }
  if (vacancy.tracer.size() < 2) return;
  const auto &smaller = vacancy.tracer[vacancy.tracer.size() - 2], &larger = vacancy.tracer.back();
  vacancy.correlation_factor = kinetics::extrapolated_correlation_factor(smaller, larger);
  // The jumps of all ions are those of the vacancy: an ion's uncorrelated D is the vacancy's over the number of ions.
  const double jumps = kinetics::trace(larger.uncorrelated_diffusion_ang2) * static_cast<double>(larger.sites - 1) / 3;
  vacancy.tracer_per_vacancy_ang2_per_ps = *vacancy.correlation_factor * jumps;
}

}  // namespace

std::optional<std::size_t> flat_from(const std::vector<NetworkReport>& reports) {
  if (reports.size() < 3) return std::nullopt;
  std::optional<std::size_t> first;
  for (std::size_t k = reports.size(); k-- > 0;) {
    if (!reports[k].error_ang2_per_ps) return std::nullopt;
    const Estimate& here = reports[k].error_ang2_per_ps->mean_ang2;
    for (std::size_t j = k + 1; j < reports.size(); ++j) {
      const Estimate& there = reports[j].error_ang2_per_ps->mean_ang2;
      if (here.value < there.low || here.value > there.high || there.value < here.low || there.value > here.high)
        return first && *first + 1 < reports.size() ? first : std::nullopt;  // one lag alone is not flat
    }
    first = k;
  }
  return first;
}

NetworkReport analyze_network(const SiteNetwork& network, const std::string& name, const NetworkSettings& settings) {
  NetworkReport report;
  report.sites = network.n_sites;
  report.jumps = static_cast<int>(network.jumps.size());
  report.lag_ps = network.lag;
  report.connected = connect_network(network, name);
  const double unit = network.lag.value_or(1);  // ps
  const NetworkMoments moments = kinetics::network_moments(report.connected.network);
  const NetworkTransport transport = report.connected.broken
                                         ? kinetics::driven_transport(report.connected.network, network.lag.has_value())
                                         : kinetics::network_transport(moments);
  for (int x = 0; x < 3; ++x)
    if (!is_finite(transport.diffusion_ang2[x]) || !is_finite(transport.uncorrelated_diffusion_ang2[x]))
      throw Error(ErrorKind::numeric, name + ": the rates and displacements are too large or too unequal: D is not finite");
  report.diffusion_ang2_per_ps = kinetics::scaled(transport.diffusion_ang2, 1 / unit);
  report.uncorrelated_diffusion_ang2_per_ps = kinetics::scaled(transport.uncorrelated_diffusion_ang2, 1 / unit);
  report.drift_ang_per_ps = report.connected.broken ? transport.drift_ang / unit : Vec3{};
  const double uncorrelated = kinetics::trace(transport.uncorrelated_diffusion_ang2);
  report.correlation_factor = uncorrelated > 0 ? kinetics::trace(transport.diffusion_ang2) / uncorrelated : 0;
  report.principal_ang2_per_ps = kinetics::principal_axes(report.diffusion_ang2_per_ps);
  add_warnings(report);
  add_error(network, transport, unit, report);
  add_modes(network, moments, transport, unit, settings, report);
  if (!report.connected.broken) add_paths(network, transport, report);
  add_times(network, moments, settings, report);
  add_vacancy(network, settings, report);
  return report;
}

}  // namespace saltus::runs
