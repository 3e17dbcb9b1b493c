#include "saltus/kinetics/laplacian_solver.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>

#include "saltus/base/error.hpp"
#include "saltus/base/random.hpp"

namespace saltus::kinetics {

namespace {

[[noreturn]] void refuse_disconnected() {
  throw Error(ErrorKind::numeric, "the network is not connected (its Laplacian is singular)");
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Nodes by their number of edges, fewest first; counts may be out of date and are looked at again when a node comes up.
class DegreeQueue {
 public:
  explicit DegreeQueue(const std::vector<int>& edges) : bucket_(64) {
    for (std::size_t i = 0; i < edges.size(); ++i) push(static_cast<int>(i), edges[i]);
  }
  void push(int node, int edges) {
    const std::size_t at = slot(edges);
    bucket_[at].push_back(node);
    lowest_ = std::min(lowest_, at);
  }
  template <typename Edges>
  int pop(const std::vector<bool>& removed, const Edges& edges_of) {
    for (;;) {
      while (lowest_ < bucket_.size() && bucket_[lowest_].empty()) ++lowest_;
      if (lowest_ == bucket_.size()) return -1;
      const int node = bucket_[lowest_].back();
      bucket_[lowest_].pop_back();
      if (removed[static_cast<std::size_t>(node)]) continue;
      if (slot(edges_of(node)) > lowest_) {
        push(node, edges_of(node));
        continue;
      }
      return node;
    }
  }

 private:
  // Exact up to 31, then by powers of two.
  static std::size_t slot(int edges) {
    if (edges < 32) return static_cast<std::size_t>(std::max(edges, 0));
    return std::min<std::size_t>(63, 27 + static_cast<std::size_t>(std::log2(edges)));
  }
  std::vector<std::vector<int>> bucket_;
  std::size_t lowest_ = 0;
};

}  // namespace

LaplacianSolver::LaplacianSolver(int n_nodes, std::span<const WeightedEdge> edges)
    : n_(static_cast<std::size_t>(n_nodes)), exact_(n_nodes <= exact_limit) {
  row_.assign(n_ + 1, 0);
  for (const WeightedEdge& edge : edges) {
    ++row_[static_cast<std::size_t>(edge.a) + 1];
    ++row_[static_cast<std::size_t>(edge.b) + 1];
  }
  std::partial_sum(row_.begin(), row_.end(), row_.begin());
  std::vector<std::size_t> next(row_.begin(), row_.end() - 1);
  column_.resize(row_[n_]);
  weight_.resize(row_[n_]);
  for (const WeightedEdge& edge : edges) {
    for (const auto& [from, to] : {std::pair(edge.a, edge.b), std::pair(edge.b, edge.a)}) {
      const std::size_t at = next[static_cast<std::size_t>(from)]++;
      column_[at] = to;
      place_.push_back(at);
    }
  }
  set_weights(edges, true);
}

void LaplacianSolver::set_weights(std::span<const WeightedEdge> edges, bool renew) {
  for (std::size_t e = 0; e < edges.size(); ++e) weight_[place_[2 * e]] = weight_[place_[2 * e + 1]] = edges[e].weight;
  if (exact_) {
    eliminate_exactly();
  } else if (renew) {
    eliminate_approximately(edges);
  }
}

// Removing node k joins its neighbours i, j by w_ik w_jk / sum_l w_kl. The light go first and the heaviest is grounded, so that
// what rounding leaves of a right-hand side at heavy nodes never passes through light ones; by degree where that would fill up.
// Row by row: the star of a node is gathered from the graph and from the meshes of those removed before.
void LaplacianSolver::eliminate_exactly() {
  if (!by_degree_) {
    std::vector<Wide> total(n_, 0);
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t m = row_[i]; m < row_[i + 1]; ++m) total[i] += weight_[m];
    }
    order_.resize(n_);
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(),
                     [&](int a, int b) { return total[static_cast<std::size_t>(a)] < total[static_cast<std::size_t>(b)]; });
  }
  std::vector<std::size_t> rank(n_), next(n_);  // next: of order_[k], in neighbor_, the one to be removed next
  for (std::size_t k = 0; k < n_; ++k) rank[static_cast<std::size_t>(order_[k])] = k;
  first_.assign(n_ + 1, 0);
  wide_degree_.assign(n_, 0);
  heaviest_.assign(n_, 0);
  neighbor_.clear();
  wide_share_.clear();
  std::vector<Wide> weight(n_, 0);  // of the star of order_[k]
  std::vector<int> star;
  std::vector<std::size_t> met(n_, n_);              // the last k that the node is in the star of
  std::vector<std::vector<std::size_t>> meshes(n_);  // those that order_[k] is the next of
  for (std::size_t k = 0; k + 1 < n_; ++k) {
    const auto node = static_cast<std::size_t>(order_[k]);
    star.clear();
    const auto meet = [&](int to) {
      if (std::exchange(met[static_cast<std::size_t>(to)], k) != k) star.push_back(to);
    };
    for (std::size_t m = row_[node]; m < row_[node + 1]; ++m) {
      if (rank[static_cast<std::size_t>(column_[m])] <= k) continue;
      meet(column_[m]);
      weight[static_cast<std::size_t>(column_[m])] += weight_[m];
    }
    const auto wait = [&](std::size_t mesh) {
      if (next[mesh] < first_[mesh + 1]) meshes[rank[static_cast<std::size_t>(neighbor_[next[mesh]])]].push_back(mesh);
    };
    for (const std::size_t mesh : meshes[k]) {
      const Wide through = wide_share_[next[mesh]] * wide_degree_[mesh];
      const std::size_t begin = next[mesh] + 1, end = first_[mesh + 1];
      // A mesh met before is part of one met now for the first time.
      for (std::size_t m = begin; m < end && next[mesh] == first_[mesh]; ++m) meet(neighbor_[m]);
      for (std::size_t m = begin; m < end; ++m) weight[static_cast<std::size_t>(neighbor_[m])] += through * wide_share_[m];
      next[mesh] = begin;
      wait(mesh);
    }
    meshes[k] = {};
    std::sort(star.begin(), star.end(), [&](int a, int b) { return rank[static_cast<std::size_t>(a)] < rank[static_cast<std::size_t>(b)]; });
    for (const int to : star) wide_degree_[k] += weight[static_cast<std::size_t>(to)];
    if (!(wide_degree_[k] > 0)) refuse_disconnected();
    next[k] = heaviest_[k] = neighbor_.size();
    for (const int to : star) {
      neighbor_.push_back(to);
      wide_share_.push_back(std::exchange(weight[static_cast<std::size_t>(to)], 0) / wide_degree_[k]);
      if (wide_share_.back() > wide_share_[heaviest_[k]]) heaviest_[k] = wide_share_.size() - 1;
    }
    first_[k + 1] = neighbor_.size();
    wait(k);
  }
  if (n_ > 0) first_[n_] = neighbor_.size();
}

// Fewest neighbours first, counted with the meshes, in rows of bits.
double LaplacianSolver::make_exact(double most_work) {
  if (exact_ || n_ > most_nodes) return exact_ ? 0 : std::numeric_limits<double>::infinity();
  const std::size_t words = (n_ + 63) / 64;
  std::vector<std::uint64_t> bits(n_ * words, 0);
  const auto row = [&](std::size_t i) { return bits.data() + i * words; };
  const auto set = [&](std::size_t i, std::size_t j) { row(i)[j / 64] |= std::uint64_t{1} << j % 64; };
  const auto clear = [&](std::size_t i, std::size_t j) { row(i)[j / 64] &= ~(std::uint64_t{1} << j % 64); };
  const auto count = [&](std::size_t i) {
    int sum = 0;
    for (std::size_t w = 0; w < words; ++w) sum += std::popcount(row(i)[w]);
    return sum;
  };
  std::vector<int> degree(n_), order;
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t m = row_[i]; m < row_[i + 1]; ++m) set(i, static_cast<std::size_t>(column_[m]));
    clear(i, i);
    degree[i] = count(i);
  }
  double work = 0;
  std::vector<bool> removed(n_, false);
  DegreeQueue queue(degree);
  while (order.size() < n_) {
    order.push_back(queue.pop(removed, [&](int i) { return degree[static_cast<std::size_t>(i)]; }));
    const auto node = static_cast<std::size_t>(order.back());
    removed[node] = true;
    work += 0.5 * degree[node] * degree[node];
    if (work > most_work) return work;
    for (std::size_t i = 0; i < n_; ++i) {
      if (!(row(node)[i / 64] >> i % 64 & 1)) continue;
      for (std::size_t w = 0; w < words; ++w) row(i)[w] |= row(node)[w];
      clear(i, i);
      clear(i, node);
      degree[i] = count(i);
      queue.push(static_cast<int>(i), degree[i]);
    }
  }
  order_ = std::move(order);
  exact_ = by_degree_ = true;
  eliminate_exactly();
  return work;
}

void LaplacianSolver::eliminate_approximately(std::span<const WeightedEdge> edges) {
  struct Half {
    int to;
    std::int64_t next;
    double weight;
  };
  std::vector<Half> half;
  half.reserve(5 * edges.size());
  std::vector<std::int64_t> head(n_, -1);
  std::vector<int> count(n_, 0);
  const auto join = [&](int a, int b, double weight) {
    for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
      half.push_back({to, head[static_cast<std::size_t>(from)], weight});
      head[static_cast<std::size_t>(from)] = static_cast<std::int64_t>(half.size()) - 1;
      ++count[static_cast<std::size_t>(from)];
    }
  };
  for (const WeightedEdge& edge : edges) {
    if (edge.weight > 0) join(edge.a, edge.b, edge.weight);
  }
  order_.clear();
  first_.assign(1, 0);
  degree_.clear();
  neighbor_.clear();
  share_.clear();
  DegreeQueue queue(count);
  std::vector<bool> removed(n_, false);
  std::vector<double> gathered(n_, 0.0), tail;
  std::vector<std::pair<double, int>> star;
  Random random(1, 0);
  for (std::size_t k = 0; k < n_; ++k) {
    const int node = queue.pop(removed, [&](int i) { return count[static_cast<std::size_t>(i)]; });
    removed[static_cast<std::size_t>(node)] = true;
    star.clear();
    for (std::int64_t at = head[static_cast<std::size_t>(node)]; at >= 0; at = half[static_cast<std::size_t>(at)].next) {
      const Half& edge = half[static_cast<std::size_t>(at)];
      if (removed[static_cast<std::size_t>(edge.to)]) continue;
      double& sum = gathered[static_cast<std::size_t>(edge.to)];
      if (sum == 0) star.emplace_back(0.0, edge.to);
      sum += edge.weight;
      --count[static_cast<std::size_t>(edge.to)];
    }
    for (auto& [weight, to] : star) {
      weight = gathered[static_cast<std::size_t>(to)];
      gathered[static_cast<std::size_t>(to)] = 0;
    }
    std::sort(star.begin(), star.end());
    tail.assign(star.size() + 1, 0.0);  // tail[m] = sum of weights m, m + 1, …
    for (std::size_t m = star.size(); m-- > 0;) tail[m] = tail[m + 1] + star[m].first;
    order_.push_back(node);
    degree_.push_back(tail[0]);
    if (star.empty() && k + 1 < n_) refuse_disconnected();
    for (const auto& [weight, to] : star) {
      neighbor_.push_back(to);
      share_.push_back(weight / tail[0]);
    }
    first_.push_back(neighbor_.size());
    // Neighbour m is joined to one of the heavier ones, drawn by weight, with the weight of all its edges of the mesh.
    for (std::size_t m = 0; m + 1 < star.size(); ++m) {
      const double drawn = random.uniform() * tail[m + 1];
      std::size_t low = m + 1, high = star.size() - 1;
      while (low < high) {
        const std::size_t middle = (low + high + 1) / 2;
        if (tail[middle] >= drawn) {
          low = middle;
        } else {
          high = middle - 1;
        }
      }
      join(star[m].second, star[low].second, star[m].first * (tail[m + 1] / tail[0]));
    }
    for (const auto& [weight, to] : star) queue.push(to, count[static_cast<std::size_t>(to)]);
  }
}

void LaplacianSolver::apply_inverse(std::vector<double>& y) const {
  for (std::size_t k = 0; k + 1 < n_; ++k) {
    double& value = y[static_cast<std::size_t>(order_[k])];
    for (std::size_t m = first_[k]; m < first_[k + 1]; ++m) y[static_cast<std::size_t>(neighbor_[m])] += share_[m] * value;
    value /= degree_[k];
  }
  if (n_ > 0) y[static_cast<std::size_t>(order_[n_ - 1])] = 0;
  for (std::size_t k = n_ > 0 ? n_ - 1 : 0; k-- > 0;) {
    double& value = y[static_cast<std::size_t>(order_[k])];
    for (std::size_t m = first_[k]; m < first_[k + 1]; ++m) value += share_[m] * y[static_cast<std::size_t>(neighbor_[m])];
  }
}

// What a node hands on, its heaviest neighbour gets the remainder of: not even rounding may be lost between two heavy parts
// that only light nodes join, else it shifts those.
std::vector<long double> LaplacianSolver::solve_exactly(std::vector<long double> rhs, std::vector<long double> rest) const {
  rest.resize(n_, 0);
  const auto add = [](Wide& sum, Wide& left_out, Wide value) {
    const Wide before = sum;
    sum += value;
    const Wide added = sum - before;
    left_out += (before - (sum - added)) + (value - added);
  };
  for (std::size_t k = 0; k + 1 < n_; ++k) {
    const auto node = static_cast<std::size_t>(order_[k]);
    Wide value = 0, value_rest = rest[node];
    add(value, value_rest, rhs[node]);
    add(value, value_rest, std::exchange(value_rest, 0));
    const Wide whole = value;
    for (std::size_t m = first_[k]; m < first_[k + 1]; ++m) {
      if (m == heaviest_[k]) continue;
      const auto to = static_cast<std::size_t>(neighbor_[m]);
      const Wide part = wide_share_[m] * whole;
      add(rhs[to], rest[to], part);
      add(value, value_rest, -part);
    }
    const auto to = static_cast<std::size_t>(neighbor_[heaviest_[k]]);
    add(rhs[to], rest[to], value);
    rest[to] += value_rest;
    rhs[node] = whole / wide_degree_[k];
  }
  if (n_ > 0) rhs[static_cast<std::size_t>(order_[n_ - 1])] = 0;
  for (std::size_t k = n_ > 0 ? n_ - 1 : 0; k-- > 0;) {
    Wide& value = rhs[static_cast<std::size_t>(order_[k])];
    for (std::size_t m = first_[k]; m < first_[k + 1]; ++m) value += wide_share_[m] * rhs[static_cast<std::size_t>(neighbor_[m])];
  }
  return rhs;
}

LaplacianSolution LaplacianSolver::solve(std::span<const double> rhs, double tolerance, int max_iterations) const {
  LaplacianSolution result;
  if (exact_) {
    const std::vector<Wide> x = solve_exactly(std::vector<Wide>(rhs.begin(), rhs.end()));
    result.x.assign(x.begin(), x.end());
    if (!std::all_of(result.x.begin(), result.x.end(), [](double value) { return std::isfinite(value); })) refuse_disconnected();
    return result;
  }
  result.x.assign(n_, 0.0);
  std::vector<double> r(rhs.begin(), rhs.end()), z = r;
  apply_inverse(z);
  std::vector<double> p = z, ap(n_);
  double rz = dot(r, z);
  const double start = rz;
  if (!std::isfinite(start)) refuse_disconnected();
  result.converged = start <= 0;
  while (!result.converged && result.iterations < max_iterations) {
    for (std::size_t i = 0; i < n_; ++i) {
      double sum = 0;
      for (std::size_t m = row_[i]; m < row_[i + 1]; ++m) sum += weight_[m] * (p[i] - p[static_cast<std::size_t>(column_[m])]);
      ap[i] = sum;
    }
    const double curvature = dot(p, ap);
    if (!(curvature > 0)) break;
    const double step = rz / curvature;
    for (std::size_t i = 0; i < n_; ++i) {
      result.x[i] += step * p[i];
      r[i] -= step * ap[i];
    }
    ++result.iterations;
    z = r;
    apply_inverse(z);
    const double next = dot(r, z);
    result.residual = std::sqrt(std::max(next, 0.0) / start);
    result.converged = result.residual <= tolerance;
    const double beta = next / rz;
    for (std::size_t i = 0; i < n_; ++i) p[i] = z[i] + beta * p[i];
    rz = next;
    if (!(rz > 0)) break;
  }
  result.converged = result.residual <= tolerance;
  return result;
}

}  // namespace saltus::kinetics
