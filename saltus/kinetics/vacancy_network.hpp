// A crystal full of ions but for one vacancy: the vacancy's own walk, and the tracer diffusion of a tagged ion from the chain of
// the vacancy's place relative to it, in a finite periodic cell. An ion jumps into the vacancy at the rate that the one-ion network
// gives for that jump; with the vacancy at v a configuration has the weight 1 / pi_v.
#pragma once

#include <vector>

#include "saltus/kinetics/site_network.hpp"
#include "saltus/kinetics/tiled_propagation.hpp"

namespace saltus::kinetics {

/// The walk of the vacancy: against every ion's jump, at that jump's rate.
SiteNetwork vacancy_network(const SiteNetwork& network, const ConnectedNetwork& connected);

struct TracerTransport {
  Int3 cells{};
  std::size_t sites = 0;
  Mat3 diffusion_ang2;              ///< of the tagged ion, one vacancy in the cell
  Mat3 uncorrelated_diffusion_ang2; ///< from the number of its jumps
  double correlation_factor = 0;    ///< ratio of the traces
};

/// States: type of the tagged ion's site and place of the vacancy. Exact for the finite cell; the correlation factor of the
/// infinite crystal is met as 1 / sites. Throws Error{usage} when the cell is too small, Error{unsupported} beyond 200 000 states.
TracerTransport tracer_by_vacancy(const Tiling& tiling, const ConnectedNetwork& connected);

/// Correlation factor of the infinite crystal, from two cells of different size: f + c / sites.
double extrapolated_correlation_factor(const TracerTransport& smaller, const TracerTransport& larger);

}  // namespace saltus::kinetics
