// Hydrogen bonds D–H…A by geometry: d(D, A) below a limit and the angle H–D…A too. Each hydrogen belongs to the heavy atom nearest to it
// in the frame; it may be in several bonds at once. Images count: an atom may be bonded to its own image.
//
// Lifetimes, of pairs (H, A) in classical frames, h(t) = 1 where bonded:
//   continuous    S(t) = <h(0) H(t)> / <h>,  H(t) = 1 where bonded in all frames from 0 to t
//   intermittent  C(t) = <h(0) h(t)> / <h>
// Reference: A. Luzar and D. Chandler, Nature 379, 55 (1996); D. C. Rapaport, Mol. Phys. 50, 1151 (1983).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "saltus/analysis/analysis.hpp"
#include "saltus/analysis/stretch_sums.hpp"

namespace saltus {

struct HydrogenBondSettings {
  std::vector<int> elements{8, 7};    ///< of donors and acceptors
  double largest_ang = 3.5;           ///< d(D, A)
  double largest_angle_degrees = 30;  ///< H–D…A
  std::size_t beads = 0;              ///< of each step, one after another; 0: frames follow one another in time
};

struct HydrogenBond {
  std::uint32_t donor = 0, hydrogen = 0, acceptor = 0;
  double distance_ang = 0;    ///< d(D, A)
  double angle_degrees = 0;   ///< H–D…A
};

/// In the order of the donors. Throws Error{numeric} for positions that are not finite.
std::vector<HydrogenBond> hydrogen_bonds(const Frame& frame, const HydrogenBondSettings& settings);

/// Sums over frames.
struct HydrogenBondSums {
  double frames = 0, bonds = 0, distance_ang = 0, angle_degrees = 0;
  std::vector<double> distance_count;          ///< [distance bins of 0.05 Å from 0]
  std::vector<double> angle_count;             ///< [angle bins of 2° from 0]
  std::vector<double> atoms_with;              ///< [most_bonds + 1]: heavy atoms with 0, 1, … bonds, donated and accepted; the last: or more
  std::vector<double> donated, accepted;       ///< [heavy atoms]
  std::vector<double> of_elements;             ///< [elements * elements]: donor, acceptor

  static constexpr double distance_bin_ang = 0.05, angle_bin_degrees = 2;
  static constexpr std::size_t most_bonds = 8;
  HydrogenBondSums& operator+=(const HydrogenBondSums& other);
};

/// Sums of the correlations of a block of time origins at each lag.
struct BondCorrelationSums {
  std::vector<double> bonded, continuous, intermittent;  ///< [lags]: of h(0), h(0) H(t), h(0) h(t)

  BondCorrelationSums& operator+=(const BondCorrelationSums& other);
};

class HydrogenBondAnalysis : public Analysis {
 public:
  /// Throws Error{usage} for limits that are not positive, angles beyond 90°, or no donor or acceptor among the atoms.
  HydrogenBondAnalysis(const Atoms& atoms, const HydrogenBondSettings& settings);
  std::unique_ptr<Record> map(const Frame& frame) const override;
  void fold(std::unique_ptr<Record> record) override;

  /// Atoms of the elements, ascending.
  const std::vector<std::uint32_t>& heavy() const { return heavy_; }
  HydrogenBondSums total() const;
  /// Of equally long blocks of time; empty when there are fewer than two steps.
  std::vector<HydrogenBondSums> blocks(std::size_t count) const;

  /// Whether correlations can be had: frames are no beads, all the same time apart, and bonds do not break too often to be kept.
  bool follows_time() const { return settings_.beads == 0 && even_ && frames_ > 1 && spacing_fs_ > 0 && spells_ <= most_spells; }
  double spacing_fs() const { return spacing_fs_; }
  std::size_t frames() const { return frames_; }
  /// At lags in frames, ascending, [blocks] of time origins. Only where follows_time().
  std::vector<BondCorrelationSums> correlations(std::span<const std::int64_t> lags, std::size_t blocks) const;

 private:
  struct BondRecord;
  using Spell = std::pair<std::uint32_t, std::uint32_t>;  // frames from first to before last in which a pair is bonded
  HydrogenBondSums sums_of(std::span<const double> row) const;

  static constexpr std::size_t most_spells = 50'000'000;  // 400 MB
  HydrogenBondSettings settings_;
  std::vector<std::uint32_t> heavy_;
  std::vector<std::uint32_t> place_of_;  // [atoms] in heavy_
  std::vector<std::size_t> element_of_;  // [heavy atoms] in settings_.elements
  std::size_t distance_bins_, angle_bins_;
  std::vector<double> row_;
  std::size_t beads_in_row_ = 0, frames_ = 0, spells_ = 0;
  double first_fs_ = 0, spacing_fs_ = 0;
  bool even_ = true;
  std::unordered_map<std::uint64_t, std::vector<Spell>> bonded_;  // by hydrogen and acceptor
  StretchSums stretches_{128};
};

}  // namespace saltus
