// The hops of a vacancy to neighbouring sites of its element, one of each kind: hops whose two sites and midpoint see the other atoms at the
// same distances are of one kind, forward or backward.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "saltus/atoms/frame.hpp"

namespace saltus {

/// One hop of a kind: the vacancy goes from site `from` to site `to` in the cell `image`.
struct HopMember {
  std::size_t from = 0, to = 0;      ///< atoms
  Int3 image{};
};

struct VacancyHop {
  std::size_t vacancy = 0;           ///< atom that is missing
  std::size_t mover = 0;             ///< atom that takes its place
  double distance_ang = 0;
  std::vector<HopMember> members;    ///< all hops of this kind in the cell, pairs of sites once, from vacancy_kind to mover_kind
  std::size_t vacancy_kind = 0, mover_kind = 0;  ///< kinds of the two sites, by what they see; numbered as found
};

/// Of all pairs within the reach, by rising distance. The crystal should be relaxed: distances count as the same within the tolerance.
/// Throws Error{usage} when the frame has no such atoms, or the reach is not below half the shortest lattice vector.
std::vector<VacancyHop> distinct_vacancy_hops(const Frame& crystal, std::uint8_t element, double reach_ang, double tolerance_ang = 0.05);

/// Before and after the hop: the vacancy's atom left out, the mover on its own site and on that of the vacancy.
struct HopEnds {
  Frame before, after;
};
/// Throws Error{usage} for atoms that are not there or the same.
HopEnds ends_of_hop(const Frame& crystal, std::size_t vacancy, std::size_t mover);

/// Barrier of a hop both ways; of one that has no path between two minima, nothing is known.
struct HopBarrier {
  double forward_ev = 0, backward_ev = 0;
};

/// Energies of sites and saddles, such that barriers around cycles agree (detailed balance): least squares over the differences of sites, and
/// of each saddle the mean of what its two barriers say.
struct HopEnergies {
  std::vector<double> site_ev;                  ///< [kinds] of a vacancy there; the lowest is 0
  std::vector<double> saddle_ev;                ///< [hops]
  double largest_misfit_ev = 0;                 ///< of a barrier
};
HopEnergies consistent_energies(std::span<const VacancyHop> hops, std::span<const HopBarrier> barriers);

}  // namespace saltus
