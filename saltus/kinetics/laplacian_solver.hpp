// Weighted graph Laplacians, factored once and solved often: exactly by star-mesh elimination when small, else by conjugate
// gradients with an approximate elimination, in which the mesh of a removed node is sampled by a tree of its neighbours.
// Nothing is subtracted in either, so weights may span any range.
// Reference: Kyng and Sachdeva, FOCS 2016, 573; Gao, Kyng, Spielman, arXiv:2303.00709.
#pragma once

#include <span>
#include <vector>

#include "saltus/kinetics/laplacian.hpp"

namespace saltus::kinetics {

struct LaplacianSolution {
  std::vector<double> x;
  int iterations = 0;      ///< of conjugate gradients; 0 when eliminated exactly
  double residual = 0;     ///< of conjugate gradients, relative to the right-hand side, in the norm of the approximate inverse
  bool converged = true;   ///< residual <= the tolerance asked for
};

class LaplacianSolver {
 public:
  /// Nodes up to which the elimination is exact.
  static constexpr int exact_limit = 300;

  /// The graph must be connected; weights > 0. Throws Error{numeric} otherwise.
  LaplacianSolver(int n_nodes, std::span<const WeightedEdge> edges);

  /// The same graph with other weights, edges in the same order; `renew` false keeps the approximate elimination of older
  /// weights, which stays a good one as long as they are near.
  void set_weights(std::span<const WeightedEdge> edges, bool renew);

  /// x with Lap·x = rhs, up to a constant. rhs [n_nodes] sums to zero.
  LaplacianSolution solve(std::span<const double> rhs, double tolerance = 1e-12, int max_iterations = 1000) const;

  bool exact() const { return exact_; }
  /// Eliminates exactly from now on, in an order of little fill, unless that takes more than most_work multiplications or the graph
  /// is very large: then all stays as it is. The multiplications that each set_weights takes; above most_work where refused.
  double make_exact(double most_work);
  /// The same in extended precision, where the elimination is exact(). rest [n_nodes] or empty: what rounding left out of rhs,
  /// so that rhs + rest sums to zero.
  std::vector<long double> solve_exactly(std::vector<long double> rhs, std::vector<long double> rest = {}) const;

 private:
  using Wide = long double;  // an exact elimination may meet weights over thousands of decades
  static constexpr std::size_t most_nodes = 10000;  // of make_exact, whose bits take 12 MB then
  void eliminate_exactly();
  void eliminate_approximately(std::span<const WeightedEdge> edges);
  void apply_inverse(std::vector<double>& y) const;

  std::size_t n_ = 0;
  bool exact_ = false, by_degree_ = false;
  std::vector<int> order_;            // nodes as they are removed; the last is grounded
  std::vector<std::size_t> first_;    // [n] of order_[k] in neighbor_ and share_
  std::vector<int> neighbor_;
  std::vector<double> share_;         // weight / degree at removal
  std::vector<double> degree_;        // [n] at removal, in order
  std::vector<Wide> wide_share_, wide_degree_;  // the same where the elimination is exact
  std::vector<std::size_t> heaviest_;           // [n] where in neighbor_ the largest share of order_[k] stands
  std::vector<std::size_t> row_;      // [n + 1] the graph itself
  std::vector<int> column_;
  std::vector<double> weight_;
  std::vector<std::size_t> place_;    // [2 * edges] where each edge stands in weight_
};

}  // namespace saltus::kinetics
