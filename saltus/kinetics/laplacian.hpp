// Linear systems of a weighted graph Laplacian with one node grounded: the Newton step of the reversible estimate and the
// corrector of network transport.
#pragma once

#include <span>
#include <vector>

namespace saltus::kinetics {

struct WeightedEdge {
  int a = 0, b = 0;   ///< a != b; several edges may join the same nodes
  double weight = 0;  ///< >= 0
};

/// Solves Lap·x = rhs, Lap = sum over edges of weight (e_a − e_b)(e_a − e_b)ᵀ, for `columns` right-hand sides that each sum
/// to zero over the nodes.
///
/// rhs  [n_nodes * columns], node major
///
/// Returns x of the same shape, zero at the node of largest degree. Throws Error{numeric} when the graph is not connected.
std::vector<double> solve_laplacian(int n_nodes, std::span<const WeightedEdge> edges, std::span<const double> rhs,
                                    int columns);

}  // namespace saltus::kinetics
