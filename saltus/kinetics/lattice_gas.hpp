// Carriers that hop on a periodic tiled network, one on a site at most: rejection-free kinetic Monte Carlo. Possible moves of
// equal rate form a class; the class is drawn by its total rate, the move within it uniformly.
// Reference: Bortz, Kalos, Lebowitz, J. Comput. Phys. 17 (1975) 10.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/base/random.hpp"
#include "saltus/kinetics/tiled_propagation.hpp"

namespace saltus::kinetics {

class LatticeGas {
 public:
  /// Starts in equilibrium: exclusion, and odds proportional to `pi` ([types]).
  /// Throws Error{usage} when there are more carriers than sites, when boundaries are not periodic, or when the tiling is so small that a
  /// jump leads to an image of its own site; Error{unsupported} beyond 2^30 moves.
  LatticeGas(const Tiling& tiling, std::int64_t carriers, std::span<const double> pi, Random random);

  /// Runs until `time` and stands there. Counts events. Throws Error{numeric} when no move is possible.
  void run_until(double time);

  double time() const { return time_; }
  std::int64_t events() const { return events_; }
  /// [moves of the tiling] how often each was made.
  const std::vector<std::int64_t>& event_count() const { return event_count_; }
  std::size_t carriers() const { return site_.size(); }
  /// Type of the site of a carrier, and its cell, counted along its path (not wrapped).
  int type_of(std::size_t carrier) const { return static_cast<int>(static_cast<std::size_t>(site_[carrier]) / n_cells_); }
  const Int3& cell_of(std::size_t carrier) const { return cell_[carrier]; }
  /// Total rate of all possible moves.
  double total_rate() const;

 private:
  void enable(std::int32_t slot);
  void disable(std::int32_t slot);
  void step();

  Tiling tiling_;
  std::size_t n_cells_ = 0;
  int width_ = 0;                          // moves of a site, at most
  std::vector<int> moves_of_;              // [types * width] move, or −1
  std::vector<int> reverse_place_;         // [types * width] which move of the target leads back
  std::vector<int> class_of_;              // [types * width]
  std::vector<double> class_rate_;
  std::vector<std::vector<std::int32_t>> possible_;  // [classes] slots: site * width + which
  std::vector<std::int32_t> place_;        // [slots] in possible_, or −1
  std::vector<std::int32_t> neighbour_;    // [slots] site
  std::vector<std::int32_t> carrier_at_;   // [sites] or −1
  std::vector<std::int32_t> site_;         // [carriers]
  std::vector<Int3> cell_;                 // [carriers]
  std::vector<std::int64_t> event_count_;
  Random random_;
  double time_ = 0, next_time_ = 0;        // of the event that is drawn already
  bool drawn_ = false;
  std::int64_t events_ = 0;
};

}  // namespace saltus::kinetics
