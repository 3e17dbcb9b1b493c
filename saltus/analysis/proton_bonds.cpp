#include "saltus/analysis/proton_bonds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr double candidate_margin_ang = 1, smallest_angle_degrees = 120;

struct MeansRecord : Record {
  std::vector<ProtonBondMeans> of_bond;
};

bool is_one_of(std::span<const int> elements, int z) { return std::find(elements.begin(), elements.end(), z) != elements.end(); }

}  // namespace

ProtonVectors proton_vectors(const Frame& frame, const ProtonBond& bond) {
  const Vec3& donor = frame.position_ang[bond.donor];
  ProtonVectors vectors;
  vectors.hydrogen_ang = frame.cell.minimum_image(frame.position_ang[bond.hydrogen] - donor);
  // The image of the acceptor is that nearest to the hydrogen, which is between the two.
  vectors.acceptor_ang = vectors.hydrogen_ang + frame.cell.minimum_image(frame.position_ang[bond.acceptor] - frame.position_ang[bond.hydrogen]);
  return vectors;
}

std::optional<std::uint32_t> bound_to(const Frame& frame, std::uint32_t hydrogen, std::span<const int> elements) {
  std::optional<std::uint32_t> found;
  double nearest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < frame.size(); ++i) {
    const int z = frame.atoms->atomic_number[i];
    if (z == 1) continue;
    const double distance = norm(frame.cell.minimum_image(frame.position_ang[i] - frame.position_ang[hydrogen]));
    if (distance >= nearest) continue;
    nearest = distance;
    found.reset();
    if (is_one_of(elements, z) && distance < 1.5 * (covalent_radius_ang(z) + covalent_radius_ang(1))) found = static_cast<std::uint32_t>(i);
  }
  return found;
}

ProtonBondSearch::ProtonBondSearch(const Frame& first, std::span<const int> elements, double largest_mean_ang) : largest_mean_ang_(largest_mean_ang) {
  if (elements.empty() || is_one_of(elements, 1)) throw Error(ErrorKind::usage, "donors and acceptors are elements other than hydrogen, one or more");
  if (!(largest_mean_ang > 0)) throw Error(ErrorKind::usage, "the largest mean distance of donor and acceptor must be positive");
  for (const std::uint32_t h : indices_of(*first.atoms, 1)) {
    const auto donor = bound_to(first, h, elements);
    if (!donor) continue;
    for (std::uint32_t a = 0; a < first.size(); ++a) {
      if (a == *donor || !is_one_of(elements, first.atoms->atomic_number[a])) continue;
      const ProtonBond bond{*donor, h, a};
      if (proton_vectors(first, bond).donor_acceptor_ang() < largest_mean_ang + candidate_margin_ang) sums_.push_back({bond});
    }
  }
}

std::unique_ptr<Record> ProtonBondSearch::map(const Frame& frame) const {
  auto record = std::make_unique<MeansRecord>();
  for (const ProtonBondMeans& sum : sums_) {
    const ProtonVectors v = proton_vectors(frame, sum.bond);
    const Vec3 to_donor = -v.hydrogen_ang, to_acceptor = v.acceptor_ang - v.hydrogen_ang;
    const double cosine = dot(to_donor, to_acceptor) / (norm(to_donor) * norm(to_acceptor));
    record->of_bond.push_back({sum.bond, v.donor_acceptor_ang(), norm(to_donor) + norm(to_acceptor),
                               std::acos(std::clamp(cosine, -1.0, 1.0)) * 180 / std::numbers::pi});
  }
  return record;
}

void ProtonBondSearch::fold(std::unique_ptr<Record> base) {
  const auto& record = static_cast<const MeansRecord&>(*base);
  for (std::size_t k = 0; k < sums_.size(); ++k) {
    sums_[k].donor_acceptor_ang += record.of_bond[k].donor_acceptor_ang;
    sums_[k].way_ang += record.of_bond[k].way_ang;
    sums_[k].angle_degrees += record.of_bond[k].angle_degrees;
  }
  ++frames_;
}

std::vector<ProtonBondMeans> ProtonBondSearch::finish() const {
  std::vector<ProtonBondMeans> candidates;
  for (ProtonBondMeans means : sums_) {
    for (double* value : {&means.donor_acceptor_ang, &means.way_ang, &means.angle_degrees}) *value /= static_cast<double>(frames_);
    if (means.donor_acceptor_ang < largest_mean_ang_ && means.angle_degrees >= smallest_angle_degrees) candidates.push_back(means);
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) { return a.way_ang < b.way_ang; });
  std::vector<ProtonBondMeans> chosen;
  const auto pair_of = [](const ProtonBond& b) { return std::minmax(b.donor, b.acceptor); };
  for (const ProtonBondMeans& candidate : candidates) {
    const bool taken = std::any_of(chosen.begin(), chosen.end(), [&](const ProtonBondMeans& other) {
      return other.bond.hydrogen == candidate.bond.hydrogen || pair_of(other.bond) == pair_of(candidate.bond);
    });
    if (!taken) chosen.push_back(candidate);
  }
  std::sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) { return a.bond.hydrogen < b.bond.hydrogen; });
  return chosen;
}

}  // namespace saltus
