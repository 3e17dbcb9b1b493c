#include "saltus/kinetics/laplacian.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>
#include <Eigen/SparseCholesky>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

std::vector<double> solve_laplacian(int n_nodes, std::span<const WeightedEdge> edges, std::span<const double> rhs,
                                    int columns) {
  const auto n = static_cast<std::size_t>(n_nodes), k = static_cast<std::size_t>(columns);
  std::vector<double> x(n * k, 0.0);
  if (n < 2) return x;
  std::vector<double> degree(n, 0.0);
  for (const WeightedEdge& edge : edges) {
    degree[static_cast<std::size_t>(edge.a)] += edge.weight;
    degree[static_cast<std::size_t>(edge.b)] += edge.weight;
  }
  const auto ground = static_cast<std::size_t>(std::max_element(degree.begin(), degree.end()) - degree.begin());
  const auto row = [&](std::size_t node) { return static_cast<int>(node < ground ? node : node - 1); };
  Eigen::MatrixXd right(n_nodes - 1, columns), solution;
  for (std::size_t i = 0; i < n; ++i) {
    if (i == ground) continue;
    for (std::size_t c = 0; c < k; ++c) right(row(i), static_cast<int>(c)) = rhs[i * k + c];
  }
  bool solved = false;
  // Dense where the graph is small or nearly complete: the factorisation then has no zeros to spare.
  if (n <= 64 || (n <= 2000 && edges.size() * 16 > n * n)) {
    Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(n_nodes - 1, n_nodes - 1);
    for (std::size_t i = 0; i < n; ++i) {
      if (i != ground) matrix(row(i), row(i)) = degree[i];
    }
    for (const WeightedEdge& edge : edges) {
      const auto a = static_cast<std::size_t>(edge.a), b = static_cast<std::size_t>(edge.b);
      if (a == ground || b == ground) continue;
      matrix(row(a), row(b)) -= edge.weight;
      matrix(row(b), row(a)) -= edge.weight;
    }
    const Eigen::LLT<Eigen::MatrixXd> factor(matrix);
    solved = factor.info() == Eigen::Success;
    if (solved) solution = factor.solve(right);
  } else {
    std::vector<Eigen::Triplet<double>> triplets;
    triplets.reserve(n + edges.size());
    for (std::size_t i = 0; i < n; ++i) {
      if (i != ground) triplets.emplace_back(row(i), row(i), degree[i]);
    }
    for (const WeightedEdge& edge : edges) {
      const auto a = static_cast<std::size_t>(edge.a), b = static_cast<std::size_t>(edge.b);
      if (a != ground && b != ground) triplets.emplace_back(row(std::max(a, b)), row(std::min(a, b)), -edge.weight);
    }
    Eigen::SparseMatrix<double> matrix(n_nodes - 1, n_nodes - 1);
    matrix.setFromTriplets(triplets.begin(), triplets.end());
    const Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>, Eigen::Lower> factor(matrix);
    solved = factor.info() == Eigen::Success && (factor.vectorD().array() > 0).all();
    if (solved) solution = factor.solve(right);
  }
  if (!solved || !solution.allFinite()) {
    throw Error(ErrorKind::numeric, "the jump network is not connected (its Laplacian is singular)");
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (i == ground) continue;
    for (std::size_t c = 0; c < k; ++c) x[i * k + c] = solution(row(i), static_cast<int>(c));
  }
  return x;
}

}  // namespace saltus::kinetics
