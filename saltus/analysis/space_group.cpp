#include "saltus/analysis/space_group.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <spglib.h>

#include "saltus/analysis/site_lookup.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr std::size_t most_atoms = 1000;      // what spglib needs grows as their square or faster
constexpr std::size_t most_positions = 20000;

using Dataset = std::unique_ptr<SpglibDataset, decltype(&spg_free_dataset)>;

Dataset dataset_of(const Cell& cell, std::span<const Fractional> position, std::span<const int> kind, double tolerance_ang) {
  if (position.empty() || position.size() != kind.size()) throw Error(ErrorKind::usage, "a space group needs atoms, and a kind for each");
  if (!(tolerance_ang > 0) || !std::isfinite(tolerance_ang))
    throw Error(ErrorKind::usage, fmt::format("the tolerance of symmetry must be positive, not {} Å", tolerance_ang));
  if (position.size() > most_atoms)
    throw Error(ErrorKind::unsupported, fmt::format("the space group of {} atoms; at most {} can be treated: fold the cell into that of the crystal (--fold)",
                                                    position.size(), most_atoms));
  double lattice[3][3];  // columns
  for (int row = 0; row < 3; ++row)
    for (int x = 0; x < 3; ++x) lattice[x][row] = cell.rows_ang()[row][x];
  std::vector<std::array<double, 3>> points;
  for (const Fractional& f : position) points.push_back({f.a, f.b, f.c});
  static std::mutex one_at_a_time;  // spglib keeps its error in a global variable
  const std::lock_guard lock(one_at_a_time);
  Dataset dataset(spg_get_dataset(lattice, reinterpret_cast<double(*)[3]>(points.data()), kind.data(), static_cast<int>(points.size()), tolerance_ang),
                  spg_free_dataset);
  if (!dataset)
    throw Error(ErrorKind::numeric, fmt::format("no space group found within {} Å ({}): try another tolerance", tolerance_ang,
                                                spg_get_error_message(spg_get_error_code())));
  return dataset;
}

double into_unit(double x) {
  x -= std::floor(x);
  return x < 1 ? x : 0;
}

Fractional into_cell(const Fractional& f) { return {into_unit(f.a), into_unit(f.b), into_unit(f.c)}; }

std::uint32_t root_of(std::vector<std::uint32_t>& parent, std::uint32_t k) {
  while (parent[k] != k) k = parent[k] = parent[parent[k]];
  return k;
}

/// Each place once.
std::vector<Fractional> without_doubles(const Cell& cell, std::span<const Fractional> position, double reach_ang, std::size_t& merged) {
  std::vector<Fractional> kept;
  for (const Fractional& f : position) {
    const bool there = std::any_of(kept.begin(), kept.end(), [&](const Fractional& k) {
      return norm(cell.minimum_image(cell.to_cartesian(f) - cell.to_cartesian(k))) < reach_ang;
    });
    if (there) ++merged;
    else kept.push_back(into_cell(f));
  }
  return kept;
}

}  // namespace

Fractional SymmetryOperation::operator()(const Fractional& x) const {
  const auto row = [&](const Int3& w, double t) { return w[0] * x.a + w[1] * x.b + w[2] * x.c + t; };
  return {row(rotation[0], translation.a), row(rotation[1], translation.b), row(rotation[2], translation.c)};
}

Int3 SymmetryOperation::rotated(const Int3& image) const {
  Int3 result{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) result[i] += rotation[i][j] * image[j];
  return result;
}

SpaceGroup find_space_group(const Cell& cell, std::span<const Fractional> position, std::span<const int> kind, double tolerance_ang) {
  const Dataset dataset = dataset_of(cell, position, kind, tolerance_ang);
  SpaceGroup group;
  group.number = dataset->spacegroup_number;
  group.symbol = dataset->international_symbol;
  group.conventional_ratio = static_cast<double>(dataset->n_std_atoms) / dataset->n_atoms;
  for (int k = 0; k < dataset->n_operations; ++k) {
    SymmetryOperation operation;
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 3; ++j) operation.rotation[i][j] = dataset->rotations[k][i][j];
    operation.translation = {dataset->translations[k][0], dataset->translations[k][1], dataset->translations[k][2]};
    group.operations.push_back(operation);
  }
  return group;
}

WyckoffLetters find_wyckoff_letters(const Cell& cell, std::span<const Fractional> position, std::span<const int> kind, double tolerance_ang) {
  const Dataset dataset = dataset_of(cell, position, kind, tolerance_ang);
  WyckoffLetters result{dataset->spacegroup_number, {}};
  for (int k = 0; k < dataset->n_atoms; ++k) result.letter.push_back(static_cast<char>('a' + dataset->wyckoffs[k]));
  return result;
}

SymmetricPositions symmetrised(const Cell& cell, std::span<const SymmetryOperation> operations, std::span<const Fractional> position, double reach_ang) {
  if (operations.empty()) throw Error(ErrorKind::usage, "symmetry: there are no operations");
  if (!(reach_ang > 0)) throw Error(ErrorKind::usage, "symmetry: the reach must be positive");
  SymmetricPositions result;
  std::vector<Fractional> places = without_doubles(cell, position, 0.1 * reach_ang, result.merged);
  if (places.empty()) throw Error(ErrorKind::usage, "symmetry: there are no positions");
  const auto apart = [&](const Fractional& a, const Fractional& b) { return cell.minimum_image(cell.to_cartesian(a) - cell.to_cartesian(b)); };
  // Missing images are added; what comes within reach of a place belongs to it.
  const SiteLookup known(cell, places);
  const std::size_t given = places.size();
  for (std::size_t k = 0; k < places.size(); ++k)
    for (const SymmetryOperation& g : operations) {
      const Fractional image = g(places[k]);
      if (known.nearest(cell.to_cartesian(image)).distance_ang < reach_ang) continue;
      const auto near = [&](const Fractional& p) { return norm(apart(image, p)) < reach_ang; };
      if (std::any_of(places.begin() + static_cast<std::ptrdiff_t>(given), places.end(), near)) continue;
      places.push_back(into_cell(image));
      ++result.added;
      if (places.size() > most_positions) throw Error(ErrorKind::numeric, "symmetry: more than 20 000 positions result");
    }
  // Mean over all images that come to a place, until they stay.
  const std::vector<Fractional> start = places;
  for (int round = 0; round < 3; ++round) {
    const SiteLookup lookup(cell, places);
    std::vector<Vec3> shift(places.size());
    std::vector<double> count(places.size(), 0);
    for (const SymmetryOperation& g : operations)
      for (const Fractional& place : places) {
        const Fractional image = g(place);
        const std::size_t k = lookup.nearest(cell.to_cartesian(image)).site;
        shift[k] += apart(image, places[k]);
        count[k] += 1;
      }
    double largest = 0;
    for (std::size_t k = 0; k < places.size(); ++k) {
      const Vec3 d = count[k] > 0 ? shift[k] / count[k] : Vec3{};
      largest = std::max(largest, norm(d));
      places[k] = into_cell(cell.to_fractional(cell.to_cartesian(places[k]) + d));
    }
    if (largest < 1e-9) break;
  }
  for (std::size_t k = 0; k + result.added < places.size(); ++k) result.largest_shift_ang = std::max(result.largest_shift_ang, norm(apart(places[k], start[k])));

  const SiteLookup lookup(cell, places);
  std::vector<std::uint32_t> parent(places.size());
  for (std::size_t k = 0; k < parent.size(); ++k) parent[k] = static_cast<std::uint32_t>(k);
  for (const SymmetryOperation& g : operations) {
    std::vector<std::uint32_t> target;
    std::vector<Int3> cells;
    std::vector<bool> taken(places.size(), false);
    for (std::size_t k = 0; k < places.size(); ++k) {
      const NearestSite near = lookup.nearest(cell.to_cartesian(g(places[k])));
      if (taken[near.site] || near.distance_ang > reach_ang)
        throw Error(ErrorKind::numeric, "symmetry: the operations do not map the positions onto themselves, as places lie too near each other for the tolerance; "
                                        "a smaller tolerance or merging near sites helps");
      taken[near.site] = true;
      target.push_back(near.site);
      cells.push_back(near.image);
      const std::uint32_t a = root_of(parent, static_cast<std::uint32_t>(k)), b = root_of(parent, target.back());
      parent[std::max(a, b)] = std::min(a, b);
    }
    result.maps_to.push_back(std::move(target));
    result.cell.push_back(std::move(cells));
  }
  std::vector<std::uint32_t> number(places.size(), std::numeric_limits<std::uint32_t>::max());
  std::uint32_t orbits = 0;
  for (std::size_t k = 0; k < places.size(); ++k) {
    const std::uint32_t root = root_of(parent, static_cast<std::uint32_t>(k));
    if (number[root] == std::numeric_limits<std::uint32_t>::max()) number[root] = orbits++;
    result.orbit.push_back(number[root]);
  }
  result.position = std::move(places);
  return result;
}

}  // namespace saltus
