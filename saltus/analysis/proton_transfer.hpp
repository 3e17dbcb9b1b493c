// Distributions of proton coordinates (proton_bonds.hpp) of a trajectory: of its frames or, of ring polymers, of all their beads and of
// their centroids, with the spread of the beads. What is kept are sums over stretches of time, never over some beads of a step.
//
// Centroid: bead 0 of each step, and the mean of the differences of all beads from it, minimum images; nu and R are then those of the
// mean vectors, which is not the mean of nu.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "saltus/analysis/analysis.hpp"
#include "saltus/analysis/proton_bonds.hpp"
#include "saltus/analysis/stretch_sums.hpp"

namespace saltus {

struct ProtonSettings {
  std::vector<ProtonBond> bonds;
  std::size_t beads = 0;     ///< of each step, one after another; 0: frames are classical, centroids, or of one bead
  double bin_ang = 0.025;    ///< of nu
};

/// Equal bins; what lies outside falls in none.
struct Bins {
  double lowest_ang = 0, width_ang = 0;
  std::size_t count = 0;

  double centre_ang(std::size_t k) const { return lowest_ang + (static_cast<double>(k) + 0.5) * width_ang; }
  std::optional<std::size_t> find(double x_ang) const {
    const double at = (x_ang - lowest_ang) / width_ang;
    return at >= 0 && at < static_cast<double>(count) ? std::optional(static_cast<std::size_t>(at)) : std::nullopt;
  }
};

/// Of nu alone, from −2 to 2 Å (half of them below 0), and of nu and R (2 to 4 Å) together, which are coarser.
struct ProtonBins {
  Bins nu;
  Bins joint_nu{-2, 0.05, 80}, joint_r{2, 0.05, 40};
};

/// Sums over configurations of one bond, or of several.
struct ProtonSums {
  double count = 0, nu_ang = 0, nu2_ang2 = 0, r_ang = 0, r2_ang2 = 0;
  std::vector<double> nu_count;   ///< [bins of nu]
  std::vector<double> joint;      ///< [bins of nu * bins of R]; only of all bonds together

  ProtonSums& operator+=(const ProtonSums& other);
};

/// Sums over ring polymers.
struct SpreadSums {
  double rings = 0, delocalised = 0;        ///< with beads on both sides of nu = 0
  double along_ang2 = 0, across_ang2 = 0;   ///< mean square distance of the beads of H from their centroid: along D→A, and in the plane across

  SpreadSums& operator+=(const SpreadSums& other);
};

/// Of one stretch of time, or of all. `beads` of classical frames are the frames themselves; centroids and spread are then empty.
struct ProtonCounts {
  std::vector<ProtonSums> beads, centroids;  ///< [bonds + 1]; the last of all bonds together
  std::vector<SpreadSums> spread;            ///< [bonds + 1]
};

class ProtonAnalysis : public Analysis {
 public:
  /// Throws Error{usage} for no bonds, or bins narrower than 0.001 Å or wider than 0.5 Å. fold() throws Error{format} where the beads of a
  /// step are not those of the first.
  explicit ProtonAnalysis(const ProtonSettings& settings);
  std::unique_ptr<Record> map(const Frame& frame) const override;
  void fold(std::unique_ptr<Record> record) override;

  const ProtonBins& bins() const { return bins_; }
  std::size_t steps() const { return stretches_.rows(); }
  ProtonCounts total() const;
  /// Of equally long blocks of time; empty when there are fewer than two steps.
  std::vector<ProtonCounts> blocks(std::size_t count) const;
  /// Changes of sign of nu from frame to frame, [bonds]; empty for beads of ring polymers, which do not move in time.
  std::vector<std::size_t> sign_changes() const { return sign_changes_; }
  /// Steps at the end whose beads were not complete, which are left out: 0 or 1.
  std::size_t incomplete() const { return ring_.empty() ? 0 : 1; }

 private:
  struct BeadRecord;
  ProtonCounts counts_of(std::span<const double> row) const;
  void add_sums(std::size_t first, double nu_ang, double r_ang);
  void add_ring();

  ProtonSettings settings_;
  ProtonBins bins_;
  std::size_t joint_count_;
  std::size_t of_bond_ = 0, kinds_ = 1, joint_first_ = 0, spread_first_ = 0;  // layout of a row
  std::vector<double> row_;
  std::vector<std::unique_ptr<Record>> ring_;  // beads of the step under way
  std::vector<std::int32_t> order_;            // beads of the first step
  std::vector<double> last_nu_ang_;
  std::vector<std::size_t> sign_changes_;
  StretchSums stretches_{128};
};

}  // namespace saltus
