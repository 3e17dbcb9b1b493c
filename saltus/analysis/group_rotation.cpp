#include "saltus/analysis/group_rotation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>

#include <fmt/format.h>

#include "saltus/atoms/elements.hpp"
#include "saltus/base/error.hpp"

namespace saltus {

namespace {

constexpr std::size_t moment_count = 6, z = 2;
constexpr double degrees = 180 / std::numbers::pi;

std::size_t table_size() { return moment_count + 2 * RockingAnalysis::nu_bins().count + RockingTable::joint_nu * RockingTable::joint_q; }

/// Eigenvector of the largest eigenvalue of a symmetric matrix, by Jacobi rotations.
std::array<double, 4> largest_eigenvector(std::array<std::array<double, 4>, 4> a) {
  std::array<std::array<double, 4>, 4> v{};
  for (std::size_t i = 0; i < 4; ++i) v[i][i] = 1;
  for (int sweep = 0; sweep < 50; ++sweep) {
    double off = 0, all = 0;
    for (std::size_t p = 0; p < 4; ++p)
      for (std::size_t q = 0; q < 4; ++q) (p == q ? all : off) += a[p][q] * a[p][q];
    if (off <= 1e-30 * all) break;
    for (std::size_t p = 0; p < 4; ++p)
      for (std::size_t q = p + 1; q < 4; ++q) {
        if (a[p][q] == 0) continue;
        const double ratio = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const double t = (ratio >= 0 ? 1 : -1) / (std::abs(ratio) + std::sqrt(ratio * ratio + 1)), c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (std::size_t k = 0; k < 4; ++k) {
          const double kp = a[k][p], kq = a[k][q];
          a[k][p] = c * kp - s * kq;
          a[k][q] = s * kp + c * kq;
        }
        for (std::size_t k = 0; k < 4; ++k) {
          const double pk = a[p][k], qk = a[q][k], vp = v[k][p], vq = v[k][q];
          a[p][k] = c * pk - s * qk;
          a[q][k] = s * pk + c * qk;
          v[k][p] = c * vp - s * vq;
          v[k][q] = s * vp + c * vq;
        }
      }
  }
  std::size_t best = 0;
  for (std::size_t i = 1; i < 4; ++i)
    if (a[i][i] > a[best][best]) best = i;
  return {v[0][best], v[1][best], v[2][best], v[3][best]};
}

}  // namespace

std::vector<RotatingGroup> rotating_groups(const Frame& frame, int atomic_number) {
  const int element[] = {atomic_number};
  std::map<std::uint32_t, RotatingGroup> groups;
  for (const std::uint32_t h : indices_of(*frame.atoms, 1))
    if (const auto centre = bound_to(frame, h, element)) {
      groups[*centre].centre = *centre;
      groups[*centre].hydrogens.push_back(h);
    }
  std::vector<RotatingGroup> result;
  for (auto& [centre, group] : groups)
    if (group.hydrogens.size() >= 3) result.push_back(std::move(group));
  return result;
}

Vec3 superposition_rotation(std::span<const Vec3> reference, std::span<const Vec3> now) {
  Mat3 s;  // sum of reference ⊗ now
  for (std::size_t k = 0; k < reference.size(); ++k) s += outer(reference[k], now[k]);
  for (int i = 0; i < 3; ++i)
    if (!is_finite(s[i])) throw Error(ErrorKind::numeric, "a position is not finite");
  const double trace = s[0].x + s[1].y + s[2].z;
  std::array<std::array<double, 4>, 4> n{};
  n[0] = {trace, s[1].z - s[2].y, s[2].x - s[0].z, s[0].y - s[1].x};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) n[static_cast<std::size_t>(i + 1)][static_cast<std::size_t>(j + 1)] = s[i][j] + s[j][i] - (i == j ? trace : 0);
  for (std::size_t i = 1; i < 4; ++i) n[i][0] = n[0][i];
  if (norm2(s[0]) + norm2(s[1]) + norm2(s[2]) == 0) throw Error(ErrorKind::numeric, "vectors of no length have no orientation");
  const auto [w, x, y, last] = largest_eigenvector(n);
  const Vec3 axis = w < 0 ? Vec3{-x, -y, -last} : Vec3{x, y, last};
  const double sine = norm(axis);
  return sine > 0 ? 2 * std::atan2(sine, std::abs(w)) / sine * axis : Vec3{};
}

RockingMoments& RockingMoments::operator+=(const RockingMoments& other) {
  count += other.count;
  nu += other.nu;
  nu2 += other.nu2;
  q += other.q;
  q2 += other.q2;
  nu_q += other.nu_q;
  return *this;
}

RockingTable& RockingTable::operator+=(const RockingTable& other) {
  moments += other.moments;
  for (auto member : {&RockingTable::count, &RockingTable::sum, &RockingTable::joint}) {
    (this->*member).resize((other.*member).size());
    for (std::size_t k = 0; k < (this->*member).size(); ++k) (this->*member)[k] += (other.*member)[k];
  }
  return *this;
}

// Of each bond: hydrogen and acceptor from the donor, X from the acceptor's image, the hydrogens of X from it.
struct RockingAnalysis::VectorsRecord : Record {
  std::vector<std::vector<Vec3>> of_bond;
  std::shared_ptr<const Cell> cell;  // only of ring polymers
};

namespace {

std::vector<Vec3> vectors_of(const Frame& frame, const ProtonBond& bond, const RotatingGroup& group) {
  const ProtonVectors proton = proton_vectors(frame, bond);
  const Vec3& centre = frame.position_ang[group.centre];
  std::vector<Vec3> vectors{proton.hydrogen_ang, proton.acceptor_ang, proton.hydrogen_ang + frame.cell.minimum_image(centre - frame.position_ang[bond.hydrogen])};
  for (const std::uint32_t h : group.hydrogens) vectors.push_back(frame.cell.minimum_image(frame.position_ang[h] - centre));
  return vectors;
}

}  // namespace

RockingAnalysis::RockingAnalysis(const Frame& first, const RockingSettings& settings) : settings_(settings) {
  const std::vector<RotatingGroup> groups = rotating_groups(first, settings.element);
  for (const ProtonBond& bond : settings.bonds) {
    const RotatingGroup* nearest = nullptr;
    double least = std::numeric_limits<double>::infinity();
    for (const RotatingGroup& group : groups) {
      const double distance = norm(first.cell.minimum_image(first.position_ang[group.centre] - first.position_ang[bond.hydrogen]));
      if (group.centre == bond.donor || group.centre == bond.acceptor || distance >= least) continue;
      nearest = &group;
      least = distance;
    }
    if (!nearest)
      throw Error(ErrorKind::usage, fmt::format("no {} with three hydrogens or more is beside the bond of atoms {}, {} and {} in the first frame", symbol_of(settings.element),
                                                bond.donor + 1, bond.hydrogen + 1, bond.acceptor + 1));
    groups_.push_back(*nearest);
    const std::vector<Vec3> vectors = vectors_of(first, bond, *nearest);
    reference_.emplace_back(vectors.begin() + 3, vectors.end());
    const Vec3 x = vectors[1] / norm(vectors[1]);
    const Vec3 to_centre = vectors[2] - vectors[1] / 2, across = to_centre - dot(to_centre, x) * x;
    if (!(norm(across) > 0.1))
      throw Error(ErrorKind::usage, fmt::format("atom {} lies on the line of atoms {} and {}: it rocks to no side of the bond", nearest->centre + 1, bond.donor + 1, bond.acceptor + 1));
    const Vec3 y = across / norm(across);
    axes_.push_back({x, y, cross(x, y)});
  }
  kinds_ = settings.beads > 0 ? 2 : 1;
  table_first_ = kinds_ * settings.bonds.size() * rocking_coordinates * moment_count;
  row_.resize(table_first_ + kinds_ * rocking_coordinates * table_size());
}

std::unique_ptr<Record> RockingAnalysis::map(const Frame& frame) const {
  auto record = std::make_unique<VectorsRecord>();
  for (std::size_t b = 0; b < groups_.size(); ++b) record->of_bond.push_back(vectors_of(frame, settings_.bonds[b], groups_[b]));
  if (settings_.beads > 0) record->cell = std::make_shared<const Cell>(frame.cell);
  return record;
}

void RockingAnalysis::add(std::size_t kind, std::size_t bond, std::span<const Vec3> vectors) {
  const double nu = ProtonVectors{vectors[0], vectors[1]}.nu_ang();
  const Vec3 theta = superposition_rotation(reference_[bond], vectors.subspan(3));
  const std::array<double, rocking_coordinates> q{dot(theta, axes_[bond][0]) * degrees, dot(theta, axes_[bond][1]) * degrees, dot(theta, axes_[bond][z]) * degrees,
                                                  norm(vectors[2]) - norm(vectors[2] - vectors[1])};
  const auto nu_bin = nu_bins().find(nu);
  const auto clamped = [](double x, std::size_t bins) { return static_cast<std::size_t>(std::clamp(x, 0.0, static_cast<double>(bins) - 0.5)); };
  for (std::size_t c = 0; c < rocking_coordinates; ++c) {
    double* const table = row_.data() + table_first_ + (kind * rocking_coordinates + c) * table_size();
    for (double* out : {row_.data() + ((kind * groups_.size() + bond) * rocking_coordinates + c) * moment_count, table}) {
      const std::array<double, moment_count> values{1, nu, nu * nu, q[c], q[c] * q[c], nu * q[c]};
      for (std::size_t k = 0; k < moment_count; ++k) out[k] += values[k];
    }
    double* const count = table + moment_count;
    double* const sum = count + nu_bins().count;
    double* const joint = sum + nu_bins().count;
    if (nu_bin) {
      count[*nu_bin] += 1;
      sum[*nu_bin] += q[c];
    }
    // Bins of 0.06 Å of nu; of 5° or of 0.1 Å.
    const std::size_t i = clamped(nu / 0.06 + RockingTable::joint_nu / 2.0, RockingTable::joint_nu);
    const std::size_t j = clamped(q[c] / (c < 3 ? 5.0 : 0.1) + RockingTable::joint_q / 2.0, RockingTable::joint_q);
    joint[i * RockingTable::joint_q + j] += 1;
  }
}

void RockingAnalysis::fold(std::unique_ptr<Record> base) {
  if (ring_.empty()) std::fill(row_.begin(), row_.end(), 0.0);
  const auto& record = static_cast<const VectorsRecord&>(*base);
  for (std::size_t b = 0; b < groups_.size(); ++b) add(0, b, record.of_bond[b]);
  if (settings_.beads > 0) {
    ring_.push_back(std::move(base));
    if (ring_.size() < settings_.beads) return;
    const auto& reference = static_cast<const VectorsRecord&>(*ring_.front());
    for (std::size_t b = 0; b < groups_.size(); ++b) {
      std::vector<Vec3> mean(reference.of_bond[b].size());
      for (const auto& bead : ring_) {
        const auto& vectors = static_cast<const VectorsRecord&>(*bead);
        for (std::size_t k = 0; k < mean.size(); ++k)
          mean[k] += (reference.of_bond[b][k] + vectors.cell->minimum_image(vectors.of_bond[b][k] - reference.of_bond[b][k])) / static_cast<double>(ring_.size());
      }
      add(1, b, mean);
    }
    ring_.clear();
  }
  stretches_.add(row_);
}

RockingCounts RockingAnalysis::counts_of(std::span<const double> row) const {
  const auto moments_at = [&](std::size_t first) { return RockingMoments{row[first], row[first + 1], row[first + 2], row[first + 3], row[first + 4], row[first + 5]}; };
  RockingCounts counts;
  for (std::size_t kind = 0; kind < kinds_; ++kind) {
    counts.bonds.emplace_back(groups_.size());
    for (std::size_t b = 0; b < groups_.size(); ++b)
      for (std::size_t c = 0; c < rocking_coordinates; ++c) counts.bonds[kind][b][c] = moments_at(((kind * groups_.size() + b) * rocking_coordinates + c) * moment_count);
    counts.all.emplace_back();
    for (std::size_t c = 0; c < rocking_coordinates; ++c) {
      const std::size_t first = table_first_ + (kind * rocking_coordinates + c) * table_size(), bins = nu_bins().count;
      RockingTable& table = counts.all[kind][c];
      table.moments = moments_at(first);
      const auto part = row.subspan(first + moment_count);
      table.count.assign(part.begin(), part.begin() + static_cast<std::ptrdiff_t>(bins));
      table.sum.assign(part.begin() + static_cast<std::ptrdiff_t>(bins), part.begin() + static_cast<std::ptrdiff_t>(2 * bins));
      table.joint.assign(part.begin() + static_cast<std::ptrdiff_t>(2 * bins), part.begin() + static_cast<std::ptrdiff_t>(2 * bins + RockingTable::joint_nu * RockingTable::joint_q));
    }
  }
  return counts;
}

std::vector<RockingCounts> RockingAnalysis::blocks(std::size_t count) const {
  std::vector<RockingCounts> result;
  for (const auto& block : stretches_.blocks(count)) result.push_back(counts_of(block));
  return result;
}

}  // namespace saltus
