#include "saltus/kinetics/tiled_propagation.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus::kinetics {

namespace {

constexpr std::size_t block_cells = 1024;  // of a row: stays in the first cache with its neighbours
constexpr std::size_t chunk_rows = 16;

/// One neighbour of a site type: what comes from there and what goes there.
struct Neighbour {
  int type = 0;
  Int3 offset{};
  double in = 0, out = 0;
};

std::vector<std::vector<Neighbour>> neighbours_of(const Tiling& tiling) {
  std::vector<std::vector<Neighbour>> result(static_cast<std::size_t>(tiling.n_types));
  for (const TiledMove& move : tiling.moves) {
    auto& list = result[static_cast<std::size_t>(move.from)];
    const double in = tiling.moves[static_cast<std::size_t>(move.reverse)].rate;
    const auto same = std::find_if(list.begin(), list.end(), [&](const Neighbour& n) { return n.type == move.to && n.offset == move.image; });
    if (same != list.end()) {
      same->in += in;
      same->out += move.rate;
    } else {
      list.push_back({move.to, move.image, in, move.rate});
    }
  }
  return result;
}

/// `offset` steps from `place` along an axis of n cells: the cell there, or −1 outside.
int cell_at(int place, int offset, int n, Boundary boundary) {
  const int target = place + offset;
  if (target >= 0 && target < n) return target;
  return boundary == Boundary::periodic ? ((target % n) + n) % n : -1;
}

/// Whether the neighbour in that direction counts as reachable (it may be a sink).
bool open(int place, int offset, int n, Boundary boundary) {
  return boundary != Boundary::reflecting || (place + offset >= 0 && place + offset < n);
}

/// Calls row(type, x, y) for all rows, in parallel; rows write to themselves only.
template <class Row>
void for_rows(const Tiling& tiling, Row row) {
  const auto ny = static_cast<std::size_t>(tiling.cells[1]), nx = static_cast<std::size_t>(tiling.cells[0]);
  const std::size_t rows = nx * ny * static_cast<std::size_t>(tiling.n_types);
  parallel_chunks(rows, chunk_rows, [&](std::size_t first, std::size_t last) {
    for (std::size_t r = first; r < last; ++r)
      row(static_cast<int>(r / (nx * ny)), static_cast<int>(r / ny % nx), static_cast<int>(r % ny));
  });
}

/// A neighbour as one row sees it: the row it lies in (null: outside), and whether moves across the first two axes are open.
struct NeighbourRow {
  const double* p = nullptr;
  double in = 0, out = 0;
  int shift = 0;      // along the last axis
  bool open = false;  // in the first two axes
};

template <class Block, class Cell>
void sweep(const Tiling& tiling, std::span<const double> p, Block block, Cell cell) {
  const auto neighbours = neighbours_of(tiling);
  const int nz = tiling.cells[2];
  int reach = 0;
  for (const auto& list : neighbours)
    for (const Neighbour& n : list) reach = std::max(reach, std::abs(n.offset[2]));
  for_rows(tiling, [&](int type, int x, int y) {
    const auto& list = neighbours[static_cast<std::size_t>(type)];
    std::vector<NeighbourRow> rows;
    rows.reserve(list.size());
    for (const Neighbour& n : list) {
      NeighbourRow row{nullptr, n.in, n.out, n.offset[2],
                       open(x, n.offset[0], tiling.cells[0], tiling.boundary[0]) && open(y, n.offset[1], tiling.cells[1], tiling.boundary[1])};
      const int nx = cell_at(x, n.offset[0], tiling.cells[0], tiling.boundary[0]);
      const int ny = cell_at(y, n.offset[1], tiling.cells[1], tiling.boundary[1]);
      if (nx >= 0 && ny >= 0) row.p = p.data() + tiling.index(n.type, {nx, ny, 0});
      rows.push_back(row);
    }
    const std::size_t at = tiling.index(type, {x, y, 0});
    const int first = std::min(reach, nz), last = std::max(first, nz - reach);
    for (int z = 0; z < first; ++z) cell(rows, at, z);
    for (int z = first; z < last; z += static_cast<int>(block_cells))
      block(rows, at, z, std::min(last - z, static_cast<int>(block_cells)));
    for (int z = last; z < nz; ++z) cell(rows, at, z);
  });
}

/// Value of the neighbour of cell z, 0 outside; `is_open` tells whether a move there happens.
double value_at(const NeighbourRow& row, int z, const Tiling& tiling, bool& is_open) {
  is_open = row.open && open(z, row.shift, tiling.cells[2], tiling.boundary[2]);
  const int target = cell_at(z, row.shift, tiling.cells[2], tiling.boundary[2]);
  return row.p && target >= 0 ? row.p[target] : 0;
}

std::vector<double> poisson_weights(double mean, std::int64_t& first, double& tail) {
  // From the mode outwards, until both tails are below rounding.
  const auto mode = static_cast<std::int64_t>(mean);
  const double peak = std::exp(static_cast<double>(mode) * std::log(std::max(mean, 1e-300)) - mean - std::lgamma(static_cast<double>(mode) + 1));
  std::vector<double> down{}, up{mean == 0 ? 1.0 : peak};
  for (double w = up[0], k = static_cast<double>(mode); k > 0 && w > 1e-18; --k) down.push_back(w *= k / mean);
  for (double w = up[0], k = static_cast<double>(mode) + 1; w > 1e-18 && mean > 0; ++k) up.push_back(w *= mean / k);
  std::vector<double> weights(down.rbegin(), down.rend());
  weights.insert(weights.end(), up.begin(), up.end());
  first = mode - static_cast<std::int64_t>(down.size());
  double sum = 0;
  for (const double w : weights) sum += w;
  tail = std::abs(1 - sum);
  for (double& w : weights) w /= sum;
  return weights;
}

void add_scaled(std::span<double> to, double factor, std::span<const double> from) {
  parallel_chunks(to.size(), 1 << 16, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) to[i] += factor * from[i];
  });
}

}  // namespace

Tiling tile(const SiteNetwork& network, const ConnectedNetwork& connected, const Int3& cells,
            const std::array<Boundary, 3>& boundary) {
  if (network.lag) throw Error(ErrorKind::usage, "a network to be tiled needs rates, not probabilities per lag");
  if (!network.cell_rows_ang || network.position_ang.empty())
    throw Error(ErrorKind::usage, "a network to be tiled needs its cell and the positions of its sites");
  Tiling tiling{static_cast<int>(connected.site.size()), {}, cells, boundary};
  for (std::size_t k = 0; k < connected.jump.size(); ++k) {
    const SiteJump& jump = network.jumps[static_cast<std::size_t>(connected.jump[k])];
    if (!jump.image)
      throw Error(ErrorKind::usage, fmt::format("jump {}: a network to be tiled needs the image of every jump, not its displacement", connected.jump[k]));
    const NetworkMove& move = connected.network.moves[k];
    tiling.moves.push_back({move.from, move.to, *jump.image, move.weight, connected.reverse[k]});
  }
  check(tiling);
  return tiling;
}

void check(const Tiling& tiling) {
  for (const int n : tiling.cells)
    if (n < 1) throw Error(ErrorKind::usage, "a tiled network needs at least one cell along each axis");
  const auto n_moves = static_cast<int>(tiling.moves.size());
  for (const TiledMove& move : tiling.moves) {
    if (move.from < 0 || move.from >= tiling.n_types || move.to < 0 || move.to >= tiling.n_types)
      throw Error(ErrorKind::usage, "a move of the tiled network joins types that there are not");
    if (!std::isfinite(move.rate) || move.rate < 0) throw Error(ErrorKind::usage, "rates of the tiled network must not be negative");
    if (move.reverse < 0 || move.reverse >= n_moves) throw Error(ErrorKind::usage, "a move of the tiled network has no reverse");
    const TiledMove& back = tiling.moves[static_cast<std::size_t>(move.reverse)];
    if (back.from != move.to || back.to != move.from || back.image != Int3{-move.image[0], -move.image[1], -move.image[2]})
      throw Error(ErrorKind::usage, "the reverse of a move of the tiled network goes another way");
  }
}

double largest_exit_rate(const Tiling& tiling) {
  std::vector<double> leaving(static_cast<std::size_t>(tiling.n_types), 0.0);
  for (const TiledMove& move : tiling.moves) leaving[static_cast<std::size_t>(move.from)] += move.rate;
  return leaving.empty() ? 0 : *std::max_element(leaving.begin(), leaving.end());
}

void apply_stencil(const Tiling& tiling, double step, std::span<const double> p, std::span<double> out) {
  sweep(
      tiling, p,
      [&](const std::vector<NeighbourRow>& rows, std::size_t at, int z, int n) {
        double leaving = 0;
        for (const NeighbourRow& row : rows)
          if (row.open) leaving += row.out;
        const double stay = 1 - step * leaving;
        const double* here = p.data() + at + z;
        double* target = out.data() + at + z;
        double sum[block_cells];
        for (int i = 0; i < n; ++i) sum[i] = stay * here[i];
        // Two neighbours at a time: half the traffic to the sums.
        std::size_t k = 0;
        const auto next = [&]() -> const NeighbourRow* {
          while (k < rows.size() && !rows[k].p) ++k;
          return k < rows.size() ? &rows[k++] : nullptr;
        };
        while (const NeighbourRow* a = next()) {
          const NeighbourRow* b = next();
          const double wa = step * a->in, wb = b ? step * b->in : 0;
          const double *pa = a->p + z + a->shift, *pb = b ? b->p + z + b->shift : pa;
          for (int i = 0; i < n; ++i) sum[i] += wa * pa[i] + wb * pb[i];
        }
        std::copy(sum, sum + n, target);
      },
      [&](const std::vector<NeighbourRow>& rows, std::size_t at, int z) {
        double in = 0, leaving = 0;
        for (const NeighbourRow& row : rows) {
          bool is_open = false;
          in += row.in * value_at(row, z, tiling, is_open);
          if (is_open) leaving += row.out;
        }
        const double here = p[at + static_cast<std::size_t>(z)];
        out[at + static_cast<std::size_t>(z)] = (1 - step * leaving) * here + step * in;
      });
}

void exclusion_rates(const Tiling& tiling, std::span<const double> p, std::span<double> out) {
  sweep(
      tiling, p,
      [&](const std::vector<NeighbourRow>& rows, std::size_t at, int z, int n) {
        const double* here = p.data() + at + z;
        double come[block_cells], go[block_cells];
        double leaving = 0;
        for (const NeighbourRow& row : rows)
          if (row.open) leaving += row.out;
        std::fill(come, come + n, 0.0);
        std::fill(go, go + n, leaving);
        for (const NeighbourRow& row : rows) {
          if (!row.p) continue;
          const double* q = row.p + z + row.shift;
          for (int i = 0; i < n; ++i) {
            come[i] += row.in * q[i];
            go[i] -= row.out * q[i];
          }
        }
        double* target = out.data() + at + z;
        for (int i = 0; i < n; ++i) target[i] = come[i] * (1 - here[i]) - here[i] * go[i];
      },
      [&](const std::vector<NeighbourRow>& rows, std::size_t at, int z) {
        double come = 0, go = 0;
        for (const NeighbourRow& row : rows) {
          bool is_open = false;
          const double q = value_at(row, z, tiling, is_open);
          come += row.in * q;
          if (is_open) go += row.out * (1 - q);
        }
        const double here = p[at + static_cast<std::size_t>(z)];
        out[at + static_cast<std::size_t>(z)] = come * (1 - here) - here * go;
      });
}

PropagationCost propagate(const Tiling& tiling, double time, std::vector<double>& p) {
  check(tiling);
  if (!std::isfinite(time) || time < 0) throw Error(ErrorKind::usage, "propagation: the time must not be negative");
  if (p.size() != tiling.n_sites()) throw Error(ErrorKind::usage, "propagation: one value for each site is needed");
  const double rate = largest_exit_rate(tiling);
  PropagationCost cost;
  if (!(rate * time > 0)) return cost;
  // Pieces of at most 1000 jumps: the weights of longer ones gain nothing.
  const auto pieces = static_cast<std::int64_t>(std::ceil(rate * time / 1000));
  std::int64_t first = 0;
  const std::vector<double> weights = poisson_weights(rate * time / static_cast<double>(pieces), first, cost.tail);
  std::vector<double> next(p.size()), sum(p.size());
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    std::fill(sum.begin(), sum.end(), 0.0);
    for (std::int64_t k = 0; k < first + static_cast<std::int64_t>(weights.size()); ++k) {
      if (k > 0) {
        apply_stencil(tiling, 1 / rate, p, next);
        std::swap(p, next);
        ++cost.applications;
      }
      if (k >= first) add_scaled(sum, weights[static_cast<std::size_t>(k - first)], p);
    }
    std::swap(p, sum);
  }
  return cost;
}

PropagationCost propagate_excluding(const Tiling& tiling, double time, std::vector<double>& p) {
  check(tiling);
  if (!std::isfinite(time) || time < 0) throw Error(ErrorKind::usage, "propagation: the time must not be negative");
  if (p.size() != tiling.n_sites()) throw Error(ErrorKind::usage, "propagation: one value for each site is needed");
  for (const double value : p)
    if (!(value >= 0) || value > 1)
      throw Error(ErrorKind::usage, fmt::format("propagation with exclusion: occupations must lie in 0 … 1, found {}", value));
  // With exclusion a site also fills at the sum of the rates into it.
  double rate = largest_exit_rate(tiling);
  std::vector<double> entering(static_cast<std::size_t>(tiling.n_types), 0.0);
  for (const TiledMove& move : tiling.moves) entering[static_cast<std::size_t>(move.to)] += move.rate;
  for (const double r : entering) rate = std::max(rate, r);
  PropagationCost cost;
  if (!(rate * time > 0)) return cost;
  const auto steps = static_cast<std::int64_t>(std::ceil(2 * rate * time));
  const double dt = time / static_cast<double>(steps);
  std::vector<double> slope(p.size()), stage(p.size()), sum(p.size());
  const double weight[] = {dt / 6, dt / 3, dt / 3, dt / 6}, ahead[] = {dt / 2, dt / 2, dt};
  for (std::int64_t step = 0; step < steps; ++step) {
    sum = p;
    stage = p;
    for (int k = 0; k < 4; ++k) {
      exclusion_rates(tiling, stage, slope);
      add_scaled(sum, weight[k], slope);
      if (k == 3) break;
      stage = p;
      add_scaled(stage, ahead[k], slope);
    }
    std::swap(p, sum);
    cost.applications += 4;
  }
  return cost;
}

double total(std::span<const double> p) {
  constexpr std::size_t chunk = 1 << 14;
  std::vector<double> part((p.size() + chunk - 1) / chunk, 0.0);
  parallel_chunks(p.size(), chunk, [&](std::size_t first, std::size_t last) {
    double sum = 0, lost = 0;
    for (std::size_t i = first; i < last; ++i) {
      const double next = sum + p[i];
      lost += std::abs(sum) >= std::abs(p[i]) ? (sum - next) + p[i] : (p[i] - next) + sum;
      sum = next;
    }
    part[first / chunk] = sum + lost;
  });
  double sum = 0, lost = 0;
  for (const double value : part) {
    const double next = sum + value;
    lost += std::abs(sum) >= std::abs(value) ? (sum - next) + value : (value - next) + sum;
    sum = next;
  }
  return sum + lost;
}

}  // namespace saltus::kinetics
