#include "saltus/kinetics/lattice_gas.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

namespace {

/// A state of the equilibrium with exclusion, the product of independent sites of odds z pi_a given their number: drawn site by
/// site until the number is right. Equal sites are simply dealt.
std::vector<std::int32_t> draw_sites(const Tiling& tiling, std::size_t carriers, std::span<const double> pi, Random& random) {
  const std::size_t n = tiling.n_sites(), n_cells = tiling.n_cells();
  std::vector<std::int32_t> sites;
  const auto [least, most] = std::minmax_element(pi.begin(), pi.end());
  if (*most - *least < 1e-12 * *most || carriers == n) {
    for (std::size_t s = 0; s < n; ++s)
      if (random.below(n - s) < carriers - sites.size()) sites.push_back(static_cast<std::int32_t>(s));
    return sites;
  }
  const auto occupation = [&](double ln_z, std::size_t type) { return 1 / (1 + std::exp(-ln_z) / pi[type]); };
  double low = -800, high = 800;
  for (int step = 0; step < 200; ++step) {
    const double middle = 0.5 * (low + high);
    double sum = 0;
    for (std::size_t type = 0; type < pi.size(); ++type) sum += occupation(middle, type) * static_cast<double>(n_cells);
    (sum < static_cast<double>(carriers) ? low : high) = middle;
  }
  std::vector<double> chance;
  for (std::size_t type = 0; type < pi.size(); ++type) chance.push_back(occupation(low, type));
  do {
    sites.clear();
    for (std::size_t s = 0; s < n && sites.size() <= carriers; ++s)
      if (random.uniform() < chance[s / n_cells]) sites.push_back(static_cast<std::int32_t>(s));
  } while (sites.size() != carriers);
  return sites;
}

}  // namespace

LatticeGas::LatticeGas(const Tiling& tiling, std::int64_t carriers, std::span<const double> pi, Random random)
    : tiling_(tiling), n_cells_(tiling.n_cells()), random_(random) {
  check(tiling);
  for (const Boundary boundary : tiling.boundary)
    if (boundary != Boundary::periodic) throw Error(ErrorKind::usage, "a lattice gas needs periodic boundaries");
  if (pi.size() != static_cast<std::size_t>(tiling.n_types))
    throw Error(ErrorKind::usage, "a lattice gas needs one probability for each type of site");
  for (const double p : pi)
    if (!(p > 0) || !std::isfinite(p)) throw Error(ErrorKind::usage, "probabilities of a lattice gas must be positive");
  const std::size_t n_sites = tiling.n_sites();
  if (carriers < 1 || static_cast<std::size_t>(carriers) > n_sites)
    throw Error(ErrorKind::usage, fmt::format("{} carriers on {} sites: there must be at least one, and a site for each", carriers, n_sites));

  std::vector<int> degree(static_cast<std::size_t>(tiling.n_types), 0);
  for (const TiledMove& move : tiling.moves) width_ = std::max(width_, ++degree[static_cast<std::size_t>(move.from)]);
  if (static_cast<double>(n_sites) * width_ > 1073741824.0)
    throw Error(ErrorKind::unsupported, fmt::format("a lattice gas of {} sites with {} moves each is too large; fewer cells", n_sites, width_));
  const auto width = static_cast<std::size_t>(width_);
  moves_of_.assign(static_cast<std::size_t>(tiling.n_types) * width, -1);
  std::vector<int> place_of_move(tiling.moves.size());
  std::fill(degree.begin(), degree.end(), 0);
  for (std::size_t k = 0; k < tiling.moves.size(); ++k) {
    const auto from = static_cast<std::size_t>(tiling.moves[k].from);
    place_of_move[k] = degree[from]++;
    moves_of_[from * width + static_cast<std::size_t>(place_of_move[k])] = static_cast<int>(k);
  }
  std::map<double, int> classes;
  class_of_.assign(moves_of_.size(), -1);
  reverse_place_.assign(moves_of_.size(), -1);
  for (std::size_t m = 0; m < moves_of_.size(); ++m) {
    if (moves_of_[m] < 0) continue;
    const TiledMove& move = tiling.moves[static_cast<std::size_t>(moves_of_[m])];
    reverse_place_[m] = place_of_move[static_cast<std::size_t>(move.reverse)];
    if (!(move.rate > 0)) continue;  // never possible
    const auto [at, added] = classes.try_emplace(move.rate, static_cast<int>(class_rate_.size()));
    if (added) class_rate_.push_back(move.rate);
    class_of_[m] = at->second;
  }
  possible_.resize(class_rate_.size());
  event_count_.assign(tiling.moves.size(), 0);

  neighbour_.assign(n_sites * width, -1);
  place_.assign(n_sites * width, -1);
  for (int type = 0; type < tiling.n_types; ++type) {
    for (std::size_t m = 0; m < width; ++m) {
      const int k = moves_of_[static_cast<std::size_t>(type) * width + m];
      if (k < 0) continue;
      const TiledMove& move = tiling.moves[static_cast<std::size_t>(k)];
      Int3 cell{};
      for (cell[0] = 0; cell[0] < tiling.cells[0]; ++cell[0])
        for (cell[1] = 0; cell[1] < tiling.cells[1]; ++cell[1])
          for (cell[2] = 0; cell[2] < tiling.cells[2]; ++cell[2]) {
            Int3 target{};
            for (std::size_t x = 0; x < 3; ++x) {
              const int n = tiling.cells[x];
              target[x] = (((cell[x] + move.image[x]) % n) + n) % n;
            }
            const std::size_t here = tiling.index(type, cell), there = tiling.index(move.to, target);
            if (here == there)
              throw Error(ErrorKind::usage, fmt::format("{} × {} × {} cells are too few: a jump leads to an image of its own site", tiling.cells[0],
                                                        tiling.cells[1], tiling.cells[2]));
            neighbour_[here * width + m] = static_cast<std::int32_t>(there);
          }
    }
  }
  carrier_at_.assign(n_sites, -1);
  site_ = draw_sites(tiling, static_cast<std::size_t>(carriers), pi, random_);
  for (std::size_t c = 0; c < site_.size(); ++c) {
    carrier_at_[static_cast<std::size_t>(site_[c])] = static_cast<std::int32_t>(c);
    const auto cell = static_cast<std::size_t>(site_[c]) % n_cells_;
    const auto ny = static_cast<std::size_t>(tiling.cells[1]), nz = static_cast<std::size_t>(tiling.cells[2]);
    cell_.push_back({static_cast<int>(cell / nz / ny), static_cast<int>(cell / nz % ny), static_cast<int>(cell % nz)});
  }
  for (const std::int32_t site : site_) {
    for (std::size_t m = 0; m < width; ++m) {
      const auto slot = static_cast<std::size_t>(site) * width + m;
      if (neighbour_[slot] >= 0 && carrier_at_[static_cast<std::size_t>(neighbour_[slot])] < 0) enable(static_cast<std::int32_t>(slot));
    }
  }
}

void LatticeGas::enable(std::int32_t slot) {
  const auto s = static_cast<std::size_t>(slot), width = static_cast<std::size_t>(width_);
  const int c = class_of_[s / width / n_cells_ * width + s % width];
  if (c < 0 || place_[s] >= 0) return;
  auto& list = possible_[static_cast<std::size_t>(c)];
  place_[s] = static_cast<std::int32_t>(list.size());
  list.push_back(slot);
}

void LatticeGas::disable(std::int32_t slot) {
  const auto s = static_cast<std::size_t>(slot), width = static_cast<std::size_t>(width_);
  if (place_[s] < 0) return;
  auto& list = possible_[static_cast<std::size_t>(class_of_[s / width / n_cells_ * width + s % width])];
  const std::int32_t last = list.back();
  list[static_cast<std::size_t>(place_[s])] = last;
  place_[static_cast<std::size_t>(last)] = place_[s];
  list.pop_back();
  place_[s] = -1;
}

double LatticeGas::total_rate() const {
  double rate = 0;
  for (std::size_t c = 0; c < class_rate_.size(); ++c) rate += class_rate_[c] * static_cast<double>(possible_[c].size());
  return rate;
}

void LatticeGas::step() {
  // Class by its share, then a member.
  double pick = random_.uniform() * total_rate();
  std::size_t c = 0;
  while (c + 1 < class_rate_.size() && (possible_[c].empty() || pick >= class_rate_[c] * static_cast<double>(possible_[c].size()))) {
    pick -= class_rate_[c] * static_cast<double>(possible_[c].size());
    ++c;
  }
  while (possible_[c].empty()) --c;  // rounding at the end of the scan
  const std::int32_t slot = possible_[c][static_cast<std::size_t>(random_.below(possible_[c].size()))];
  const auto width = static_cast<std::size_t>(width_);
  const auto source = static_cast<std::size_t>(slot) / width, which = static_cast<std::size_t>(slot) % width;
  const auto target = static_cast<std::size_t>(neighbour_[static_cast<std::size_t>(slot)]);
  const int k = moves_of_[source / n_cells_ * width + which];
  const auto carrier = static_cast<std::size_t>(carrier_at_[source]);
  for (std::size_t x = 0; x < 3; ++x) cell_[carrier][x] += tiling_.moves[static_cast<std::size_t>(k)].image[x];
  site_[carrier] = static_cast<std::int32_t>(target);
  carrier_at_[target] = carrier_at_[source];
  carrier_at_[source] = -1;
  ++event_count_[static_cast<std::size_t>(k)];
  ++events_;
  // Around the site left: its moves end, moves into it begin. Around the site taken: the other way about.
  const auto back = [&](std::size_t site, std::size_t m) {
    return neighbour_[site * width + m] * width_ + reverse_place_[site / n_cells_ * width + m];
  };
  for (std::size_t m = 0; m < width; ++m) {
    const std::int32_t r = neighbour_[source * width + m];
    if (r < 0) break;
    disable(static_cast<std::int32_t>(source * width + m));
    if (carrier_at_[static_cast<std::size_t>(r)] >= 0) enable(back(source, m));
  }
  for (std::size_t m = 0; m < width; ++m) {
    const std::int32_t r = neighbour_[target * width + m];
    if (r < 0) break;
    disable(back(target, m));
    if (carrier_at_[static_cast<std::size_t>(r)] < 0) enable(static_cast<std::int32_t>(target * width + m));
  }
}

void LatticeGas::run_until(double time) {
  for (;;) {
    if (!drawn_) {
      const double rate = total_rate();
      if (!(rate > 0)) throw Error(ErrorKind::numeric, "the lattice gas is stuck: no carrier can move");
      next_time_ = time_ - std::log(random_.uniform()) / rate;
      drawn_ = true;
    }
    if (next_time_ > time) break;
    time_ = next_time_;
    drawn_ = false;
    step();
  }
  time_ = time;
}

}  // namespace saltus::kinetics
