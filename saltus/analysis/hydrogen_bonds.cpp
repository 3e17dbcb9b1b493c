#include "saltus/analysis/hydrogen_bonds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/atoms/neighbor_list.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr std::uint32_t no_atom = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t scalars = 4;

void add_to(std::vector<double>& sum, const std::vector<double>& other) {
  sum.resize(other.size());
  for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += other[k];
}

std::size_t place_in(std::span<const int> elements, int z) {
  return static_cast<std::size_t>(std::find(elements.begin(), elements.end(), z) - elements.begin());
}

}  // namespace

std::vector<HydrogenBond> hydrogen_bonds(const Frame& frame, const HydrogenBondSettings& settings) {
  const auto& z = frame.atoms->atomic_number;
  const auto is_donor = [&](std::uint32_t i) { return place_in(settings.elements, z[i]) < settings.elements.size(); };
  // Hydrogen is bound to no atom farther than 1.5 covalent lengths, which for the heaviest are 4 Å.
  double reach_ang = settings.largest_ang;
  for (const int element : z) reach_ang = std::max(reach_ang, 1.5 * (covalent_radius_ang(element) + covalent_radius_ang(1)));
  const NeighborList list = build_neighbor_list(frame.cell, frame.position_ang, reach_ang);
  struct Bound {
    std::uint32_t hydrogen;
    Vec3 from_donor_ang;
  };
  std::vector<std::vector<Bound>> bound(frame.size());  // hydrogens of each donor
  for (std::uint32_t h = 0; h < frame.size(); ++h) {
    if (z[h] != 1) continue;
    std::uint32_t nearest = no_atom;
    Vec3 way;
    for (std::uint32_t p = list.first[h]; p < list.first[h + 1]; ++p)
      if (z[list.neighbor[p]] != 1 && (nearest == no_atom || norm2(list.displacement_ang[p]) < norm2(way))) {
        nearest = list.neighbor[p];
        way = list.displacement_ang[p];
      }
    if (nearest != no_atom && is_donor(nearest) && norm(way) < 1.5 * (covalent_radius_ang(z[nearest]) + covalent_radius_ang(1)))
      bound[nearest].push_back({h, -way});
  }
  std::vector<HydrogenBond> bonds;
  for (std::uint32_t d = 0; d < frame.size(); ++d)
    for (const Bound& h : bound[d])
      for (std::uint32_t p = list.first[d]; p < list.first[d + 1]; ++p) {
        const std::uint32_t a = list.neighbor[p];
        const double distance = norm(list.displacement_ang[p]);
        if (distance >= settings.largest_ang || !is_donor(a)) continue;
        const double cosine = dot(list.displacement_ang[p], h.from_donor_ang) / (distance * norm(h.from_donor_ang));
        const double angle = std::acos(std::clamp(cosine, -1.0, 1.0)) * 180 / std::numbers::pi;
        if (angle < settings.largest_angle_degrees) bonds.push_back({d, h.hydrogen, a, distance, angle});
      }
  return bonds;
}

HydrogenBondSums& HydrogenBondSums::operator+=(const HydrogenBondSums& other) {
  frames += other.frames;
  bonds += other.bonds;
  distance_ang += other.distance_ang;
  angle_degrees += other.angle_degrees;
  add_to(distance_count, other.distance_count);
  add_to(angle_count, other.angle_count);
  add_to(atoms_with, other.atoms_with);
  add_to(donated, other.donated);
  add_to(accepted, other.accepted);
  add_to(of_elements, other.of_elements);
  return *this;
}

BondCorrelationSums& BondCorrelationSums::operator+=(const BondCorrelationSums& other) {
  add_to(bonded, other.bonded);
  add_to(continuous, other.continuous);
  add_to(intermittent, other.intermittent);
  return *this;
}

struct HydrogenBondAnalysis::BondRecord : Record {
  std::vector<HydrogenBond> bonds;
  double time_fs = 0;
};

HydrogenBondAnalysis::HydrogenBondAnalysis(const Atoms& atoms, const HydrogenBondSettings& settings) : settings_(settings) {
  if (!(settings.largest_ang > 0) || settings.largest_ang > 20 || !(settings.largest_angle_degrees > 0) || settings.largest_angle_degrees > 90)
    throw Error(ErrorKind::usage, fmt::format("hydrogen bonds up to {} Å and {}° cannot be meant; at most 20 Å and 90°", settings.largest_ang, settings.largest_angle_degrees));
  if (place_in(settings.elements, 1) < settings.elements.size()) throw Error(ErrorKind::usage, "donors and acceptors are elements other than hydrogen");
  place_of_.assign(atoms.size(), no_atom);
  for (std::uint32_t i = 0; i < atoms.size(); ++i)
    if (place_in(settings.elements, atoms.atomic_number[i]) < settings.elements.size()) {
      place_of_[i] = static_cast<std::uint32_t>(heavy_.size());
      heavy_.push_back(i);
      element_of_.push_back(place_in(settings.elements, atoms.atomic_number[i]));
    }
  if (heavy_.empty() || indices_of(atoms, 1).empty())
    throw Error(ErrorKind::usage, fmt::format("{} has no {}, so there are no hydrogen bonds", formula(atoms), heavy_.empty() ? "atoms of the elements of donors and acceptors" : "H"));
  distance_bins_ = static_cast<std::size_t>(std::ceil(settings.largest_ang / HydrogenBondSums::distance_bin_ang - 1e-9));
  angle_bins_ = static_cast<std::size_t>(std::ceil(settings.largest_angle_degrees / HydrogenBondSums::angle_bin_degrees - 1e-9));
  row_.resize(scalars + distance_bins_ + angle_bins_ + HydrogenBondSums::most_bonds + 1 + 2 * heavy_.size() + settings.elements.size() * settings.elements.size());
}

std::unique_ptr<Record> HydrogenBondAnalysis::map(const Frame& frame) const {
  auto record = std::make_unique<BondRecord>();
  record->bonds = hydrogen_bonds(frame, settings_);
  record->time_fs = frame.time_fs;
  return record;
}

// A row: frames, bonds, sums of distance and angle; counts of distances, angles, atoms with n bonds; donated and accepted by each atom; by elements.
void HydrogenBondAnalysis::fold(std::unique_ptr<Record> base) {
  auto& record = static_cast<BondRecord&>(*base);
  if (beads_in_row_ == 0) std::fill(row_.begin(), row_.end(), 0.0);
  double* const distances = row_.data() + scalars;
  double* const angles = distances + distance_bins_;
  double* const with = angles + angle_bins_;
  double* const donated = with + HydrogenBondSums::most_bonds + 1;
  double* const accepted = donated + heavy_.size();
  double* const pairs = accepted + heavy_.size();
  const std::size_t elements = settings_.elements.size();
  std::vector<std::size_t> bonds_of(heavy_.size(), 0);
  row_[0] += 1;
  for (const HydrogenBond& bond : record.bonds) {
    row_[1] += 1;
    row_[2] += bond.distance_ang;
    row_[3] += bond.angle_degrees;
    distances[std::min(distance_bins_ - 1, static_cast<std::size_t>(bond.distance_ang / HydrogenBondSums::distance_bin_ang))] += 1;
    angles[std::min(angle_bins_ - 1, static_cast<std::size_t>(bond.angle_degrees / HydrogenBondSums::angle_bin_degrees))] += 1;
    const std::uint32_t d = place_of_[bond.donor], a = place_of_[bond.acceptor];
    donated[d] += 1;
    accepted[a] += 1;
    ++bonds_of[d];
    ++bonds_of[a];
    pairs[element_of_[d] * elements + element_of_[a]] += 1;
  }
  for (const std::size_t n : bonds_of) with[std::min(n, HydrogenBondSums::most_bonds)] += 1;
  if (settings_.beads > 0) {
    if (++beads_in_row_ < settings_.beads) return;
    beads_in_row_ = 0;
    return stretches_.add(row_);
  }
  stretches_.add(row_);

  if (frames_ == 0) first_fs_ = record.time_fs;
  if (frames_ == 1) spacing_fs_ = record.time_fs - first_fs_;
  const double expected_fs = first_fs_ + static_cast<double>(frames_) * spacing_fs_;
  even_ = even_ && std::abs(record.time_fs - expected_fs) <= 0.01 * std::abs(spacing_fs_);
  const auto now = static_cast<std::uint32_t>(frames_++);
  if (!even_ || spells_ > most_spells || now == no_atom - 1) {
    bonded_.clear();
    even_ = even_ && now < no_atom - 1;
    return;
  }
  for (const HydrogenBond& bond : record.bonds) {
    std::vector<Spell>& spells = bonded_[(std::uint64_t{bond.hydrogen} << 32) | bond.acceptor];
    if (!spells.empty() && spells.back().second >= now) {
      spells.back().second = now + 1;  // also where it is bonded to two images of the acceptor
    } else {
      spells.emplace_back(now, now + 1);
      ++spells_;
    }
  }
}

HydrogenBondSums HydrogenBondAnalysis::sums_of(std::span<const double> row) const {
  HydrogenBondSums sums{row[0], row[1], row[2], row[3], {}, {}, {}, {}, {}, {}};
  std::size_t first = scalars;
  for (const auto& [list, size] : {std::pair{&sums.distance_count, distance_bins_}, {&sums.angle_count, angle_bins_}, {&sums.atoms_with, HydrogenBondSums::most_bonds + 1},
                                   {&sums.donated, heavy_.size()}, {&sums.accepted, heavy_.size()}, {&sums.of_elements, settings_.elements.size() * settings_.elements.size()}}) {
    const auto part = row.subspan(first, size);
    list->assign(part.begin(), part.end());
    first += size;
  }
  return sums;
}

HydrogenBondSums HydrogenBondAnalysis::total() const { return sums_of(stretches_.total()); }

std::vector<HydrogenBondSums> HydrogenBondAnalysis::blocks(std::size_t count) const {
  std::vector<HydrogenBondSums> result;
  for (const auto& block : stretches_.blocks(count)) result.push_back(sums_of(block));
  return result;
}

std::vector<BondCorrelationSums> HydrogenBondAnalysis::correlations(std::span<const std::int64_t> lags, std::size_t blocks) const {
  const std::vector<double> zeros(lags.size(), 0.0);
  std::vector<BondCorrelationSums> sums(blocks, {zeros, zeros, zeros});
  const auto frames = static_cast<std::int64_t>(frames_);
  const std::int64_t length = frames / static_cast<std::int64_t>(blocks);  // origins behind the last block belong to none
  const auto add = [&](std::vector<double> BondCorrelationSums::*list, std::size_t lag, std::int64_t from, std::int64_t to) {
    to = std::min(to, length * static_cast<std::int64_t>(blocks));
    for (std::int64_t b = from < to ? from / length : 0; from < to; ++b) {
      const std::int64_t end = std::min(to, (b + 1) * length);
      (sums[static_cast<std::size_t>(b)].*list)[lag] += static_cast<double>(end - from);
      from = end;
    }
  };
  for (const auto& [pair, spells] : bonded_)
    for (std::size_t l = 0; l < lags.size(); ++l) {
      const std::int64_t lag = lags[l];
      std::size_t later = 0;
      for (const auto& [first, last] : spells) {
        const std::int64_t from = first, to = last;
        add(&BondCorrelationSums::bonded, l, from, std::min(to, frames - lag));
        add(&BondCorrelationSums::continuous, l, from, to - lag);
        while (later < spells.size() && static_cast<std::int64_t>(spells[later].second) - lag <= from) ++later;
        for (std::size_t k = later; k < spells.size() && static_cast<std::int64_t>(spells[k].first) - lag < to; ++k)
          add(&BondCorrelationSums::intermittent, l, std::max(from, static_cast<std::int64_t>(spells[k].first) - lag),
              std::min(to, static_cast<std::int64_t>(spells[k].second) - lag));
      }
    }
  return sums;
}

}  // namespace saltus
