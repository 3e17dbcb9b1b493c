#include <cmath>

#include <gtest/gtest.h>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"
#include "saltus/kinetics/laplacian_solver.hpp"

namespace saltus::kinetics {
namespace {

std::vector<double> apply(int n, const std::vector<WeightedEdge>& edges, const std::vector<double>& x) {
  std::vector<double> y(static_cast<std::size_t>(n), 0.0);
  for (const WeightedEdge& edge : edges) {
    const auto a = static_cast<std::size_t>(edge.a), b = static_cast<std::size_t>(edge.b);
    y[a] += edge.weight * (x[a] - x[b]);
    y[b] += edge.weight * (x[b] - x[a]);
  }
  return y;
}

std::vector<WeightedEdge> cube(int edge, double decades, Random& random) {
  std::vector<WeightedEdge> edges;
  for (int x = 0; x < edge; ++x)
    for (int y = 0; y < edge; ++y)
      for (int z = 0; z < edge; ++z) {
        const int at = (x * edge + y) * edge + z;
        for (const int to : {((x + 1) % edge * edge + y) * edge + z, (x * edge + (y + 1) % edge) * edge + z, (x * edge + y) * edge + (z + 1) % edge})
          edges.push_back({at, to, std::pow(10.0, decades * random.uniform())});
      }
  return edges;
}

// Chosen x, computed right-hand side, x found again up to a constant. Exact below the limit, iterated above; weights over twelve
// decades too.
TEST(LaplacianSolver, FindsTheSolutionAgain) {
  Random random(1, 1);
  for (const auto& [edge, decades] : {std::pair(5, 0.0), std::pair(6, 12.0), std::pair(12, 0.0), std::pair(20, 3.0)}) {
    const int n = edge * edge * edge;
    const std::vector<WeightedEdge> edges = cube(edge, decades, random);
    std::vector<double> x(static_cast<std::size_t>(n));
    for (double& value : x) value = random.normal();
    const LaplacianSolver solver(n, edges);
    const LaplacianSolution found = solver.solve(apply(n, edges, x), 1e-12);
    EXPECT_TRUE(found.converged);
    EXPECT_LE(found.iterations, 100) << edge;
    double shift = 0, worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) shift += (x[i] - found.x[i]) / n;
    for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(x[i] - found.x[i] - shift));
    EXPECT_LE(worst, decades > 0 ? 1e-4 : 1e-9) << edge;  // the right-hand side is rounded against the heaviest edges
  }
}

TEST(LaplacianSolver, ExactOnDemand) {
  Random random(4, 1);
  const int n = 8 * 8 * 8;
  const std::vector<WeightedEdge> edges = cube(8, 12, random);
  LaplacianSolver solver(n, edges);
  EXPECT_GT(solver.make_exact(1e3), 1e3);
  EXPECT_FALSE(solver.exact());
  EXPECT_LE(solver.make_exact(1e8), 1e8);
  EXPECT_TRUE(solver.exact());
  std::vector<long double> rhs(static_cast<std::size_t>(n), 0);
  rhs[0] = 1;
  rhs[static_cast<std::size_t>(n) - 1] = -1;
  const std::vector<long double> x = solver.solve_exactly(rhs);
  for (const WeightedEdge& edge : edges) {
    const long double flow = edge.weight * (x[static_cast<std::size_t>(edge.a)] - x[static_cast<std::size_t>(edge.b)]);
    rhs[static_cast<std::size_t>(edge.a)] -= flow;
    rhs[static_cast<std::size_t>(edge.b)] += flow;
  }
  for (const long double left : rhs) EXPECT_LE(std::abs(left), 1e-5L);  // x is rounded against the heaviest edges
}

// The tree of a path has no mesh to sample: the approximate elimination is exact.
TEST(LaplacianSolver, APathTakesOneIteration) {
  Random random(2, 1);
  std::vector<WeightedEdge> edges;
  const int n = 1000;
  for (int i = 0; i + 1 < n; ++i) edges.push_back({i, i + 1, std::pow(10.0, 30 * random.uniform())});
  std::vector<double> rhs(n, 0.0);
  rhs[0] = 1;
  rhs[n - 1] = -1;
  const LaplacianSolution found = LaplacianSolver(n, edges).solve(rhs);
  EXPECT_LE(found.iterations, 2);
  double resistance = 0;
  for (const WeightedEdge& edge : edges) resistance += 1 / edge.weight;
  EXPECT_NEAR((found.x[0] - found.x[n - 1]) / resistance, 1, 1e-10);
}

TEST(LaplacianSolver, NewWeightsOnTheSameGraph) {
  Random random(3, 1);
  const int n = 8 * 8 * 8;
  std::vector<WeightedEdge> edges = cube(8, 0, random);
  LaplacianSolver solver(n, edges);
  for (WeightedEdge& edge : edges) edge.weight *= 1 + random.uniform();
  std::vector<double> x(static_cast<std::size_t>(n));
  for (double& value : x) value = random.normal();
  const std::vector<double> rhs = apply(n, edges, x);
  for (const bool renew : {false, true}) {
    solver.set_weights(edges, renew);
    const LaplacianSolution found = solver.solve(rhs);
    EXPECT_TRUE(found.converged);
    for (std::size_t i = 1; i < x.size(); ++i) EXPECT_NEAR(found.x[i] - found.x[0], x[i] - x[0], 1e-9);
  }
}

TEST(LaplacianSolver, RefusesWhatIsNotConnected) {
  EXPECT_THROW(LaplacianSolver(4, std::vector<WeightedEdge>{{0, 1, 1}, {2, 3, 1}}), Error);
  std::vector<WeightedEdge> edges;
  for (int i = 0; i < 399; ++i)
    if (i != 200) edges.push_back({i, i + 1, 1});
  EXPECT_THROW(LaplacianSolver(400, edges), Error);
}

}  // namespace
}  // namespace saltus::kinetics
