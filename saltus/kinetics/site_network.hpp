// A network of sites as it is given, and what has to be known of it before its transport: which jump reverses which, the part
// that is connected, stationary probabilities, detailed balance (Kolmogorov's criterion: the same product of rates around
// every cycle both ways), and the directions in which it percolates.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "saltus/kinetics/jump_network.hpp"

namespace saltus::kinetics {

struct SiteJump {
  int from = 0, to = 0;
  double weight = 0;             ///< rate in 1/time, or probability per lag; >= 0
  Vec3 displacement_ang;
  std::optional<Int3> image;     ///< of `to`, where the network has a cell
  std::optional<double> count;   ///< independent events behind the weight
};

/// Every directed jump is listed, its reverse too; several jumps may join the same two sites.
struct SiteNetwork {
  int n_sites = 0;
  std::optional<Mat3> cell_rows_ang;
  std::vector<Vec3> position_ang;   ///< [n_sites] or empty
  std::vector<double> probability;  ///< [n_sites] or empty: to be computed
  std::vector<SiteJump> jumps;
  std::optional<double> lag;        ///< the weights are probabilities per this time; none: rates
};

/// A cycle along which detailed balance fails: jump k leads from site[k] to site[k + 1], the last back to site[0].
struct BrokenCycle {
  std::vector<int> site;
  double affinity = 0;  ///< ln of (product of the weights along the cycle / product of those of the reverse jumps); may be infinite
};

/// The connected part of a network, its sites renumbered.
struct ConnectedNetwork {
  JumpNetwork network;
  std::vector<int> reverse;   ///< [moves] the move that goes the same path back
  std::vector<int> site;      ///< [sites] number in the network as given
  std::vector<int> jump;      ///< [moves] likewise
  int n_sets = 1;             ///< strongly connected sets of the network as given
  int dropped_sites = 0;
  std::optional<double> dropped_probability;  ///< none: not known, as no probabilities were given and sites were dropped
  std::optional<BrokenCycle> broken;          ///< none: reversible
  /// Independent directions of closed cycles; D vanishes along all others by topology.
  std::vector<Vec3> percolating_ang;
};

/// The largest strongly connected set of jumps with weight > 0 (most sites; see largest_connected_set). Probabilities are
/// computed by state reduction without subtractions, beyond 1000 sites of a reversible network along a spanning tree;
/// given ones must agree with them. Where detailed balance holds within 1e-5, what is missing is evened out.
///
/// Throws Error{usage} naming jump or site when an index is out of range, a number is not finite, a weight is negative, a
/// jump moves nothing, a reverse is missing, probabilities are not positive, do not sum to one or are not stationary, or
/// those of a lag sum to more than one; Error{unsupported} beyond 2000 sites without detailed balance.
ConnectedNetwork connect(const SiteNetwork& network);

}  // namespace saltus::kinetics
