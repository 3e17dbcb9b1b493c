// Rocking of groups XH_n (n ≥ 3, such as NH4+) beside shared protons, and how it goes with the proton coordinate nu.
//
// A group is turned by the rotation that brings its X–H vectors of the first frame onto those now with the least squares (Kabsch; by quaternions,
// B. K. P. Horn, J. Opt. Soc. Am. A 4, 629 (1987)). Hydrogens keep the identity that the first frame gives them. Of each bond D–H…A and the group
// nearest to it, four coordinates:
//   rotation vector theta along   x: D→A;  y: across it, towards X;  z = x × y (rocking in the plane of D, A and X, from one to the other)
//   asymmetry                     d(X, D) − d(X, A)
// Both z and asymmetry change sign with nu when D and A are exchanged. Bonds that mirror one another have x and y of opposite sign: pooled over
// such bonds only z and asymmetry mean something.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "saltus/analysis/analysis.hpp"
#include "saltus/analysis/proton_transfer.hpp"
#include "saltus/analysis/stretch_sums.hpp"

namespace saltus {

struct RotatingGroup {
  std::uint32_t centre = 0;
  std::vector<std::uint32_t> hydrogens;  ///< ascending
};

/// Atoms of the element that hold three hydrogens or more: H belongs to the heavy atom nearest to it, within 1.5 covalent lengths.
std::vector<RotatingGroup> rotating_groups(const Frame& frame, int atomic_number);

/// Rotation vector (its length is the angle, 0 to pi) of the proper rotation that brings `reference` onto `now` with the least squares.
/// [n] each, n ≥ 2. Throws Error{numeric} for vectors that are all zero or not finite.
Vec3 superposition_rotation(std::span<const Vec3> reference, std::span<const Vec3> now);

inline constexpr std::size_t rocking_coordinates = 4;
inline constexpr std::array<const char*, rocking_coordinates> rocking_names{"theta_x_degrees", "theta_y_degrees", "theta_z_degrees", "asymmetry_ang"};

struct RockingSettings {
  std::vector<ProtonBond> bonds;
  int element = 7;          ///< of the centres of the groups
  std::size_t beads = 0;    ///< as in ProtonSettings
};

/// Of one coordinate q.
struct RockingMoments {
  double count = 0, nu = 0, nu2 = 0, q = 0, q2 = 0, nu_q = 0;

  RockingMoments& operator+=(const RockingMoments& other);
};

/// Of one coordinate and all bonds together.
struct RockingTable {
  RockingMoments moments;
  std::vector<double> count, sum;   ///< [bins of nu]: of configurations, and of q
  std::vector<double> joint;        ///< [joint_nu * joint_q]: configurations, for the mutual information; the outermost bins have no end

  static constexpr std::size_t joint_nu = 20, joint_q = 24;
  RockingTable& operator+=(const RockingTable& other);
};

/// [kind: beads (or frames), centroids][bonds], [kind], each [coordinate].
struct RockingCounts {
  std::vector<std::vector<std::array<RockingMoments, rocking_coordinates>>> bonds;
  std::vector<std::array<RockingTable, rocking_coordinates>> all;
};

class RockingAnalysis : public Analysis {
 public:
  /// Each bond goes with the group whose centre is nearest to its hydrogen in the first frame and is neither donor nor acceptor.
  /// Throws Error{usage} when a bond has none.
  RockingAnalysis(const Frame& first, const RockingSettings& settings);
  std::unique_ptr<Record> map(const Frame& frame) const override;
  void fold(std::unique_ptr<Record> record) override;

  /// Of the bonds.
  const std::vector<RotatingGroup>& groups() const { return groups_; }
  static Bins nu_bins() { return {-2, 0.1, 40}; }
  RockingCounts total() const { return counts_of(stretches_.total()); }
  /// Of equally long blocks of time; empty when there are fewer than two steps.
  std::vector<RockingCounts> blocks(std::size_t count) const;

 private:
  struct VectorsRecord;
  RockingCounts counts_of(std::span<const double> row) const;
  void add(std::size_t kind, std::size_t bond, std::span<const Vec3> vectors);

  RockingSettings settings_;
  std::vector<RotatingGroup> groups_;
  std::vector<std::vector<Vec3>> reference_;   // X–H of the first frame, [bonds][hydrogens]
  std::vector<std::array<Vec3, 3>> axes_;      // x, y, z of the first frame, [bonds]
  std::size_t kinds_ = 1, table_first_ = 0;
  std::vector<double> row_;
  std::vector<std::unique_ptr<Record>> ring_;
  StretchSums stretches_{128};
};

}  // namespace saltus
