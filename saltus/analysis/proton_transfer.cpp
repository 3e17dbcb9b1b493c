#include "saltus/analysis/proton_transfer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr std::size_t moments = 5, spreads = 4;

Bins nu_bins(double width_ang) {
  if (!(width_ang >= 1e-3) || width_ang > 0.5) throw Error(ErrorKind::usage, fmt::format("bins of {} Å cannot be meant; 0.001 to 0.5 Å", width_ang));
  const auto half = static_cast<std::size_t>(std::ceil(2 / width_ang - 1e-9));
  return {-static_cast<double>(half) * width_ang, width_ang, 2 * half};
}

}  // namespace

ProtonSums& ProtonSums::operator+=(const ProtonSums& other) {
  count += other.count;
  nu_ang += other.nu_ang;
  nu2_ang2 += other.nu2_ang2;
  r_ang += other.r_ang;
  r2_ang2 += other.r2_ang2;
  nu_count.resize(other.nu_count.size());
  for (std::size_t k = 0; k < nu_count.size(); ++k) nu_count[k] += other.nu_count[k];
  joint.resize(other.joint.size());
  for (std::size_t k = 0; k < joint.size(); ++k) joint[k] += other.joint[k];
  return *this;
}

SpreadSums& SpreadSums::operator+=(const SpreadSums& other) {
  rings += other.rings;
  delocalised += other.delocalised;
  along_ang2 += other.along_ang2;
  across_ang2 += other.across_ang2;
  return *this;
}

struct ProtonAnalysis::BeadRecord : Record {
  std::vector<ProtonVectors> vectors;     // [bonds]
  std::vector<Vec3> hydrogen_ang;         // [bonds], only of ring polymers
  std::optional<std::int32_t> bead;
  std::shared_ptr<const Cell> cell;       // only of ring polymers
};

// A row of a step: for each bond the moments and counts of nu, of beads and then of centroids; the tables of nu and R of all bonds, of beads and
// of centroids; for each bond the spread.
ProtonAnalysis::ProtonAnalysis(const ProtonSettings& settings) : settings_(settings), bins_{nu_bins(settings.bin_ang)}, joint_count_(bins_.joint_nu.count * bins_.joint_r.count) {
  if (settings.bonds.empty()) throw Error(ErrorKind::usage, "no hydrogen bond is given");
  kinds_ = settings.beads > 0 ? 2 : 1;
  of_bond_ = moments + bins_.nu.count;
  joint_first_ = settings.bonds.size() * kinds_ * of_bond_;
  spread_first_ = joint_first_ + kinds_ * joint_count_;
  row_.resize(spread_first_ + (settings.beads > 0 ? spreads * settings.bonds.size() : 0));
}

std::unique_ptr<Record> ProtonAnalysis::map(const Frame& frame) const {
  auto record = std::make_unique<BeadRecord>();
  record->bead = frame.bead;
  for (const ProtonBond& bond : settings_.bonds) {
    for (const std::uint32_t atom : {bond.donor, bond.hydrogen, bond.acceptor})
      if (atom >= frame.size()) throw Error(ErrorKind::usage, fmt::format("there is no atom {}; the frames have {}", atom + 1, frame.size()));
    record->vectors.push_back(proton_vectors(frame, bond));
    if (!is_finite(record->vectors.back().hydrogen_ang) || !is_finite(record->vectors.back().acceptor_ang))
      throw Error(ErrorKind::numeric, "a position is not finite");
    if (settings_.beads > 0) record->hydrogen_ang.push_back(frame.position_ang[bond.hydrogen]);
  }
  if (settings_.beads > 0) record->cell = std::make_shared<const Cell>(frame.cell);
  return record;
}

void ProtonAnalysis::add_sums(std::size_t first, double nu_ang, double r_ang) {
  const std::size_t kind = first / of_bond_ % kinds_;
  double* const out = row_.data() + first;
  out[0] += 1;
  out[1] += nu_ang;
  out[2] += nu_ang * nu_ang;
  out[3] += r_ang;
  out[4] += r_ang * r_ang;
  if (const auto k = bins_.nu.find(nu_ang)) out[moments + *k] += 1;
  const auto k = bins_.joint_nu.find(nu_ang), l = bins_.joint_r.find(r_ang);
  if (k && l) row_[joint_first_ + kind * joint_count_ + *k * bins_.joint_r.count + *l] += 1;
}

void ProtonAnalysis::add_ring() {
  const auto beads = static_cast<double>(ring_.size());
  const auto bead = [&](std::size_t j) -> const BeadRecord& { return static_cast<const BeadRecord&>(*ring_[j]); };
  for (std::size_t b = 0; b < settings_.bonds.size(); ++b) {
    const std::size_t first = b * kinds_ * of_bond_;
    const ProtonVectors& reference = bead(0).vectors[b];
    Vec3 hydrogen, acceptor, mean;
    std::vector<Vec3> place;  // of H from that of bead 0
    bool below = false, above = false;
    for (std::size_t j = 0; j < ring_.size(); ++j) {
      const ProtonVectors& v = bead(j).vectors[b];
      const Cell& cell = *bead(j).cell;
      add_sums(first, v.nu_ang(), v.donor_acceptor_ang());
      below = below || v.nu_ang() < 0;
      above = above || v.nu_ang() > 0;
      hydrogen += reference.hydrogen_ang + cell.minimum_image(v.hydrogen_ang - reference.hydrogen_ang);
      acceptor += reference.acceptor_ang + cell.minimum_image(v.acceptor_ang - reference.acceptor_ang);
      place.push_back(cell.minimum_image(bead(j).hydrogen_ang[b] - bead(0).hydrogen_ang[b]));
      mean += place.back();
    }
    const ProtonVectors centroid{hydrogen / beads, acceptor / beads};
    add_sums(first + of_bond_, centroid.nu_ang(), centroid.donor_acceptor_ang());
    if (!(norm2(centroid.acceptor_ang) > 0)) throw Error(ErrorKind::numeric, fmt::format("step {}: donor and acceptor of a bond are at the same place", steps() + 1));
    const Vec3 axis = centroid.acceptor_ang / norm(centroid.acceptor_ang);
    double* const spread = row_.data() + spread_first_ + spreads * b;
    spread[0] = 1;
    spread[1] = below && above ? 1 : 0;
    for (const Vec3& r : place) {
      const Vec3 d = r - mean / beads;
      const double along = dot(d, axis);
      spread[2] += along * along / beads;
      spread[3] += (norm2(d) - along * along) / beads;
    }
  }
}

void ProtonAnalysis::fold(std::unique_ptr<Record> base) {
  const auto& record = static_cast<const BeadRecord&>(*base);
  std::fill(row_.begin(), row_.end(), 0.0);
  if (settings_.beads == 0) {
    last_nu_ang_.resize(settings_.bonds.size(), 0.0);
    sign_changes_.resize(settings_.bonds.size(), 0);
    for (std::size_t b = 0; b < settings_.bonds.size(); ++b) {
      const double nu = record.vectors[b].nu_ang();
      add_sums(b * of_bond_, nu, record.vectors[b].donor_acceptor_ang());
      if (nu * last_nu_ang_[b] < 0) ++sign_changes_[b];
      last_nu_ang_[b] = nu;
    }
    return stretches_.add(row_);
  }
  const std::size_t place = ring_.size();
  if (order_.size() < settings_.beads) order_.push_back(record.bead.value_or(-1));
  if (!record.bead || order_[place] != *record.bead)
    throw Error(ErrorKind::format, fmt::format("step {}: {} where bead {} is expected; each step must have the {} beads of the first, in the same order",
                                               steps() + 1, record.bead ? fmt::format("bead {}", *record.bead) : "a frame that is no bead", order_[place], settings_.beads));
  ring_.push_back(std::move(base));
  if (ring_.size() < settings_.beads) return;
  add_ring();
  ring_.clear();
  stretches_.add(row_);
}

ProtonCounts ProtonAnalysis::counts_of(std::span<const double> row) const {
  ProtonCounts counts;
  for (std::size_t kind = 0; kind < kinds_; ++kind) {
    std::vector<ProtonSums>& list = kind == 0 ? counts.beads : counts.centroids;
    ProtonSums all;
    for (std::size_t b = 0; b < settings_.bonds.size(); ++b) {
      const auto part = row.subspan((b * kinds_ + kind) * of_bond_, of_bond_);
      list.push_back({part[0], part[1], part[2], part[3], part[4], {part.begin() + moments, part.end()}, {}});
      all += list.back();
    }
    const auto joint = row.subspan(joint_first_ + kind * joint_count_, joint_count_);
    all.joint.assign(joint.begin(), joint.end());
    list.push_back(std::move(all));
  }
  if (settings_.beads == 0) return counts;
  SpreadSums all;
  for (std::size_t b = 0; b < settings_.bonds.size(); ++b) {
    const auto part = row.subspan(spread_first_ + spreads * b, spreads);
    counts.spread.push_back({part[0], part[1], part[2], part[3]});
    all += counts.spread.back();
  }
  counts.spread.push_back(all);
  return counts;
}

ProtonCounts ProtonAnalysis::total() const { return counts_of(stretches_.total()); }

std::vector<ProtonCounts> ProtonAnalysis::blocks(std::size_t count) const {
  std::vector<ProtonCounts> result;
  for (const auto& block : stretches_.blocks(count)) result.push_back(counts_of(block));
  return result;
}

}  // namespace saltus
