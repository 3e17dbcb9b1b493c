#include "saltus/statics/vacancy_hops.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <Eigen/Dense>
#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/atoms/neighbor_list.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr double view_ang = 6;

/// Distances from each point to the atoms of each element, ascending; the atoms at the point itself are left out.
using View = std::map<std::uint8_t, std::vector<double>>;

std::vector<View> views_from(const Frame& crystal, const std::vector<Vec3>& points) {
  std::vector<Vec3> position = crystal.position_ang;
  position.insert(position.end(), points.begin(), points.end());
  const NeighborList list = build_neighbor_list(crystal.cell, position, view_ang);
  const std::size_t n = crystal.size();
  std::vector<View> views(points.size());
  for (std::size_t k = 0; k < points.size(); ++k) {
    for (std::uint32_t p = list.first[n + k]; p < list.first[n + k + 1]; ++p) {
      const double r = norm(list.displacement_ang[p]);
      if (list.neighbor[p] < n && r > 1e-6) views[k][crystal.atoms->atomic_number[list.neighbor[p]]].push_back(r);
    }
    for (auto& [element, distances] : views[k]) std::sort(distances.begin(), distances.end());
  }
  return views;
}

/// Atoms near the edge of the view may be in one and not in the other.
bool same(const View& a, const View& b, double tolerance) {
  const std::vector<double> none;
  for (const auto& [element, first] : a) {
    const auto found = b.find(element);
    const std::vector<double>& second = found == b.end() ? none : found->second;
    for (std::size_t k = 0; k < std::max(first.size(), second.size()); ++k) {
      const double r = k < first.size() ? first[k] : view_ang, s = k < second.size() ? second[k] : view_ang;
      if (std::abs(r - s) > tolerance) return false;
    }
  }
  return std::all_of(b.begin(), b.end(), [&](const auto& entry) { return a.contains(entry.first) || entry.second.front() > view_ang - tolerance; });
}

}  // namespace

std::vector<VacancyHop> distinct_vacancy_hops(const Frame& crystal, std::uint8_t element, double reach_ang, double tolerance_ang) {
  if (!(reach_ang > 0) || reach_ang >= crystal.cell.inscribed_radius_ang())
    throw Error(ErrorKind::usage, fmt::format("hops: the reach must be positive and below half the shortest lattice vector ({:.3g} Å); take a supercell",
                                              crystal.cell.inscribed_radius_ang()));
  std::vector<std::size_t> sites;
  for (std::size_t i = 0; i < crystal.size(); ++i)
    if (crystal.atoms->atomic_number[i] == element) sites.push_back(i);
  if (sites.size() < 2) throw Error(ErrorKind::usage, fmt::format("hops: the frame has fewer than two atoms of {}", symbol_of(element)));
  std::vector<View> kinds;
  std::map<std::size_t, std::size_t> kind_of;
  std::vector<Vec3> points;
  for (const std::size_t i : sites) points.push_back(crystal.position_ang[i]);
  const std::vector<View> of_site = views_from(crystal, points);
  for (std::size_t s = 0; s < sites.size(); ++s) {
    std::size_t k = 0;
    while (k < kinds.size() && !same(kinds[k], of_site[s], tolerance_ang)) ++k;
    if (k == kinds.size()) kinds.push_back(of_site[s]);
    kind_of[sites[s]] = k;
  }
  struct Found {
    VacancyHop hop;
    View midpoint;
  };
  std::vector<VacancyHop> all;
  points.clear();
  const NeighborList list = build_neighbor_list(crystal.cell, crystal.position_ang, reach_ang);
  for (const std::size_t i : sites)
    for (std::uint32_t p = list.first[i]; p < list.first[i + 1]; ++p) {
      const std::size_t j = list.neighbor[p];
      if (j <= i || crystal.atoms->atomic_number[j] != element) continue;
      const Vec3& d = list.displacement_ang[p];
      const Int3& image = list.image[p];
      VacancyHop hop{i, j, norm(d), {{i, j, image}}, kind_of[i], kind_of[j]};
      if (hop.vacancy_kind > hop.mover_kind) {
        std::swap(hop.vacancy, hop.mover);
        std::swap(hop.vacancy_kind, hop.mover_kind);
        hop.members = {{j, i, {-image[0], -image[1], -image[2]}}};
      }
      all.push_back(hop);
      points.push_back(crystal.position_ang[i] + 0.5 * d);
    }
  const std::vector<View> of_midpoint = views_from(crystal, points);
  std::vector<Found> found;
  for (std::size_t k = 0; k < all.size(); ++k) {
    const VacancyHop& hop = all[k];
    const auto known = std::find_if(found.begin(), found.end(), [&](const Found& other) {
      return other.hop.vacancy_kind == hop.vacancy_kind && other.hop.mover_kind == hop.mover_kind &&
             std::abs(other.hop.distance_ang - hop.distance_ang) <= tolerance_ang && same(other.midpoint, of_midpoint[k], tolerance_ang);
    });
    if (known != found.end()) known->hop.members.push_back(hop.members.front());
    else found.push_back({hop, of_midpoint[k]});
  }
  std::vector<VacancyHop> hops;
  for (const Found& one : found) hops.push_back(one.hop);
  std::stable_sort(hops.begin(), hops.end(), [](const VacancyHop& a, const VacancyHop& b) { return a.distance_ang < b.distance_ang; });
  return hops;
}

HopEnds ends_of_hop(const Frame& crystal, std::size_t vacancy, std::size_t mover) {
  if (vacancy >= crystal.size() || mover >= crystal.size() || vacancy == mover)
    throw Error(ErrorKind::usage, fmt::format("hop: atoms {} and {} must be two of the {} atoms, counted from 0", vacancy, mover, crystal.size()));
  Frame hopped = crystal;
  hopped.position_ang[mover] += crystal.cell.minimum_image(crystal.position_ang[vacancy] - crystal.position_ang[mover]);
  return {without_atoms(crystal, {vacancy}), without_atoms(hopped, {vacancy})};
}

HopEnergies consistent_energies(std::span<const VacancyHop> hops, std::span<const HopBarrier> barriers) {
  std::size_t kinds = 0;
  for (const VacancyHop& hop : hops) kinds = std::max({kinds, hop.vacancy_kind + 1, hop.mover_kind + 1});
  const auto rows = static_cast<Eigen::Index>(hops.size());
  Eigen::MatrixXd differences = Eigen::MatrixXd::Zero(rows, static_cast<Eigen::Index>(kinds));
  Eigen::VectorXd changes(rows);
  for (std::size_t k = 0; k < hops.size(); ++k) {
    const auto row = static_cast<Eigen::Index>(k);
    differences(row, static_cast<Eigen::Index>(hops[k].mover_kind)) += 1;
    differences(row, static_cast<Eigen::Index>(hops[k].vacancy_kind)) -= 1;
    changes(row) = barriers[k].forward_ev - barriers[k].backward_ev;
  }
  const Eigen::VectorXd solved = differences.completeOrthogonalDecomposition().solve(changes);
  HopEnergies result;
  result.site_ev.assign(solved.begin(), solved.end());
  const double lowest = *std::min_element(result.site_ev.begin(), result.site_ev.end());
  for (double& e : result.site_ev) e -= lowest;
  for (std::size_t k = 0; k < hops.size(); ++k) {
    const double from = result.site_ev[hops[k].vacancy_kind], to = result.site_ev[hops[k].mover_kind];
    result.saddle_ev.push_back((from + barriers[k].forward_ev + to + barriers[k].backward_ev) / 2);
    result.largest_misfit_ev = std::max({result.largest_misfit_ev, std::abs(result.saddle_ev[k] - from - barriers[k].forward_ev), std::abs(result.saddle_ev[k] - to - barriers[k].backward_ev)});
  }
  return result;
}

}  // namespace saltus
