#include "saltus/kinetics/laplacian.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <Eigen/SparseCholesky>

#include "saltus/base/error.hpp"

namespace saltus::kinetics {

namespace {

[[noreturn]] void refuse_disconnected() {
  throw Error(ErrorKind::numeric, "the jump network is not connected (its Laplacian is singular)");
}

// Star-mesh elimination: removing node k joins its neighbours i, j by w_ik w_jk / sum_l w_kl. Nothing is subtracted, so weights
// may span any range. Node n - 1 is grounded.
std::vector<double> solve_dense(std::size_t n, std::vector<double> weight, std::vector<double> x, std::size_t columns) {
  std::vector<double> degree(n);
  for (std::size_t k = 0; k + 1 < n; ++k) {
    double* row = weight.data() + k * n;
    for (std::size_t j = k + 1; j < n; ++j) degree[k] += row[j];
    if (!(degree[k] > 0)) refuse_disconnected();
    for (std::size_t i = k + 1; i + 1 < n; ++i) {
      const double share = row[i] / degree[k];
      if (share == 0) continue;
      double* target = weight.data() + i * n;
      for (std::size_t j = i + 1; j < n; ++j) target[j] += share * row[j];
      for (std::size_t c = 0; c < columns; ++c) x[i * columns + c] += share * x[k * columns + c];
    }
  }
  for (std::size_t c = 0; c < columns; ++c) x[(n - 1) * columns + c] = 0;
  for (std::size_t k = n - 1; k-- > 0;) {
    for (std::size_t c = 0; c < columns; ++c) {
      double sum = x[k * columns + c];
      for (std::size_t j = k + 1; j < n; ++j) sum += weight[k * n + j] * x[j * columns + c];
      x[k * columns + c] = sum / degree[k];
    }
  }
  return x;
}

std::vector<double> solve_sparse(std::size_t n, std::span<const WeightedEdge> edges, const std::vector<double>& degree,
                                 const std::vector<double>& rhs, std::size_t columns) {
  const int free_nodes = static_cast<int>(n) - 1, k = static_cast<int>(columns);
  std::vector<Eigen::Triplet<double>> triplets;
  triplets.reserve(n + edges.size());
  for (int i = 0; i < free_nodes; ++i) triplets.emplace_back(i, i, degree[static_cast<std::size_t>(i)]);
  for (const WeightedEdge& edge : edges) {
    const auto [low, high] = std::minmax(edge.a, edge.b);
    if (high < free_nodes) triplets.emplace_back(high, low, -edge.weight);
  }
  Eigen::SparseMatrix<double> matrix(free_nodes, free_nodes);
  matrix.setFromTriplets(triplets.begin(), triplets.end());
  const Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>, Eigen::Lower> factor(matrix);
  if (factor.info() != Eigen::Success || !(factor.vectorD().array() > 0).all()) refuse_disconnected();
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::MatrixXd solution =
      factor.solve(Eigen::MatrixXd(Eigen::Map<const RowMajor>(rhs.data(), free_nodes, k)));
  std::vector<double> x(n * columns, 0.0);
  Eigen::Map<RowMajor>(x.data(), free_nodes, k) = solution;
  return x;
}

}  // namespace

std::vector<double> solve_laplacian(int n_nodes, std::span<const WeightedEdge> edges, std::span<const double> rhs,
                                    int columns) {
  const auto n = static_cast<std::size_t>(n_nodes), k = static_cast<std::size_t>(columns);
  std::vector<double> x(rhs.begin(), rhs.end());
  if (n < 2) return std::vector<double>(n * k, 0.0);
  std::vector<double> degree(n, 0.0);
  for (const WeightedEdge& edge : edges) {
    degree[static_cast<std::size_t>(edge.a)] += edge.weight;
    degree[static_cast<std::size_t>(edge.b)] += edge.weight;
  }
  // The grounded node changes places with the last one.
  const auto ground = static_cast<std::size_t>(std::max_element(degree.begin(), degree.end()) - degree.begin());
  const auto place = [&](int node) {
    const auto i = static_cast<std::size_t>(node);
    return static_cast<int>(i == ground ? n - 1 : i == n - 1 ? ground : i);
  };
  const auto swap_ground = [&] {
    for (std::size_t c = 0; c < k; ++c) std::swap(x[ground * k + c], x[(n - 1) * k + c]);
  };
  swap_ground();
  std::swap(degree[ground], degree[n - 1]);
  std::vector<WeightedEdge> placed;
  placed.reserve(edges.size());
  for (const WeightedEdge& edge : edges) placed.push_back({place(edge.a), place(edge.b), edge.weight});
  if (n <= 200 || (n <= 2000 && edges.size() * 16 > n * n)) {
    std::vector<double> weight(n * n, 0.0);
    for (const WeightedEdge& edge : placed) {
      const auto a = static_cast<std::size_t>(edge.a), b = static_cast<std::size_t>(edge.b);
      weight[a * n + b] += edge.weight;
      weight[b * n + a] += edge.weight;
    }
    x = solve_dense(n, std::move(weight), std::move(x), k);
  } else {
    x = solve_sparse(n, placed, degree, x, k);
  }
  swap_ground();
  if (!std::all_of(x.begin(), x.end(), [](double value) { return std::isfinite(value); })) refuse_disconnected();
  return x;
}

}  // namespace saltus::kinetics
