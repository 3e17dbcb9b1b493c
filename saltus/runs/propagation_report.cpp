#include "saltus/runs/propagation_report.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/kinetics/driven_network.hpp"
#include "saltus/runs/network_file.hpp"

namespace saltus::runs {

namespace {

using kinetics::Boundary;
using std::numbers::pi;

constexpr double largest_sites = 2e8;

/// Shares of the sites of a cell that holds `amount` (of one per cell at most with exclusion: amount is the mean occupation).
std::vector<double> shares_of(const std::vector<double>& probability, bool exclusion, double amount) {
  std::vector<double> share;
  if (!exclusion) {
    for (const double p : probability) share.push_back(amount * p);
    return share;
  }
  // Odds z pi_a; z such that the mean occupation is right.
  double low = -800, high = 800;
  for (int step = 0; step < 200; ++step) {
    const double middle = 0.5 * (low + high);
    double sum = 0;
    for (const double p : probability) sum += 1 / (1 + std::exp(-middle) / p);
    (sum < amount * static_cast<double>(probability.size()) ? low : high) = middle;
  }
  for (const double p : probability) share.push_back(amount <= 0 ? 0 : amount >= 1 ? 1 : 1 / (1 + std::exp(-low) / p));
  return share;
}

double amount_at(const PropagationSettings& s, const Int3& cell) {
  const auto axis = static_cast<std::size_t>(s.axis);
  const int n = s.cells[axis], at = cell[axis];
  const double full = s.exclusion ? s.concentration : 1;
  if (s.start == StartProfile::slab) return at < (n + 1) / 2 ? full : 0;
  if (s.start == StartProfile::wave) return s.exclusion ? full * (1 + 0.5 * std::cos(2 * pi * (at + 0.5) / n)) : 1 + std::cos(2 * pi * (at + 0.5) / n);
  for (std::size_t x = 0; x < 3; ++x)
    if (cell[x] != s.cells[x] / 2) return 0;
  return full;
}

std::vector<double> start_of(const kinetics::Tiling& tiling, const std::vector<double>& probability, const PropagationSettings& s) {
  std::vector<double> p(tiling.n_sites());
  Int3 cell{};
  double known = -1;
  std::vector<double> share;
  for (cell[0] = 0; cell[0] < s.cells[0]; ++cell[0])
    for (cell[1] = 0; cell[1] < s.cells[1]; ++cell[1])
      for (cell[2] = 0; cell[2] < s.cells[2]; ++cell[2]) {
        const double amount = amount_at(s, cell);
        if (amount != known) share = shares_of(probability, s.exclusion, known = amount);
        for (int a = 0; a < tiling.n_types; ++a) p[tiling.index(a, cell)] = share[static_cast<std::size_t>(a)];
      }
  if (!s.exclusion) {
    const double sum = kinetics::total(p);
    for (double& value : p) value /= sum;
  }
  return p;
}

std::vector<double> layers_of(const kinetics::Tiling& tiling, const std::vector<double>& p, int axis) {
  std::vector<double> amount(static_cast<std::size_t>(tiling.cells[static_cast<std::size_t>(axis)]), 0.0);
  std::size_t k = 0;
  for (int a = 0; a < tiling.n_types; ++a)
    for (int x = 0; x < tiling.cells[0]; ++x)
      for (int y = 0; y < tiling.cells[1]; ++y)
        for (int z = 0; z < tiling.cells[2]; ++z) amount[static_cast<std::size_t>(axis == 0 ? x : axis == 1 ? y : z)] += p[k++];
  return amount;
}

/// The diffusion equation on layers h apart, periodic or (evenly continued) between walls: each wave decays by exp(-D k² t).
std::vector<double> diffused(std::vector<double> amount, double decay_ang2, double h, bool walls) {
  const std::size_t layers = amount.size();
  if (walls) amount.insert(amount.end(), amount.rbegin(), amount.rend());
  const std::size_t n = amount.size();
  std::vector<double> cosine(n), sine(n), result(n, 0.0);
  for (std::size_t j = 0; j < n; ++j) {
    cosine[j] = std::cos(2 * pi * static_cast<double>(j) / static_cast<double>(n));
    sine[j] = std::sin(2 * pi * static_cast<double>(j) / static_cast<double>(n));
  }
  for (std::size_t q = 0; q <= n / 2; ++q) {
    const double k = 2 * pi * static_cast<double>(q) / (static_cast<double>(n) * h), factor = std::exp(-decay_ang2 * k * k);
    if (factor < 1e-17) break;
    double c = 0, s = 0;
    for (std::size_t j = 0, phase = 0; j < n; ++j, phase = (phase + q) % n) {
      c += amount[j] * cosine[phase];
      s += amount[j] * sine[phase];
    }
    const double weight = (q == 0 || 2 * q == n ? 1.0 : 2.0) / static_cast<double>(n) * factor;
    for (std::size_t j = 0, phase = 0; j < n; ++j, phase = (phase + q) % n) result[j] += weight * (c * cosine[phase] + s * sine[phase]);
  }
  result.resize(layers);
  return result;
}

}  // namespace

PropagationReport propagate_network(const kinetics::SiteNetwork& network, const std::string& name, const PropagationSettings& s,
                                    const Progress& progress) {
  if (s.axis < 0 || s.axis > 2) throw Error(ErrorKind::usage, "the axis of the profile is 0, 1 or 2");
  if (s.exclusion && !(s.concentration > 0 && s.concentration <= 1))
    throw Error(ErrorKind::usage, "with exclusion the concentration must lie in 0 … 1");
  if (s.exclusion && s.start == StartProfile::wave && s.concentration > 2.0 / 3)
    throw Error(ErrorKind::usage, "a wave with exclusion needs a concentration of at most 2/3: its crests hold half as much again");
  double previous = 0;
  for (const double time : s.times_ps) {
    if (!std::isfinite(time) || time < previous) throw Error(ErrorKind::usage, "the times of profiles must ascend from 0");
    previous = time;
  }
  const kinetics::ConnectedNetwork connected = connect_network(network, name);
  for (const int n : s.cells)
    if (n < 1) throw Error(ErrorKind::usage, "at least one cell along each axis is needed");
  if (static_cast<double>(s.cells[0]) * s.cells[1] * s.cells[2] * static_cast<double>(connected.site.size()) > largest_sites)
    throw Error(ErrorKind::usage, fmt::format("more than {:.0e} sites; fewer cells", largest_sites));
  const kinetics::Tiling tiling = kinetics::tile(network, connected, s.cells, s.boundary);

  PropagationReport report;
  report.sites = static_cast<std::int64_t>(tiling.n_sites());
  if (connected.dropped_sites > 0)
    report.warnings.push_back(fmt::format("the network falls into {} parts; the largest, of {} sites, is used", connected.n_sets, connected.site.size()));
  const Mat3& cell = *network.cell_rows_ang;
  const Vec3 face = cross(cell[(s.axis + 1) % 3], cell[(s.axis + 2) % 3]), normal = face / norm(face);
  report.spacing_ang = std::abs(dot(normal, cell[s.axis]));
  const Mat3 d = connected.broken ? kinetics::driven_transport(connected.network).diffusion_ang2
                                  : kinetics::network_transport(kinetics::network_moments(connected.network)).diffusion_ang2;
  report.diffusion_ang2_per_ps = dot(normal, d * normal);
  const Boundary ends = s.boundary[static_cast<std::size_t>(s.axis)];
  const auto [least, most] = std::minmax_element(connected.network.pi.begin(), connected.network.pi.end());
  for (const Boundary boundary : s.boundary)
    if (boundary == Boundary::absorbing) report.diffusion_note = "not with absorbing ends: where their zero lies is not known to it";
  if (connected.broken) report.diffusion_note = "not for a driven network";
  if (s.exclusion && *most - *least > 1e-9 * *most)
    report.diffusion_note = "not with exclusion on unequal sites: D depends on the concentration";

  std::vector<double> p = start_of(tiling, connected.network.pi, s);
  std::vector<double> first;
  const double start_mass = kinetics::total(p);
  double time = 0;
  for (std::size_t k = 0; k < s.times_ps.size(); ++k) {
    const auto begin = std::chrono::steady_clock::now();
    const auto cost = s.exclusion ? kinetics::propagate_excluding(tiling, s.times_ps[k] - time, p) : kinetics::propagate(tiling, s.times_ps[k] - time, p);
    report.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    report.applications += cost.applications;
    time = s.times_ps[k];
    ProfileAtTime profile;
    profile.time_ps = time;
    profile.mass = kinetics::total(p);
    const auto [low, high] = std::minmax_element(p.begin(), p.end());
    profile.smallest = *low;
    profile.largest = *high;
    report.mass_drift = std::max(report.mass_drift, std::abs(profile.mass - start_mass) / start_mass);
    profile.amount = layers_of(tiling, p, s.axis);
    if (k == 0) first = profile.amount;
    if (report.diffusion_note.empty()) {
      profile.diffusion = diffused(first, report.diffusion_ang2_per_ps * (time - s.times_ps[0]), report.spacing_ang, ends == Boundary::reflecting);
      double deviation = 0, scale = 0;
      for (std::size_t j = 0; j < profile.amount.size(); ++j) {
        deviation = std::max(deviation, std::abs(profile.amount[j] - profile.diffusion[j]));
        scale = std::max(scale, profile.amount[j]);
      }
      profile.largest_deviation = deviation / scale;
    }
    report.profiles.push_back(std::move(profile));
    report_progress(progress, "propagate", static_cast<double>(k + 1), static_cast<double>(s.times_ps.size()), "profiles");
  }
  return report;
}

}  // namespace saltus::runs
