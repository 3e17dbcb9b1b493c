#include "saltus/analysis/density.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

std::size_t Grid::size() const {
  return static_cast<std::size_t>(count[0]) * static_cast<std::size_t>(count[1]) * static_cast<std::size_t>(count[2]);
}

std::size_t Grid::index(const Int3& p) const {
  return (static_cast<std::size_t>(p[0]) * static_cast<std::size_t>(count[1]) + static_cast<std::size_t>(p[1])) *
             static_cast<std::size_t>(count[2]) +
         static_cast<std::size_t>(p[2]);
}

Int3 Grid::point(std::size_t index) const {
  const auto n1 = static_cast<std::size_t>(count[1]), n2 = static_cast<std::size_t>(count[2]);
  return {static_cast<int>(index / (n1 * n2)), static_cast<int>(index / n2 % n1), static_cast<int>(index % n2)};
}

Fractional Grid::fractional(std::size_t index) const {
  const Int3 p = point(index);
  return {(p[0] + 0.5) / count[0], (p[1] + 0.5) / count[1], (p[2] + 0.5) / count[2]};
}

Grid make_grid(const Cell& cell, double spacing_ang) {
  if (!(spacing_ang > 0)) throw Error(ErrorKind::usage, fmt::format("the grid spacing must be positive, not {} Å", spacing_ang));
  Grid grid;
  grid.cell = cell;
  double points = 1;
  for (int axis = 0; axis < 3; ++axis) {
    const double n = std::max(1.0, std::ceil(norm(cell.rows_ang()[axis]) / spacing_ang - 1e-9));
    points *= n;
    if (points > 2e8) throw Error(ErrorKind::usage, fmt::format("a grid of spacing {} Å would hold more than 2·10⁸ points", spacing_ang));
    grid.count[static_cast<std::size_t>(axis)] = static_cast<int>(n);
  }
  return grid;
}

std::vector<std::uint32_t> counts_on_grid(const Grid& grid, std::span<const Vec3> position_ang) {
  std::vector<std::uint32_t> counts(grid.size(), 0);
  for (const Vec3& r : position_ang) {
    const Fractional f = grid.cell.to_fractional(r);
    const auto cell_of = [](double x, int n) { return std::min(static_cast<int>((x - std::floor(x)) * n), n - 1); };
    ++counts[grid.index({cell_of(f.a, grid.count[0]), cell_of(f.b, grid.count[1]), cell_of(f.c, grid.count[2])})];
  }
  return counts;
}

std::vector<double> smoothed(const Grid& grid, std::span<const std::uint32_t> counts, double sigma_ang) {
  if (!(sigma_ang > 0)) return {counts.begin(), counts.end()};
  struct Tap {
    Int3 offset;
    double weight;
  };
  std::vector<Tap> taps;
  Int3 reach{};
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    reach[a] = static_cast<int>(std::ceil(4 * sigma_ang / (grid.cell.height_ang(axis) / grid.count[a])));
  }
  double sum = 0;
  for (int i = -reach[0]; i <= reach[0]; ++i)
    for (int j = -reach[1]; j <= reach[1]; ++j)
      for (int k = -reach[2]; k <= reach[2]; ++k) {
        const double x2 = norm2(grid.cell.to_cartesian({static_cast<double>(i) / grid.count[0], static_cast<double>(j) / grid.count[1],
                                                        static_cast<double>(k) / grid.count[2]})) /
                          (sigma_ang * sigma_ang);
        if (x2 > 16) continue;
        taps.push_back({{i, j, k}, std::exp(-x2 / 2)});
        sum += taps.back().weight;
      }
  for (Tap& tap : taps) tap.weight /= sum;

  // Start of the row, plane or point that a coordinate wraps to.
  std::array<std::vector<std::size_t>, 3> start;
  const std::array<std::size_t, 3> stride{static_cast<std::size_t>(grid.count[1]) * static_cast<std::size_t>(grid.count[2]),
                                          static_cast<std::size_t>(grid.count[2]), 1};
  for (std::size_t a = 0; a < 3; ++a)
    for (int p = -reach[a]; p < grid.count[a] + reach[a]; ++p)
      start[a].push_back(static_cast<std::size_t>(((p % grid.count[a]) + grid.count[a]) % grid.count[a]) * stride[a]);

  std::vector<double> result(grid.size());
  parallel_chunks(grid.size(), 1024, [&](std::size_t begin, std::size_t end) {
    for (std::size_t v = begin; v < end; ++v) {
      const Int3 p = grid.point(v);
      double value = 0;
      for (const Tap& tap : taps) {
        std::size_t u = 0;
        for (std::size_t a = 0; a < 3; ++a) u += start[a][static_cast<std::size_t>(p[a] + tap.offset[a] + reach[a])];
        value += tap.weight * counts[u];
      }
      result[v] = value;
    }
  });
  return result;
}

std::vector<double> averaged(const Grid& grid, std::span<const double> density, std::span<const SymmetryOperation> operations) {
  std::vector<double> result(grid.size(), 0);
  const double weight = 1 / static_cast<double>(operations.size());
  parallel_chunks(grid.size(), 1024, [&](std::size_t begin, std::size_t end) {
    for (std::size_t v = begin; v < end; ++v)
      for (const SymmetryOperation& g : operations) {
        const Fractional f = g(grid.fractional(v));
        const double x[3] = {f.a, f.b, f.c};
        int low[3], high[3];
        double share[3];
        for (std::size_t axis = 0; axis < 3; ++axis) {
          const int n = grid.count[axis];
          const double place = (x[axis] - std::floor(x[axis])) * n - 0.5, floor = std::floor(place);
          share[axis] = place - floor;
          low[axis] = (static_cast<int>(floor) + n) % n;
          high[axis] = (low[axis] + 1) % n;
        }
        double sum = 0;
        for (int corner = 0; corner < 8; ++corner) {
          const bool a = corner & 1, b = corner & 2, c = corner & 4;
          sum += (a ? share[0] : 1 - share[0]) * (b ? share[1] : 1 - share[1]) * (c ? share[2] : 1 - share[2]) *
                 density[grid.index({a ? high[0] : low[0], b ? high[1] : low[1], c ? high[2] : low[2]})];
        }
        result[v] += weight * sum;
      }
  });
  return result;
}

}  // namespace saltus
