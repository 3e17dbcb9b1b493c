// Radial distribution functions:  g_ab(r) = sum over frames of n_ab(bin) / [N_a (N_b/V) · volume of the shell],
// n_ab the ordered pairs (a, b) in the bin, periodic images included. The density is N_b/V also for a = b: with images
// counted, the reference is the infinite crystal, not N − 1 partners. Only isolated atoms, which have no images, have N − 1.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "saltus/analysis/analysis.hpp"
#include "saltus/analysis/stretch_sums.hpp"

namespace saltus {

struct Rdf {
  int first = 0, second = 0;          ///< atomic numbers; b around a
  std::size_t frames = 0;
  std::vector<double> r_ang;          ///< bin centres
  std::vector<double> g;
  std::vector<double> coordination;   ///< mean number of b within the upper edge of the bin around an a
};

/// Counts of ordered pairs; sums of integers, so the order of frames and threads does not matter.
struct PairHistogram {
  double bin_ang = 0.05;
  std::vector<std::int64_t> count;    ///< [bins]
  std::int64_t frames = 0;
  double ideal_pairs_per_ang3 = 0;    ///< Σ over frames of N_a N_b / V
  double centres = 0;                 ///< Σ over frames of N_a
};

/// Adds one frame: distances from each a to each b closer than bins·bin_ang, images included. Give the same span twice
/// for a = b. Right for any cell and any range. Throws Error{unsupported} unless periodic along all three vectors.
void add_pairs(PairHistogram& histogram, const Cell& cell, std::span<const Vec3> a_ang, std::span<const Vec3> b_ang);

/// The same for the same atoms at two times, [n] unwrapped each: distances from where one was to where another is, and to an atom's
/// own images, but not to itself.
void add_distinct_pairs(PairHistogram& histogram, const Cell& cell, std::span<const Vec3> then_ang, std::span<const Vec3> now_ang);

/// The same for isolated atoms, which fill no volume of their own: the ideal density is that of the b in reference_volume_ang3.
void add_isolated_pairs(PairHistogram& histogram, double reference_volume_ang3, std::span<const Vec3> a_ang, std::span<const Vec3> b_ang);

/// Normalised; first and second are left 0.
Rdf normalised(const PairHistogram& histogram);

struct RdfSettings {
  std::vector<std::pair<int, int>> pairs;   ///< atomic numbers
  double largest_ang = 8;                   ///< rounded up to whole bins
  double bin_ang = 0.05;
  std::size_t stride = 1;                   ///< every stride-th frame is used
  double volume_ang3 = 0;                   ///< that isolated atoms are taken to fill; only for frames periodic along no vector
  std::size_t frames_per_step = 1;          ///< beads of ring polymers, which blocks of time keep together
};

class RdfAnalysis : public Analysis {
 public:
  /// Throws Error{usage} for no pairs or lengths that are not positive. map() throws Error{unsupported} for frames that are
  /// periodic along one or two vectors, or along none when no volume is set, Error{usage} for a volume where the cell has one.
  explicit RdfAnalysis(const RdfSettings& settings);
  std::size_t stride() const override { return settings_.stride; }
  std::unique_ptr<Record> map(const Frame& frame) const override;
  void fold(std::unique_ptr<Record> record) override;
  /// In the order of settings.pairs.
  std::vector<Rdf> finish() const;
  /// The same from all but one of equally long time blocks, [block][pair]; empty when fewer than two frames were used.
  std::vector<std::vector<Rdf>> leaving_one_block_out(std::size_t blocks = 10) const;

 private:
  std::vector<Rdf> normalised_pairs(const std::vector<PairHistogram>& histograms) const;

  RdfSettings settings_;
  std::vector<PairHistogram> histograms_;
  StretchSums stretches_;  // [pairs][bins, centres, ideal pairs]
};

}  // namespace saltus
