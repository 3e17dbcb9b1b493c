// Cell-binned search: bins no thinner than they must be, images counted where the search leaves the cell.
#include "saltus/atoms/neighbor_list.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include <fmt/format.h>

#include "saltus/base/error.hpp"
#include "saltus/base/threads.hpp"

namespace saltus {

namespace {

constexpr std::size_t atoms_per_chunk = 64;

struct Bins {
  Int3 count{1, 1, 1};
  Int3 reach{0, 0, 0};                ///< how many bins away a neighbour can be
  std::vector<Int3> bin;              ///< [n] of each atom
  std::vector<Int3> image;            ///< [n] what wrapping subtracted
  std::vector<std::uint32_t> first;   ///< [bins+1]
  std::vector<std::uint32_t> member;  ///< [n] atoms by bin, ascending in each

  std::size_t index(const Int3& b) const {
    return static_cast<std::size_t>((b[0] * count[1] + b[1]) * count[2] + b[2]);
  }
};

Bins make_bins(const Cell& cell, std::span<const Vec3> position_ang, double cutoff_ang) {
  const std::size_t n = position_ang.size();
  std::vector<Vec3> fraction(n);
  Vec3 low{0, 0, 0}, extent{1, 1, 1};
  for (std::size_t i = 0; i < n; ++i) {
    const Fractional f = cell.to_fractional(position_ang[i]);
    fraction[i] = {f.a, f.b, f.c};
    if (!is_finite(fraction[i]) || std::max({std::abs(f.a), std::abs(f.b), std::abs(f.c)}) > 1e9)
      throw Error(ErrorKind::numeric, fmt::format("position of atom {} is not finite or absurdly far away", i));
  }
  Bins bins;
  bins.bin.resize(n);
  bins.image.resize(n);
  const int most = std::max(1, static_cast<int>(std::cbrt(static_cast<double>(n))) * 2);
  for (int axis = 0; axis < 3; ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    if (!cell.periodic()[a]) {
      double lowest = std::numeric_limits<double>::max(), highest = std::numeric_limits<double>::lowest();
      for (const Vec3& f : fraction) {
        lowest = std::min(lowest, f[axis]);
        highest = std::max(highest, f[axis]);
      }
      low[axis] = n ? lowest : 0;
      extent[axis] = n ? std::max(highest - lowest, 1e-9) * (1 + 1e-9) : 1;
    }
    const double height = cell.height_ang(axis) * extent[axis];
    bins.count[a] = std::clamp(static_cast<int>(std::min(height / cutoff_ang * 2, 1e6)), 1, most);
    const double thickness = height / bins.count[a];
    const double reach = std::ceil(cutoff_ang / thickness * (1 + 1e-12));
    if (cell.periodic()[a] && reach > 1000)
      throw Error(ErrorKind::usage, fmt::format("the cutoff of {} Å spans more than 1000 cells along lattice vector {}",
                                                cutoff_ang, axis + 1));
    bins.reach[a] = cell.periodic()[a] ? static_cast<int>(reach) : std::min(static_cast<int>(std::min(reach, 1e6)), bins.count[a] - 1);
  }
  for (std::size_t i = 0; i < n; ++i)
    for (int axis = 0; axis < 3; ++axis) {
      const auto a = static_cast<std::size_t>(axis);
      double f = (fraction[i][axis] - low[axis]) / extent[axis];
      if (cell.periodic()[a]) {
        const double whole = std::floor(f);
        bins.image[i][a] = static_cast<int>(whole);
        f -= whole;
      }
      bins.bin[i][a] = std::clamp(static_cast<int>(f * bins.count[a]), 0, bins.count[a] - 1);
    }
  const auto total = static_cast<std::size_t>(bins.count[0]) * static_cast<std::size_t>(bins.count[1]) *
                     static_cast<std::size_t>(bins.count[2]);
  bins.first.assign(total + 1, 0);
  for (const Int3& b : bins.bin) ++bins.first[bins.index(b) + 1];
  for (std::size_t k = 0; k < total; ++k) bins.first[k + 1] += bins.first[k];
  std::vector<std::uint32_t> next(bins.first.begin(), bins.first.end() - 1);
  bins.member.resize(n);
  for (std::size_t i = 0; i < n; ++i) bins.member[next[bins.index(bins.bin[i])]++] = static_cast<std::uint32_t>(i);
  return bins;
}

struct Pair {
  std::uint32_t neighbor;
  Int3 image;
  Vec3 displacement_ang;
  bool operator<(const Pair& b) const { return std::tie(neighbor, image) < std::tie(b.neighbor, b.image); }
};

// In this order the same pair seen from the other atom is its negative to the last bit, at the edge of the cutoff too.
Vec3 displacement(const Cell& cell, std::span<const Vec3> position_ang, std::size_t i, std::size_t j, const Int3& image) {
  return (position_ang[j] - position_ang[i]) + cell.translation_ang(image);
}

void find_neighbors(const Cell& cell, std::span<const Vec3> position_ang, double cutoff_ang, const Bins& bins,
                    std::size_t i, std::vector<Pair>& pairs) {
  pairs.clear();
  const Int3 home = bins.bin[i];
  const auto& periodic = cell.periodic();
  Int3 bin{}, turn{};
  const auto wrapped = [&](std::size_t axis, int shifted) {
    if (!periodic[axis]) {
      bin[axis] = shifted;
      turn[axis] = 0;
      return shifted >= 0 && shifted < bins.count[axis];
    }
    turn[axis] = shifted >= 0 ? shifted / bins.count[axis] : -((bins.count[axis] - 1 - shifted) / bins.count[axis]);
    bin[axis] = shifted - turn[axis] * bins.count[axis];
    return true;
  };
  for (int a = -bins.reach[0]; a <= bins.reach[0]; ++a) {
    if (!wrapped(0, home[0] + a)) continue;
    for (int b = -bins.reach[1]; b <= bins.reach[1]; ++b) {
      if (!wrapped(1, home[1] + b)) continue;
      for (int c = -bins.reach[2]; c <= bins.reach[2]; ++c) {
        if (!wrapped(2, home[2] + c)) continue;
        const std::size_t k = bins.index(bin);
        for (std::uint32_t m = bins.first[k]; m < bins.first[k + 1]; ++m) {
          const std::uint32_t j = bins.member[m];
          Int3 image{};
          for (std::size_t axis = 0; axis < 3; ++axis) image[axis] = turn[axis] - bins.image[j][axis] + bins.image[i][axis];
          if (j == i && image == Int3{0, 0, 0}) continue;
          const Vec3 d = displacement(cell, position_ang, i, j, image);
          if (norm2(d) < cutoff_ang * cutoff_ang) pairs.push_back({j, image, d});
        }
      }
    }
  }
  std::sort(pairs.begin(), pairs.end());
}

// The same pair seen from the other atom.
void find_reverse(NeighborList& list) {
  const std::size_t n = list.first.size() - 1;
  list.reverse.resize(list.pairs());
  parallel_chunks(n, atoms_per_chunk, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      for (std::uint32_t p = list.first[i]; p < list.first[i + 1]; ++p) {
        const std::uint32_t j = list.neighbor[p];
        const Int3 back{-list.image[p][0], -list.image[p][1], -list.image[p][2]};
        std::uint32_t low = list.first[j], high = list.first[j + 1];
        const auto wanted = std::make_tuple(static_cast<std::uint32_t>(i), back);
        while (low < high) {
          const std::uint32_t middle = low + (high - low) / 2;
          if (std::make_tuple(list.neighbor[middle], list.image[middle]) < wanted) low = middle + 1;
          else high = middle;
        }
        if (low == list.first[j + 1] || list.neighbor[low] != i || list.image[low] != back)
          throw Error(ErrorKind::internal, "neighbour list: a pair has no reverse");
        list.reverse[p] = low;
      }
  });
}

}  // namespace

NeighborList build_neighbor_list(const Cell& cell, std::span<const Vec3> position_ang, double cutoff_ang) {
  if (!(cutoff_ang > 0) || !std::isfinite(cutoff_ang))
    throw Error(ErrorKind::usage, fmt::format("the neighbour cutoff must be positive, not {}", cutoff_ang));
  const std::size_t n = position_ang.size();
  const Bins bins = make_bins(cell, position_ang, cutoff_ang);
  NeighborList list;
  list.cutoff_ang = cutoff_ang;
  list.first.assign(n + 1, 0);

  const std::size_t chunks = (n + atoms_per_chunk - 1) / atoms_per_chunk;
  std::vector<std::vector<Pair>> found(chunks);
  parallel_chunks(n, atoms_per_chunk, [&](std::size_t begin, std::size_t end) {
    auto& all = found[begin / atoms_per_chunk];
    std::vector<Pair> pairs;
    for (std::size_t i = begin; i < end; ++i) {
      find_neighbors(cell, position_ang, cutoff_ang, bins, i, pairs);
      list.first[i + 1] = static_cast<std::uint32_t>(pairs.size());
      all.insert(all.end(), pairs.begin(), pairs.end());
    }
  });
  std::size_t total = 0;
  for (std::size_t i = 0; i < n; ++i) {
    total += list.first[i + 1];
    if (total > 4'000'000'000u) throw Error(ErrorKind::usage, "the neighbour list would hold more than 4·10⁹ pairs: is the cutoff right?");
    list.first[i + 1] = static_cast<std::uint32_t>(total);
  }
  list.neighbor.reserve(total);
  list.image.reserve(total);
  list.displacement_ang.reserve(total);
  for (const auto& chunk : found)
    for (const Pair& pair : chunk) {
      list.neighbor.push_back(pair.neighbor);
      list.image.push_back(pair.image);
      list.displacement_ang.push_back(pair.displacement_ang);
    }
  find_reverse(list);
  return list;
}

bool VerletList::update(const Cell& cell, std::span<const Vec3> position_ang, double cutoff_ang, double skin_ang) {
  bool stale = position_ang.size() != reference_.size() || list_.first.empty() || !(cell == cell_) ||
               cutoff_ang != cutoff_ang_ || skin_ang != skin_ang_;
  const double limit2 = skin_ang * skin_ang / 4;
  for (std::size_t i = 0; !stale && i < position_ang.size(); ++i)
    stale = !(norm2(position_ang[i] - reference_[i]) <= limit2);  // also when not a number
  if (stale) {
    rebuild_at(cell, position_ang, cutoff_ang, skin_ang);
    return true;
  }
  const std::size_t n = position_ang.size();
  parallel_chunks(n, 256, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      for (std::uint32_t p = list_.first[i]; p < list_.first[i + 1]; ++p)
        list_.displacement_ang[p] = displacement(cell_, position_ang, i, list_.neighbor[p], list_.image[p]);
  });
  return false;
}

void VerletList::rebuild_at(const Cell& cell, std::span<const Vec3> reference_ang, double cutoff_ang, double skin_ang) {
  list_ = build_neighbor_list(cell, reference_ang, cutoff_ang + skin_ang);
  cell_ = cell;
  reference_.assign(reference_ang.begin(), reference_ang.end());
  cutoff_ang_ = cutoff_ang;
  skin_ang_ = skin_ang;
  ++rebuilds_;
}

}  // namespace saltus
